"""Other right answers to training.reading."""

from __future__ import annotations

import numpy as np


def _reading_loop(steps, excess, high, low):
    rates, shares = [], []
    for curve in excess:
        at = []
        for level in (high, low):
            i = len(curve)
            while i > 0 and curve[i - 1] < level:
                i -= 1
            at.append(steps[i] if i < len(curve) else np.inf)
        rates.append(1 / at[0])
        shares.append(at[0] / at[1] if at[1] < np.inf else 0.0)
    return rates, shares


def _by_running_maximum(steps, excess, high, low):
    worst = np.maximum.accumulate(excess[:, ::-1], axis=1)[:, ::-1]  # of now and all that comes
    per_step = 1 / np.asarray(steps, dtype=float)
    rate, later = ((per_step * (worst < level)).max(axis=1) for level in (high, low))
    return rate, np.divide(later, rate, out=np.zeros_like(rate), where=rate > 0)


def _by_counting(steps, excess, high, low):
    below = [np.cumprod((excess < level)[:, ::-1], axis=1).sum(axis=1) for level in (high, low)]
    first, last = (np.array([steps[-k] if k else np.inf for k in count]) for count in below)
    return 1 / first, np.where(np.isinf(last), 0, first / np.where(np.isinf(last), 1, last))


RIGHT = (_reading_loop, _by_running_maximum, _by_counting)

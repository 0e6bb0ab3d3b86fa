"""Other right answers to continuum.order."""

from __future__ import annotations

import numpy as np


def _error(step, exact, count, end=1.0):
    x, h = exact(0.0), end / count
    for i in range(count):
        x = step(x, i * h, h)
    return float(np.linalg.norm(x - exact(end)))


def _fitted(step, exact):
    counts = np.array([32, 64, 128])
    errors = [_error(step, exact, n) for n in counts]
    return round(-np.polyfit(np.log(counts), np.log(errors), 1)[0])


RIGHT = (
    _fitted,
    lambda step, exact: round(np.log2(_error(step, exact, 40) / _error(step, exact, 80))),
)

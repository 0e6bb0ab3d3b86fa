"""Other right answers to measurement.completes."""

from __future__ import annotations

import numpy as np


def _share(x, belief):
    fit, judge = x[::2].astype(float), x[1::2].astype(float)
    m, b = fit.mean(axis=0), belief[::2].astype(float)
    W = np.linalg.pinv(fit - m) @ (b - b.mean(axis=0))
    off = belief[1::2] - ((judge - m) @ W + b.mean(axis=0))
    return 1 - np.square(off).sum() / (belief[1::2].var(axis=0).sum() * len(off))


def _until_found(states, belief):
    for s, x in enumerate(states):
        if _share(x, belief) >= 0.9:
            return s
    return -1


RIGHT = (
    _until_found,
    lambda states, belief: ([s for s, x in enumerate(states) if _share(x, belief) >= 0.9] + [-1])[
        0
    ],
)

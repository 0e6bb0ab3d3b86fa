"""Other right answers to thermodynamics.sparsemax."""

from __future__ import annotations

import numpy as np


def _by_bisection(z):
    low, high = z.min() - 1.0, z.max()
    for _ in range(100):
        t = (low + high) / 2
        low, high = (t, high) if np.maximum(z - t, 0).sum() > 1 else (low, t)
    return np.maximum(z - t, 0)


def _by_dropping(z):
    kept = np.ones(len(z), dtype=bool)
    while True:
        t = (z[kept].sum() - 1) / kept.sum()
        if (z[kept] > t).all():
            return np.where(kept, z - t, 0)
        kept &= z > t


RIGHT = (
    _by_bisection,
    _by_dropping,
    lambda z: np.maximum(
        z - max((np.sort(z)[::-1][:k].sum() - 1) / k for k in range(1, len(z) + 1)), 0
    ),
)

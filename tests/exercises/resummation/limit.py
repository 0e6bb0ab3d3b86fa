"""Other right answers to resummation.limit."""

from __future__ import annotations

import numpy as np


def _inverse(v):
    return v / (v @ v)


def _wynn(change):
    """A limit in which `change(late, early, S)` takes the place of the formula."""
    return lambda S: change(S[2] - S[1], S[1] - S[0], S)


def _closed(S):
    # the same fraction with the inverses multiplied out
    a, b = S[1] - S[0], S[2] - S[1]
    aa, bb, ab = a @ a, b @ b, a @ b
    return S[1] + (aa * b - bb * a) / (aa + bb - 2 * ab)


def _by_table(S):
    columns = [np.zeros((4, S.shape[1])), np.asarray(S, dtype=float)]
    for _ in range(2):
        older, newest = columns[-2:]
        steps = np.diff(newest, axis=0)
        columns.append(older[1 : len(steps) + 1] + steps / (steps**2).sum(1, keepdims=True))
    return columns[-1][0]


RIGHT = (
    _closed,
    _by_table,
    _wynn(lambda b, a, S: S[1] + _inverse(_inverse(b) - _inverse(a))),
    _wynn(lambda b, a, S: S[1] - _inverse(_inverse(a) - _inverse(b))),
)

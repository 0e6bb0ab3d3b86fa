"""Other right answers to resummation.mixed."""

from __future__ import annotations

import numpy as np


def _weights(x, y):
    """Weights of the first and the second state, sum 1, of least residual: by the KKT system."""
    r = np.asarray(y) - np.asarray(x)
    M = np.zeros((3, 3))
    M[:2, :2], M[2, :2], M[:2, 2] = r @ r.T, 1.0, 1.0
    return np.linalg.solve(M, [0.0, 0.0, 1.0])[:2]


def _by_lstsq(x, y):
    r = y - x
    w = np.linalg.lstsq((r[1] - r[0])[:, None], r[1], rcond=None)[0][0]
    return (1 - w) * y[1] + w * y[0]


def _from_the_first(x, y):
    r0, r1 = y - x
    w = -(r0 @ (r1 - r0)) / ((r1 - r0) @ (r1 - r0))
    return (1 - w) * y[0] + w * y[1]


def _changed(weight, of="y", sign=1):
    """A mixed with another weight, of the states, or with another sign."""

    def function(x, y):
        r = y - x
        w = sign * weight(r[0], r[1], x, y)
        z = {"x": x, "y": y, "r": r}[of]
        return z[1] - w * (z[1] - z[0])

    return function


def _right_weight(r0, r1, x, y):
    return (r1 @ (r1 - r0)) / ((r1 - r0) @ (r1 - r0))


RIGHT = (
    lambda x, y: _weights(x, y) @ np.asarray(y),
    _by_lstsq,
    _from_the_first,
    _changed(_right_weight),
)

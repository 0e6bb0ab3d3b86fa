"""Other right answers to dyson.paths."""

from __future__ import annotations

import numpy as np


def chain(V, x):
    """Return ... V[1] V[0] x."""
    for step in V:
        x = step @ x
    return x


def _bits(p, k):
    return [step for step in range(k) if p >> step & 1]


def _rows(choose):
    """Return paths in which `choose(p, k)` lists the steps of row p as they act."""

    def rows(V, x):
        k = len(V)
        return np.array([chain([V[step] for step in choose(p, k)], x) for p in range(2**k)])

    return rows


def _each(act):
    """Return paths in which step V with bit b makes `act(V, b, y)` of y."""

    def rows(V, x):
        found = []
        for p in range(2 ** len(V)):
            y = x
            for step, matrix in enumerate(V):
                y = act(matrix, p >> step & 1, y)
            found.append(y)
        return np.array(found)

    return rows


def _recursive(V, x):
    if not len(V):
        return [x]
    before = _recursive(V[:-1], x)
    return [*before, *(V[-1] @ y for y in before)]


RIGHT = (
    _rows(_bits),
    _each(lambda V, bit, y: V @ y if bit else y),
    _each(lambda V, bit, y: np.einsum("ij,j->i", bit * V + (1 - bit) * np.eye(len(V)), y)),
    _recursive,
)

"""Other right answers to channels.operator."""

from __future__ import annotations

import numpy as np


def _by_columns(A, W):
    N, d = len(A[0]), len(W[0])
    basis = np.eye(N * d).reshape(N * d, N, d)
    return np.array([sum(a @ x @ w.T for a, w in zip(A, W, strict=True)).ravel() for x in basis]).T


def _by_blocks(A, W):
    def block(i, j):
        return sum(A[n][i][j] * W[n] for n in range(len(A)))

    positions = range(len(A[0]))
    return np.block([[block(i, j) for j in positions] for i in positions])


def _matrix(blocks):
    """Return [i, a, j, b] as a matrix with rows (i, a) and columns (j, b)."""
    rows = blocks.shape[0] * blocks.shape[1]
    return blocks.reshape(rows, rows)


def _each(A, W):
    return np.stack([np.kron(a, w) for a, w in zip(A, W, strict=True)])


RIGHT = (
    lambda A, W: _matrix(np.einsum("hij,hab->iajb", A, W)),
    lambda A, W: _each(A, W).sum(axis=0),
    _by_columns,
    _by_blocks,
)

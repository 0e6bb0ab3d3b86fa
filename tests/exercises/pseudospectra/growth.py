"""Other right answers to pseudospectra.growth."""

from __future__ import annotations

from functools import reduce

import numpy as np

from operator_lab.exercises.pseudospectra.growth import _norms, _products


def _by_slices(A):
    one = np.eye(A.shape[1])
    return [np.linalg.norm(reduce(lambda P, F: F @ P, A[:k], one), 2) for k in range(len(A) + 1)]


def _transposed(A):
    # the norm of a product is that of its transpose, factors the other way round
    P, norms = np.eye(A.shape[1]), [1.0]
    for factor in A:
        P = P @ factor.T
        norms.append(np.linalg.svd(P, compute_uv=False).max())
    return norms


RIGHT = (
    lambda A: _norms(_products(A)),
    _by_slices,
    _transposed,
    lambda A: np.linalg.svd(_products(A), compute_uv=False)[:, 0],
)

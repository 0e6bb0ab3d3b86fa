"""Other right answers to channels.overlap."""

from __future__ import annotations

import numpy as np

from operator_lab.exercises.channels.overlap import _random


def _basis(A):
    return np.linalg.qr(A)[0]


def _smaller(A, B):
    return min(A.shape[1], B.shape[1])


def _cosines(A, B):
    """Return the cosines of the principal angles, the largest first."""
    return np.linalg.svd(_basis(A).T @ _basis(B), compute_uv=False)


def _gram_schmidt(A):
    found = []
    for column in A.T:
        for q in found:
            column = column - (q @ column) * q
        found.append(column / np.sqrt(column @ column))
    return found


def _by_loop(A, B):
    pairs = [(a @ b) ** 2 for a in _gram_schmidt(A) for b in _gram_schmidt(B)]
    k, m = len(A[0]), len(B[0])
    return sum(pairs) / (k if k < m else m), (m if k < m else k) / len(A)


def _by_projectors(A, B):
    P, Q = (M @ np.linalg.pinv(M) for M in (A, B))
    return np.trace(P @ Q) / _smaller(A, B), _random(A, B)


def _mean_square(change, A, B):
    """Return the mean squared cosine as it would be for two orthonormal bases `change(A, B)`."""
    Q_A, Q_B = change(A, B)
    return np.sum((Q_A.T @ Q_B) ** 2) / _smaller(A, B)


def _measured(change):
    """Return an overlap with `change(A, B)` in the first place and the right second number."""
    return lambda A, B: (change(A, B), _random(A, B))


def _bases(change):
    """Return an overlap in which `change(A, B)` takes the place of the orthonormal bases."""
    return _measured(lambda A, B: _mean_square(change, A, B))


RIGHT = (
    _measured(lambda A, B: (_cosines(A, B) ** 2).mean()),
    _bases(lambda A, B: tuple(np.linalg.svd(M, full_matrices=False)[0] for M in (A, B))),
    lambda A, B: (
        np.einsum("dk,dm,ek,em->", _basis(A), _basis(B), _basis(A), _basis(B)) / _smaller(A, B),
        _random(A, B),
    ),
    _by_projectors,
    _by_loop,
)

"""Other right answers to pseudospectra.distance."""

from __future__ import annotations

import numpy as np

from operator_lab.exercises.pseudospectra.distance import _as_array


def _by_resolvent(A, z):
    return [1 / np.linalg.norm(np.linalg.inv(w * np.eye(len(A)) - A), 2) for w in z]


def _by_eigenvalues(A, z):
    found = []
    for w in z:
        M = w * np.eye(len(A)) - _as_array(A)
        found.append(np.sqrt(abs(np.linalg.eigvalsh(M.conj().T @ M)[0])))
    return np.array(found)


def _singular(M):
    return np.linalg.svd(M, compute_uv=False)


def _shifted(A, z):
    return z[:, None, None] * np.eye(len(A)) - A


RIGHT = (
    _by_resolvent,
    _by_eigenvalues,
    lambda A, z: np.linalg.norm(_shifted(A, z), -2, axis=(1, 2)),
    lambda A, z: [_singular(A - w * np.eye(len(A))).min() for w in z],
)

"""Other right answers to pseudospectra.nudge."""

from __future__ import annotations

import numpy as np


def _by_eigenvector(A, z):
    M = z * np.eye(len(A)) - A
    v = np.linalg.eigh(M.T @ M / np.abs(M).max() ** 2)[1][:, 0]
    return np.outer(M @ v, v)


def _what_is_left(A, z):
    M = z * np.eye(len(A)) - A
    U, sigma, Vt = np.linalg.svd(M)
    return M - (U[:, :-1] * sigma[:-1]) @ Vt[:-1]


RIGHT = (_by_eigenvector, _what_is_left)

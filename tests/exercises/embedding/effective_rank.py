"""Other right answers to embedding.effective_rank."""

from __future__ import annotations

import numpy as np

from operator_lab.exercises.embedding.effective_rank import _values


def _of_shares(sigma):
    return np.exp(entropy(sigma / sigma.sum()))


def _by_powers(M):
    sigma = _values(M)
    p = sigma / sum(sigma)
    return np.prod(p ** (-p))  # 0 ** -0 = 1


def _by_loop(M):
    sigma = np.linalg.svd(M)[1]
    total, H = float(sum(sigma)), 0.0
    for s in sigma:
        if s > 0:
            H -= s / total * np.log(s / total)
    return np.e**H


def _by_eigenvalues(M):
    M = np.asarray(M, dtype=float)  # squares lose half the digits
    squares = np.linalg.eigvalsh(M.T @ M)
    return _of_shares(np.sqrt(np.maximum(squares, 0)))


def entropy(p):
    """Return -sum p log p, of the entries that are not 0."""
    return -(p[p > 0] * np.log(p[p > 0])).sum()


RIGHT = (_by_powers, _by_loop, _by_eigenvalues)

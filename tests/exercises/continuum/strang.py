"""Other right answers to continuum.strang."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm


def _series(M):
    # e^M by squaring a short Taylor series
    small, term, total = M / 1024, np.eye(len(M)), np.eye(len(M))
    for k in range(1, 7):
        term = term @ small / k
        total = total + term
    for _ in range(10):
        total = total @ total
    return total


def _by_eigenvectors(M):
    values, vectors = np.linalg.eig(M)
    return (vectors * np.exp(values) @ np.linalg.inv(vectors)).real


RIGHT = (
    lambda A, B, h: _series(h / 2 * A) @ _series(h * B) @ _series(h / 2 * A),
    lambda A, B, h: (lambda E: E(h / 2 * A) @ E(h * B) @ E(h / 2 * A))(_by_eigenvectors),
    lambda A, B, h: np.linalg.multi_dot([expm(h * M) for M in (A / 2, B / 2, B / 2, A / 2)]),
)

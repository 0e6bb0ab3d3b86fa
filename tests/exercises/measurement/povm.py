"""Other right answers to measurement.povm."""

from __future__ import annotations

import numpy as np


def _outer(u, w=None):
    return np.einsum("ki,kj->kij", u, u if w is None else w)


def _root(W_U, power=-0.5):
    """Return a power of S."""
    eigenvalues, Q = np.linalg.eigh(W_U.T @ W_U)
    return (Q * eigenvalues**power) @ Q.T


def _polar(W_U):
    U, _, Vt = np.linalg.svd(W_U, full_matrices=False)
    return _outer(U @ Vt)


def _newton(S):
    """Return S^-1/2 by Denman and Beavers' iteration: means of a matrix and an inverse."""
    Y, Z = S, np.eye(len(S))
    for _ in range(40):
        Y, Z = (Y + np.linalg.inv(Z)) / 2, (Z + np.linalg.inv(Y)) / 2
    return Z


def _by_loop(W_U):
    root = _newton(sum(np.outer(v, v) for v in W_U))
    return [root @ np.outer(v, v) @ root for v in W_U]


RIGHT = (
    _polar,
    _by_loop,
    lambda W_U: np.einsum("ia,ka,kb,bj->kij", _root(W_U), W_U, W_U, _root(W_U)),
)

"""Other right answers to embedding.downfold."""

from __future__ import annotations

import numpy as np


def _kept(change):
    """Return a downfold made of `change(U, sigma, Vt, rank)`."""
    return lambda W, rank: change(*np.linalg.svd(W, full_matrices=False), rank)


def _one_by_one(W, rank):
    rest, found = np.array(W, dtype=float), np.zeros(W.shape)
    for _ in range(rank):
        U, sigma, Vt = np.linalg.svd(rest)
        piece = sigma[0] * np.outer(U[:, 0], Vt[0])
        rest, found = rest - piece, found + piece
    return found


def _projected(W, rank):
    _, vectors = np.linalg.eigh(W.T @ W)  # ascending
    P = vectors[:, -rank:] @ vectors[:, -rank:].T
    return W @ P


RIGHT = (
    _kept(
        lambda U, sigma, Vt, rank: np.einsum("vk,k,kd->vd", U[:, :rank], sigma[:rank], Vt[:rank])
    ),
    _kept(lambda U, sigma, Vt, rank: U @ np.diag(sigma * (np.arange(len(sigma)) < rank)) @ Vt),
    _kept(lambda U, sigma, Vt, rank: sum(sigma[k] * np.outer(U[:, k], Vt[k]) for k in range(rank))),
    _one_by_one,
    _projected,
)

"""Other right answers to mixing.mixing."""

from __future__ import annotations

import numpy as np


def past(S, diagonal=0):
    """Return which keys a query may see: those up to itself, shifted by `diagonal`."""
    return np.tril(np.ones(S.shape, dtype=bool), diagonal)


def softmax(z, axis=1):
    """Return exp(z) shared out along an axis."""
    w = np.exp(z - z.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


def masked(z, allowed=None, fill=-np.inf):
    """Return z where it is allowed (by default the past), `fill` elsewhere."""
    return np.where(past(z) if allowed is None else allowed, z, fill)


def _mixing_loop(S, T):
    A = np.zeros(S.shape)
    for i in range(len(S)):
        z = S[i, : i + 1] / T
        w = np.exp(z - max(z))
        A[i, : i + 1] = w / sum(w)
    return A


def _after_exp(S, T):
    allowed = np.tril(np.ones(S.shape))
    top = np.max(S, axis=1, keepdims=True, where=allowed > 0, initial=-np.inf)
    w = np.tril(np.exp((S - top) / T))
    return w / w.sum(axis=1, keepdims=True)


def _log_sum_exp(S, T):
    z = masked(S / T)
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


RIGHT = (
    lambda S, T: softmax(np.where(past(S), S, -1e9) / T),
    lambda S, T: softmax(np.where(past(S), S, -np.inf) / T),
    _after_exp,
    _log_sum_exp,
    _mixing_loop,
)

"""Other right answers to mixing.update."""

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


def _overlaps(x, W_Q, W_K):
    return x @ W_Q.T @ W_K @ x.T


def _update_loop(x, W_Q, W_K, W_V, tau=1.0):
    out, T = x.copy(), tau * W_Q.shape[0] ** 0.5
    for i in range(len(x)):
        z = np.array([(W_Q @ x[i]) @ (W_K @ x[j]) / T for j in range(i + 1)])
        w = np.exp(z - z.max())
        out[i] = x[i] + sum(w[j] * (W_V @ x[j]) for j in range(i + 1)) / w.sum()
    return out


def _update_by_index(x, W_Q, W_K, W_V, tau=1.0):
    z = np.einsum("ia,ka,kb,jb->ij", x, W_Q, W_K, x) / (tau * np.sqrt(W_K.shape[0]))
    return x + np.einsum("ij,ja,da->id", softmax(masked(z)), x, W_V)


def _update(change):
    """Return an update in which `change(x, W_Q, W_K, W_V, T, tau)` takes the place of x + A V."""

    def changed(x, W_Q, W_K, W_V, tau=1.0):
        return change(x, W_Q, W_K, W_V, tau * np.sqrt(len(W_Q)), tau)

    return changed


RIGHT = (
    _update(
        lambda x, W_Q, W_K, W_V, T, tau: (
            x + softmax(masked(_overlaps(x, W_Q, W_K) / T, fill=-1e9)) @ x @ W_V.T
        )
    ),
    _update_by_index,
    _update_loop,
)

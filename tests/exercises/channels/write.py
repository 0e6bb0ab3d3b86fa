"""Other right answers to channels.write."""

from __future__ import annotations

import numpy as np


def _columns(W_O, h):
    """Return the columns of W_O that belong to each head [h, d, d_k]."""
    return W_O.reshape(len(W_O), h, -1).swapaxes(0, 1)


def _added(A, v, blocks):
    """Return the sum of A_h v_h W_h^T over the heads."""
    return np.einsum("hij,hjk,hdk->id", A, v, blocks)


def _concatenated(A, v):
    return np.hstack(list(A @ v))


def _write_loop(A, v, W_O):
    out, d_k = np.zeros((len(A[0]), len(W_O))), len(v[0][0])
    for n in range(len(A)):
        for i in range(len(out)):
            collected = sum(A[n][i][j] * v[n][j] for j in range(len(out)))
            out[i] += W_O[:, n * d_k : (n + 1) * d_k] @ collected
    return out


RIGHT = (
    lambda A, v, W_O: _added(A, v, _columns(W_O, len(v))),
    lambda A, v, W_O: _concatenated(A, v) @ W_O.T,
    lambda A, v, W_O: sum(
        a @ (u @ W.T) for a, u, W in zip(A, v, np.split(W_O, len(v), axis=1), strict=True)
    ),
    _write_loop,
)

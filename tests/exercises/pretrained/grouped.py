"""Other right answers to pretrained.grouped."""

from __future__ import annotations

import numpy as np


def _grouped_by_reshape(Q, K):
    grouped = Q.reshape(len(K), -1, *Q.shape[1:])
    return (grouped @ K[:, None].swapaxes(-1, -2)).reshape(len(Q), Q.shape[1], -1)


def _grouped_by_loop(Q, K):
    size = len(Q) // len(K)
    return [[[sum(q * k) for k in K[h // size]] for q in rows] for h, rows in enumerate(Q)]


RIGHT = (
    lambda Q, K: Q @ np.repeat(K, len(Q) // len(K), axis=0).swapaxes(1, 2),
    _grouped_by_reshape,
    _grouped_by_loop,
)

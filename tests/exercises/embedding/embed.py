"""Other right answers to embedding.embed."""

from __future__ import annotations

import numpy as np


def _by_loop(W_E, tokens):
    X = [[float(v == w) for v in range(len(W_E))] for w in tokens]
    return X, [list(W_E[w]) for w in tokens]


def _placed(W_E, tokens):
    X = np.zeros((len(tokens), len(W_E)), dtype=int)
    X[np.arange(len(tokens)), tokens] = 1
    return X, np.einsum("nv,vd->nd", X, W_E)


RIGHT = (
    lambda W_E, tokens: ((tokens[:, None] == np.arange(len(W_E))) * 1.0, W_E[tokens]),
    lambda W_E, tokens: [np.eye(len(W_E)).take(tokens, 0), W_E.take(tokens, 0)],
    _by_loop,
    _placed,
)

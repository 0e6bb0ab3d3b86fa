"""Other right answers to training.loss."""

from __future__ import annotations

import numpy as np

from operator_lab.exercises.training.loss import _that_came


def one_hot(tokens, V):
    """Return a row for each label, 1 in its column and 0 elsewhere."""
    return (np.arange(V) == np.asarray(tokens)[:, None]) * 1.0


def log_law(z, axis=1):
    """Return log p = z - log Z, finite however small p is."""
    top = z.max(axis=axis, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(axis=axis, keepdims=True))


def _loss_loop(z, tokens):
    total = 0.0
    for row, word in zip(z, tokens, strict=True):
        top = max(row)
        total += top - row[word] + np.log(sum(np.exp(a - top) for a in row))
    return total / len(z)


RIGHT = (
    lambda z, tokens: -_that_came(log_law(z), tokens).mean(),
    lambda z, tokens: np.mean(np.logaddexp.reduce(z, axis=1) - z[range(len(z)), tokens]),
    lambda z, tokens: -np.einsum("nv,nv->", one_hot(tokens, len(z[0])), log_law(z)) / len(z),
    _loss_loop,
)

"""Other right answers to layernorm.normalise."""

from __future__ import annotations

import numpy as np


def _mean(x, axis=1):
    return x.mean(axis=axis, keepdims=True)


def _scaled(sigma, centre=_mean):
    """Return LayerNorm that divides by `sigma(x, eps)` and subtracts `centre(x)`."""
    return lambda x, gain, bias, eps: gain * (x - centre(x)) / sigma(x, eps) + bias


def _sigma(x, eps):
    return np.sqrt(x.var(axis=1, keepdims=True) + eps)


def _loop(x, gain, bias, eps):
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        var = sum((a - mean) ** 2 for a in row) / len(row)
        rows.append(
            [
                g * (a - mean) / (var + eps) ** 0.5 + b
                for a, g, b in zip(row, gain, bias, strict=True)
            ]
        )
    return rows


def _projected(x, gain, bias, eps):
    c = x @ (np.eye(x.shape[1]) - 1 / x.shape[1])
    square = np.einsum("nd,nd->n", c, c)[:, None] / len(gain)
    return c @ np.diag(gain) / np.sqrt(square + eps) + bias


RIGHT = (
    _scaled(_sigma),
    _loop,
    _projected,
)

"""Other right answers to layernorm.fold."""

from __future__ import annotations

import numpy as np


def _projected(gain, bias, W):
    d = len(gain)
    return W @ np.diag(gain) @ (np.eye(d) - 1 / d), np.einsum("kd,d->k", W, bias)


def _by_loop(gain, bias, W):
    rows = []
    for row in W:
        read = [w * g for w, g in zip(row, gain, strict=True)]
        rows.append([r - sum(read) / len(read) for r in read])
    return rows, [sum(row * bias) for row in W]


RIGHT = (_projected, _by_loop)

"""Other right answers to layernorm.growth."""

from __future__ import annotations

import numpy as np


def _one_by_one(steps, size):
    found = []
    for count in steps:
        square = 1.0
        for _ in range(int(count)):
            square += size * size
        found.append(square**0.5)
    return found


def _by_triangles(steps, size):
    # each write stands at a right angle to the state so far
    sizes = [1.0]
    for _ in range(int(max(steps))):
        sizes.append(np.hypot(sizes[-1], size))
    return np.array([sizes[int(n)] for n in steps])


RIGHT = (
    lambda steps, size: np.hypot(1, size * np.sqrt(steps)),
    lambda steps, size: np.exp(np.log1p(size**2 * steps) / 2),
    _one_by_one,
    _by_triangles,
)

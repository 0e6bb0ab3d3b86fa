"""Other right answers to thermodynamics.rotary."""

from __future__ import annotations

import numpy as np


def _complex(x, frequencies):
    z = x[:, 0::2] + 1j * x[:, 1::2]
    z = z * np.exp(1j * np.arange(len(x))[:, None] * frequencies)
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


def _by_matrices(x, frequencies):
    rows = []
    for m, row in enumerate(x):
        turned = []
        for i, f in enumerate(frequencies):
            c, s = np.cos(m * f), np.sin(m * f)
            turned += list(np.array([[c, -s], [s, c]]) @ row[2 * i : 2 * i + 2])
        rows.append(turned)
    return np.array(rows)


def _turned(change):
    """A rotary in which `change(angle, even, odd)` gives the two halves of each pair."""

    def rotate(x, frequencies):
        angle = np.arange(len(x))[:, None] * frequencies
        pair = change(angle, x[:, 0::2], x[:, 1::2])
        return np.stack(pair, axis=-1).reshape(x.shape)

    return rotate


RIGHT = (
    _complex,
    _by_matrices,
    _turned(
        lambda t, a, b: (
            np.hypot(a, b) * np.cos(np.arctan2(b, a) + t),
            np.hypot(a, b) * np.sin(np.arctan2(b, a) + t),
        )
    ),
)

"""Rotary position embeddings (RoPE): what symmetry they have, and what they break.

Each pair of features is turned by an angle that grows with the position, so that overlaps know
only how far apart two positions are (Su et al. 2021, arXiv 2104.09864).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import number, whole

BASE = 10_000.0


def frequencies(features: int, base: float = BASE) -> Float[ndarray, "half"]:
    """The angle per position of each pair of features, base^(-2i/features).

    LabError for an odd number of features: they are turned in pairs.
    """
    if whole(features, "features", least=2) % 2:
        raise LabError(
            f"Rotary embeddings turn features in pairs; {features!r} cannot be paired, take an "
            "even number."
        )
    base = number(base, "base of the frequencies", above=0)
    return base ** (-np.arange(0, features, 2) / features)


def rotated(
    x: Float[ndarray, "*n N k"],
    positions: Float[ndarray, "N"] | None = None,
    base: float = BASE,
) -> Float[ndarray, "*n N k"]:
    """Queries or keys [..., position, feature], each pair (2i, 2i + 1) turned by its angle (RoPE).

    `positions` counts from 0 when left out. LabError for an odd number of features, NaN, or as
    many positions as there are not.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim < 2 or not np.isfinite(x).all():
        raise LabError(f"Rotary embeddings turn finite arrays [position, feature]; got {x.shape}.")
    places = np.arange(x.shape[-2]) if positions is None else np.asarray(positions, dtype=float)
    if places.shape != x.shape[-2:-1]:
        raise LabError(f"There are {x.shape[-2]} positions, but {places.shape} were named.")
    angle = places[:, None] * frequencies(x.shape[-1], base)
    cos, sin = np.cos(angle), np.sin(angle)
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def interaction(
    q: Float[ndarray, "*n N k"],
    k: Float[ndarray, "*n N k"],
    positions: Float[ndarray, "N"] | None = None,
    base: float = BASE,
) -> Float[ndarray, "*n N N"]:
    """S_ij = (R_i q_i) . (R_j k_j): it depends on the positions through j - i alone."""
    return rotated(q, positions, base) @ rotated(k, positions, base).swapaxes(-1, -2)

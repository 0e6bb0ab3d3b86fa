"""Queries and keys turned by their place (RoPE; Su et al. 2021, arXiv 2104.09864)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

Array = TypeVar("Array", Tensor, ndarray)


def turned(x: Array, rotation: Sequence[float], places: ndarray) -> Array:
    """Turn each pair of features (m, m + d_k / 2) of x [..., N, d_k] by its place.

    `rotation` is in radians per position; left empty, nothing turns. A negative place turns back;
    `places` need only broadcast with the axes of x but the last.
    """
    if not rotation:
        return x
    angle = np.asarray(places)[..., None] * np.asarray(rotation)
    cos, sin = np.cos(angle), np.sin(angle)
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    if isinstance(x, Tensor):
        cos, sin = (torch.from_numpy(c).to(x.dtype).to(x.device) for c in (cos, sin))
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
    cos, sin = (c.astype(x.real.dtype) for c in (cos, sin))
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

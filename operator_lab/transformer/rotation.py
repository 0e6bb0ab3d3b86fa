"""Queries and keys turned by their place (RoPE; Su et al. 2021, arXiv 2104.09864)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

Array = TypeVar("Array", Tensor, ndarray)


def turned(x: Array, rotation: Sequence[float], places: ndarray | range) -> Array:
    """Turn each pair of features (m, m + r) of x [..., N, d_k] by its place, r angles for r pairs.

    `rotation` is in radians per position; left empty, nothing turns, and what is no pair stays as
    it is. A negative place turns back; `places` need only broadcast with the axes of x but the
    last (of a tensor: one place a row).
    """
    if not rotation:
        return x
    half = len(rotation)
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    if isinstance(x, Tensor):
        row = places if isinstance(places, range) else tuple(places.tolist())
        cos, sin = _waves(tuple(rotation), row, x.dtype, x.device)
        first, second = a * cos - b * sin, b * cos + a * sin
        return torch.cat([first, second, rest.expand(*first.shape[:-1], -1)], -1)
    cos, sin = (wave.astype(x.real.dtype) for wave in _angles(rotation, places))
    pairs: ndarray = np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
    still = np.broadcast_to(rest, (*pairs.shape[:-1], rest.shape[-1]))
    return np.concatenate([pairs, still], -1)


def _angles(rotation: Sequence[float], places: ndarray | range | tuple) -> tuple[ndarray, ndarray]:
    angle = np.asarray(places)[..., None] * np.asarray(rotation)
    return np.cos(angle), np.sin(angle)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept for passes that are differentiated, too
def _waves(rotation: tuple, places: range | tuple, dtype, device) -> tuple[Tensor, Tensor]:
    """Cosines and sines where the states are: a pass that is captured may fetch nothing (Slope)."""
    cos, sin = (torch.from_numpy(wave).to(dtype).to(device) for wave in _angles(rotation, places))
    return cos, sin

"""Distances in buckets, the near ones each their own (Raffel et al. 2020, arXiv 1910.10683)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Int
from torch import Tensor

FARTHEST = 128  # positions; what is farther shares one bucket


def buckets(ahead: Int[Tensor, "*n"], count: int) -> Int[Tensor, "*n"]:
    """The bucket of each distance, key minus query: half of them are for keys that lie ahead.

    A quarter of all buckets hold one distance each, the rest grow in proportion to the distance.
    """
    half, near = count // 2, count // 4
    far = ahead.abs()
    # in float32, as the networks were trained: at an edge the rounding decides
    ratio = torch.log(far.clamp(min=1).to(torch.float32) / near) / math.log(FARTHEST / near)
    grown = (near + (ratio * (half - near)).long()).clamp(max=half - 1)
    return half * (ahead > 0) + torch.where(far < near, far, grown)

"""The norm of a state (LayerNorm, RMSNorm)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..shape import Shape


class LayerNorm(nn.Module):
    """Shift a state to mean 0 (not with `rms`) and scale it to variance 1, per position.

    N(x) = g (x - mean x) / sigma + b, sigma = sqrt(var x + eps) (paper III.6, IV.1).
    """

    def __init__(self, shape: Shape, width: int | None = None):
        super().__init__()
        self.rms, self.eps = shape.rms, shape.eps
        size, biased = width or shape.features, width is None and shape.biased("norm")
        self.gain = nn.Parameter(torch.ones(size))  # of queries and keys, `width` wide: no bias
        self.bias = nn.Parameter(torch.zeros(size)) if biased else None

    def forward(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N d"]:
        if not self.rms:
            return F.layer_norm(x, x.shape[-1:], self.gain, self.bias, self.eps)
        y = F.rms_norm(x, x.shape[-1:], self.gain, self.eps)
        return y if self.bias is None else y + self.bias

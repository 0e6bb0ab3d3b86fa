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

    def __init__(self, shape: Shape):
        super().__init__()
        self.rms, self.eps = shape.rms, shape.eps
        self.gain = nn.Parameter(torch.ones(shape.features))
        self.bias = nn.Parameter(torch.zeros(shape.features)) if shape.biased("norm") else None

    def forward(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N d"]:
        if not self.rms:
            return F.layer_norm(x, x.shape[-1:], self.gain, self.bias, self.eps)
        y = F.rms_norm(x, x.shape[-1:], self.gain, self.eps)
        return y if self.bias is None else y + self.bias

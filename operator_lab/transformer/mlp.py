"""The on-site potential of a layer (feed-forward network)."""

from __future__ import annotations

import warnings

from jaxtyping import Float
from torch import Tensor, nn

from ..shape import Shape
from .activations import ACTIVATIONS
from .note import PLAIN, Note


class MLP(nn.Module):
    """The on-site potential: acts on each position by itself (feed-forward network; III.1).

    W_2 f(W_1 u); gated, W_2 [f(W_3 u) W_1 u] (SwiGLU; Shazeer 2020, arXiv 2002.05202).
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.activation = ACTIVATIONS[shape.activation].apply
        d, m = shape.features, shape.hidden
        with warnings.catch_warnings():  # hidden=0 is meant
            warnings.simplefilter("ignore", UserWarning)
            self.W_1 = nn.Linear(d, m, bias=shape.biased("W_1"))
            self.W_2 = nn.Linear(m, d, bias=shape.biased("W_2"))
            self.W_3 = nn.Linear(d, m, bias=shape.biased("W_3")) if shape.gated else None

    def forward(
        self, u: Float[Tensor, "*batch N d"], layer: int, note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        u = note("mlp_input", layer, u)
        z = note("hidden", layer, self.W_1(u))
        if self.W_3 is None:
            bent = self.activation(z)
        else:
            bent = self.activation(note("gate", layer, self.W_3(u))) * z
        return self.W_2(note("neuron", layer, bent))

"""What reads masked words: one more map, activation and norm before the words (MLM head)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from ..shape import Shape
from .activations import ACTIVATIONS
from .norm import LayerNorm


class Head(nn.Module):
    """Logits W_U N(f(W x)) of a state x (Devlin et al. 2019, arXiv 1810.04805).

    Its W_U meets no state of the stream, so it is no read-out for the instruments that take one.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.activation = ACTIVATIONS[shape.activation].apply
        self.W = nn.Linear(shape.features, shape.features, bias=shape.biased("head"))
        self.norm = LayerNorm(shape)
        self.W_U = nn.Linear(shape.features, shape.vocabulary, bias=shape.biased("W_U"))

    def forward(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N V"]:
        return self.W_U(self.norm(self.activation(self.W(x))))

"""Transformer: a forward pass in which every intermediate has a name, in one code path."""

from .attention import Attention
from .mlp import MLP
from .network import TINY, Layer, Transformer
from .norm import LayerNorm
from .note import PLAIN, POINTS, Note, places

__all__ = [
    "MLP", "PLAIN", "POINTS", "TINY", "Attention", "Layer", "LayerNorm", "Note", "Transformer",
    "places",
]  # fmt: skip

"""A minimal Transformer, from scratch, every intermediate named in one code path.

States are rows: `x[..., position, feature]`. Weights act as in the paper on columns, so a row
meets their transpose: q = W_Q x is written `x @ W_Q.T`. Layers count from 0.

The forward pass hands every named intermediate to `note(name, index, value)` and goes on with
what comes back: as it is, kept on its way, or changed (`operator_lab.run`). Their names, and the
rule that makes them, stand in `note`.

Reference: Chang 2026 (arXiv 2603.11322), Eq. 1-2; Vaswani et al. 2017 (arXiv 1706.03762).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..errors import LabError
from ..shape import Shape
from .attention import Attention
from .head import Head
from .mlp import MLP
from .norm import LayerNorm
from .note import PLAIN, Note

TINY = 1e-9  # keeps the logarithm of a vanishing overlap, and its slope, finite


class Layer(nn.Module):
    """Two steps: mixing between positions, then the potential on each (a block)."""

    def __init__(self, shape: Shape, first: bool = False):
        super().__init__()
        self.placement, self.parallel = shape.norm, shape.parallel

        def norm(*placements: str) -> nn.Module:
            return LayerNorm(shape) if shape.norm in placements else nn.Identity()

        inside = "pre", "post", "both"
        self.norm_1 = nn.Identity() if first and not shape.first_norm else norm(*inside)
        self.attention, self.write_norm_1 = Attention(shape), norm("write", "both")
        self.norm_2 = norm(*inside)
        self.mlp, self.write_norm_2 = MLP(shape), norm("write", "both")

    def forward(
        self, x: Float[Tensor, "*batch N d"], layer: int, note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        before, s = x, 2 * layer
        x = self.step(x, x, self.attention, self.norm_1, self.write_norm_1, s, note)
        read = before if self.parallel else x
        return self.step(x, read, self.mlp, self.norm_2, self.write_norm_2, s + 1, note)

    def step(self, x, read, act, norm, write_norm, s, note):
        """x + write (paper Eq. 2), with the norm before, after, of the write, or nowhere."""
        after = self.placement == "post"
        write = write_norm(act(read if after else norm(read), s // 2, note))
        x = x + note("step_write", s, write)
        return note("state", s + 1, norm(x) if after else x)


class Transformer(nn.Module):
    """Tokens in, logits out: embed, L layers of two steps each, measure.

    Arguments are those of `Shape`, plus `seed` for the initial weights: W_E 0.5, positions 0.1,
    the rest 0.5 / sqrt(fan-in), what writes into the stream divided by sqrt(2 L) if `damped`.
    """

    def __init__(self, vocabulary: int, *, seed: int | None = 0, **shape):
        super().__init__()
        self.shape = Shape(vocabulary, **shape)
        d, L = self.shape.features, self.shape.layers
        self.W_E = nn.Parameter(torch.empty(self.shape.vocabulary, d))
        turns = self.shape.turns
        self.W_P = None if turns else nn.Parameter(torch.empty(self.shape.context, d))
        with torch.random.fork_rng(devices=[]):  # what torch draws here is replaced below
            self.blocks = nn.ModuleList(
                Layer(self.shape, i == 0) for i in range(min(L, 1) if self.shape.tied else L)
            )
            reads, plain = self.shape.readout != "none", not self.shape.head
            bias = self.shape.biased("W_U")
            self.W_U = nn.Linear(d, self.shape.vocabulary, bias=bias) if reads and plain else None
            self.head = None if plain else Head(self.shape)
        # post-LN has just normed, "none" never does
        normed = self.shape.norm in ("pre", "write", "both") and reads
        self.final_norm = LayerNorm(self.shape) if normed else nn.Identity()
        self.start_norm = LayerNorm(self.shape) if self.shape.start_norm else nn.Identity()
        if seed is not None:  # of `holding`, whose weights are there already
            self._initialise(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator):
        for name, p in self.named_parameters():
            if name.endswith("gain"):
                p.fill_(1.0)
            elif p.ndim < 2:
                p.zero_()
            else:
                scale = {"W_E": 0.5, "W_P": 0.1}.get(name, 0.5 / math.sqrt(max(p.shape[1], 1)))
                writing = ("W_O", "W_2") if self.shape.values else ("W_Q", "W_2")
                damped = self.shape.damped and any(w in name for w in writing)
                scale /= math.sqrt(2 * self.shape.layers) if damped else 1.0
                p.normal_(0.0, scale, generator=generator)
        for layer in () if self.shape.values else self.layers:
            for plain in (layer.attention.W_V, layer.attention.W_O):
                nn.init.eye_(plain.weight).requires_grad_(False)

    @classmethod
    def holding(cls, shape: Shape, weights: Mapping[str, Tensor]) -> Transformer:
        """The Transformer of these weights, frozen; it shares their memory and copies nothing.

        One tensor under two names stays one (tied embeddings). LabError for a weight that is
        missing, foreign, or of another shape.
        """
        with torch.device("meta"):  # names and shapes without memory
            made = cls(seed=None, **asdict(shape))
        own = made.state_dict()
        for name in sorted(set(own) | set(weights)):
            if name not in weights or name not in own:
                raise LabError(f"These weights do not fit this shape of model: {name!r} differs.")
            given, wanted = tuple(weights[name].shape), tuple(own[name].shape)
            if given != wanted:
                raise LabError(
                    f"These weights do not fit this shape of model: {name} is {given}, {wanted} "
                    "is needed."
                )
        made.load_state_dict(dict(weights), assign=True)
        W_U = made.W_U if made.head is None else made.head.W_U
        if W_U is not None and W_U.weight.data_ptr() == made.W_E.data_ptr():
            W_U.weight = made.W_E
        return made.eval().requires_grad_(False)

    def weights(self) -> dict[str, Tensor]:
        """All weights by name, detached; a tied one under both of its names."""
        named = self.named_parameters(remove_duplicate=False)
        same: dict[int, Tensor] = {}
        return {name: same.setdefault(id(p), p.detach()) for name, p in named}

    @property
    def layers(self) -> list[Layer]:
        """The layers in order of depth; the same one L times when tied."""
        blocks = [block for block in self.blocks if isinstance(block, Layer)]
        return blocks * (self.shape.layers if self.shape.tied else 1)

    def embed(
        self, tokens: Int[Tensor, "*batch N"], note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        """Labels become vectors: a row of W_E per word, a row of W_P per position (paper II)."""
        x = F.embedding(tokens, self.W_E)
        if self.W_P is not None:
            x = x + self.W_P[note.first : note.first + tokens.shape[-1]]
        return self.start_norm(x)

    def measure(
        self, x: Float[Tensor, "*batch N d"], note: Note = PLAIN
    ) -> Float[Tensor, "*batch N V"]:
        """Logits: overlaps with the rows of W_U (unembedding; paper V); none of an encoder."""
        reader = self.W_U if self.head is None else self.head
        if reader is None:
            return x[..., :0]
        z = reader(note("readout_input", 0, self.final_norm(x)))
        if self.shape.logit_cap:
            z = self.shape.logit_cap * (z / self.shape.logit_cap).tanh()
        return z if self.shape.readout == "softmax" else (z**2 + TINY).log()  # whose softmax is z^2

    def through(
        self, tokens: Int[Tensor, "*batch N"], note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        """The last state: embedded, and through all layers."""
        x = note("state", 0, self.embed(tokens, note))
        for i, layer in enumerate(self.layers):
            x = layer(x, i, note)
        return x

    def forward(
        self, tokens: Int[Tensor, "*batch N"], note: Note = PLAIN
    ) -> Float[Tensor, "*batch N V"]:
        return self.measure(self.through(tokens, note), note)

    def arguments(self) -> dict:
        """The constructor's arguments, for a file."""
        return asdict(self.shape)

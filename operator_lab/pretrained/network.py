"""A real model's forward pass: shapes of GPT-2, Llama and BERT in one code path.

It hands every named intermediate to `note` under the names of `operator_lab.transformer`, so that
the record of a real model is read like any other; a gated MLP adds the name `gate`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..transformer import Note
from .form import NONLINEAR, Form


class Network:
    """Tokens in, logits out; `weights` are named as those of `Transformer`.

    Without "W_U.weight" (an encoder) there is nothing to measure words with: logits [N, 0].
    """

    def __init__(self, shape: Form, weights: Mapping[str, Tensor]):
        self.shape, self.weights = shape, weights

    @property
    def dtype(self) -> torch.dtype:
        """The precision it computes in."""
        return self.weights["W_E"].dtype

    def linear(self, x: Tensor, name: str) -> Tensor:
        """W x + b, rows meeting the transpose."""
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, x: Tensor, name: str) -> Tensor:
        """LayerNorm, or its RMS form."""
        gain, bias = self.weights[f"{name}.gain"], self.weights.get(f"{name}.bias")
        eps = self.shape.eps
        if self.shape.rms:
            return F.rms_norm(x, x.shape[-1:], gain, eps)
        return F.layer_norm(x, x.shape[-1:], gain, bias, eps)

    def split(self, x: Float[Tensor, "N hk"]) -> Float[Tensor, "h N d_k"]:
        """Deal the features out to the heads; shared heads of keys stand once for each sharer."""
        heads = x.unflatten(-1, (-1, self.shape.d_k)).transpose(-2, -3)
        return heads.repeat_interleave(self.shape.heads // len(heads), 0)

    def turned(self, x: Float[Tensor, "h N d_k"]) -> Float[Tensor, "h N d_k"]:
        """Turn each pair of features (m, m + d_k/2) by the position times its frequency (RoPE)."""
        if not self.shape.rotation:
            return x
        frequency = torch.tensor(self.shape.rotation, dtype=torch.float64)
        angle = torch.arange(x.shape[-2])[:, None] * frequency
        cos, sin = (f(angle).to(x.dtype) for f in (torch.cos, torch.sin))
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def embed(self, tokens: Int[Tensor, "N"]) -> Float[Tensor, "N d"]:
        """A row of W_E per word, where positions are vectors a row of W_P, perhaps normed."""
        x = F.embedding(tokens, self.weights["W_E"])
        if "W_P" in self.weights:
            x = x + self.weights["W_P"][: len(tokens)]
        if "start" in self.weights:  # BERT's first token type, the same everywhere
            x = x + self.weights["start"]
        return self.norm(x, "start_norm") if self.shape.start_norm else x

    def attend(self, u: Float[Tensor, "N d"], i: int, note: Note) -> Float[Tensor, "N d"]:
        """What attention writes."""
        name = f"blocks.{i}.attention"
        q = self.turned(self.split(self.linear(note("query_input", i, u), f"{name}.W_Q")))
        k = self.turned(self.split(self.linear(note("key_input", i, u), f"{name}.W_K")))
        v = note("value", i, self.split(self.linear(note("value_input", i, u), f"{name}.W_V")))
        S = note("interaction", i, q @ k.mT)  # [head, query, key]
        exponent = S / (self.shape.tau * self.shape.T0)  # -E / T
        if self.shape.causal:
            future = torch.ones(S.shape[-2:], dtype=torch.bool).triu(1)
            exponent = exponent.masked_fill(future, -math.inf)
        A = note("mixing", i, exponent.softmax(-1))
        z = note("head_output", i, A @ v)
        write = self.linear(z.transpose(-2, -3).flatten(-2), f"{name}.W_O")
        if not note.by_head:
            return write
        W = self.weights[f"{name}.W_O.weight"].unflatten(1, (self.shape.heads, self.shape.d_k))
        heads = torch.einsum("hnk,dhk->hnd", z, W)
        return write + (note("head_write", i, heads) - heads).sum(-3)

    def potential(self, u: Float[Tensor, "N d"], i: int, note: Note) -> Float[Tensor, "N d"]:
        """What the MLP writes."""
        f, name = NONLINEAR[self.shape.activation].apply, f"blocks.{i}.mlp"
        z = note("hidden", i, self.linear(u, f"{name}.W_1"))
        if self.shape.gated:
            z = f(note("gate", i, self.linear(u, f"{name}.W_3"))) * z
        else:
            z = f(z)
        return self.linear(z, f"{name}.W_2")

    def step(self, x, act, norm: str, s: int, note: Note):
        """x + write, with the norm before or after."""
        if self.shape.norm == "post":
            x = self.norm(x + note("step_write", s, act(x)), norm)
        else:
            x = x + note("step_write", s, act(self.norm(x, norm)))
        return note("state", s + 1, x)

    def measure(self, x: Float[Tensor, "N d"]) -> Float[Tensor, "N V"]:
        """Logits: overlaps with the rows of W_U."""
        if "W_U.weight" not in self.weights:
            return x[:, :0]
        return self.linear(self.norm(x, "final_norm") if self.shape.norm == "pre" else x, "W_U")

    def __call__(
        self,
        tokens: Int[Tensor, "N"],
        note: Note = Note(),  # noqa: B008 - it has no state
    ) -> Float[Tensor, "N V"]:
        x = note("state", 0, self.embed(tokens))
        for i in range(self.shape.layers):
            block = f"blocks.{i}"
            x = self.step(x, lambda u, i=i: self.attend(u, i, note), f"{block}.norm_1", 2 * i, note)
            x = self.step(
                x, lambda u, i=i: self.potential(u, i, note), f"{block}.norm_2", 2 * i + 1, note
            )
        return self.measure(x)

"""First-order mixing between positions (self-attention)."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..shape import Shape
from .note import PLAIN, Note
from .rotation import turned

LONG = 256  # positions from which on a text is long


class Attention(nn.Module):
    """First-order mixing between positions (self-attention; paper Eq. 1).

    Keys and values that a note hands back may reach further into the past than the queries do:
    so a text is read word by word (KV cache).
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        d, q = shape.features, shape.heads * shape.d_k
        self.W_K = nn.Linear(d, q // shape.group, bias=shape.biased("W_K"))
        self.W_V = nn.Linear(d, q // shape.group, bias=shape.biased("W_V"))
        self.W_O = nn.Linear(q, d, bias=shape.biased("W_O"))
        if shape.coupling == "free":
            self.W_Q = nn.Linear(d, q, bias=shape.biased("W_Q"))

    def query(self, u: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N hd_k"]:
        """W_Q u; where the coupling is constrained, W_Q is W_K up to signs."""
        if self.shape.coupling == "free":
            return self.W_Q(u)
        k = self.W_K(u)
        return k * k.new_tensor(self.shape.signs * self.shape.heads)

    def split(self, x: Float[Tensor, "*batch N gd_k"]) -> Float[Tensor, "*batch g N d_k"]:
        """Deal the features out to the heads."""
        return x.unflatten(-1, (-1, self.shape.d_k)).transpose(-2, -3)

    def turned(self, x: Float[Tensor, "*batch N gd_k"], note: Note):
        """The same, each pair of features turned by its place where the shape says so (RoPE)."""
        places = note.first + np.arange(x.shape[-2])
        return turned(self.split(x), self.shape.rotation, places)

    def shared(self, x: Float[Tensor, "*batch g M d_k"]) -> Float[Tensor, "*batch h M d_k"]:
        """Each head of keys or values once for every head of queries it serves."""
        return x if self.shape.group == 1 else x.repeat_interleave(self.shape.group, -3)

    def forward(
        self, u: Float[Tensor, "*batch N d"], layer: int, note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        q = note("query", layer, self.turned(self.query(note("query_input", layer, u)), note))
        k = note("key", layer, self.turned(self.W_K(note("key_input", layer, u)), note))
        v = note("value", layer, self.split(self.W_V(note("value_input", layer, u))))
        k, v = self.shared(k), self.shared(v)
        if self.unseen(q, k, note):
            z = F.scaled_dot_product_attention(
                q, k, v, is_causal=self.shape.causal, scale=1 / self.shape.T
            )
        else:
            S = note("interaction", layer, q @ k.mT)  # [..., head, query, key]
            A = note("mixing", layer, self.weigh(S))
            z = A @ v
        z = note("head_output", layer, z)
        write = self.W_O(z.transpose(-2, -3).flatten(-2))
        return self.by_head(write, z, layer, note) if note.by_head else write

    def unseen(self, q: Tensor, k: Tensor, note: Note) -> bool:
        """Whether a text is long and nobody looks at S and A: then they are never stored whole.

        Short texts are computed one way only, so that what is measured on them does not depend on
        who looks.
        """
        long = q.shape[-2] == k.shape[-2] >= LONG
        return long and not note.maps and self.shape.mixing == "softmax"

    def weigh(self, S: Float[Tensor, "*batch N M"]) -> Float[Tensor, "*batch N M"]:
        """exp(-E / T) / Z over what a query may see; unregulated, -E / T or -E as it is."""
        shape, before = self.shape, S.shape[-1] - S.shape[-2]  # keys older than the first query
        exponent = S if shape.mixing == "raw" else S / shape.T  # -E / T
        if shape.mixing != "softmax":
            return exponent.tril(before) if shape.causal else exponent
        if shape.causal:
            future = torch.full(S.shape[-2:], -math.inf, dtype=S.dtype, device=S.device)
            exponent = exponent + future.triu(1 + before)
        return exponent.softmax(-1)

    def by_head(self, write, z, layer, note):
        """The same write, head by head, when somebody wants to change one of them."""
        W = self.W_O.weight.unflatten(1, (self.shape.heads, self.shape.d_k))
        heads = torch.einsum("...hnk,dhk->...hnd", z, W)
        changed = note("head_write", layer, heads)
        return write + (changed - heads).sum(-3)

"""First-order mixing between positions (self-attention)."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..shape import Shape
from .norm import LayerNorm
from .note import PLAIN, Note
from .relative import buckets
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
        self.norm_Q = self.norm_K = None
        if shape.qk_norm != "none":
            each = shape.qk_norm == "head"
            self.norm_Q = LayerNorm(shape, shape.d_k if each else q)
            self.norm_K = LayerNorm(shape, shape.d_k if each else q // shape.group)
        if shape.relative:
            self.W_R = nn.Parameter(torch.zeros(shape.relative, shape.heads))

    def query(self, u: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N hd_k"]:
        """W_Q u; where the coupling is constrained, W_Q is W_K up to signs."""
        if self.shape.coupling == "free":
            return self.W_Q(u)
        k = self.W_K(u)
        return k * _row(self.shape.signs * self.shape.heads, k.dtype, k.device)

    def split(self, x: Float[Tensor, "*batch N gd_k"]) -> Float[Tensor, "*batch g N d_k"]:
        """Deal the features out to the heads."""
        return x.unflatten(-1, (-1, self.shape.d_k)).transpose(-2, -3)

    def turned(self, x: Float[Tensor, "*batch N gd_k"], layer: int, note: Note, norm=None):
        """The same, normed, and each pair of features turned by its place, if so shaped (RoPE)."""
        places = range(note.first, note.first + x.shape[-2])
        if norm is not None and self.shape.qk_norm == "all":
            x = norm(x)
        x = self.split(x)
        if norm is not None and self.shape.qk_norm == "head":
            x = norm(x)
        return turned(x, self.shape.turning(layer), places)

    def shared(self, x: Float[Tensor, "*batch g M d_k"]) -> Float[Tensor, "*batch h M d_k"]:
        """Each head of keys or values once for every head of queries it serves."""
        return x if self.shape.group == 1 else x.repeat_interleave(self.shape.group, -3)

    def forward(
        self, u: Float[Tensor, "*batch N d"], layer: int, note: Note = PLAIN
    ) -> Float[Tensor, "*batch N d"]:
        q, k = self.query(note("query_input", layer, u)), self.W_K(note("key_input", layer, u))
        q = note("query", layer, self.turned(q, layer, note, self.norm_Q))
        k = note("key", layer, self.turned(k, layer, note, self.norm_K))
        v = note("value", layer, self.split(self.W_V(note("value_input", layer, u))))
        k, v = self.shared(k), self.shared(v)
        if self.unseen(q, k, layer, note):
            z = F.scaled_dot_product_attention(
                q, k, v, is_causal=self.shape.causal, scale=1 / self.shape.T
            )
        else:
            S = note("interaction", layer, q @ k.mT)  # [..., head, query, key]
            A = note("mixing", layer, self.weigh(S, self.shape.window(layer)))
            z = A @ v
        z = note("head_output", layer, z)
        write = self.W_O(z.transpose(-2, -3).flatten(-2))
        return self.by_head(write, z, layer, note) if note.by_head else write

    def unseen(self, q: Tensor, k: Tensor, layer: int, note: Note) -> bool:
        """Whether a text is long and nobody looks at S and A: then they are never stored whole.

        Short texts are computed one way only, so that what is measured on them does not depend on
        who looks.
        """
        long, s = q.shape[-2] == k.shape[-2] >= LONG, self.shape
        plain = s.mixing == "softmax" and not (s.window(layer) or s.score_cap or s.relative)
        return long and plain and not note.maps

    def weigh(self, S: Float[Tensor, "*batch N M"], window: int = 0) -> Float[Tensor, "*batch N M"]:
        """exp(-E / T) / Z over what a query may see; unregulated, -E / T or -E as it is."""
        shape, before = self.shape, S.shape[-1] - S.shape[-2]  # keys older than the first query
        exponent = S if shape.mixing == "raw" else S / shape.T  # -E / T
        if shape.mixing != "softmax":
            return exponent.tril(before) if shape.causal else exponent
        if shape.score_cap:
            exponent = shape.score_cap * (exponent / shape.score_cap).tanh()
        if shape.relative:
            places = torch.arange(S.shape[-1], device=S.device)
            at = buckets(places - places[before:, None], shape.relative)
            exponent = exponent + self.W_R[at].movedim(-1, 0)
        hidden = torch.full(S.shape[-2:], -math.inf, dtype=S.dtype, device=S.device)
        if shape.causal:
            exponent = exponent + hidden.triu(1 + before)
        if window:  # what lies so far back, or ahead, is out of sight
            exponent = exponent + hidden.tril(before - window) + hidden.triu(before + window)
        return exponent.softmax(-1)

    def by_head(self, write, z, layer, note):
        """The same write, head by head, when somebody wants to change one of them."""
        W = self.W_O.weight.unflatten(1, (self.shape.heads, self.shape.d_k))
        heads = torch.einsum("...hnk,dhk->...hnd", z, W)
        changed = note("head_write", layer, heads)
        return write + (changed - heads).sum(-3)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept for passes that are differentiated, too
def _row(values: tuple[float, ...], dtype, device) -> Tensor:
    """These numbers where the states are: a pass that is captured may fetch nothing (Slope)."""
    return torch.tensor(values, dtype=dtype, device=device)

"""A minimal Transformer, from scratch, every intermediate named in one code path.

States are rows: `x[..., position, feature]`. Weights act as in the paper on columns, so a row
meets their transpose: q = W_Q x is written `x @ W_Q.T`. Layers count from 0.

The forward pass hands every named intermediate to `note(name, index, value)` and goes on with
what comes back: as it is, kept on its way, or changed (`operator_lab.run`).

`state` (0 .. 2L) and `step_write` (0 .. 2L - 1) count steps, the other names layers; `value`,
`head_output` and `hidden` are for the record only.

Reference: Chang 2026 (arXiv 2603.11322), Eq. 1-2; Vaswani et al. 2017 (arXiv 1706.03762).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from .shape import Shape

POINTS = (
    "state", "query_input", "key_input", "value_input",
    "interaction", "mixing", "head_write", "step_write",
)  # fmt: skip
EPS = 1e-5  # what LayerNorm adds to a variance
TINY = 1e-9  # keeps the logarithm of a vanishing overlap, and its slope, finite


class Note:
    """The plain pass: look at nothing, change nothing. `by_head`: ask for each head's write too."""

    by_head = False

    def __call__(self, name: str, index: int, value: Tensor) -> Tensor:
        return value


class LayerNorm(nn.Module):
    """Shift a state to mean 0 (not with `rms`) and scale it to variance 1, per position.

    N(x) = g (x - mean x) / sigma + b, sigma = sqrt(var x + eps) (paper III.6, IV.1).
    """

    def __init__(self, features: int, rms: bool, bias: bool, eps: float = EPS):
        super().__init__()
        self.rms, self.eps = rms, eps
        self.gain = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features)) if bias else None

    def forward(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N d"]:
        if not self.rms:
            return F.layer_norm(x, x.shape[-1:], self.gain, self.bias, self.eps)
        y = F.rms_norm(x, x.shape[-1:], self.gain, self.eps)
        return y if self.bias is None else y + self.bias


class Attention(nn.Module):
    """First-order mixing between positions (self-attention; paper Eq. 1)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads, self.d_k, self.causal = shape.heads, shape.d_k, shape.causal
        self.mixing = shape.mixing
        d, bias = shape.features, shape.bias
        self.W_K, self.W_V, self.W_O = (nn.Linear(d, d, bias=bias) for _ in range(3))
        if shape.coupling == "free":
            self.W_Q = nn.Linear(d, d, bias=bias)
        else:
            signs = torch.tensor(shape.signs).repeat(self.heads)
            self.register_buffer("signs", signs, persistent=False)

    def split(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch h N d_k"]:
        """Deal the features out to the heads."""
        return x.unflatten(-1, (self.heads, self.d_k)).transpose(-2, -3)

    def query(self, u: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N d"]:
        """W_Q u; where the coupling is constrained, W_Q is W_K up to signs."""
        return self.W_Q(u) if hasattr(self, "W_Q") else self.W_K(u) * self.signs

    def forward(
        self, u: Float[Tensor, "*batch N d"], T: float, layer: int, note: Note
    ) -> Float[Tensor, "*batch N d"]:
        q = self.split(self.query(note("query_input", layer, u)))
        k = self.split(self.W_K(note("key_input", layer, u)))
        v = note("value", layer, self.split(self.W_V(note("value_input", layer, u))))

        S = note("interaction", layer, q @ k.mT)  # [..., head, query, key]
        A = note("mixing", layer, self.weigh(S, T))

        z = note("head_output", layer, A @ v)
        write = self.W_O(z.transpose(-2, -3).flatten(-2))
        return self.by_head(write, z, layer, note) if note.by_head else write

    def weigh(self, S: Float[Tensor, "*batch N N"], T: float) -> Float[Tensor, "*batch N N"]:
        """exp(-E / T) / Z over what a query may see; unregulated, -E / T or -E as it is."""
        exponent = S if self.mixing == "raw" else S / T  # -E / T
        if self.mixing != "softmax":
            return exponent.tril() if self.causal else exponent
        if self.causal:
            future = torch.full(S.shape[-2:], -math.inf, dtype=S.dtype, device=S.device).triu(1)
            exponent = exponent + future
        return exponent.softmax(-1)

    def by_head(self, write, z, layer, note):
        """The same write, head by head, when somebody wants to change one of them."""
        W = self.W_O.weight.unflatten(1, (self.heads, self.d_k))
        heads = torch.einsum("...hnk,dhk->...hnd", z, W)
        changed = note("head_write", layer, heads)
        return write + (changed - heads).sum(-3)


class MLP(nn.Module):
    """The on-site potential: acts on each position by itself (feed-forward network; III.1)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.activation = shape.activation
        with warnings.catch_warnings():  # hidden=0 is meant
            warnings.simplefilter("ignore", UserWarning)
            self.W_1 = nn.Linear(shape.features, shape.hidden, bias=shape.bias)
            self.W_2 = nn.Linear(shape.hidden, shape.features, bias=shape.bias)

    def forward(
        self, u: Float[Tensor, "*batch N d"], layer: int, note: Note
    ) -> Float[Tensor, "*batch N d"]:
        z = note("hidden", layer, self.W_1(u))
        return self.W_2(F.gelu(z) if self.activation == "gelu" else F.relu(z))


class Layer(nn.Module):
    """Two steps: mixing between positions, then the potential on each (a block)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.placement = shape.norm
        normed = shape.norm != "none"
        make = (lambda: LayerNorm(shape.features, shape.rms, shape.bias)) if normed else nn.Identity
        self.norm_1, self.attention = make(), Attention(shape)
        self.norm_2, self.mlp = make(), MLP(shape)

    def forward(self, x: Float[Tensor, "*batch N d"], T: float, layer: int, note: Note):
        attend = lambda u: self.attention(u, T, layer, note)  # noqa: E731
        x = self.step(x, attend, self.norm_1, 2 * layer, note)
        return self.step(x, lambda u: self.mlp(u, layer, note), self.norm_2, 2 * layer + 1, note)

    def step(self, x, act, norm, s, note):
        """x + write (paper Eq. 2), with the norm before, after or nowhere."""
        if self.placement == "post":
            x = norm(x + note("step_write", s, act(x)))
        else:
            x = x + note("step_write", s, act(norm(x)))
        return note("state", s + 1, x)


class Transformer(nn.Module):
    """Tokens in, logits out: embed, L layers of two steps each, measure.

    Arguments are those of `Shape`, plus `seed` for the initial weights: W_E 0.5, positions 0.1,
    the rest 0.5 / sqrt(fan-in), what writes into the stream divided by sqrt(2 L) if `damped`.
    """

    def __init__(self, vocabulary: int, *, seed: int = 0, **shape):
        super().__init__()
        self.shape = Shape(vocabulary, **shape)
        d, L = self.shape.features, self.shape.layers
        self.W_E = nn.Parameter(torch.empty(vocabulary, d))
        self.W_P = nn.Parameter(torch.empty(self.shape.context, d))
        with torch.random.fork_rng(devices=[]):  # what torch draws here is replaced below
            self.blocks = nn.ModuleList(
                Layer(self.shape) for _ in range(min(L, 1) if self.shape.tied else L)
            )
            self.W_U = nn.Linear(d, vocabulary, bias=self.shape.bias)
        normed = self.shape.norm == "pre"  # post-LN has just normed, "none" never does
        self.final_norm = LayerNorm(d, self.shape.rms, self.shape.bias) if normed else nn.Identity()
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
        for layer in () if self.shape.values else self.blocks:
            for plain in (layer.attention.W_V, layer.attention.W_O):
                nn.init.eye_(plain.weight).requires_grad_(False)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order of depth; the same one L times when tied."""
        return list(self.blocks) * (self.shape.layers if self.shape.tied else 1)

    def embed(self, tokens: Int[Tensor, "*batch N"]) -> Float[Tensor, "*batch N d"]:
        """Labels become vectors: a row of W_E per word, a row of W_P per position (paper II)."""
        return F.embedding(tokens, self.W_E) + self.W_P[: tokens.shape[-1]]

    def measure(self, x: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N V"]:
        """Logits: overlaps with the rows of W_U (unembedding; paper V)."""
        z = self.W_U(self.final_norm(x))
        return z if self.shape.readout == "softmax" else (z**2 + TINY).log()  # whose softmax is z^2

    def forward(
        self,
        tokens: Int[Tensor, "*batch N"],
        note: Note = Note(),  # noqa: B008 - it has no state
    ) -> Float[Tensor, "*batch N V"]:
        T = self.shape.tau * self.shape.T0
        x = note("state", 0, self.embed(tokens))
        for i, layer in enumerate(self.layers):
            x = layer(x, T, i, note)
        return self.measure(x)

    def arguments(self) -> dict:
        """The constructor's arguments, for a file."""
        return asdict(self.shape)

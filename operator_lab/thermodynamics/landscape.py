"""Flat directions of one attention layer: how many there are, and what lifts them.

The model is as small as the question allows: fixed random states, one attention without biases,
a read-out of the last position through tanh. Weights are one vector of parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import minimize
from torch import Tensor

from ..errors import LabError
from ..given import one_of, whole
from ..guard import guarded
from .rotary import BASE, frequencies

BREAKINGS = ("decay", "rotary")
_SMALL: dict[str, Any] = dict(features=6, positions=5, classes=7, base=4.0)


@dataclass(frozen=True)
class Layer:
    """One attention layer: `heads` of `d_k` features on states of `features`, `classes` answers.

    `rotary` is how far the rotation is switched on: 0 not at all, 1 as usual.
    """

    features: int = 6
    d_k: int = 4
    heads: int = 1
    rotary: float = 0.0
    base: float = BASE
    positions: int = 8
    classes: int = 7

    def __post_init__(self):
        frequencies(self.d_k, self.base)  # its sentence, for an odd number of features a head
        for name in ("features", "heads", "positions", "classes"):
            whole(getattr(self, name), name)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of W_Q, W_K, W_V [head, feature, d_k], W_O [head, d_k, feature] and the read-out."""
        into = (self.heads, self.features, self.d_k)
        out = (self.heads, self.d_k, self.features)
        return into, into, into, out, (self.features, self.classes)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(map(math.prod, self.shapes))

    def parts(self, w: Tensor) -> list[Tensor]:
        """W_Q, W_K, W_V, W_O and the read-out from one vector."""
        pieces = w.split([math.prod(s) for s in self.shapes])
        return [piece.view(s) for piece, s in zip(pieces, self.shapes, strict=True)]

    @guarded
    def draw(self, seed: int = 0) -> Float[Tensor, "size"]:
        """Random parameters of the usual size."""
        g = torch.Generator().manual_seed(seed)
        return torch.randn(self.size, generator=g, dtype=torch.float64) / math.sqrt(self.features)

    @guarded
    def states(self, count: int, seed: int = 0) -> Float[Tensor, "B N d"]:
        """Random states for so many sentences."""
        g = torch.Generator().manual_seed(seed + 10**6)
        size = (count, self.positions, self.features)
        return torch.randn(*size, generator=g, dtype=torch.float64)

    def logits(
        self, w: Float[Tensor, "size"], x: Float[Tensor, "B N d"]
    ) -> Float[Tensor, "B classes"]:
        """Answers at the last position."""
        Q, K, V, O, U = self.parts(w)  # noqa: E741
        q, k, v = (torch.einsum("bnd,hdk->bhnk", x, W) for W in (Q, K, V))
        q, k = self._turned(q[:, :, -1:], last=True), self._turned(k)
        A = (q @ k.mT / math.sqrt(self.d_k)).softmax(-1)
        y = x[:, -1] + torch.einsum("bhqk,hkd->bd", A @ v, O)
        return torch.tanh(y) @ U

    def _turned(self, x, last: bool = False):
        if not self.rotary:
            return x
        turns = self.rotary * np.outer(np.arange(self.positions), frequencies(self.d_k, self.base))
        angle = torch.tensor(turns[-1:] if last else turns)
        cos, sin, even, odd = angle.cos(), angle.sin(), x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


@guarded
def flat_directions(layer: Layer, seed: int = 0) -> tuple[int, Float[ndarray, "size"]]:
    """How many directions in the space of weights change no answer, and how that was seen.

    The nullity of the answers' Jacobian at random weights, over more sentences than there are
    weights, and its singular values in units of the largest.
    """
    x = layer.states(3 * layer.size // layer.classes, seed)
    J = torch.func.jacrev(lambda w: layer.logits(w, x).flatten())(layer.draw(seed))
    values = torch.linalg.svdvals(J).numpy()
    values = values / values[0]
    return int((values < 1e-9).sum()), values


@guarded
def lifted(
    breaking: str,
    strengths: Float[ndarray, "n"],
    decay: float = 0.02,
    seed: int = 0,
) -> Float[ndarray, "n size"]:
    """Hessian eigenvalues at the minimum of a loss whose rotation symmetry is broken by hand.

    The loss is a cross-entropy on random answers plus weight decay, which leaves each head the
    rotations O(d_k) of its queries and keys, and of its values. "decay" adds a decay of W_Q that
    differs from axis to axis, "rotary" turns queries and keys, both by each of the rising
    `strengths`. LabError for another breaking or strengths that do not rise from above 0.
    """
    one_of(breaking, BREAKINGS, "way to break it")
    strengths = np.asarray(strengths, dtype=float)
    if strengths.ndim != 1 or not len(strengths) or not (np.diff(strengths, prepend=0) > 0).all():
        raise LabError("Strengths of the breaking are numbers above 0 that rise.")
    w, found = Layer(**_SMALL).draw(seed), []
    for strength in strengths[::-1]:  # from strong to weak the minimum stays where it is
        loss = _loss(breaking, strength, decay, seed)
        w = _settled(loss, w)
        found.append(torch.linalg.eigvalsh(torch.func.hessian(loss)(w)).numpy())
    return np.array(found[::-1])


def _loss(breaking, strength, decay, seed):
    layer = Layer(**_SMALL, rotary=float(strength)) if breaking == "rotary" else Layer(**_SMALL)
    x = layer.states(16, seed)
    answers = torch.tensor(np.random.default_rng(seed).integers(layer.classes, size=len(x)))
    axes = torch.arange(1.0, layer.d_k + 1, dtype=torch.float64)

    def loss(w):
        plain = F.cross_entropy(layer.logits(w, x), answers) + decay / 2 * (w**2).sum()
        if breaking == "rotary":
            return plain
        return plain + strength * (layer.parts(w)[0] ** 2 @ axes).sum()

    return loss


def _settled(loss, w):
    """The minimum near w, to rounding: SciPy's trust region with the exact Hessian."""
    slope, hessian = torch.func.grad(loss), torch.func.hessian(loss)

    def arrays(f):
        return lambda v: f(torch.from_numpy(v)).numpy()

    found = minimize(
        lambda v: loss(torch.from_numpy(v)).item(), w.numpy(), jac=arrays(slope),
        hess=arrays(hessian), method="trust-exact", options={"gtol": 1e-6, "maxiter": 300},
    ).x  # fmt: skip
    for _ in range(5):  # Newton's method does the rest, off the flat modes
        bent, modes = np.linalg.eigh(arrays(hessian)(found))
        along = np.where(bent > 1e-8, (modes.T @ arrays(slope)(found)) / np.maximum(bent, 1e-8), 0)
        found = found - modes @ along
    return torch.from_numpy(found)

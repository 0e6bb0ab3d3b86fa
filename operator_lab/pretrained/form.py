"""Form: the shape of a real model, where it goes beyond that of the course's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy import ndarray
from scipy.special import erf, expit

from ..errors import LabError
from ..shape import Shape, check_temperature
from ..transformer import EPS


@dataclass(frozen=True)
class Form(Shape):
    """What fixes a real model but its weights: a `Shape` and four things more.

    `key_heads` heads of keys and values serve `heads` heads of queries (grouped queries).
    `gated`: the MLP is W_2 [f(W_3 u) W_1 u], a product of two maps (SwiGLU), instead of
    W_2 f(W_1 u). `rotation`, in radians per position for each pair of features, turns queries and
    keys by their place (RoPE); left empty, positions are vectors added at the start.
    `start_norm`: the embedding is normed before the first step (BERT).
    """

    kind: str = "llama"
    key_heads: int = 1
    head_size: int = 1
    eps: float = EPS
    gated: bool = False
    rotation: tuple[float, ...] = ()
    start_norm: bool = False

    def __post_init__(self):
        for name in ("vocabulary", "context", "features", "heads", "layers", "hidden",
                     "key_heads", "head_size"):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise LabError(f"{name} = {value!r}; it is a whole number of at least 1.")
        if self.heads % self.key_heads:
            raise LabError(
                f"{self.heads} heads of queries cannot share {self.key_heads} heads of keys evenly."
            )
        if self.rotation and 2 * len(self.rotation) != self.head_size:
            raise LabError(
                f"RoPE turns pairs of features; {len(self.rotation)} pairs are not the "
                f"{self.head_size} features of a head."
            )
        if self.activation not in NONLINEAR:
            known = ", ".join(NONLINEAR)
            raise LabError(f"The nonlinearity {self.activation!r} is not known; known: {known}.")
        check_temperature(self.tau)

    @property
    def d_k(self) -> int:
        """Features per head; a real model need not have features / heads."""
        return self.head_size


@dataclass(frozen=True)
class Nonlinear:
    """A nonlinearity f: as torch applies it, and f(z)/z and f'(z) for freezing it."""

    apply: Callable[[torch.Tensor], torch.Tensor]
    ratio: Callable[[ndarray], ndarray]
    slope: Callable[[ndarray], ndarray]


def _phi(z):
    return 0.5 * (1 + erf(z / math.sqrt(2)))


def _tanh_gate(z):
    return 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def _tanh_slope(z):
    t = 2 * _tanh_gate(z) - 1
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * inner


def _positive(z):
    return (z > 0).astype(z.dtype)


NONLINEAR = {
    "gelu": Nonlinear(
        F.gelu, _phi, lambda z: _phi(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    ),
    "gelu_tanh": Nonlinear(lambda z: F.gelu(z, approximate="tanh"), _tanh_gate, _tanh_slope),
    "silu": Nonlinear(F.silu, expit, lambda z: expit(z) * (1 + z * expit(-z))),
    "relu": Nonlinear(F.relu, _positive, _positive),
}

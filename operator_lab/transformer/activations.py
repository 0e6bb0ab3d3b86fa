"""The nonlinearities f of an MLP: as torch applies them, and f(z)/z and f'(z) to freeze them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from numpy import ndarray
from scipy.special import erf, expit
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """A nonlinearity f: as torch applies it, f(z)/z (the secant) and f'(z) (the tangent)."""

    apply: Callable[[Tensor], Tensor]
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


ACTIVATIONS = {
    "gelu": Activation(
        F.gelu, _phi, lambda z: _phi(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    ),
    "gelu_tanh": Activation(lambda z: F.gelu(z, approximate="tanh"), _tanh_gate, _tanh_slope),
    "silu": Activation(F.silu, expit, lambda z: expit(z) * (1 + z * expit(-z))),
    "relu": Activation(F.relu, _positive, _positive),
}

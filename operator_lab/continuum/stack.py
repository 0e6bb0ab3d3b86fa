"""Random layers as velocities: weights that turn smoothly with depth, and ones drawn anew.

Small pre-LN layers in NumPy, attention(x, t) and MLP(x, t) for states x [N, d] and a depth t. Where
weights are smooth in t the stack has a limit of many thin layers, an ODE; where each layer draws
its own, it has none at scale 1/L (it stays where it is) and a diffusion at scale 1/sqrt(L).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import erf

from .. import given
from ..guard import guarded
from ..layernorm import normalise
from .depth import Velocity
from .positions import attend


@guarded
def smooth_layers(
    features: int = 6, hidden: int = 16, seed: int = 0, turn: float = 1.5, normed: bool = True
) -> tuple[Velocity, Velocity]:
    """Attention and MLP whose weights are W cos(turn t) + W' sin(turn t), W and W' random.

    Analytic in x and t (GELU, softmax), causal, one head; LayerNorm inside unless not `normed`.
    """
    d, m = given.whole(features, "features"), given.whole(hidden, "hidden units")
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(2, 4, d, d)) / np.sqrt(d)
    W_1, W_2 = rng.normal(size=(2, m, d)) / np.sqrt(d), rng.normal(size=(2, d, m)) / np.sqrt(m)

    def at(W, t):
        return W[0] * np.cos(turn * t) + W[1] * np.sin(turn * t)

    def read(x):
        return normalise(x) if normed else x

    def attention(x, t):
        W_Q, W_K, W_V, W_O = at(A, t)
        u = read(x)
        visible = np.tri(len(x), dtype=bool)
        z = attend(u @ W_Q.T, u @ W_K.T, u @ W_V.T, T=float(np.sqrt(d)), visible=visible)
        return z @ W_O.T

    def mlp(x, t):
        z = read(x) @ at(W_1, t).T
        return z * (1 + erf(z / np.sqrt(2))) / 2 @ at(W_2, t).T

    return attention, mlp


@guarded
def start(positions: int = 8, features: int = 6, seed: int = 1) -> Float[ndarray, "N d"]:
    """Random states of variance 1 to begin with."""
    shape = given.whole(positions, "positions"), given.whole(features, "features")
    return np.random.default_rng(seed).normal(size=shape)


@guarded
def displacement(
    layers: int, power: float, smooth: bool = False, features: int = 6, seed: int = 0
) -> float:
    """|x_L - x_0| / |x_0| for x <- x + L^-power W_l n(x), with weights of each layer its own.

    `smooth` turns one pair of weights with depth instead. With power 1 and weights drawn anew the
    writes cancel like a random walk of L steps of size 1/L: L^-1/2, nothing in the limit.
    """
    L, rng = given.whole(layers, "layers"), np.random.default_rng(seed)
    x0 = x = rng.normal(size=(8, given.whole(features, "features")))
    pair = rng.normal(size=(2, features, features)) / np.sqrt(features)
    for i in range(L):
        fresh = rng.normal(size=(features, features)) / np.sqrt(features)
        W = pair[0] * np.cos(1.5 * i / L) + pair[1] * np.sin(1.5 * i / L) if smooth else fresh
        x = x + L**-power * normalise(x) @ W.T
    return float(np.linalg.norm(x - x0) / np.linalg.norm(x0))

"""Positions as a continuum: attention as a non-local integral operator and its quadrature.

With a field u on [0, 1] in place of N tokens, one head is

    K[u](x) = int a(x, y) W_V u(y) dy,    a(x, y) = e^{s(x, y)} / int e^{s(x, y')} dy',
    s(x, y) = W_Q u(x) . W_K u(y) / T,

and a quadrature rule with points y_j and weights w_j turns it into attention with weights
w_j e^s / sum. Equal weights are softmax attention: 1/N cancels between the two integrals, so that
no layer has to know how many tokens there are (arXiv 2510.03989).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import roots_legendre

from .. import given
from ..errors import LabError
from ..guard import guarded

RULES = ("left", "midpoint", "trapezoid", "gauss", "random")
FINE = 256  # Gauss points of a reference value: far beyond what an analytic field needs
Field = Callable[[ndarray], ndarray]  # points [n] -> states [n, d]


@guarded(own=("q", "k", "v", "weights"))
def attend(
    q: Float[ndarray, "n k"],
    k: Float[ndarray, "m k"],
    v: Float[ndarray, "m e"],
    weights: Float[ndarray, "m"] | None = None,
    T: float = 1.0,
    visible: Bool[ndarray, "n m"] | None = None,
) -> Float[ndarray, "n e"]:
    """sum_j w_j e^{q_i.k_j/T} v_j / sum_j w_j e^{q_i.k_j/T}, over the visible j.

    Attention with a bias of T log w_j on its scores; weights left out are equal, and it is softmax
    attention. A mean of the values v_j: multiplying all weights by one factor changes nothing.
    LabError for shapes that do not fit, weights below 0, a query that sees no weight, T <= 0.
    """
    T = given.number(T, "temperature T", above=0)
    q, k, v = (given.real(a, n, 2) for a, n in ((q, "queries"), (k, "keys"), (v, "values")))
    if q.shape[1] != k.shape[1] or len(k) != len(v):
        raise LabError(
            f"Queries [n, k], keys [m, k] and values [m, e] are needed; got {q.shape}, {k.shape}, "
            f"{v.shape}."
        )
    w = np.ones(len(k)) if weights is None else given.real(weights, "weights", 1)
    if len(w) != len(k) or (w < 0).any():
        raise LabError(f"Weights are {len(k)} numbers, one a key, none below 0; got {w}.")
    share = np.broadcast_to(w, (len(q), len(k)))
    if visible is not None:
        seen = np.asarray(visible)
        if seen.shape != share.shape:
            raise LabError(f"visible is [query, key], {share.shape}; got {seen.shape}.")
        share = share * seen
    if not (share > 0).any(1).all():
        raise LabError("A query sees no key of positive weight; each needs at least one.")
    S = np.where(share > 0, q @ k.T, -np.inf)
    with np.errstate(over="ignore"):  # beyond all numbers is without weight
        e = share * np.exp((S - S.max(1, keepdims=True)) / T)
    return e @ v / e.sum(1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Rule:
    """Points of an interval [0, end] and their weights, which sum to its length."""

    points: Float[ndarray, "m"]
    weights: Float[ndarray, "m"]


@guarded
def rule(name: str, points: int, end: float = 1.0, seed: int = 0) -> Rule:
    """A quadrature rule on [0, end] (how tokens sample a text that is thought of as a field).

    "left", (j + 0) / m, and "random" (Monte Carlo) have equal weights, as the tokens of a text;
    "midpoint" has them as well; "trapezoid" gives its ends half, "gauss" has Legendre's points and
    weights. Errors for a smooth integrand fall as m^-1, m^-1/2, m^-2, m^-2 and faster than any
    power. LabError for an unknown rule, no points, a trapezoid of one.
    """
    given.one_of(name, RULES, "quadrature rule")
    m, end = given.whole(points, "points"), given.number(end, "end of the interval", above=0)
    w = np.full(m, 1 / m)
    if name == "gauss":
        x, w = roots_legendre(m)
        x, w = (x + 1) / 2, w / 2
    elif name == "trapezoid":
        if m < 2:
            raise LabError("A trapezoid rule has at least 2 points, the two ends; got 1.")
        x, w = np.linspace(0, 1, m), np.full(m, 1 / (m - 1))
        w[[0, -1]] /= 2
    elif name == "random":
        x = np.random.default_rng(seed).random(m)
    else:
        x = (np.arange(m) + (0.5 if name == "midpoint" else 0.0)) / m
    return Rule(end * x, end * w)


@guarded
def smooth_field(features: int = 6, seed: int = 0, periodic: bool = False) -> Field:
    """An analytic random field of tokens u(x) on [0, 1]: four sines a feature.

    `periodic` makes u(0) = u(1) with all its derivatives; equal weights are then as good as Gauss.
    """
    d, rng = given.whole(features, "features"), np.random.default_rng(seed)
    k = np.arange(1, 5)
    frequency = (2 * np.pi if periodic else 1.3) * k
    a, phase = rng.normal(size=(4, d)) / k[:, None], rng.uniform(0, 2 * np.pi, size=(4, d))

    def u(x):
        return np.einsum(
            "kd,nkd->nd", a, np.sin(np.multiply.outer(x, frequency)[..., None] + phase)
        )

    return u


@dataclass(frozen=True, eq=False)
class Integral:
    """The operator K of one head, waiting for a field and a rule (see the module)."""

    W_Q: Float[ndarray, "k d"]
    W_K: Float[ndarray, "k d"]
    W_V: Float[ndarray, "e d"]
    T: float = 1.0

    @classmethod
    def random(cls, features: int = 6, seed: int = 0) -> Integral:
        """Weights of variance 1/d, at the usual temperature sqrt(d)."""
        d, rng = given.whole(features, "features"), np.random.default_rng(seed)
        W_Q, W_K, W_V = rng.normal(size=(3, d, d)) / np.sqrt(d)
        return cls(W_Q, W_K, W_V, T=float(np.sqrt(d)))

    def __call__(self, u: Field, at: Float[ndarray, "n"], nodes: Rule) -> Float[ndarray, "n e"]:
        """K[u] at the points `at`, the integrals over y replaced by the rule."""
        ux = given.real(u(given.real(at, "points of evaluation", 1)), "field", 2)
        uy = given.real(u(nodes.points), "field", 2)
        return attend(ux @ self.W_Q.T, uy @ self.W_K.T, uy @ self.W_V.T, nodes.weights, self.T)

    @guarded
    def causal(
        self, u: Field, at: Float[ndarray, "n"], name: str, points: int
    ) -> Float[ndarray, "n e"]:
        """The same with y <= x, an integral with a moving end (causal attention; Volterra).

        A query at x takes the rule's points on [0, x], each x its own; "left" with both ends in
        and equal weights is what a causal Transformer does, see `prefix`.
        """
        return np.concatenate([self(u, np.array([x]), rule(name, points, end=x)) for x in at])

    @guarded
    def prefix(self, u: Field, tokens: int) -> Float[ndarray, "n e"]:
        """Causal softmax attention of the tokens u(0), u(1/N), ... u(1), each seeing its past."""
        ux = u(np.arange(given.whole(tokens, "tokens") + 1) / tokens)
        q, k, v = (ux @ W.T for W in (self.W_Q, self.W_K, self.W_V))
        return attend(q, k, v, T=self.T, visible=np.tri(len(ux), dtype=bool))


@guarded
def quadrature_error(
    K: Integral, u: Field, name: str, points: Sequence[int], draws: int = 1, seed: int = 0
) -> Float[ndarray, "points"]:
    """Largest error of K[u] over [0, 1] for each number of points, against 256 Gauss points.

    For "random" the root mean square over `draws` draws of the points.
    """
    at = np.linspace(0.05, 0.95, 13)
    exact = K(u, at, rule("gauss", FINE))

    def off(m, seed):
        return K(u, at, rule(name, m, seed=seed)) - exact

    if name != "random":
        return np.array([abs(off(m, 0)).max() for m in points])
    seeds = range(seed, seed + given.whole(draws, "draws"))
    return np.array([np.sqrt(np.mean([(off(m, s) ** 2).mean() for s in seeds])) for m in points])


@guarded
def causal_error(K: Integral, u: Field, tokens: Sequence[int]) -> Float[ndarray, "tokens"]:
    """Largest error of causal softmax attention at x = 0.1, 0.2, ... 1, for each number of tokens.

    The number of tokens must be a multiple of 10, so that these points are tokens.
    """
    if any(given.whole(N, "tokens") % 10 for N in tokens):
        raise LabError(f"Numbers of tokens must be multiples of 10; got {list(tokens)}.")
    at = np.arange(1, 11) / 10
    exact = K.causal(u, at, "gauss", FINE)
    return np.array([abs(K.prefix(u, N)[N // 10 :: N // 10] - exact).max() for N in tokens])

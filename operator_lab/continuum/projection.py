"""Constraints: LayerNorm and ReLU as nearest-point projections, and the flow on a sphere.

P_C(x) = argmin {|y - x| : y in C}. For the half-space product C = {y >= 0}, which is convex, it is
ReLU and never moves two points apart. For C = {mean m, variance v}, a sphere of d - 2 dimensions
and not convex, it is LayerNorm with one gain and one bias, and it may.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .. import given
from ..arrays import length, unit
from ..errors import LabError
from ..guard import guarded


@guarded(own=("x", "mean", "variance"), finite=True)
def onto_sphere(
    x: Float[ndarray, "*n d"], mean: float = 0.0, variance: float = 1.0
) -> Float[ndarray, "*n d"]:
    """The nearest state of this mean and variance over its features (LayerNorm, eps = 0).

    mean + sqrt(variance) (x - m) / sigma, row by row; arXiv 2510.03989, Theorem 3.1. LabError for a
    state whose features are all equal (every point of the sphere is as near), a variance that is
    not positive, fewer than 2 features, NaN.
    """
    x, variance = given.real(x, "state"), given.number(variance, "target variance", above=0)
    mean = given.number(mean, "target mean")
    if not x.ndim or x.shape[-1] < 2:
        raise LabError(f"A variance needs states of at least 2 features; got shape {x.shape}.")
    c, sigma = _centred(x)
    if (sigma == 0).any():
        raise LabError(
            "A state with all features equal has no nearest point of that variance: all are as "
            "near. LayerNorm adds eps there, lab.layernorm.normalise(x, eps)."
        )
    return mean + np.sqrt(variance) * c / sigma


def _centred(x):
    """States without their mean, and their deviation, both over a common power of two."""
    x, _ = unit(x, -1)
    c, _ = unit(x - x.mean(-1, keepdims=True), -1)
    return c, np.sqrt((c**2).mean(-1, keepdims=True))


@guarded(own=("x", "mean", "variance"), finite=True)
def distance(
    x: Float[ndarray, "*n d"], mean: float = 0.0, variance: float = 1.0
) -> Float[ndarray, "*n"] | float:
    """|P(x) - x| = sqrt(d [(sigma - s)^2 + (m - mean)^2]), s^2 the target variance.

    How far a state is from the sphere. Errors as in `onto_sphere`, but a constant state is allowed:
    its nearest points are many, their distance is one.
    """
    x, variance = given.real(x, "state"), given.number(variance, "target variance", above=0)
    d = x.shape[-1] if x.ndim else 0
    if d < 2:
        raise LabError(f"A variance needs states of at least 2 features; got shape {x.shape}.")
    y, power = unit(x, -1)
    power = power[..., 0]
    away = y.std(-1) * power - np.sqrt(variance), y.mean(-1) * power - given.number(mean, "mean")
    return np.sqrt(d) * np.hypot(*away)


@guarded(own=("x",))
def onto_orthant(x: Float[ndarray, "*n"]) -> Float[ndarray, "*n"]:
    """The nearest state with no feature below 0 (ReLU): the projection on a convex cone."""
    return np.maximum(given.real(x, "state"), 0.0)


@guarded(own=("x", "velocity"), finite=True)
def onto_tangent(
    x: Float[ndarray, "*n d"], velocity: Float[ndarray, "*n d"]
) -> Float[ndarray, "*n d"]:
    """What is left of a velocity along the sphere through x: no change of mean or variance.

    v - mean(v) - n <n, v>, n = (x - m) / sigma, <a, b> = sum ab / d. The flow of
    u' = onto_tangent(u, f) is where projected Euler steps, u <- P(u + h f), lead to as
    h -> 0 at first order (many thin post-LN layers). LabError for a constant state or shapes that
    differ.
    """
    x, v = given.real(x, "state"), given.real(velocity, "velocity")
    if x.shape != v.shape:
        raise LabError(f"State and velocity have one shape; got {x.shape} and {v.shape}.")
    n = onto_sphere(x)
    v = v - v.mean(-1, keepdims=True)
    return v - n * (n * v).mean(-1, keepdims=True)


@guarded(finite=True)
def stretch(
    project: Callable[[ndarray], ndarray],
    features: int = 12,
    size: float = 0.3,
    pairs: int = 2000,
    seed: int = 0,
) -> float:
    """The largest |P(x) - P(y)| / |x - y| over random pairs of normal states of this size.

    At most 1 for a projection on a convex set (non-expansive). LabError for no pairs.
    """
    shape = (2, given.whole(pairs, "pairs"), given.whole(features, "features"))
    x, y = given.number(size, "size", above=0) * np.random.default_rng(seed).normal(size=shape)
    there = [given.numbers(project(z), "answer of project", "iuf", holes=True) for z in (x, y)]
    if any(z.shape != x.shape for z in there):
        raise LabError(f"A projection keeps the shape of the states, {x.shape}.")
    return float((length(there[0] - there[1], -1) / length(x - y, -1)).max())

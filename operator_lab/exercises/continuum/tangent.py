"""Where many thin post-LN layers flow (notebook 10)."""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, differ, mistakes


def tangent(x, v):
    """What is left of velocities v when no row may change its mean or its variance."""
    c = x - x.mean(axis=1, keepdims=True)
    n = c / c.std(axis=1, keepdims=True)
    v = v - v.mean(axis=1, keepdims=True)
    return v - n * (n * v).mean(axis=1, keepdims=True)


def _tangent_cases(rng):
    for N, d, size, offset in (
        (3, 4, 2.0, 1.0),
        (2, 6, 0.4, -2.0),
        (4, 4, 1.0, 0.3),
        (1, 5, 3.0, 0.0),
    ):
        x, v = size * rng.normal(size=(N, d)) + offset, rng.normal(size=(N, d)) + 0.7
        yield Case((x, v), f"{N} position{'s' * (N > 1)}, d = {d}, x of size {size:g}")
    for N, d, size in ((50, 45, 1.0), (3, 3, 1e-8), (3, 4, 1e8), (1, 3, 1.0)):
        x, v = size * rng.normal(size=(N, d)), rng.normal(size=(N, d))
        x[-1], v[-1] = x[0], v[0]
        yield Case((x, v), f"N = {N}, first and last alike, d = {d}, x of size {size:g}")
    x = np.array([[1.0, 1.0, -2.0, 3.0], [0.0, 0.0, 0.0, 1.0]])
    yield Case((x, np.ones((2, 4)) * [1, 2, 2, 1]), "2 positions of whole numbers, d = 4")
    for size in (1e-8, 1e8):
        yield Case(
            (x, size * rng.normal(size=(2, 4))), f"2 positions, d = 4, velocities about {size:g}"
        )
    single = np.float32(rng.normal(size=(3, 5)) + 1000)
    yield Case((single, rng.normal(size=(3, 5))), "3 positions in float32 about 1000, d = 5")
    yield Case(
        (x, -np.array([[0.0, 1.0, 2.0, 2.0], [3.0, 0.0, 1.0, 5.0]])), "v never positive, d = 4"
    )


def _keeps_mean(args, answer, slack):
    if differ(answer.mean(axis=1), 0, slack, np.abs(args[1])):
        return "a row changes its mean: what it returns must have mean 0"


def _keeps_variance(args, answer, slack):
    x = args[0]
    n = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    if differ((n * answer).mean(axis=1), 0, slack, np.abs(args[1])):
        return "a row changes its variance: what it returns must be orthogonal to x - mean"


WRONG = """
mean only: only the mean is kept: the component along x - mean must go too
    v - n * (n * v).mean(axis=1, keepdims=True) => v
variance only: only the variance is kept: the mean of the velocity must go too
    v = v - v.mean(axis=1, keepdims=True) =>
the rest: it is the forbidden part: subtract it from the velocity
    v = v - v.mean(axis=1, keepdims=True) =>
    return v - n => return v.mean(axis=1, keepdims=True) + n
no 1/d: n . v is summed over the features: n has length sqrt(d), so divide by d
    (n * v).mean( => (n * v).sum(
c for n: x - mean is not normed: subtract its direction times the component along it
    n * (n * v) => c * (c * v)
x for n: the component along x itself is removed: the variance depends on x - mean
    n * (n * v) => x / (x * x).mean(axis=1, keepdims=True) * (x * v)
added: the component along n is added: take it away
    return v - n => return v + n
Jacobian: it is LayerNorm's Jacobian, over sigma: a velocity on the sphere keeps its size
    v - n * (n * v).mean(axis=1, keepdims=True) => \
        (v - n * (n * v).mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
normed: it norms the velocity: what must stay as it is are mean and variance of the state
    v - n * (n * v).mean(axis=1, keepdims=True) => v / v.std(axis=1, keepdims=True)
"""

EXERCISE = Exercise(
    title="Where many thin post-LN layers flow",
    reference=tangent,
    cases=_tangent_cases,
    wrong=mistakes(tangent, WRONG),
    laws=(Law("mean", _keeps_mean), Law("variance", _keeps_variance)),
    hints=(
        "A state may move in all directions but two: the one that shifts all features alike, and "
        "the one that stretches x - mean.",
        "v - mean(v) - n mean(n v), with n = (x - mean) / sigma.",
        "c = x - x.mean(axis=1, keepdims=True)",
    ),
    minutes=10,
    level="stretch",
)

"""Attention by a quadrature rule (notebook 10; arXiv 2510.03989).

Attention as a quadrature, LayerNorm as the nearest point of a sphere and how far it is.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def attend(S, v, w):
    """sum_j w_j e^{S_ij} v_j / sum_j w_j e^{S_ij}: attention by a quadrature rule of weights w."""
    weight = w * np.exp(S - S.max(axis=1, keepdims=True))
    return weight @ v / weight.sum(axis=1, keepdims=True)


def _attend_cases(rng):
    for n, m, e, size in ((3, 4, 2, 1.0), (2, 5, 3, 3.0), (4, 2, 4, 0.5), (3, 3, 3, 2.0)):
        w = rng.uniform(0.1, 2, size=m)
        args = (size * rng.normal(size=(n, m)), rng.normal(size=(m, e)) + 1, w)
        yield Case(args, f"{n} queries, {m} points, values of {e} features, S of size {size:g}")
    S, v = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    yield Case((S, v, np.array([0.5, 1.0, 1.0, 0.5]) / 3), "the trapezoid rule, 4 points")
    for n, m, e, size in ((1, 1, 1, 1.0), (50, 41, 45, 1.0), (4, 4, 2, 1e-9), (4, 2, 2, 1e8)):
        S, v, w = (
            rng.normal(size=(n, m)),
            size * rng.normal(size=(m, e)),
            rng.uniform(0.1, 2, size=m),
        )
        S[-1], v[-1] = S[0], v[0]
        label = f"{n} queries, {m} points, values of {e} features about {size:g}, two alike"
        yield Case((S, v, size * w), label)
    S, v = rng.integers(-2, 3, size=(3, 4)) * 1.0, rng.normal(size=(4, 2))
    yield Case((S, v, np.array([1.0, 0.0, 2.0, 1.0])), "4 points, one of weight 0")
    v = rng.integers(-2, 3, size=(4, 2)) * 1.0
    yield Case((1e-8 * S, v, rng.uniform(0.1, 2, size=4)), "S about 1e-8, values whole numbers")


def _a_mean(args, answer, slack):
    low, high = args[1].min(axis=0), args[1].max(axis=0)
    room = slack * max(1.0, np.abs(args[1]).max())
    if (answer < low - room).any() or (answer > high + room).any():
        return "it is no mean of the values: some entries lie beyond the largest or smallest value"


WRONG = """
equal weights: the weights are left out: this is softmax attention, the rule with equal weights
    w * np => np
only above: the weights stand above the line only: the integral below needs them as well
    w * np => np
    weight @ v => weight @ (w[:, None] * v)
only below: the weights stand below the line only: the integral above needs them as well
    w * np => np
    weight.sum(axis=1, keepdims=True) => (weight @ w)[:, None]
not normalised: it is not divided by the sum of w e^S: attention is a mean
    S - S.max(axis=1, keepdims=True) => S
    / weight.sum(axis=1, keepdims=True) =>
added to S: w is added to the exponent: e^(S + w) is a factor e^w, a factor w is log w there
    w * np.exp(S - S.max(axis=1, keepdims=True)) => np.exp(S + w)
times S: w multiplies the exponent, as a temperature would: it multiplies e^S
    w * np.exp(S - S.max(axis=1, keepdims=True)) => np.exp(w * S)
divided: it divides by the weights: a point that stands for more counts more
    w * np => 1 / w * np
twice: the weights enter twice: once is the rule
    w * np => w**2 * np
over queries: it is normalised over the queries (axis 0): each query has its own Z
    S - S.max(axis=1, keepdims=True) => S
    weight @ v / weight.sum(axis=1, keepdims=True) => weight / weight.sum(axis=0) @ v
mean of the rule: S is left out: this is the plain integral of the values
    np.exp(S - S.max(axis=1, keepdims=True)) => np.ones_like(S)
"""

EXERCISE = Exercise(
    title="Attention by a quadrature rule",
    reference=attend,
    cases=_attend_cases,
    wrong=mistakes(attend, WRONG),
    laws=(Law("a mean of the values", _a_mean),),
    hints=(
        "Two integrals over y, one above and one below the line. What does a quadrature rule make "
        "of each?",
        "sum_j w_j e^(S_ij) v_j / sum_j w_j e^(S_ij); equal weights cancel and leave the softmax.",
        "weight = w * np.exp(S - S.max(axis=1, keepdims=True))",
    ),
    minutes=6,
    level="core",
    spared=PLAIN,
)

"""One gated MLP, frozen in as many ways as you like (notebook 12).

Grouped queries (Ainslie et al. 2023) and SwiGLU (Shazeer 2020), as Llama-shaped models have them.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def gated(n, W_3, W_1, W_2, a):
    """V [d, d] with V n = W_2 [silu(W_3 n) * (W_1 n)], a share `a` of the product held in silu."""
    g, u = W_3 @ n, W_1 @ n
    sigma = 1 / (1 + np.exp(-g))
    return W_2 @ (a * (sigma * g)[:, None] * W_1 + (1 - a) * (sigma * u)[:, None] * W_3)


def _gated_cases(rng):
    for d, m, a in ((4, 3, 0.3), (3, 5, 0.8), (5, 2, 0.65), (2, 6, 0.1)):
        n = rng.normal(size=d) * 1.5
        W_3, W_1 = rng.normal(size=(2, m, d))
        yield Case((n, W_3, W_1, rng.normal(size=(d, m)), a), f"d = {d}, m = {m}, a = {a}")
    for d, m, size, a in (
        (1, 1, 1.0, 0.5),
        (41, 50, 0.3, 0.0),
        (3, 3, 1e-8, 0.7),
        (4, 2, 5.0, 1.0),
    ):
        W_3, W_1 = rng.normal(size=(2, m, d)) / np.sqrt(d)
        W_1[-1] = W_1[0]
        label = f"d = {d}, m = {m}, two units alike, n about {size:g}, a = {a}"
        yield Case((size * rng.normal(size=d), W_3, W_1, rng.normal(size=(d, m)), a), label)
    n, W_3 = -np.array([1.0, 0.0, 2.0]), rng.integers(-2, 3, size=(4, 3)) * 1.0
    W_1, W_2 = (rng.integers(-2, 3, size=s) * 1.0 for s in ((4, 3), (3, 4)))
    for size in (1e-8, 1e8):
        label = f"d = 3, m = 4, whole numbers, W_2 about {size:g}, W_1 the inverse, a = 0.4"
        yield Case((n, W_3, W_1 / size, size * W_2, 0.4), label)


def _writes(args, answer, slack):
    n, W_3, W_1, W_2, _ = args
    g = W_3 @ n
    right = W_2 @ (g / (1 + np.exp(-g)) * (W_1 @ n))
    if differ(answer @ n, right, slack, np.abs(answer) @ np.abs(n)):
        return "V n is not what the MLP writes, W_2 [silu(W_3 n) * (W_1 n)]"


def _within_reach(args, answer, slack):
    W_2 = args[3]
    beyond = answer - W_2 @ np.linalg.pinv(W_2) @ answer
    if differ(beyond, 0.0, slack, np.abs(answer)):
        return "it writes where W_2 cannot: its columns leave the span of the columns of W_2"


WRONG = """
gate alone: the gate is held whole, whatever the share a: the other part holds the up
    return => a = 1; return
up alone: the up is held whole, whatever the share a: a share of the gate is held too
    return => a = 0; return
exchanged: a and 1 - a are exchanged: a is the share in which silu is held and W_1 acts
    return => a = 1 - a; return
twice: both factors act whole: V n is twice what the MLP writes
    a * (sigma * g) => (sigma * g)
    (1 - a) * (sigma * u) => (sigma * u)
tangent: it is the derivative of the MLP: nothing is held there, and V n is not the write
    a * (sigma * g) => (sigma * g)
    (1 - a) * (sigma * u) => (sigma * (1 + g * (1 - sigma)) * u)
sigmoid: sigma(g) is held where silu(g) = sigma(g) g should be
    (sigma * g) => sigma
silu in both: silu(g) u multiplies W_3: there W_3 n brings the g itself, so only sigma(g) u is \
    held
    (sigma * u) => (sigma * g * u)
up gated: W_1 and W_3 are exchanged: silu acts on W_3 n
    W_3, W_1, W_2 => W_1, W_3, W_2
on the right: it is the transpose: V acts on a column, V n
    return W_2 => return (W_2
    W_3) => W_3)).T
"""

EXERCISE = Exercise(
    title="One gated MLP, frozen in as many ways as you like",
    reference=gated,
    cases=_gated_cases,
    wrong=mistakes(gated, WRONG),
    laws=(Law("writes", _writes), Law("within reach", _within_reach)),
    hints=(
        "silu(g) = sigma(g) g, so the write is W_2 [sigma(g) * g * u]: one held number a unit, and "
        "two factors that n enters. Which of them may still act?",
        "V = W_2 [a diag(sigma(g) g) W_1 + (1 - a) diag(sigma(g) u) W_3].",
        "g, u = W_3 @ n, W_1 @ n; sigma = 1 / (1 + np.exp(-g))",
    ),
    minutes=15,
    level="core",
    spared=PLAIN,
)

"""Does an MLP damp? The trace of its Jacobian (notebook 12)."""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def damping(X, W_3, W_1, W_2):
    """tr J / d at each state of X [N, d], J the Jacobian of x -> W_2 [silu(W_3 x) * (W_1 x)]."""
    g, u = X @ W_3.T, X @ W_1.T
    s = 1 / (1 + np.exp(-g))
    up, gate = np.einsum("dm,md->m", W_2, W_1), np.einsum("dm,md->m", W_2, W_3)
    return ((s * g) @ up + (s * (1 + g * (1 - s)) * u) @ gate) / X.shape[1]


def _damping_cases(rng):
    for N, d, m in ((3, 4, 5), (2, 3, 7), (4, 5, 2)):
        W_3, W_1 = rng.normal(size=(2, m, d)) + 0.2
        X = rng.normal(size=(N, d))
        X[1] = 0.0  # at 0 the gate is shut and the up is 0
        yield Case((X, W_3, W_1, rng.normal(size=(d, m))), f"{N} states, d = {d}, m = {m}, one 0")
    for N, d, m, size in (
        (1, 1, 1, 1.0),
        (50, 41, 45, 0.3),
        (3, 3, 4, 1e-8),
        (4, 2, 4, 4.0),
        (3, 4, 4, 1.0),
    ):
        W_3, W_1 = rng.normal(size=(2, m, d)) / np.sqrt(d)
        X = size * rng.normal(size=(N, d))
        X[-1] = X[0]
        label = f"N = {N}, first and last alike, d = {d}, m = {m}, states about {size:g}"
        yield Case((X, W_3, W_1, rng.normal(size=(d, m))), label)
    X, W_3, W_1 = (rng.integers(-2, 3, size=s) * 1.0 for s in ((3, 4), (2, 4), (2, 4)))
    for size in (1e-8, 1e8):
        W_2 = size * rng.integers(-2, 3, size=(4, 2))
        W_2[0] = size * np.array([1.0, -2.0])
        label = f"N = 3, d = 4, m = 2, whole numbers, W_2 about {size:g}, W_1 the inverse"
        yield Case((X, W_3, W_1 / size, W_2), label)


def _nothing_at_zero(args, answer, slack):
    still = ~args[0].any(axis=1)
    if (np.abs(answer[still]) > slack * np.abs(answer).max()).any():
        return "at x = 0 the Jacobian is 0 (silu(0) = 0 and u = 0), and its trace is not"


WRONG = """
gate held: the gate is held: the Jacobian also has silu'(g) u from the change of the gate
    + (s * (1 + g * (1 - s)) * u) @ gate =>
up held: the up is held: the true Jacobian also has silu(g) from the change of the up
    (s * g) @ up + =>
secants: silu(g) / g is taken for the slope of silu: silu'(g) = sigma (1 + g (1 - sigma))
    s * (1 + g * (1 - s)) * u => s * u
sigmoid's slope: sigma' is taken for the slope of silu: silu'(g) = sigma + g sigma'
    s * (1 + g * (1 - s)) * u => s * (1 - s) * u
sigmoid: the gate is sigma(g) there: silu(g) = sigma(g) g
    (s * g) => s
    s * (1 + g * (1 - s)) * u => s * (1 - s) * u
sum: it is the trace itself: divide by d
    / X.shape[1] =>
per unit: it is divided by the number of units m: the trace has d terms
    X.shape[1] => len(W_1)
no nonlinearity: silu is left out: g stands where silu(g) and its slope should be
    (s * g) => g
    (s * (1 + g * (1 - s)) * u) => u
exchanged: W_1 and W_3 are exchanged: silu acts on W_3 x
    W_3, W_1, W_2 => W_1, W_3, W_2
"""

EXERCISE = Exercise(
    title="Does an MLP damp? The trace of its Jacobian",
    reference=damping,
    cases=_damping_cases,
    wrong=mistakes(damping, WRONG),
    laws=(Law("nothing at zero", _nothing_at_zero),),
    hints=(
        "Change x a little: both factors of silu(g) u change. Write the change of the product, "
        "then the trace of a product of matrices with a diagonal one in the middle.",
        "tr J = sum_m [silu(g_m) (W_1 W_2)_mm + silu'(g_m) u_m (W_3 W_2)_mm], with silu'(g) = "
        "sigma (1 + g (1 - sigma)).",
        'up, gate = np.einsum("dm,md->m", W_2, W_1), np.einsum("dm,md->m", W_2, W_3)',
    ),
    minutes=20,
    level="stretch",
    spared=PLAIN,
)

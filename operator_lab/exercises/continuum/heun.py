"""A layer of second order (notebook 10)."""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def heun(f, x, t, h):
    """x + h (f(x, t) + f(x + h f(x, t), t + h)) / 2."""
    first = f(x, t)
    return x + h / 2 * (first + f(x + h * first, t + h))


# written with + and * alone, so that they take what the answer takes, NumPy or torch
VELOCITIES = {
    "u' = u (1 - u) + t": lambda x, t: x * (1 - x) + t,
    "u' = t^2, whatever u is": lambda x, t: 0 * x + t * t,
    "u' = -3 u": lambda x, t: -3.0 * x,
    "u' = t u^2 - (sum of u) / 4": lambda x, t: t * x * x - x.sum() / 4,
}


def _heun_cases(rng):
    for (name, f), h in zip(VELOCITIES.items(), (0.5, 1.5, 0.25, 0.4), strict=True):
        t = float(rng.uniform(0.3, 1.2))
        shape = (int(rng.integers(2, 4)), int(rng.integers(2, 5)))
        yield Case((f, rng.normal(size=shape), t, h), f"{name}, t = {t:.3f}, h = {h:g}")
    f = VELOCITIES["u' = -3 u"]
    for shape, size in (((1, 1), 1.0), ((50, 45), 1e-8), ((3, 3), 1e8), ((4,), 1.0)):
        x = size * rng.normal(size=shape)
        x[-1] = x[0]
        yield Case((f, x, 0.5, 0.7), f"u' = -3 u, x of shape {shape} about {size:g}, h = 0.7")
    bent = VELOCITIES["u' = t u^2 - (sum of u) / 4"]
    yield Case((bent, rng.normal(size=(2, 3)), 1.0, -0.3), "u' = t u^2 - (sum of u) / 4, h = -0.3")
    for t in (0.0, -0.6):
        x = rng.normal(size=(2, 3))
        yield Case((bent, x, t, 0.5), f"u' = t u^2 - (sum of u) / 4, t = {t:g}, h = 0.5")
    yield Case((bent, np.ones((2, 2)), 0.0, 1e-8), "u' = t u^2 - (sum of u) / 4, h = 1e-8")
    x = np.array([[-1.0, 0.0], [-2.0, -3.0]])
    yield Case((bent, x, 0.7, 0.2), "u' = t u^2 - (sum of u) / 4, none of x positive")


def _trapezoid(args, answer, slack):
    f, x, t, h = args
    if np.array_equal(f(x + 1, t), f(x, t)):  # a velocity that does not look at the state
        right = x + h * (f(x, t) + f(x, t + h)) / 2
        if differ(answer, right, slack, np.abs(x)):
            return "for a velocity that does not look at the state it is not the trapezoid rule"


WRONG = """
Euler: it is Euler's step, order 1: a second slope is missing
    h / 2 * (first + f(x + h * first, t + h)) => h * first
midpoint: it is the midpoint rule, of order 2 as well: Heun takes the slopes at both ends
    h / 2 * (first + f(x + h * first, t + h)) => h * f(x + h / 2 * first, t + h / 2)
old time: the second slope is taken at time t: it belongs to t + h
    first, t + h => first, t
old state: the second slope is taken at the old state: it belongs to Euler's end, x + h f
    f(x + h * first, => f(x,
end only: only the slope at the end is used: the mean of both is of second order
    h / 2 * (first + f => h * (f
not halved: the two slopes are added: take their mean
    h / 2 * => h *
two Euler steps: these are two Euler steps of half the size: still order 1
    h * first, t + h => h / 2 * first, t + h / 2
no h inside: the state of the second slope lacks its h: it is x + h f(x, t)
    h * first => first
slope alone: it is the mean slope: the step is x + h times that
    x + h / 2 * (first => 1 / 2 * (first
half step inside: the second slope is taken at x + h/2 f: the state at t + h is x + h f
    h * first => h / 2 * first
"""

EXERCISE = Exercise(
    title="A layer of second order",
    reference=heun,
    cases=_heun_cases,
    wrong=mistakes(heun, WRONG),
    laws=(Law("trapezoid", _trapezoid),),
    hints=(
        "Euler trusts the slope at the start for the whole step. Go to its end, look at the slope "
        "there too, and start again with the mean of the two.",
        "x + h/2 (f(x, t) + f(x + h f(x, t), t + h))",
        "first = f(x, t)",
    ),
    minutes=6,
    level="core",
    spared=PLAIN,
)

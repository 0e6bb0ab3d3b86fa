"""Find the order of a rule by experiment (notebook 10)."""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def order(step, exact):
    """The order p of a rule: its error after a fixed time falls as h^p.

    step(x, t, h) makes one step of size h from x at time t; exact(t) is the true solution, for x
    [n] = exact(0) at t = 0. A whole number.
    """
    errors = []
    for count in (16, 32, 64):
        x, h = exact(0.0), 1.0 / count
        for i in range(count):
            x = step(x, i * h, h)
        errors.append(np.abs(x - exact(1.0)).max())
    return int(np.rint(np.log2(errors[1] / errors[2])))


START = np.array([1.0, -0.5, 0.3])


def _swinging(t):
    """The solution of u' = cos(3 t) u - u / 2 from START."""
    return START * np.exp(np.sin(3 * t) / 3 - t / 2)


def _velocity(x, t):
    return np.cos(3 * t) * x - x / 2


def _euler(x, t, h):
    return x + h * _velocity(x, t)


def _at_the_middle(x, t, h):
    return x + h * _velocity(x + h / 2 * _velocity(x, t), t + h / 2)


def _kutta_3(x, t, h):
    a = _velocity(x, t)
    b = _velocity(x + h / 2 * a, t + h / 2)
    c = _velocity(x - h * a + 2 * h * b, t + h)
    return x + h / 6 * (a + 4 * b + c)


def _runge_kutta_4(x, t, h):
    a = _velocity(x, t)
    b = _velocity(x + h / 2 * a, t + h / 2)
    c = _velocity(x + h / 2 * b, t + h / 2)
    return x + h / 6 * (a + 2 * b + 2 * c + _velocity(x + h * c, t + h))


def _old_slope(x, t, h):
    """Two slopes, both at the old time: it looks like Heun's and is of order 1."""
    a = _velocity(x, t)
    return x + h / 2 * (a + _velocity(x + h * a, t))


RULES = (_euler, _at_the_middle, _kutta_3, _runge_kutta_4, _old_slope)


def _order_cases(rng):
    for place in rng.permutation(len(RULES)):
        yield Case((RULES[place], _swinging), "one of five rules, on an equation of its own")


def _whole(args, answer, slack):
    if answer != np.rint(answer) or answer < 1:
        return f"it gives {answer:.6g}: the order of these rules is a whole number from 1"


def _falls_so(args, answer, slack):
    if _whole(args, answer, slack):
        return None
    found = order(*args)
    if answer != found:
        return f"from 32 to 64 steps the error falls by about 2^{found}, not by 2^{int(answer)}"


WRONG = """
local: it is the order of a single step, one more than that of the rule: steps add up, compare \
    after a fixed time
    int(np.rint( => 1 + int(np.rint(
natural: it takes the natural logarithm: the number of steps is doubled, log2
    np.log2 => np.log
ratio: it is the ratio of the errors: its logarithm, base 2, is asked
    np.log2(errors[1] / errors[2]) => errors[1] / errors[2]
turned: it divides the small error by the large one: the order is positive
    errors[1] / errors[2] => errors[2] / errors[1]
two doublings: it compares sixteen steps with sixty-four: that is two doublings, halve it
    errors[1] / errors[2] => errors[0] / errors[2]
slopes of a step: it starts every step at time 0: the rule must be told the time
    step(x, i * h, h) => step(x, 0.0, h)
"""

EXERCISE = Exercise(
    title="Find the order of a rule by experiment",
    reference=order,
    cases=_order_cases,
    wrong=mistakes(order, WRONG),
    laws=(Law("whole", _whole), Law("falls so", _falls_so)),
    hints=(
        "Take twice as many steps of half the size. By which factor does the error at the end "
        "shrink, and what if you do it again?",
        "error(h) = c h^p: p = log2 of error(1/32) / error(1/64), rounded; the end time stays 1.",
        "for i in range(count): x = step(x, i / count, 1 / count)",
    ),
    minutes=10,
    level="core",
    spared=dict.fromkeys(("one", "many"), "a rule and a solution are given, no arrays"),
)

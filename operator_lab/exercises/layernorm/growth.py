"""How a stream grows that is only normed where it is read (notebook 06).

Both follow from where the norm stands: pre-LN, x + F(norm(x)), post-LN, norm(x + F(x)) (IV.1).
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, differ, mistakes


def growth(steps, size):
    """Root mean square of a stream of size 1 after `steps` independent writes of this size."""
    return np.sqrt(1 + steps * size**2)


def _growth_cases(rng):
    for size, steps in ((0.5, range(7)), (1.0, (0, 1, 24, 96)), (2.0, (12, 3, 0, 5))):
        yield Case((np.array(steps), size), f"steps = {[*steps]}, size = {size:g}")
    steps, size = rng.permutation(40)[:6], float(rng.uniform(0.1, 0.7))
    yield Case((steps, size), f"6 numbers of steps below 40, size = {size:.3f}")
    yield Case((np.array([1]), 1e8), "a single step, size = 1e8")
    yield Case(
        (np.array([10_000, 20_000, 0, 10_000]), 0.01), "steps = 10000, 20000, 0, 10000, size = 0.01"
    )
    yield Case((rng.integers(1000, size=60), 0.05), "60 numbers of steps below 1000, size = 0.05")


def _starts_at_one(args, answer, slack):
    if np.abs(answer[args[0] == 0] - 1).max(initial=0) > slack:
        return "after 0 steps its size is not 1, that of the start"


def _squares_add(args, answer, slack):
    steps, size = args
    squares = answer**2
    if differ(squares[:, None] - squares, (steps[:, None] - steps) * size**2, slack, squares):
        return "its square does not grow by size^2 with every step"


WRONG = """
linear: the sizes add up: that holds for writes that all point along the state; independent ones \
    add their squares
    np.sqrt(1 + steps * size**2) => 1 + steps * size
linear at right angles: the writes add up as if they all pointed the same way: n independent ones \
    together have size sqrt(n) size
    steps * size**2 => (steps * size) ** 2
size not squared: size is not squared: it is mean squares that add up
    size**2 => size
no root: it is the mean square: take the root
    np.sqrt(1 + steps * size**2) => 1 + steps * size**2
start forgotten: the start is left out: the stream begins with mean square 1
    1 + steps => steps
start for a step: the start is counted as one more write of this size: its mean square is 1
    1 + steps => (1 + steps)
one step: it is the size after one step, whatever the number of steps
    steps * size**2) => size**2) + 0 * steps
exponential: it grows by a factor each step, as if a write grew with the stream: a pre-LN branch \
    reads the normed state, so that all writes have one size
    np.sqrt(1 + steps * size**2) => (1 + size**2) ** (steps / 2)
compound: it multiplies by 1 + size each step: writes have one size and add their squares
    np.sqrt(1 + steps * size**2) => (1 + size) ** steps
"""

EXERCISE = Exercise(
    title="How a stream grows that is only normed where it is read",
    reference=growth,
    cases=_growth_cases,
    wrong=mistakes(growth, WRONG),
    laws=(Law("start", _starts_at_one), Law("squares add", _squares_add)),
    hints=(
        "Two independent random vectors of many features are nearly at right angles. How long is "
        "the sum of two arrows at right angles?",
        "Mean squares add: after n writes the mean square is 1 + n size^2.",
        "square = 1 + steps * size**2",
    ),
    minutes=8,
    level="core",
)

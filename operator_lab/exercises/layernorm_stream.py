"""The later exercises of notebook 06: the growth of a pre-LN stream, the frozen post-LN step.

Both follow from where the norm stands: pre-LN, x + F(norm(x)), post-LN, norm(x + F(x)) (IV.1).
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def growth(steps, size):
    """Root mean square of a stream of size 1 after `steps` independent writes of this size."""
    return np.sqrt(1 + steps * size**2)


def post_step(F, sigma, gain):
    """V with x + V x = gain * P (x + F x) / sigma, P x = x - mean: post-LN at a frozen scale."""
    one = np.eye(len(F))
    P = one - 1 / len(F)
    return np.diag(gain) @ P @ (one + F) / sigma - one


# --- growth ------------------------------------------------------------------------------------


def _growth_probes(rng):
    for size, steps in ((0.5, range(7)), (1.0, (0, 1, 24, 96)), (2.0, (12, 3, 0, 5))):
        yield Probe((np.array(steps), size), f"steps = {[*steps]}, size = {size:g}")
    steps, size = rng.permutation(40)[:6], float(rng.uniform(0.1, 0.7))
    yield Probe((steps, size), f"6 numbers of steps below 40, size = {size:.3f}")


def _one_by_one(steps, size):
    found = []
    for count in steps:
        square = 1.0
        for _ in range(int(count)):
            square += size * size
        found.append(square**0.5)
    return found


def _by_triangles(steps, size):
    # each write stands at a right angle to the state so far
    sizes = [1.0]
    for _ in range(int(max(steps))):
        sizes.append(np.hypot(sizes[-1], size))
    return np.array([sizes[int(n)] for n in steps])


def _starts_at_one(args, answer, slack):
    if np.abs(answer[args[0] == 0] - 1).max(initial=0) > slack:
        return "after 0 steps its size is not 1, that of the start"


def _squares_add(args, answer, slack):
    steps, size = args
    squares = answer**2
    if differ(squares[:, None] - squares, (steps[:, None] - steps) * size**2, slack, squares):
        return "its square does not grow by size^2 with every step"


GROWTH = Exercise(
    name="layernorm.growth",
    title="How a stream grows that is only normed where it is read",
    reference=growth,
    alternatives=(
        lambda steps, size: np.hypot(1, size * np.sqrt(steps)),
        lambda steps, size: np.exp(np.log1p(size**2 * steps) / 2),
        _one_by_one,
        _by_triangles,
    ),
    wrong=(
        Wrong("linear", lambda steps, size: 1 + steps * size,
              "the sizes add up: that holds for writes that all point along the state; independent "
              "ones add their squares"),
        Wrong("linear at right angles", lambda steps, size: np.sqrt(1 + (steps * size) ** 2),
              "the writes add up as if they all pointed the same way: n independent ones together "
              "have size sqrt(n) size"),
        Wrong("size not squared", lambda steps, size: np.sqrt(1 + steps * size),
              "size is not squared: it is mean squares that add up"),
        Wrong("no root", lambda steps, size: 1 + steps * size**2,
              "it is the mean square: take the root"),
        Wrong("start forgotten", lambda steps, size: np.sqrt(steps) * size,
              "the start is left out: the stream begins with mean square 1"),
        Wrong("start for a step", lambda steps, size: np.sqrt(1 + steps) * size,
              "the start is counted as one more write of this size: its mean square is 1"),
        Wrong("one step", lambda steps, size: np.sqrt(1 + size**2) + 0 * steps,
              "it is the size after one step, whatever the number of steps"),
        Wrong("exponential", lambda steps, size: (1 + size**2) ** (steps / 2),
              "it grows by a factor each step, as if a write grew with the stream: a pre-LN branch "
              "reads the normed state, so that all writes have one size"),
        Wrong("compound", lambda steps, size: (1 + size) ** steps,
              "it multiplies by 1 + size each step: writes have one size and add their squares"),
    ),
    hints=(
        "Two independent random vectors of many features are nearly at right angles. How long is "
        "the sum of two arrows at right angles?",
        "Mean squares add: after n writes the mean square is 1 + n size^2.",
        "square = 1 + steps * size**2",
    ),
    minutes=8,
    level="core",
    laws=(Law("start", _starts_at_one), Law("squares add", _squares_add)),
    probes=_growth_probes,
)

# --- post_step ---------------------------------------------------------------------------------


def _post_step_probes(rng):
    for d, size, sigma in ((2, 1.0, 1.7), (3, 0.5, 0.6), (5, 1.0, 3.0), (4, 3.0, 1.4)):
        F = size * rng.normal(size=(d, d)) + 0.3
        gain = rng.uniform(0.5, 2, size=d) * rng.choice([-1, 1], size=d)
        yield Probe((F, sigma, gain), f"d = {d}, F of size {size:g}, sigma = {sigma:g}")


def _step(change):
    """Return a post_step in which `change(F, s, G, P, one)` takes the place of the formula.

    G holds the gain on its diagonal, `s` is sigma.
    """

    def changed(F, sigma, gain):
        one = np.eye(len(F))
        return change(F, sigma, np.diag(gain), one - 1 / len(F), one)

    return changed


def _column_by_column(F, sigma, gain):
    columns = []
    for x in np.eye(len(F)):
        y = x + F @ x
        columns.append(gain * (y - y.mean()) / sigma - x)
    return np.array(columns).T


def _mean_removed(F, sigma, gain):
    y = F + np.eye(len(F))
    return np.einsum("i,ij->ij", gain / sigma, y - y.mean(axis=0)) - np.eye(len(F))


def _no_mean_left(args, answer, slack):
    gain = args[2]
    after = (answer + np.eye(len(gain))) / gain[:, None]
    if differ(after.sum(axis=0), 0, slack, np.abs(after).sum(axis=0) + np.abs(1 / gain)):
        return "with the gain divided out, x + V x has a mean: the norm removes it last"


def _as_the_norm_acts(args, answer, slack):
    F, sigma, gain = args
    x = 1.0 + np.arange(len(gain)) ** 2
    y = x + F @ x
    right = gain * (y - y.mean()) / sigma
    if differ(x + answer @ x, right, slack, x + np.abs(answer) @ x):
        return "x + V x is not gain * (y - mean) / sigma with y = x + F x"


POST_STEP = Exercise(
    name="layernorm.post_step",
    title="The frozen post-LN step has no identity path",
    reference=post_step,
    alternatives=(
        _column_by_column,
        _mean_removed,
        _step(lambda F, s, G, P, one: np.linalg.multi_dot([G / s, P, F + one]) - one),
        _step(lambda F, s, G, P, one: G @ P @ F / s + (G @ P / s - one)),
    ),
    wrong=(
        Wrong("1 not subtracted", _step(lambda F, s, G, P, one: G @ P @ (one + F) / s),
              "it is the whole step: V is what is added to x, subtract 1"),
        Wrong("1 inside", _step(lambda F, s, G, P, one: (G @ P @ (one + F) - one) / s),
              "the 1 to subtract is divided by sigma: x itself is not normed in x + V x"),
        Wrong("gain on columns", _step(lambda F, s, G, P, one: P @ (one + F) @ G / s - one),
              "the gain multiplies the columns of the matrix: it acts last, on the rows"),
        Wrong("gain before P", _step(lambda F, s, G, P, one: P @ G @ (one + F) / s - one),
              "the gain acts before the mean is removed: centre first, the gain comes last"),
        Wrong("no gain", _step(lambda F, s, G, P, one: P @ (one + F) / s - one),
              "the gain is left out"),
        Wrong("no centring", _step(lambda F, s, G, P, one: G @ (one + F) / s - one),
              "the mean is not removed: P = 1 - (a matrix of 1/d) is missing"),
        Wrong("only F centred", _step(lambda F, s, G, P, one: G @ (one + P @ F) / s - one),
              "only the write F x is centred: post-LN norms the sum x + F x"),
        Wrong("centred before", _step(lambda F, s, G, P, one: G @ (one + F) @ P / s - one),
              "the mean is removed from x, before the step: post-LN norms what the step returns"),
        Wrong("only F normed", _step(lambda F, s, G, P, one: G @ P @ F / s),
              "it norms the write alone, x + norm(F x): post-LN norms x too, so that no identity "
              "path is left"),
        Wrong("skip forgotten", _step(lambda F, s, G, P, one: G @ P @ F / s - one),
              "x is missing inside the norm: it norms x + F x, not F x"),
        Wrong("pre-LN", _step(lambda F, s, G, P, one: F @ G @ P / s),
              "it is the pre-LN step x + F norm(x): post-LN norms after the sum"),
        Wrong("times sigma", _step(lambda F, s, G, P, one: G @ P @ (one + F) * s - one),
              "it multiplies by sigma: the norm divides"),
    ),
    hints=(
        "Write down what post-LN makes of x, with sigma a given number: a product of matrices. V "
        "is what remains once x is taken away.",
        "1 + V = diag(gain) P (1 + F) / sigma, with P = 1 - (a matrix of 1/d).",
        "one = np.eye(len(F)); P = one - 1 / len(F)",
    ),
    minutes=15,
    level="stretch",
    laws=(Law("no mean left", _no_mean_left), Law("as the norm acts", _as_the_norm_acts)),
    probes=_post_step_probes,
)

EXERCISES = (GROWTH, POST_STEP)

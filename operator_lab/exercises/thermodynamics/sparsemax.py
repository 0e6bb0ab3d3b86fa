"""Another entropy, another attention (notebook 09; arXiv 1602.02068).

z = -E/T is one row; the least U - T S with Tsallis' entropy of order 2.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes, short


def sparsemax(z):
    """max(z - t, 0) with t such that it sums to one: the distribution nearest to z."""
    falling = np.sort(z)[::-1]
    excess = np.cumsum(falling) - 1
    count = np.arange(1, len(z) + 1)
    kept = (count * falling > excess).sum()
    return np.maximum(z - excess[kept - 1] / kept, 0)


def _sparsemax_cases(rng):
    for n, size in ((3, 0.3), (6, 1.0), (5, 4.0), (8, 0.5)):
        yield Case((size * rng.normal(size=n),), f"{n} levels of spread {size:g}")
    yield Case((np.array([2.0, -1.0, 2.3, 1.9, 2.3]) + 5,), "5 levels, two of them alike, near 6")
    yield Case((np.array([-0.4]),), "a single level")
    p = rng.dirichlet(np.ones(4))
    yield Case((p,), "4 numbers that sum to one already")
    yield Case((rng.normal(size=60),), "60 levels")
    yield Case((0.01 * rng.normal(size=50),), "50 levels that all stay")
    yield Case((1e-8 * rng.normal(size=4),), "4 levels about 1e-8")
    yield Case((np.array([900.0, -3000.0, 899.5, 900.0, 0.0]),), "5 levels, thousands apart")
    yield Case((np.full(4, 7.0),), "4 levels, all alike")
    yield Case((np.array([1.0, 0.0, 0.0]),), "one level just within reach of the others")


def _sums_to_one(args, answer, slack):
    if abs(answer.sum() - 1) > slack:
        return f"it sums to {short(answer.sum())}, not to one"


def _weights(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its weights are negative (down to {answer.min():.6g})"


def _same_difference(args, answer, slack):
    z, on = args[0], answer > slack
    gaps = answer[on] - z[on]
    if on.any() and np.ptp(gaps) > slack * max(1.0, np.abs(z).max()):
        return "among the levels that it keeps, differences are not those of z"


WRONG = """
softmax: it is the softmax: no level is ever empty there
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()
one subtraction: its t is the one for all levels kept: once some are cut to zero, the rest sums \
    to more than one
    (count * falling > excess).sum() => len(z)
not cut: it sums to one, but negative weights are not cut to zero
    return z - (z.sum() - 1) / len(z)
cut and divided: it cuts and then divides by the sum: what is subtracted has to change instead
    (count * falling > excess).sum() => len(z)
    return => w =
    kept, 0) => kept, 0); return w / w.sum()
hard: it is the hard choice of the largest: sparsemax keeps what comes within reach
    return (z == z.max()) / (z == z.max()).sum()
shares: it shares out the positive numbers: a constant added to z may not change anything
    return np.maximum(z, 0) / max(np.maximum(z, 0).sum(), 1e-30)
one off: its t is that of one level too few: the last one that still fits is kept, too
    (count * falling > excess).sum() => max(1, (count * falling > excess).sum() - 1)
low first: it prefers small z: z = -E/T, so large z is low energy
    falling = np => z = -z; falling = np
"""

EXERCISE = Exercise(
    title="Another entropy, another attention",
    reference=sparsemax,
    cases=_sparsemax_cases,
    wrong=mistakes(sparsemax, WRONG),
    laws=(
        Law("sums to one", _sums_to_one),
        Law("no negative weights", _weights),
        Law("differences", _same_difference),
    ),
    hints=(
        "Slide one threshold t down from the top: what stands above it must add up to one.",
        "Keep the k largest with k z_(k) > (z_(1) + ... + z_(k)) - 1; t = (their sum - 1) / k.",
        "falling = np.sort(z)[::-1]; excess = np.cumsum(falling) - 1",
    ),
    minutes=15,
    level="stretch",
    spared={
        "huge": "beside 1e8 the 1 of the sum is lost in float32; spreads of thousands are tried",
        **PLAIN,
    },
)

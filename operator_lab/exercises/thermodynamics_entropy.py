"""The exercise of notebook 09 on another entropy: sparsemax (arXiv 1602.02068).

z = -E/T is one row; the least U - T S with Tsallis' entropy of order 2.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def sparsemax(z):
    """max(z - t, 0) with t such that it sums to one: the distribution nearest to z."""
    falling = np.sort(z)[::-1]
    excess = np.cumsum(falling) - 1
    count = np.arange(1, len(z) + 1)
    kept = (count * falling > excess).sum()
    return np.maximum(z - excess[kept - 1] / kept, 0)


def _sparsemax_probes(rng):
    for n, size in ((3, 0.3), (6, 1.0), (5, 4.0), (8, 0.5)):
        yield Probe((size * rng.normal(size=n),), f"{n} levels of spread {size:g}")
    yield Probe((np.array([2.0, -1.0, 2.3, 1.9, 2.3]) + 5,), "5 levels, two of them alike, near 6")
    yield Probe((np.array([-0.4]),), "a single level")
    p = rng.dirichlet(np.ones(4))
    yield Probe((p,), "4 numbers that sum to one already")


def _by_bisection(z):
    low, high = z.min() - 1.0, z.max()
    for _ in range(100):
        t = (low + high) / 2
        low, high = (t, high) if np.maximum(z - t, 0).sum() > 1 else (low, t)
    return np.maximum(z - t, 0)


def _by_dropping(z):
    kept = np.ones(len(z), dtype=bool)
    while True:
        t = (z[kept].sum() - 1) / kept.sum()
        if (z[kept] > t).all():
            return np.where(kept, z - t, 0)
        kept &= z > t


def _sums_to_one(args, answer, slack):
    if abs(answer.sum() - 1) > slack:
        return f"it sums to {answer.sum():.3g}, not to one"


def _weights(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its weights are negative (down to {answer.min():.3g})"


def _same_difference(args, answer, slack):
    z, on = args[0], answer > slack
    gaps = answer[on] - z[on]
    if on.any() and np.ptp(gaps) > slack * max(1.0, np.abs(z).max()):
        return "among the levels that it keeps, differences are not those of z"


SPARSEMAX = Exercise(
    name="thermodynamics.sparsemax",
    title="Another entropy, another attention",
    reference=sparsemax,
    alternatives=(
        _by_bisection,
        _by_dropping,
        lambda z: np.maximum(z - max(
            (np.sort(z)[::-1][:k].sum() - 1) / k for k in range(1, len(z) + 1)), 0),
    ),
    wrong=(
        Wrong("softmax", lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
              "it is the softmax: no level is ever empty there"),
        Wrong("one subtraction", lambda z: np.maximum(z - (z.sum() - 1) / len(z), 0),
              "its t is the one for all levels kept: once some are cut to zero, the rest sums to "
              "more than one"),
        Wrong("not cut", lambda z: z - (z.sum() - 1) / len(z),
              "it sums to one, but negative weights are not cut to zero"),
        Wrong("cut and divided", lambda z: _cut(z) / _cut(z).sum(),
              "it cuts and then divides by the sum: what is subtracted has to change instead"),
        Wrong("hard", lambda z: (z == z.max()) / (z == z.max()).sum(),
              "it is the hard choice of the largest: sparsemax keeps what comes within reach"),
        Wrong("shares", lambda z: np.maximum(z, 0) / max(np.maximum(z, 0).sum(), 1e-30),
              "it shares out the positive numbers: a constant added to z may not change anything"),
        Wrong("one off", lambda z: _one_off(z),
              "its t is that of one level too few: the last one that still fits is kept, too"),
        Wrong("low first", lambda z: sparsemax(-z),
              "it prefers small z: z = -E/T, so large z is low energy"),
    ),
    hints=(
        "Slide one threshold t down from the top: what stands above it must add up to one.",
        "Keep the k largest with k z_(k) > (z_(1) + ... + z_(k)) - 1; t = (their sum - 1) / k.",
        "falling = np.sort(z)[::-1]; excess = np.cumsum(falling) - 1",
    ),
    minutes=15,
    level="stretch",
    laws=(
        Law("sums to one", _sums_to_one),
        Law("no negative weights", _weights),
        Law("differences", _same_difference),
    ),
    probes=_sparsemax_probes,
)


def _cut(z):
    return np.maximum(z - (z.sum() - 1) / len(z), 0)


def _one_off(z):
    falling = np.sort(z)[::-1]
    excess = np.cumsum(falling) - 1
    kept = max(1, (np.arange(1, len(z) + 1) * falling > excess).sum() - 1)
    return np.maximum(z - excess[kept - 1] / kept, 0)


EXERCISES = (SPARSEMAX,)

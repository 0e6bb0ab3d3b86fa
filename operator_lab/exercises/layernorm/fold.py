"""Move a gain into the reading matrix (notebook 06).

What reads a normed state n sees gain * n + bias; the same law must come of the bare n.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def fold(gain, bias, W):
    """Matrix and offset that read the bare norm as W [k, d] reads gain * n + bias.

    The rows of the new matrix sum to zero: nothing is read of a number added to all features,
    which no bare norm has.
    """
    read = W * gain
    return read - read.mean(axis=1, keepdims=True), W @ bias


def _fold_cases(rng):
    sizes = ((4, 3, 1.0), (3, 5, 1.0), (4, 4, 1e-8), (5, 2, 1e8), (1, 1, 1.0), (45, 50, 1.0))
    for k, d, size in sizes:
        gain, W = rng.uniform(0.5, 2, size=d), size * rng.normal(size=(k, d)) + 0.3 * size
        gain[0] = -gain[0]
        W[-1] = W[0]
        label = f"k = {k}, d = {d}, first and last row of W alike, W of size {size:g}"
        yield Case((gain, rng.normal(size=d), W), label)
    whole = rng.integers(-2, 3, size=(3, 4)) * 1.0
    yield Case((np.array([1.0, 2.0, 2.0, 0.0]), np.ones(4), whole), "whole numbers, one gain 0")
    for size in (1e-8, 1e8):
        gain, bias = size * rng.normal(size=4), rng.integers(-1, 2, size=4) / size
        yield Case((gain, bias, whole), f"whole numbers, gains about {size:g}, bias of the inverse")


def _states(d):
    """Bare norms of a few states, as no training has seen them."""
    x = np.random.default_rng(6).normal(size=(5, d))
    c = x - x.mean(axis=1, keepdims=True)
    return c / np.maximum(np.sqrt((c**2).mean(axis=1, keepdims=True)), 1e-30)


def _same_reading(args, answer, slack):
    gain, bias, W = args
    n = _states(len(gain))
    right, found = (gain * n + bias) @ W.T, n @ answer[0].T + answer[1]
    size = np.abs(n) @ np.abs(answer[0]).T + np.abs(W) @ np.abs(bias)
    if differ(found, right, slack, size):
        off = np.abs(found - right).max() / np.abs(right).max()
        return f"fresh states are read otherwise than before, by {off:.6g} of what is read"


def _blind_to_shifts(args, answer, slack):
    sums = answer[0].sum(axis=1)
    if differ(sums, 0.0, slack, np.abs(answer[0]).sum(axis=1)):
        return f"its rows do not sum to zero ({sums.min():.6g} ... {sums.max():.6g})"


WRONG = """
gain on rows: the gain multiplies the rows of W: it belongs to what is read, the columns
    W * gain => (W.T * np.resize(gain, len(W))).T
divided: it divides by the gain: W reads gain * n, so the gain goes into W as a factor
    W * gain => W / np.where(gain == 0, 1, gain)
not centred: what is read stays, but the rows of the matrix do not sum to zero: a mean that it \
    never meets is still read
    read - read.mean(axis=1, keepdims=True) => read
centred first: it centres W before the gain goes in: what must sum to zero is the row that reads \
    the bare norm
    read - read.mean(axis=1, keepdims=True) => (W - W.mean(axis=1, keepdims=True)) * gain
gain on the bias: the bias is multiplied by the gain: it is added after it, W b
    W @ bias => W @ (gain * bias)
bias through the centred: the bias is read by the new matrix, whose rows sum to zero: W reads it \
    whole, W b
    W @ bias => (read - read.mean(axis=1, keepdims=True)) @ bias
bias unread: it returns the bias as it is: it is read by W as well, W b
    W @ bias => np.resize(bias, len(W))
no bias: the bias is lost: W reads it too, W b
    W @ bias => 0 * (W @ bias)
bias centred: the bias is read with its mean taken off: what is added after the norm is read whole
    W @ bias => W @ (bias - bias.mean())
order: the two are right but in the wrong order: the matrix comes first
    read - read.mean(axis=1, keepdims=True), W @ bias => \
        W @ bias, read - read.mean(axis=1, keepdims=True)
columns centred: the columns are centred: of each row, which reads one number, the mean is taken \
    off
    read.mean(axis=1 => read.mean(axis=0
"""

EXERCISE = Exercise(
    title="Move a gain into the reading matrix",
    reference=fold,
    cases=_fold_cases,
    wrong=mistakes(fold, WRONG),
    laws=(Law("the same reading", _same_reading), Law("blind to shifts", _blind_to_shifts)),
    hints=(
        "W meets gain * n + bias. Which matrix, on n alone, gives the same numbers, and what is "
        "left over? What of that matrix can n, whose mean is 0, never show?",
        "W (gain * n + bias) = (W diag(gain)) n + W bias; from each row of W diag(gain) its mean "
        "may be taken, because n sums to zero.",
        "read = W * gain",
    ),
    minutes=10,
    level="core",
    parts=2,
    spared=PLAIN,
)

"""Positions as rotations (notebook 09).

p is one distribution; queries and keys are rows x[position, feature], turned in pairs (2i, 2i + 1).
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def rotary(x, frequencies):
    """Each pair of features (2i, 2i + 1) of row m turned by the angle m frequencies[i]."""
    angle = np.arange(len(x))[:, None] * frequencies
    even, odd = x[:, 0::2], x[:, 1::2]
    out = np.empty(x.shape)
    out[:, 0::2] = even * np.cos(angle) - odd * np.sin(angle)
    out[:, 1::2] = even * np.sin(angle) + odd * np.cos(angle)
    return out


def _rotary_cases(rng):
    for N, half in ((3, 1), (5, 2), (4, 3)):
        x, f = rng.normal(size=(N, 2 * half)), rng.uniform(0.2, 1.5, size=half)
        yield Case((x, f), f"{N} positions, {2 * half} features")
    x = np.ones((6, 4)) * np.array([1.0, 2.0, -1.0, 0.5])
    yield Case((x, np.array([1.0, 0.1])), "the same 4 features at 6 positions")
    for N, half, size in ((1, 1, 1.0), (60, 20, 1.0), (4, 2, 1e-8), (2, 4, 1e8), (3, 3, 1.0)):
        x, f = size * rng.normal(size=(N, 2 * half)), rng.uniform(0.01, 1, size=half)
        x[-1] = x[0]
        yield Case((x, f), f"N = {N}, first and last alike, {2 * half} features about {size:g}")
    yield Case(
        (rng.normal(size=(5, 4)), np.array([0.0, 3.0])), "5 positions, one frequency 0, one 3"
    )
    x = -np.array([[1.0, 0.0, 2.0, 3.0], [0.0, 2.0, 1.0, 1.0], [4.0, 1.0, 0.0, 2.0]])
    yield Case((x, np.array([-0.7, 1e-8])), "3 positions of whole numbers, one frequency negative")


def _lengths(args, answer, slack):
    if differ((answer**2).sum(axis=1), (args[0] ** 2).sum(axis=1), slack):
        return "a row does not keep its length: rotations do"


def _first_row(args, answer, slack):
    if differ(answer[0], args[0][0], slack, np.abs(args[0]).max()):
        return "row 0 has changed: its angle is 0"


def _relative(args, answer, slack):
    x = args[0]
    if len(x) < 2:
        return None
    S, size = np.diag(answer @ answer.T, 1), (x**2).sum(axis=1).max()
    if np.ptp(x, axis=0).max() == 0 and differ(S, S[:1], slack, size):
        return "one and the same vector everywhere, and overlaps of neighbours differ"


WRONG = """
backwards: it turns the other way: (a, b) becomes (a cos - b sin, a sin + b cos)
    angle = np => angle = -np
both minus: both sines have a minus: that is no rotation
    even * np.sin(angle) + => -even * np.sin(angle) +
no minus: neither sine has a minus: that is no rotation
    - odd => + odd
counted from 1: its positions count from 1: row 0 has angle 0
    np.arange(len(x)) => np.arange(1, len(x) + 1)
halves: it pairs feature i with i + d/2: here neighbours are a pair, 2i and 2i + 1 (both \
    conventions exist, and weights of one do not fit the other)
    x[:, 0::2], x[:, 1::2] => np.split(x, 2, axis=1)
    even, odd = np.split(x, 2, axis=1) => even, odd = np.split(x, 2, axis=1); h = even.shape[1]
    out[:, 0::2] => out[:, :h]
    out[:, 1::2] => out[:, h:]
only cosines: it scales by the cosine alone: the pair has to be turned
    - odd * np.sin(angle) =>
    even * np.sin(angle) + =>
added: it adds cosine and sine, as position vectors do: here the pair is turned
    even * np.cos(angle) - odd * np.sin(angle) => even + np.cos(angle)
    even * np.sin(angle) + odd * np.cos(angle) => odd + np.sin(angle)
one angle: every pair is turned by the first frequency
    * frequencies => * frequencies[0]
columns: the second of a pair is made from the first one already turned: keep the old one
    even * np.sin(angle) + => out[:, 0::2] * np.sin(angle) +
"""

EXERCISE = Exercise(
    title="Positions as rotations",
    reference=rotary,
    cases=_rotary_cases,
    wrong=mistakes(rotary, WRONG),
    laws=(Law("lengths", _lengths), Law("row 0", _first_row), Law("relative", _relative)),
    hints=(
        "Look at a pair of features as an arrow in a plane, or as one complex number.",
        "(a, b) becomes (a cos t - b sin t, a sin t + b cos t), with t = m frequencies[i].",
        "angle = np.arange(len(x))[:, None] * frequencies; even, odd = x[:, 0::2], x[:, 1::2]",
    ),
    minutes=12,
    level="stretch",
    spared={"coincide": "h frequencies are never as many as 2 h features", **PLAIN},
)

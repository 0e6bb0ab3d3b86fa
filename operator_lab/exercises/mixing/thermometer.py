"""Find the temperature of a head (notebook 03; paper III.1-3).

States are rows, S[query, key] = q_i . k_j, T = tau sqrt(d_k), A = exp(S/T)/Z over keys j <= i.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes
from .mixing import mixing


def thermometer(S, A):
    """The temperature T > 0 at which the scores S [N, N] mix as the causal A [N, N] does.

    Some weights may be 0, too small for a number; those above 1e-30 tell.
    """
    i, j = np.nonzero(np.tril(A, -1) > 1e-30)
    seen = A[i, i] > 1e-30
    i, j = i[seen], j[seen]
    gap, told = S[i, j] - S[i, i], np.log(A[i, j]) - np.log(A[i, i])
    return (gap @ gap) / (gap @ told)


def _thermometer_cases(rng):
    for N, T, size in (
        (2, 1.0, 1.0),
        (5, 0.4, 1.0),
        (6, 3.0, 1.0),
        (45, 1.3, 2.0),
        (4, 8.0, 20.0),
        (4, 1.0, 12.0),
    ):
        S = size * rng.normal(size=(N, N)) + 2
        if N > 2:
            S[-1, 0] = S[-1, 1]
        yield Case((S, mixing(S, T)), f"{N} positions, T = {T:g}")
    for size in (1e-8, 1e8):
        S = size * rng.normal(size=(5, 5))
        S[4] = S[3]
        yield Case((S, mixing(S, 0.7 * size)), f"5 positions, scores and T about {size:g}")
    S = rng.normal(size=(6, 6))
    S[2:, 0] -= 3000
    yield Case((S, mixing(S, 1.4)), "6 positions, one key too weak for a number, T = 1.4")
    S = rng.normal(size=(5, 5))
    S[1:4, 0], S[4, 0], S[4, 3] = [S[1, 1], -3000, -5000], -2000, S[4, 4]
    S[3, 1:3] = S[3, 3]
    told = "5 positions, a tie, weights too weak for a number, T = 0.9"
    yield Case((S, mixing(S, 0.9)), told)
    for first in (-41.0, 43.0):
        far = np.array([[0.3, 0.2], [first, 1.0]])
        yield Case((far, mixing(far, 0.8)), f"2 positions, scores {first:g} and 1, T = 0.8")
    one = np.float32(rng.normal(size=(5, 5)) + 1000)
    yield Case((one, mixing(np.float64(one), 2.0)), "5 positions, scores in float32 about 1000")
    S = -rng.integers(0, 4, size=(6, 6)) * 1.0
    S[5, :2] = 0, -3
    yield Case((S, mixing(S, 1.1)), "6 positions, whole numbers, none positive, T = 1.1")


def _positive(args, answer, slack):
    if not answer > 0:
        return f"it is {answer:.6g}: a temperature is positive"


def _mixes_so(args, answer, slack):
    S, A = args
    if not answer > 0:
        return None
    off = np.abs(mixing(np.float64(S), float(answer)) - A).max()
    if off > slack:
        return f"at T = {answer:.6g} the scores mix otherwise, by up to {off:.6g}"


WRONG = """
inverse: it is 1 / T: where scores differ by T the weights differ by a factor e
    return (gap @ gap) / (gap @ told) => return (gap @ told) / (gap @ gap)
sign: its sign is wrong: the larger score has the larger weight, so T is positive
    return (gap => return -(gap
bits: it takes log2 for the exponential's inverse: the weights are powers of e
    np.log(A[i, j]) - np.log(A[i, i]) => np.log2(A[i, j]) - np.log2(A[i, i])
no gaps: it compares S with log A directly: log Z of each row stands between them, take \
    differences within a row
    S[i, j] - S[i, i], np.log(A[i, j]) - np.log(A[i, i]) => S[i, j], np.log(A[i, j])
across rows: it compares with the key's own row: Z differs from row to row, stay in one
    np.log(A[i, i]) => np.log(A[j, j])
root: it is sqrt(T): the gap in the score over that in log A is T itself
    return (gap @ gap) / (gap @ told) => return np.sqrt((gap @ gap) / (gap @ told))
probabilities: it takes differences of the weights: of their logarithms
    np.log(A[i, j]) - np.log(A[i, i]) => A[i, j] - A[i, i]
all weights: right until a weight is too small for a number: its logarithm is -inf, leave it out
    np.tril(A, -1) > 1e-30 => np.tri(len(A), k=-1) > 0
"""

EXERCISE = Exercise(
    title="Find the temperature of a head",
    reference=thermometer,
    cases=_thermometer_cases,
    wrong=mistakes(thermometer, WRONG),
    laws=(Law("positive", _positive), Law("mixes so", _mixes_so)),
    hints=(
        "Two keys of one query: their scores differ, and so do the logarithms of their weights. "
        "What of Z, and of the temperature, is left in the quotient?",
        "ln A_ij - ln A_il = (S_ij - S_il) / T within a row; take pairs whose weights are not 0.",
        "told = np.log(A[i, j]) - np.log(A[i, i])  # for j < i",
    ),
    minutes=10,
    level="core",
    spared={"one": "a single position has no second key to compare with"},
)

"""What a common direction hides (notebook 12)."""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def trap(S):
    """Antisymmetric share of each map S [h, N, N] after its row and column means are taken out."""
    rows, columns = S.mean(axis=2, keepdims=True), S.mean(axis=1, keepdims=True)
    C = S - rows - columns + S.mean(axis=(1, 2), keepdims=True)
    return ((C - C.swapaxes(1, 2)) ** 2).sum(axis=(1, 2)) / (4 * (C**2).sum(axis=(1, 2)))


def _trap_cases(rng):
    for h, N, common in ((3, 4, 5.0), (2, 6, 0.5), (4, 5, 2.0)):
        S = rng.normal(size=(h, N, N))
        S = S + common * (1 + rng.normal(size=(h, N, 1)) + 0.5 * rng.normal(size=(h, 1, N)))
        yield Case((S,), f"{h} heads, N = {N}, a common part of size {common:g}")
    A = rng.normal(size=(2, 4, 4))
    pure = np.stack([A[0] + A[0].T, A[1] - A[1].T])
    yield Case((pure + 1.5,), "one symmetric, one antisymmetric, and 1.5 more")
    for h, N, size in ((1, 3, 1.0), (45, 4, 1e-8), (3, 50, 1.0), (4, 4, 1e8), (3, 3, 1.0)):
        S = size * rng.normal(size=(h, N, N))
        S[-1] = S[0]
        yield Case((S,), f"{h} heads, first and last alike, N = {N}, S of size {size:g}")
    whole = rng.integers(-1, 2, size=(3, 5, 5)) + 3.0 * np.eye(5)[[1, 2, 3, 4, 0]]
    yield Case((whole,), "3 heads of whole numbers")
    single = np.float32(rng.normal(size=(2, 4, 4)) + 1000)
    yield Case((single,), "2 heads in float32, all about 1000")
    yield Case((-np.abs(S) - 1,), "3 heads without a positive number")


def _a_share(args, answer, slack):
    if (answer < -slack).any() or (answer > 1 + slack).any():
        return "a share lies between 0 and 1"


def _extremes(args, answer, slack):
    S = args[0]
    for s, a in zip(S, answer, strict=True):
        c = s - s.mean()
        rounding = 1e-8 * np.abs(c).max()
        if np.allclose(c, c.T, atol=rounding) and abs(a) > slack:
            return "a symmetric map has no antisymmetric share, and it says otherwise"
        if np.allclose(c, -c.T, atol=rounding) and abs(a - 1) > slack:
            return "a constant added to an antisymmetric map leaves its share at 1, and it does not"


WRONG = """
raw: it is the share of the raw map: take the means out first
    S - rows - columns + S.mean(axis=(1, 2), keepdims=True) => S
rows only: only the means of the rows are taken out: a key that all queries like is left
    - columns + S.mean(axis=(1, 2), keepdims=True) =>
columns only: only the means of the columns are taken out: a query that likes all keys is left
    - rows - columns + S.mean(axis=(1, 2), keepdims=True) => - columns
one mean: only the mean of the whole map is taken out: each row and column has its own
    - rows - columns + S.mean => - S.mean
mean twice: the mean of the whole map is taken out twice, with the rows and with the columns: put \
    it back once
    + S.mean(axis=(1, 2), keepdims=True) =>
symmetric: it is the symmetric share, 1 minus this one
    return => return 1 -
not squared: it is a ratio of norms: shares are ratios of squares
    return => share =
    (4 * (C**2).sum(axis=(1, 2))) => (4 * (C**2).sum(axis=(1, 2))); return np.sqrt(share)
factor: the antisymmetric part is (C - C^T) / 2, and its square has a quarter
    (4 * (C**2) => ((C**2)
all heads at once: it is the share of the first head, for all of them: each head has its own
    rows, columns = => S = np.repeat(S[:1], len(S), axis=0); rows, columns =
"""

EXERCISE = Exercise(
    title="What a common direction hides",
    reference=trap,
    cases=_trap_cases,
    wrong=mistakes(trap, WRONG),
    laws=(Law("a share", _a_share), Law("extremes", _extremes)),
    hints=(
        "States that share a direction c have S_ij = c.c + a part of i + a part of j + the rest. "
        "Which means take the first three away?",
        "C = S - row means - column means + the mean of all; share = |C - C^T|^2 / (4 |C|^2).",
        "C = S - S.mean(axis=2, keepdims=True) - S.mean(axis=1, keepdims=True) + "
        "S.mean(axis=(1, 2), keepdims=True)",
    ),
    minutes=10,
    level="core",
)

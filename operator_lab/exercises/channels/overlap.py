"""How far two heads use the same space (notebook 04; paper III.4).

A subspace is spanned by the columns of a matrix [d, k], which need not be orthonormal.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def overlap(A, B):
    """Mean squared cosine of the principal angles, and its mean over random subspaces."""
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    (d, k), m = A.shape, B.shape[1]
    return np.sum((Q_A.T @ Q_B) ** 2) / min(k, m), max(k, m) / d


def _overlap_cases(rng):
    for d, k, m in ((5, 2, 3), (6, 4, 2), (5, 2, 2), (3, 3, 2)):
        A, B = rng.normal(size=(d, k)) * np.arange(1, k + 1), 3 * rng.normal(size=(d, m))
        yield Case((A, B), f"d = {d}, k = {k}, m = {m}")
    A = rng.normal(size=(6, 3))
    A[:, 2] = A[:, 0] + 0.3 * A[:, 2]
    yield Case((A, rng.normal(size=(6, 2)) + 4), "d = 6, k = 3, m = 2, columns nearly parallel")
    yield Case((A, 20 * A @ (rng.normal(size=(3, 3)) + 2 * np.eye(3))), "the same space twice")
    yield Case((A, A @ rng.normal(size=(3, 2))), "one space within the other")
    R = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    nearly = 7 * (R[:, 3:5] + 0.2 * R[:, :2])
    yield Case((R[:, :3] @ rng.normal(size=(3, 3)), nearly), "two spaces nearly at right angles")
    sizes = ((1, 1, 1, 1.0), (60, 45, 41, 1.0), (4, 4, 4, 1e8), (5, 1, 3, 1e-8), (5, 3, 1, 1.0))
    for d, k, m, size in sizes:
        A, B = size * rng.normal(size=(d, k)), rng.normal(size=(d, m)) / size
        label = f"d = {d}, k = {k}, m = {m}, columns of A about {size:g}, of B the inverse"
        yield Case((A, B), label)
    A, B = rng.normal(size=(6, 3)) * [1e-4, 1, 1e4], rng.integers(-1, 2, size=(6, 2)) + np.eye(6, 2)
    A[3] = A[1]
    yield Case(
        (A, 4 * np.eye(6, 2) + B), "d = 6, k = 3 of very unequal lengths, m = 2, two rows alike"
    )


def _random(A, B):
    return max(A.shape[1], B.shape[1]) / len(A)


def _within(args, answer, slack):
    value = float(answer[0])
    if not -slack <= value <= 1 + slack:
        return f"it gives {value:.6g}, but a mean squared cosine lies between 0 and 1"


def _contained(args, answer, slack):
    wider, other = sorted(args, key=lambda M: -M.shape[1])
    value, rest = float(answer[0]), other - wider @ np.linalg.lstsq(wider, other, rcond=None)[0]
    if np.abs(rest).max() < 1e-9 * np.abs(other).max() and abs(value - 1) > slack:
        return f"it gives {value:.6g} where one space lies within the other: there it is 1"


def _whole(args, answer, slack):
    d, value = len(args[0]), float(answer[1])
    if _random(*args) == 1 and abs(value - 1) > slack:
        return (
            f"its second number is {value:.6g} where one space is all {d} dimensions: there "
            "every overlap is 1"
        )


WRONG = """
not orthogonalised: the columns are taken as they are, neither of length 1 nor orthogonal: \
    np.linalg.qr makes an orthonormal basis
    np.linalg.qr(A)[0] => A
    np.linalg.qr(B)[0] => B
only normalised: the columns are scaled to length 1 but not made orthogonal: np.linalg.qr does \
    both
    np.linalg.qr(A)[0] => A / np.linalg.norm(A, axis=0)
    np.linalg.qr(B)[0] => B / np.linalg.norm(B, axis=0)
rows normalised: the rows are scaled to length 1: the columns span the space, and must become \
    orthonormal
    np.linalg.qr(A)[0] => A / np.linalg.norm(A, axis=1, keepdims=True)
    np.linalg.qr(B)[0] => B / np.linalg.norm(B, axis=1, keepdims=True)
only A: B is taken as it is: it needs an orthonormal basis as A does
    np.linalg.qr(B)[0] => B
only B: A is taken as it is: it needs an orthonormal basis as B does
    np.linalg.qr(A)[0] => A
rows: rows and columns are exchanged: no shape fits unless k = m, and then it is always 1; the \
    product of the orthonormal columns is Q_A^T Q_B [k, m]
    qr(A) => qr(A.T)
    qr(B) => qr(B.T)
made apart: A and B are orthogonalised together, which takes from B all that it shares with A: \
    each needs a basis of its own
    Q_A, Q_B = => Q = np.linalg.qr(np.hstack([A, B]))[0]; Q_A, Q_B =
    np.linalg.qr(A)[0], np.linalg.qr(B)[0] => Q[:, : A.shape[1]], Q[:, A.shape[1] :]
divided by max: it divides by max(k, m): there are min(k, m) principal angles
    min(k, m) => max(k, m)
mean of entries: it divides by k m, all entries of Q_A^T Q_B: their squares add up to those of \
    min(k, m) cosines
    np.sum( => np.mean(
    / min(k, m) =>
all d dimensions: it is d / min(k, m), whatever the spaces: each basis is completed to all d \
    dimensions (svd does so unless full_matrices=False), keep only k and m of them
    np.sum((Q_A.T @ Q_B) ** 2) => d
norms: it is |A^T B|^2 / (|A|^2 |B|^2), which depends on the columns: np.linalg.qr makes an \
    orthonormal basis
    Q_A.T @ Q_B => A.T @ B
    / min(k, m) => / np.sum(A**2) / np.sum(B**2)
sum: it is the sum of the squared cosines: divide by their number, min(k, m)
    / min(k, m) =>
mean cosine: it is the mean of the cosines: square them first
    np.sum((Q_A.T @ Q_B) ** 2) => np.linalg.norm(Q_A.T @ Q_B, "nuc")
root: it is the root of the mean squared cosine: no root is asked
    np.sum((Q_A.T @ Q_B) ** 2) / min(k, m) => np.sqrt(np.sum((Q_A.T @ Q_B) ** 2) / min(k, m))
norm: the norm |Q_A^T Q_B| is not squared
    np.sum((Q_A.T @ Q_B) ** 2) => np.linalg.norm(Q_A.T @ Q_B)
order 2: np.linalg.norm(M, 2) is the largest singular value alone: without the 2 it is the root of \
    the sum of all squares
    np.sum((Q_A.T @ Q_B) ** 2) => np.linalg.norm(Q_A.T @ Q_B, 2) ** 2
order 2, no square: np.linalg.norm(M, 2) is the largest singular value alone, and it is not \
    squared: the sum of all squares is asked
    np.sum((Q_A.T @ Q_B) ** 2) => np.linalg.norm(Q_A.T @ Q_B, 2)
largest cosine: it is the largest cosine: the mean of all squared cosines is asked
    np.sum((Q_A.T @ Q_B) ** 2) / min(k, m) => np.linalg.norm(Q_A.T @ Q_B, 2)
largest square: it is the largest squared cosine: the mean over all principal angles is asked
    np.sum((Q_A.T @ Q_B) ** 2) / min(k, m) => np.linalg.norm(Q_A.T @ Q_B, 2) ** 2
sine: it is the mean squared sine, 0 for equal spaces: the overlap is 1 there
    return => return 1 -
min / d: its second number is min(k, m) / d: a unit vector of the smaller space has on average \
    max(k, m) / d of its square in the larger one
    max(k, m) / d => min(k, m) / d
1 / d: its second number is 1 / d, which holds for single vectors: wider spaces meet more
    max(k, m) / d => 1 / d
k / d: its second number is k / d, right only where A is the wider one: max(k, m) / d
    max(k, m) / d => k / d
m / d: its second number is m / d, right only where B is the wider one: max(k, m) / d
    max(k, m) / d => m / d
k m / d: its second number is k m / d, which is the sum: divide by min(k, m) as well
    max(k, m) / d => k * m / d
k m / d^2: its second number is k m / d^2: k m / d is the mean of |Q_A^T Q_B|^2, divided by \
    min(k, m) it is max(k, m) / d
    max(k, m) / d => k * m / d**2
order: the two numbers are right but in the wrong order: return the overlap first
    return => return max(k, m) / d,
    min(k, m), max(k, m) / d => min(k, m)
"""

EXERCISE = Exercise(
    title="How far two heads use the same space",
    reference=overlap,
    cases=_overlap_cases,
    wrong=mistakes(overlap, WRONG),
    laws=(
        Law("between 0 and 1", _within),
        Law("one within the other", _contained),
        Law("whole space", _whole),
    ),
    hints=(
        "What two spaces share cannot depend on the vectors that happen to span them: first give "
        "each an orthonormal basis.",
        "The singular values of Q_A^T Q_B are the min(k, m) cosines, their squares add up to "
        "|Q_A^T Q_B|^2. A random unit vector has on average max(k, m) / d of its square in the "
        "wider space.",
        "Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]",
    ),
    minutes=12,
    level="core",
    parts=2,
    spared=PLAIN,
)

"""An exercise of notebook 04: how far two heads use the same space (paper III.4).

A subspace is spanned by the columns of a matrix [d, k], which need not be orthonormal.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def overlap(A, B):
    """Mean squared cosine of the principal angles, and its mean over random subspaces."""
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    (d, k), m = A.shape, B.shape[1]
    return np.sum((Q_A.T @ Q_B) ** 2) / min(k, m), max(k, m) / d


# --- overlap -----------------------------------------------------------------------------------


def _overlap_probes(rng):
    for d, k, m in ((5, 2, 3), (6, 4, 2), (5, 2, 2), (3, 3, 2)):
        A, B = rng.normal(size=(d, k)) * np.arange(1, k + 1), 3 * rng.normal(size=(d, m))
        yield Probe((A, B), f"d = {d}, k = {k}, m = {m}")
    A = rng.normal(size=(6, 3))
    A[:, 2] = A[:, 0] + 0.3 * A[:, 2]
    yield Probe((A, rng.normal(size=(6, 2)) + 4), "d = 6, k = 3, m = 2, columns nearly parallel")
    yield Probe((A, 20 * A @ (rng.normal(size=(3, 3)) + 2 * np.eye(3))), "the same space twice")
    yield Probe((A, A @ rng.normal(size=(3, 2))), "one space within the other")
    R = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    nearly = 7 * (R[:, 3:5] + 0.2 * R[:, :2])
    yield Probe((R[:, :3] @ rng.normal(size=(3, 3)), nearly), "two spaces nearly at right angles")


def _unit(A, axis=0):
    return A / np.linalg.norm(A, axis=axis, keepdims=True)


def _basis(A):
    return np.linalg.qr(A)[0]


def _random(A, B):
    return max(A.shape[1], B.shape[1]) / len(A)


def _smaller(A, B):
    return min(A.shape[1], B.shape[1])


def _cosines(A, B):
    """Return the cosines of the principal angles, the largest first."""
    return np.linalg.svd(_basis(A).T @ _basis(B), compute_uv=False)


def _gram_schmidt(A):
    found = []
    for column in A.T:
        for q in found:
            column = column - (q @ column) * q
        found.append(column / np.sqrt(column @ column))
    return found


def _by_loop(A, B):
    pairs = [(a @ b) ** 2 for a in _gram_schmidt(A) for b in _gram_schmidt(B)]
    k, m = len(A[0]), len(B[0])
    return sum(pairs) / (k if k < m else m), (m if k < m else k) / len(A)


def _by_projectors(A, B):
    P, Q = (M @ np.linalg.pinv(M) for M in (A, B))
    return np.trace(P @ Q) / _smaller(A, B), _random(A, B)


def _apart(A, B):
    """Return bases of A and of what B adds to it."""
    Q = _basis(np.hstack([A, B]))
    return Q[:, : A.shape[1]], Q[:, A.shape[1] :]


def _mean_square(change, A, B):
    """Return the mean squared cosine as it would be for two orthonormal bases `change(A, B)`."""
    Q_A, Q_B = change(A, B)
    return np.sum((Q_A.T @ Q_B) ** 2) / _smaller(A, B)


def _measured(change):
    """Return an overlap with `change(A, B)` in the first place and the right second number."""
    return lambda A, B: (change(A, B), _random(A, B))


def _bases(change):
    """Return an overlap in which `change(A, B)` takes the place of the orthonormal bases."""
    return _measured(lambda A, B: _mean_square(change, A, B))


def _expected(change):
    """Return an overlap with the right first number and `change(d, k, m)` in the second place."""
    return lambda A, B: (overlap(A, B)[0], change(len(A), A.shape[1], B.shape[1]))


def _within(args, answer, slack):
    value = float(answer[0])
    if not -slack <= value <= 1 + slack:
        return f"it gives {value:.3g}, but a mean squared cosine lies between 0 and 1"


def _contained(args, answer, slack):
    wider, other = sorted(args, key=lambda M: -M.shape[1])
    value, rest = float(answer[0]), other - wider @ np.linalg.lstsq(wider, other, rcond=None)[0]
    if np.abs(rest).max() < 1e-9 * np.abs(other).max() and abs(value - 1) > slack:
        return f"it gives {value:.3g} where one space lies within the other: there it is 1"


def _whole(args, answer, slack):
    d, value = len(args[0]), float(answer[1])
    if _random(*args) == 1 and abs(value - 1) > slack:
        return f"its second number is {value:.3g} where one space is all {d} dimensions: there "\
               "every overlap is 1"


OVERLAP = Exercise(
    name="channels.overlap",
    title="How far two heads use the same space",
    reference=overlap,
    alternatives=(
        _measured(lambda A, B: (_cosines(A, B) ** 2).mean()),
        _bases(lambda A, B: tuple(np.linalg.svd(M, full_matrices=False)[0] for M in (A, B))),
        lambda A, B: (np.einsum("dk,dm,ek,em->", _basis(A), _basis(B), _basis(A), _basis(B))
                      / _smaller(A, B), _random(A, B)),
        _by_projectors,
        _by_loop,
    ),
    wrong=(
        Wrong("not orthogonalised", _bases(lambda A, B: (A, B)),
              "the columns are taken as they are, neither of length 1 nor orthogonal: "
              "np.linalg.qr makes an orthonormal basis"),
        Wrong("only normalised", _bases(lambda A, B: (_unit(A), _unit(B))),
              "the columns are scaled to length 1 but not made orthogonal: np.linalg.qr does both"),
        Wrong("rows normalised", _bases(lambda A, B: (_unit(A, 1), _unit(B, 1))),
              "the rows are scaled to length 1: the columns span the space, and must become "
              "orthonormal"),
        Wrong("only A", _bases(lambda A, B: (_basis(A), B)),
              "B is taken as it is: it needs an orthonormal basis as A does"),
        Wrong("only B", _bases(lambda A, B: (A, _basis(B))),
              "A is taken as it is: it needs an orthonormal basis as B does"),
        Wrong("rows", _measured(lambda A, B: np.sum((_basis(A.T).T @ _basis(B.T)) ** 2)
              / _smaller(A, B)),
              "rows and columns are exchanged: no shape fits unless k = m, and then it is always "
              "1; the product of the orthonormal columns is Q_A^T Q_B [k, m]"),
        Wrong("made apart", _bases(_apart),
              "A and B are orthogonalised together, which takes from B all that it shares with A: "
              "each needs a basis of its own"),
        Wrong("divided by max", _measured(lambda A, B: overlap(A, B)[0] * _smaller(A, B)
              / max(A.shape[1], B.shape[1])),
              "it divides by max(k, m): there are min(k, m) principal angles"),
        Wrong("mean of entries", _measured(lambda A, B: np.mean((_basis(A).T @ _basis(B)) ** 2)),
              "it divides by k m, all entries of Q_A^T Q_B: their squares add up to those of "
              "min(k, m) cosines"),
        Wrong("all d dimensions", _measured(lambda A, B: len(A) / _smaller(A, B)),
              "it is d / min(k, m), whatever the spaces: each basis is completed to all d "
              "dimensions (svd does so unless full_matrices=False), keep only k and m of them"),
        Wrong("norms", _measured(lambda A, B: np.sum((A.T @ B) ** 2)
              / np.linalg.norm(A) ** 2 / np.linalg.norm(B) ** 2),
              "it is |A^T B|^2 / (|A|^2 |B|^2), which depends on the columns: np.linalg.qr makes "
              "an orthonormal basis"),
        Wrong("sum", _measured(lambda A, B: np.sum(_cosines(A, B) ** 2)),
              "it is the sum of the squared cosines: divide by their number, min(k, m)"),
        Wrong("mean cosine", _measured(lambda A, B: _cosines(A, B).mean()),
              "it is the mean of the cosines: square them first"),
        Wrong("root", _measured(lambda A, B: np.sqrt(overlap(A, B)[0])),
              "it is the root of the mean squared cosine: no root is asked"),
        Wrong("norm", _measured(lambda A, B: np.linalg.norm(_cosines(A, B)) / _smaller(A, B)),
              "the norm |Q_A^T Q_B| is not squared"),
        Wrong("largest cosine", _measured(lambda A, B: _cosines(A, B)[0]),
              "it is the largest cosine: the mean of all squared cosines is asked"),
        Wrong("largest square", _measured(lambda A, B: _cosines(A, B)[0] ** 2),
              "it is the largest squared cosine: the mean over all principal angles is asked"),
        Wrong("sine", _measured(lambda A, B: 1 - overlap(A, B)[0]),
              "it is the mean squared sine, 0 for equal spaces: the overlap is 1 there"),
        Wrong("min / d", _expected(lambda d, k, m: min(k, m) / d),
              "its second number is min(k, m) / d: a unit vector of the smaller space has on "
              "average max(k, m) / d of its square in the larger one"),
        Wrong("1 / d", _expected(lambda d, k, m: 1 / d),
              "its second number is 1 / d, which holds for single vectors: wider spaces meet more"),
        Wrong("k / d", _expected(lambda d, k, m: k / d),
              "its second number is k / d, right only where A is the wider one: max(k, m) / d"),
        Wrong("m / d", _expected(lambda d, k, m: m / d),
              "its second number is m / d, right only where B is the wider one: max(k, m) / d"),
        Wrong("k m / d", _expected(lambda d, k, m: k * m / d),
              "its second number is k m / d, which is the sum: divide by min(k, m) as well"),
        Wrong("k m / d^2", _expected(lambda d, k, m: k * m / d**2),
              "its second number is k m / d^2: k m / d is the mean of |Q_A^T Q_B|^2, divided by "
              "min(k, m) it is max(k, m) / d"),
        Wrong("order", lambda A, B: overlap(A, B)[::-1],
              "the two numbers are right but in the wrong order: return the overlap first"),
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
    laws=(
        Law("between 0 and 1", _within),
        Law("one within the other", _contained),
        Law("whole space", _whole),
    ),
    probes=_overlap_probes,
    parts=2,
)  # fmt: skip

EXERCISES = (OVERLAP,)

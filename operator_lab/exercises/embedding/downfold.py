"""The nearest matrix of low rank (notebook 02; paper II).

Both read the singular values sigma_1 >= sigma_2 >= ... of a matrix.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def downfold(W, rank):
    """The matrix of this rank nearest to W in least squares: the largest singular values kept."""
    U, sigma, Vt = np.linalg.svd(W, full_matrices=False)
    return U[:, :rank] * sigma[:rank] @ Vt[:rank]


def _values(M):
    return np.linalg.svd(M, compute_uv=False)


def _downfold_cases(rng):
    for (V, d), rank, size in (
        ((6, 4), 2, 1.0),
        ((3, 5), 1, 1e3),
        ((4, 4), 3, 0.01),
        ((7, 3), 3, 1.0),
    ):
        U = np.linalg.qr(rng.normal(size=(V, V)))[0][:, : min(V, d)]
        Vt = np.linalg.qr(rng.normal(size=(d, d)))[0][: min(V, d)]
        # far enough apart that which one is cut is no matter of rounding
        sigma = size * 0.6 ** np.arange(min(V, d))
        yield Case((U * sigma @ Vt, rank), f"({V}, {d}) of size {size:g}, rank = {rank}")
    yield Case((rng.normal(size=(6, 5)) + 3, 2), "(6, 5), all entries about 3, rank = 2")
    for V, d, rank, size in ((1, 1, 1, 1.0), (50, 45, 30, 1e-8), (45, 50, 3, 1e8), (5, 1, 1, 1.0)):
        U, Vt = (np.linalg.qr(rng.normal(size=(n, min(V, d))))[0] for n in (V, d))
        sigma = size * np.geomspace(1, 0.01, min(V, d))
        yield Case((U * sigma @ Vt.T, rank), f"({V}, {d}) of size {size:g}, rank = {rank}")
    alike = np.repeat(rng.normal(size=(3, 4)), 2, axis=0) * [1, 2, 3, 5]
    yield Case((alike, 2), "(6, 4), each row twice, rank = 2")
    yield Case((np.diag([3.0, 1.0, 3.0, 0.0]), 2), "diag(3, 1, 3, 0), rank = 2")
    yield Case(
        (np.array([[-1.0, -3.0], [-2.0, -0.5]]), 1), "(2, 2), all entries negative, rank = 1"
    )


def _rank_kept(args, answer, slack):
    rank = args[1]
    sigma = _values(answer)
    if rank < len(sigma) and sigma[rank] > slack * _values(args[0])[0]:
        found = int((sigma > slack * sigma[0]).sum())
        return f"its rank is {found}, more than {rank}"


def _nearest(args, answer, slack):
    W, rank = args
    cut = np.sqrt((_values(W)[rank:] ** 2).sum())
    error = np.linalg.norm(W - answer)
    if differ(np.array(error), cut, slack, np.linalg.norm(W)):
        return f"its distance to W is {error:.6g}, that of the nearest of this rank {cut:.6g}"


WRONG = """
smallest: it keeps the smallest singular values: svd lists them from the largest down
    U[:, :rank] * sigma[:rank] @ Vt[:rank] => U[:, -rank:] * sigma[-rank:] @ Vt[-rank:]
largest dropped: it is what is left over: keep the first singular values, not those after them
    U[:, :rank] * sigma[:rank] @ Vt[:rank] => U[:, rank:] * sigma[rank:] @ Vt[rank:]
first columns: it keeps the first columns of W: they are no better than others, the singular \
    vectors are
    return W * (np.arange(W.shape[1]) < rank)
first rows: it keeps the first rows of W, which are words: all of them stay, approximated
    return W * (np.arange(len(W)) < rank)[:, None]
no sigma: it is U V^T without the singular values between them
    * sigma[:rank] =>
sigma squared: its singular values are squared: U sigma V^T
    sigma[:rank] => sigma[:rank] ** 2
root of sigma: it takes the roots of the singular values: U sigma V^T
    sigma[:rank] => sigma[:rank] ** 0.5
one too many: it keeps one singular value too many: [:rank] are exactly rank of them
    return => rank += 1; return
one too few: it keeps one singular value too few: [:rank] are exactly rank of them
    return => rank -= 1; return
centred: the mean of the rows is taken off and added back, which is one more dimension: W itself \
    is asked
    svd(W, => svd(W - W.mean(axis=0),
    @ Vt[:rank] => @ Vt[:rank] + W.mean(axis=0)
mean lost: the mean of the rows is taken off first, and is lost: W itself is asked
    svd(W, => svd(W - W.mean(axis=0),
V for V^T: np.linalg.svd returns V^T already: its rows are the singular vectors, Vt[:rank]
    Vt[:rank] => Vt[:, :rank].T
coordinates: it is U sigma, the coordinates along the kept directions: times V^T it is [V, d] \
    again
    @ Vt[:rank] =>
W itself: it is W itself, whatever the rank
    return W + 0
"""

EXERCISE = Exercise(
    title="The nearest matrix of low rank",
    reference=downfold,
    cases=_downfold_cases,
    wrong=mistakes(downfold, WRONG),
    laws=(Law("rank", _rank_kept), Law("nearest", _nearest)),
    hints=(
        "A matrix is a sum of pieces of rank one, each with its size. If only a few may stay, "
        "which?",
        "W = sum_k sigma_k u_k v_k^T with sigma descending; the first `rank` terms are the nearest "
        "of that rank (Eckart, Young 1936).",
        "U, sigma, Vt = np.linalg.svd(W, full_matrices=False)",
    ),
    minutes=12,
    level="stretch",
    spared=PLAIN,
)

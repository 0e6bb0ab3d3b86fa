"""The later exercises of notebook 02: how many dimensions are used, how few would do (paper II).

Both read the singular values sigma_1 >= sigma_2 >= ... of a matrix.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ
from .one_hot_counting import entropy


def effective_rank(M):
    """exp of the Shannon entropy of sigma_i / sum(sigma): a single number (Roy, Vetterli 2007)."""
    sigma = np.linalg.svd(M, compute_uv=False)
    p = sigma[sigma > 0] / sigma.sum()  # 0 log 0 = 0
    return np.exp(-(p * np.log(p)).sum())


def downfold(W, rank):
    """The matrix of this rank nearest to W in least squares: the largest singular values kept."""
    U, sigma, Vt = np.linalg.svd(W, full_matrices=False)
    return U[:, :rank] * sigma[:rank] @ Vt[:rank]


def _values(M):
    return np.linalg.svd(M, compute_uv=False)


# --- effective_rank ----------------------------------------------------------------------------


def _effective_rank_probes(rng):
    for shape, size in (((5, 3), 1.0), ((3, 6), 1e-3), ((4, 4), 1e3)):
        yield Probe((size * rng.normal(size=shape),), f"a {shape} matrix of size {size:g}")
    yield Probe((rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4)),), "(6, 4), but of rank 2")
    yield Probe((np.diag([3.0, 0.0, 1.0, 0.0]),), "diag(3, 0, 1, 0)")
    yield Probe((np.linalg.qr(rng.normal(size=(5, 5)))[0],), "a rotation of 5 dimensions")
    yield Probe((rng.normal(size=(6, 3)) + 8,), "(6, 3), all entries about 8")


def _of_shares(sigma):
    return np.exp(entropy(sigma / sigma.sum()))


def _by_powers(M):
    sigma = _values(M)
    p = sigma / sum(sigma)
    return np.prod(p ** (-p))  # 0 ** -0 = 1


def _by_loop(M):
    sigma = np.linalg.svd(M)[1]
    total, H = float(sum(sigma)), 0.0
    for s in sigma:
        if s > 0:
            H -= s / total * np.log(s / total)
    return np.e**H


def _by_eigenvalues(M):
    M = np.asarray(M, dtype=float)  # squares lose half the digits
    squares = np.linalg.eigvalsh(M.T @ M)
    return _of_shares(np.sqrt(np.maximum(squares, 0)))


def _within_rank(args, answer, slack):
    rank = np.linalg.matrix_rank(args[0], tol=1e-6 * np.abs(args[0]).max())
    if not 1 - slack <= answer <= rank * (1 + slack):
        return f"it gives {answer:.3g}, but an effective rank lies between 1 and the rank, {rank}"


def _all_alike(args, answer, slack):
    sigma = _values(args[0])
    if np.ptp(sigma) < 1e-9 * sigma[0] and abs(answer - len(sigma)) > slack * len(sigma):
        return f"it gives {answer:.3g} where all {len(sigma)} singular values are equal"


EFFECTIVE_RANK = Exercise(
    name="embedding.effective_rank",
    title="How many dimensions are used",
    reference=effective_rank,
    alternatives=(_by_powers, _by_loop, _by_eigenvalues),
    wrong=(
        Wrong("squares", lambda M: _of_shares(_values(M) ** 2),
              "its shares are of sigma^2, the eigenvalues of M M^T: here they are of sigma itself"),
        Wrong("participation ratio", lambda M: _values(M).sum() ** 2 / (_values(M) ** 2).sum(),
              "it is the participation ratio of the sigma, 1 / sum p^2: exp of the entropy of p is "
              "asked"),
        Wrong("participation ratio of squares", lambda M: (_values(M) ** 2).sum() ** 2
              / (_values(M) ** 4).sum(),
              "it is the participation ratio of sigma^2: exp of the entropy of sigma / sum(sigma) "
              "is asked"),
        Wrong("no exp", lambda M: np.log(effective_rank(M)),
              "it is the entropy: the number of dimensions is its exp"),
        Wrong("2**H", lambda M: 2 ** np.log(effective_rank(M)),
              "it is 2^H with H in nats: exp belongs to the natural logarithm, 2 to log2"),
        Wrong("exp of bits", lambda M: np.exp(np.log2(effective_rank(M))),
              "it is exp of an entropy in bits: exp belongs to the natural logarithm, 2 to log2"),
        Wrong("rank", lambda M: 1.0 * np.linalg.matrix_rank(M),
              "it is the rank, which counts the smallest sigma like the largest"),
        Wrong("all dimensions", lambda M: 1.0 * min(M.shape),
              "it is the number of singular values, whatever they are"),
        Wrong("centred", lambda M: effective_rank(M - M.mean(axis=0)),
              "the mean of the rows is taken off first: the singular values of M itself are asked"),
        Wrong("0 log 0", lambda M: np.exp(-np.sum(
              (p := _values(M) / _values(M).sum()) * np.log(p))),
              "right unless a singular value is exactly 0: 0 log 0 is NaN to the computer, leave "
              "it out"),
        Wrong("largest", lambda M: _values(M).sum() / _values(M)[0],
              "it is sum(sigma) / largest sigma: exp of the entropy of the shares is asked"),
        Wrong("stable rank", lambda M: (M**2).sum() / _values(M)[0] ** 2,
              "it is the stable rank, sum(sigma^2) / largest sigma^2: exp of the entropy is asked"),
        Wrong("sign", lambda M: 1 / effective_rank(M),
              "it is exp(-H): the entropy is -sum p log p, its exp is at least 1"),
    ),
    hints=(
        "Read the singular values as shares of a whole. If n of them are equal and the others 0, "
        "the answer must be n.",
        "p_i = sigma_i / sum(sigma), H = -sum p log p over the p that are not 0, answer exp(H).",
        "sigma = np.linalg.svd(M, compute_uv=False)",
    ),
    minutes=10,
    level="core",
    laws=(Law("at most the rank", _within_rank), Law("equal values", _all_alike)),
    probes=_effective_rank_probes,
)  # fmt: skip

# --- downfold ----------------------------------------------------------------------------------


def _downfold_probes(rng):
    for (V, d), rank, size in (((6, 4), 2, 1.0), ((3, 5), 1, 1e3), ((4, 4), 3, 0.01),
                               ((7, 3), 3, 1.0)):  # fmt: skip
        U = np.linalg.qr(rng.normal(size=(V, V)))[0][:, : min(V, d)]
        Vt = np.linalg.qr(rng.normal(size=(d, d)))[0][: min(V, d)]
        # far enough apart that which one is cut is no matter of rounding
        sigma = size * 0.6 ** np.arange(min(V, d))
        yield Probe((U * sigma @ Vt, rank), f"({V}, {d}) of size {size:g}, rank = {rank}")
    yield Probe((rng.normal(size=(6, 5)) + 3, 2), "(6, 5), all entries about 3, rank = 2")


def _kept(change):
    """Return a downfold made of `change(U, sigma, Vt, rank)`."""
    return lambda W, rank: change(*np.linalg.svd(W, full_matrices=False), rank)


def _one_by_one(W, rank):
    rest, found = np.array(W, dtype=float), np.zeros(W.shape)
    for _ in range(rank):
        U, sigma, Vt = np.linalg.svd(rest)
        piece = sigma[0] * np.outer(U[:, 0], Vt[0])
        rest, found = rest - piece, found + piece
    return found


def _projected(W, rank):
    _, vectors = np.linalg.eigh(W.T @ W)  # ascending
    P = vectors[:, -rank:] @ vectors[:, -rank:].T
    return W @ P


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
        return f"its distance to W is {error:.3g}, that of the nearest of this rank {cut:.3g}"


DOWNFOLD = Exercise(
    name="embedding.downfold",
    title="The nearest matrix of low rank",
    reference=downfold,
    alternatives=(
        _kept(lambda U, sigma, Vt, rank: np.einsum("vk,k,kd->vd", U[:, :rank], sigma[:rank],
              Vt[:rank])),
        _kept(lambda U, sigma, Vt, rank: U @ np.diag(sigma * (np.arange(len(sigma)) < rank)) @ Vt),
        _kept(lambda U, sigma, Vt, rank: sum(sigma[k] * np.outer(U[:, k], Vt[k])
              for k in range(rank))),
        _one_by_one,
        _projected,
    ),
    wrong=(
        Wrong("smallest", _kept(lambda U, sigma, Vt, rank: U[:, -rank:] * sigma[-rank:]
              @ Vt[-rank:]),
              "it keeps the smallest singular values: svd lists them from the largest down"),
        Wrong("largest dropped", _kept(lambda U, sigma, Vt, rank: U[:, rank:] * sigma[rank:]
              @ Vt[rank:]),
              "it is what is left over: keep the first singular values, not those after them"),
        Wrong("first columns", lambda W, rank: W * (np.arange(W.shape[1]) < rank),
              "it keeps the first columns of W: they are no better than others, the singular "
              "vectors are"),
        Wrong("first rows", lambda W, rank: W * (np.arange(len(W)) < rank)[:, None],
              "it keeps the first rows of W, which are words: all of them stay, approximated"),
        Wrong("no sigma", _kept(lambda U, sigma, Vt, rank: U[:, :rank] @ Vt[:rank]),
              "it is U V^T without the singular values between them"),
        Wrong("sigma squared", _kept(lambda U, sigma, Vt, rank: U[:, :rank] * sigma[:rank] ** 2
              @ Vt[:rank]),
              "its singular values are squared: U sigma V^T"),
        Wrong("root of sigma", _kept(lambda U, sigma, Vt, rank: U[:, :rank] * sigma[:rank] ** 0.5
              @ Vt[:rank]),
              "it takes the roots of the singular values: U sigma V^T"),
        Wrong("one too many", _kept(lambda U, sigma, Vt, rank: U[:, : rank + 1]
              * sigma[: rank + 1] @ Vt[: rank + 1]),
              "it keeps one singular value too many: [:rank] are exactly rank of them"),
        Wrong("one too few", _kept(lambda U, sigma, Vt, rank: U[:, : rank - 1]
              * sigma[: rank - 1] @ Vt[: rank - 1]),
              "it keeps one singular value too few: [:rank] are exactly rank of them"),
        Wrong("centred", lambda W, rank: downfold(W - W.mean(axis=0), rank) + W.mean(axis=0),
              "the mean of the rows is taken off and added back, which is one more dimension: W "
              "itself is asked"),
        Wrong("mean lost", lambda W, rank: downfold(W - W.mean(axis=0), rank),
              "the mean of the rows is taken off first, and is lost: W itself is asked"),
        Wrong("V for V^T", _kept(lambda U, sigma, Vt, rank: U[:, :rank] * sigma[:rank]
              @ Vt[:, :rank].T),
              "np.linalg.svd returns V^T already: its rows are the singular vectors, Vt[:rank]"),
        Wrong("coordinates", _kept(lambda U, sigma, Vt, rank: U[:, :rank] * sigma[:rank]),
              "it is U sigma, the coordinates along the kept directions: times V^T it is [V, d] "
              "again"),
        Wrong("W itself", lambda W, rank: W + 0,
              "it is W itself, whatever the rank"),
    ),
    hints=(
        "A matrix is a sum of pieces of rank one, each with its size. If only a few may stay, "
        "which?",
        "W = sum_k sigma_k u_k v_k^T with sigma descending; the first `rank` terms are the nearest "
        "of that rank (Eckart, Young 1936).",
        "U, sigma, Vt = np.linalg.svd(W, full_matrices=False)",
    ),
    minutes=12,
    level="stretch",
    laws=(Law("rank", _rank_kept), Law("nearest", _nearest)),
    probes=_downfold_probes,
)  # fmt: skip

EXERCISES = (EFFECTIVE_RANK, DOWNFOLD)

"""How many dimensions are used (notebook 02; paper II).

Both read the singular values sigma_1 >= sigma_2 >= ... of a matrix.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def effective_rank(M):
    """exp of the Shannon entropy of sigma_i / sum(sigma): a single number (Roy, Vetterli 2007)."""
    sigma = np.linalg.svd(M, compute_uv=False)
    p = sigma[sigma > 0] / sigma.sum()  # 0 log 0 = 0
    return np.exp(-(p * np.log(p)).sum())


def _values(M):
    return np.linalg.svd(M, compute_uv=False)


def _effective_rank_cases(rng):
    for shape, size in (((5, 3), 1.0), ((3, 6), 1e-3), ((4, 4), 1e3)):
        yield Case((size * rng.normal(size=shape),), f"a {shape} matrix of size {size:g}")
    yield Case((rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4)),), "(6, 4), but of rank 2")
    yield Case((np.diag([3.0, 0.0, 1.0, 0.0]),), "diag(3, 0, 1, 0)")
    yield Case((np.linalg.qr(rng.normal(size=(5, 5)))[0],), "a rotation of 5 dimensions")
    yield Case((rng.normal(size=(6, 3)) + 8,), "(6, 3), all entries about 8")
    for shape, size in (((1, 1), 1e-8), ((1, 7), 1e8), ((45, 50), 1e-8), ((50, 45), 1e8)):
        yield Case((size * rng.normal(size=shape),), f"a {shape} matrix of size {size:g}")
    yield Case((np.repeat(rng.normal(size=(3, 5)), 2, axis=0),), "(6, 5), each row twice")
    small = np.diag([1.0] + [1e-6] * 200)  # little each, but there are many
    yield Case((small,), "diag(1, and 1e-6 two hundred times)")
    yield Case((np.array([[1.0, 3.0], [0.0, -2.0]]),), "(2, 2) of whole numbers")


def _within_rank(args, answer, slack):
    rank = np.linalg.matrix_rank(args[0], tol=1e-9 * np.abs(args[0]).max())
    if not 1 - slack <= answer <= rank * (1 + slack):
        return f"it gives {answer:.6g}, but an effective rank lies between 1 and the rank, {rank}"


def _all_alike(args, answer, slack):
    sigma = _values(args[0])
    if np.ptp(sigma) < 1e-9 * sigma[0] and abs(answer - len(sigma)) > slack * len(sigma):
        return f"it gives {answer:.6g} where all {len(sigma)} singular values are equal"


WRONG = """
squares: its shares are of sigma^2, the eigenvalues of M M^T: here they are of sigma itself
    compute_uv=False) => compute_uv=False) ** 2
participation ratio: it is the participation ratio of the sigma, 1 / sum p^2: exp of the entropy \
    of p is asked
    np.exp(-(p * np.log(p)).sum()) => 1 / (p**2).sum()
participation ratio of squares: it is the participation ratio of sigma^2: exp of the entropy of \
    sigma / sum(sigma) is asked
    compute_uv=False) => compute_uv=False) ** 2
    np.exp(-(p * np.log(p)).sum()) => 1 / (p**2).sum()
no exp: it is the entropy: the number of dimensions is its exp
    np.exp(-(p * np.log(p)).sum()) => -(p * np.log(p)).sum()
2**H: it is 2^H with H in nats: exp belongs to the natural logarithm, 2 to log2
    np.exp( => 2 ** (
exp of bits: it is exp of an entropy in bits: exp belongs to the natural logarithm, 2 to log2
    np.log(p) => np.log2(p)
rank: it is the rank, which counts the smallest sigma like the largest
    return 1.0 * np.linalg.matrix_rank(M)
all dimensions: it is the number of singular values, whatever they are
    return 1.0 * min(M.shape)
centred: the mean of the rows is taken off first: the singular values of M itself are asked
    svd(M, => svd(M - M.mean(axis=0),
0 log 0: right unless a singular value is exactly 0: 0 log 0 is NaN to the computer, leave it out
    sigma[sigma > 0] => sigma
largest: it is sum(sigma) / largest sigma: exp of the entropy of the shares is asked
    np.exp(-(p * np.log(p)).sum()) => 1 / p[0]
stable rank: it is the stable rank, sum(sigma^2) / largest sigma^2: exp of the entropy is asked
    np.exp(-(p * np.log(p)).sum()) => (M**2).sum() / sigma[0] ** 2
sign: it is exp(-H): the entropy is -sum p log p, its exp is at least 1
    np.exp(-( => np.exp((
"""

EXERCISE = Exercise(
    title="How many dimensions are used",
    reference=effective_rank,
    cases=_effective_rank_cases,
    wrong=mistakes(effective_rank, WRONG),
    laws=(Law("at most the rank", _within_rank), Law("equal values", _all_alike)),
    hints=(
        "Read the singular values as shares of a whole. If n of them are equal and the others 0, "
        "the answer must be n.",
        "p_i = sigma_i / sum(sigma), H = -sum p log p over the p that are not 0, answer exp(H).",
        "sigma = np.linalg.svd(M, compute_uv=False)",
    ),
    minutes=10,
    level="core",
    spared=PLAIN,
)

"""How far ordered products grow (notebook 11; paper VI).

sigma_min(z - A) is the size of the least perturbation that makes z an eigenvalue of A.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def growth(A):
    """Spectral norms of 1, A[0], A[1] A[0], ...: index 0 acts first."""
    product, norms = np.eye(A.shape[1]), [1.0]
    for factor in A:
        product = factor @ product
        norms.append(np.linalg.norm(product, 2))
    return np.array(norms)


def _growth_cases(rng):
    for k, n in ((1, 2), (2, 3), (3, 4), (5, 3), (6, 2)):
        A = rng.normal(size=(k, n, n)) + 1.5 * np.triu(rng.normal(size=(k, n, n)), 1)
        yield Case((A,), f"{k} factor{'s' * (k > 1)} of size {n}")
    chain = np.diag(np.full(5, 0.7)) + np.diag(np.full(4, 0.9), -1)
    scales = rng.uniform(0.5, 2.0, size=4)
    yield Case((scales[:, None, None] * chain,), "4 times a chain of 5 sites, scaled")
    for k, n, size in ((1, 1, 1.0), (60, 2, 0.5), (2, 45, 1e-8), (3, 3, 1.0), (2, 3, 1e8)):
        A = size * rng.normal(size=(k, n, n))
        A[-1, -1] = A[-1, 0]
        label = f"{k} factors of size {n}, entries about {size:g}, two rows alike"
        yield Case((A,), label)
    yield Case((np.array([[[0.0, 1.0], [0.0, 0.0]]] * 3),), "3 times a matrix whose square is 0")


def _products(A, order=1):
    """1, A[0], A[1] A[0], ... or with the later factors to the right."""
    found = [np.eye(A.shape[1])]
    for factor in A:
        found.append(factor @ found[-1] if order > 0 else found[-1] @ factor)
    return np.array(found)


def _norms(A):
    return np.linalg.norm(A, 2, axis=(1, 2))


def _starts_with_nothing(args, answer, slack):
    if abs(answer[0] - 1) > slack:
        return "before the first factor its norm is not 1"


def _within_the_norms(args, answer, slack):
    steps = _norms(args[0])
    if (answer[1:] > steps * answer[:-1] + slack * abs(answer).max()).any():
        return "a factor makes it grow by more than the factor's norm"


def _ends_right(args, answer, slack):
    last = np.linalg.norm(_products(args[0])[-1], 2)
    if differ(answer[-1:], last, slack):
        return "its last entry is not the norm of the whole product"


WRONG = """
reversed: its norms are those of A[0] A[1] ...: index 0 acts first, A[1] A[0], so that later \
    factors stand to the left, as they are
    factor @ product => product @ factor
norms multiplied: it multiplies the norms of the factors: that is the worst case, not the product
    np.linalg.norm(product, 2) => norms[-1] * np.linalg.norm(factor, 2)
radii multiplied: it multiplies the spectral radii of the factors
    np.linalg.norm(product, 2) => norms[-1] * abs(np.linalg.eigvals(factor)).max()
radius of the product: it is the spectral radius of each product: the norm is its largest \
    singular value
    np.linalg.norm(product, 2) => abs(np.linalg.eigvals(product)).max()
Frobenius: it is the Frobenius norm: the spectral norm is the largest singular value
    [1.0] => [A.shape[1] ** 0.5]
    norm(product, 2) => norm(product)
no identity: the first entry, the norm of 1 before any factor, is missing
    np.array(norms) => np.array(norms[1:])
each factor: it is the norm of each factor by itself: multiply them up
    norm(product, 2) => norm(factor, 2)
entry by entry: it multiplies entry by entry (*): a product of matrices is @
    np.eye(A.shape[1]) => 1.0
    factor @ product => factor * product
one factor: it takes the powers of the first factor: the factors differ
    factor @ product => A[0] @ product
row sums: it is the largest row sum (norm inf): the spectral norm is np.linalg.norm(P, 2)
    norm(product, 2) => norm(product, np.inf)
"""

EXERCISE = Exercise(
    title="How far ordered products grow",
    reference=growth,
    cases=_growth_cases,
    wrong=mistakes(growth, WRONG),
    laws=(
        Law("start", _starts_with_nothing),
        Law("within the norms", _within_the_norms),
        Law("end", _ends_right),
    ),
    hints=(
        "Carry the product along, one factor at a time, and take its norm each time.",
        "P_0 = 1, P_k = A_(k-1) P_(k-1); the spectral norm is the largest singular value.",
        "product, norms = np.eye(A.shape[1]), [1.0]",
    ),
    minutes=8,
    level="core",
    spared=PLAIN,
)

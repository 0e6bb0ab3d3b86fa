"""The first exercises of notebook 11: the resolvent, growth of ordered products (paper VI).

sigma_min(z - A) is the size of the least perturbation that makes z an eigenvalue of A.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def distance(A, z):
    """Smallest singular value of z - A for each of the complex points z."""
    shifted = z[:, None, None] * np.eye(len(A)) - A
    return np.linalg.svd(shifted, compute_uv=False)[:, -1]


def growth(A):
    """Spectral norms of 1, A[0], A[1] A[0], ...: index 0 acts first."""
    product, norms = np.eye(A.shape[1]), [1.0]
    for factor in A:
        product = factor @ product
        norms.append(np.linalg.norm(product, 2))
    return np.array(norms)


# --- distance ----------------------------------------------------------------------------------


def _distance_probes(rng):
    for n, k in ((2, 3), (3, 5), (5, 4), (8, 6)):
        A = rng.normal(size=(n, n)) + 2 * np.triu(rng.normal(size=(n, n)), 1)
        z = 1.5 * rng.normal(size=k) + 1j * rng.normal(size=k)
        yield Probe((A, z), f"a {n} x {n} matrix, {k} points")
    chain = np.diag(np.full(6, 0.7)) + np.diag(np.full(5, 0.9), -1)
    yield Probe((chain, np.array([0.2 + 0.4j, 1.3 - 0.2j, -0.5j])), "a chain of 6 sites, 3 points")


def _as_array(A):
    return np.asarray(A, dtype=complex)


def _by_resolvent(A, z):
    return [1 / np.linalg.norm(np.linalg.inv(w * np.eye(len(A)) - A), 2) for w in z]


def _by_eigenvalues(A, z):
    found = []
    for w in z:
        M = w * np.eye(len(A)) - _as_array(A)
        found.append(np.sqrt(abs(np.linalg.eigvalsh(M.conj().T @ M)[0])))
    return np.array(found)


def _moduli(A, z, choose):
    values = np.linalg.eigvals(_as_array(A))
    return choose(abs(z[:, None] - values), axis=1)


def _singular(M):
    return np.linalg.svd(M, compute_uv=False)


def _shifted(A, z):
    return z[:, None, None] * np.eye(len(A)) - A


def _below_the_spectrum(args, answer, slack):
    # an eigenvalue at distance d needs a perturbation of at most d
    A, z = args
    nearest = _moduli(A, z, np.min)
    if (answer > nearest + slack * abs(z).max()).any():
        return "somewhere it is larger than the distance to the nearest eigenvalue"


def _lipschitz(args, answer, slack):
    A, z = args
    apart = abs(z[:, None] - z)
    if (abs(answer[:, None] - answer) > apart + slack * abs(z).max()).any():
        return "between two points it changes by more than they are apart"


DISTANCE = Exercise(
    name="pseudospectra.distance",
    title="How near a point is to being an eigenvalue",
    reference=distance,
    alternatives=(
        _by_resolvent,
        _by_eigenvalues,
        lambda A, z: np.linalg.norm(_shifted(A, z), -2, axis=(1, 2)),
        lambda A, z: [_singular(A - w * np.eye(len(A))).min() for w in z],
    ),
    wrong=(
        Wrong("largest", lambda A, z: _singular(_shifted(A, z))[:, 0],
              "it is the largest singular value: NumPy sorts them falling, the smallest is last"),
        Wrong("norm of the resolvent", lambda A, z: 1 / _singular(_shifted(A, z))[:, -1],
              "it is the norm of the resolvent: the distance is one over it"),
        Wrong("nearest eigenvalue", lambda A, z: _moduli(A, z, np.min),
              "it is the distance to the nearest eigenvalue: they agree for normal matrices only"),
        Wrong("eigenvalue sum", lambda A, z: _moduli(A, z, np.sum),
              "it is the sum of the distances to all eigenvalues"),
        Wrong("not squared away", lambda A, z: _singular(_shifted(A, z))[:, -1] ** 2,
              "it is the square: an eigenvalue of (z - A)^H (z - A), take the root"),
        Wrong("every entry", lambda A, z: _singular(z[:, None, None] - A)[:, -1],
              "z is subtracted from every entry: z stands for z times the identity"),
        Wrong("real part", lambda A, z: _singular(_shifted(A, z.real))[:, -1],
              "only the real part of z is used"),
        Wrong("modulus", lambda A, z: _singular(_shifted(A, abs(z)))[:, -1],
              "the modulus of z is used in place of z"),
        Wrong("plus", lambda A, z: _singular(_shifted(-A, z))[:, -1],
              "it adds A to z where it should subtract"),
        Wrong("transposed, not conjugated",
              lambda A, z: np.sqrt(abs(np.linalg.eigvals(
                  _shifted(A, z).swapaxes(1, 2) @ _shifted(A, z))).min(1)),
              "it multiplies by the transpose of z - A: for complex z its conjugate is needed"),
    ),
    hints=(
        "Which number of a matrix says how far it is from having no inverse?",
        "The smallest singular value of z 1 - A; NumPy takes a whole stack of matrices at once.",
        "shifted = z[:, None, None] * np.eye(len(A)) - A",
    ),
    minutes=8,
    level="core",
    laws=(Law("below the spectrum", _below_the_spectrum), Law("Lipschitz", _lipschitz)),
    probes=_distance_probes,
)

# --- growth ------------------------------------------------------------------------------------


def _growth_probes(rng):
    for k, n in ((1, 2), (2, 3), (3, 4), (5, 3), (6, 2)):
        A = rng.normal(size=(k, n, n)) + 1.5 * np.triu(rng.normal(size=(k, n, n)), 1)
        yield Probe((A,), f"{k} factor{'s' * (k > 1)} of size {n}")
    chain = np.diag(np.full(5, 0.7)) + np.diag(np.full(4, 0.9), -1)
    scales = rng.uniform(0.5, 2.0, size=4)
    yield Probe((scales[:, None, None] * chain,), "4 times a chain of 5 sites, scaled")


def _products(A, order=1):
    """1, A[0], A[1] A[0], ... or with the later factors to the right."""
    found = [np.eye(A.shape[1])]
    for factor in A:
        found.append(factor @ found[-1] if order > 0 else found[-1] @ factor)
    return np.array(found)


def _norms(A):
    return np.linalg.norm(A, 2, axis=(1, 2))


def _by_slices(A):
    one = np.eye(A.shape[1])
    return [np.linalg.norm(reduce(lambda P, F: F @ P, A[:k], one), 2) for k in range(len(A) + 1)]


def _transposed(A):
    # the norm of a product is that of its transpose, factors the other way round
    P, norms = np.eye(A.shape[1]), [1.0]
    for factor in A:
        P = P @ factor.T
        norms.append(np.linalg.svd(P, compute_uv=False).max())
    return norms


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


GROWTH = Exercise(
    name="pseudospectra.growth",
    title="How far ordered products grow",
    reference=growth,
    alternatives=(
        lambda A: _norms(_products(A)),
        _by_slices,
        _transposed,
        lambda A: np.linalg.svd(_products(A), compute_uv=False)[:, 0],
    ),
    wrong=(
        Wrong("reversed", lambda A: _norms(_products(A, -1)),
              "the order is turned round: index 0 acts first, so later factors stand to the left"),
        Wrong("norms multiplied", lambda A: np.cumprod(np.append(1.0, _norms(A))),
              "it multiplies the norms of the factors: that is the worst case, not the product"),
        Wrong("radii multiplied",
              lambda A: np.cumprod(np.append(1.0, abs(np.linalg.eigvals(A)).max(1))),
              "it multiplies the spectral radii of the factors"),
        Wrong("radius of the product", lambda A: abs(np.linalg.eigvals(_products(A))).max(1),
              "it is the spectral radius of each product: the norm is its largest singular value"),
        Wrong("Frobenius", lambda A: np.linalg.norm(_products(A), axis=(1, 2)),
              "it is the Frobenius norm: the spectral norm is the largest singular value"),
        Wrong("no identity", lambda A: _norms(_products(A))[1:],
              "the first entry, the norm of 1 before any factor, is missing"),
        Wrong("each factor", lambda A: np.append(1.0, _norms(A)),
              "it is the norm of each factor by itself: multiply them up"),
        Wrong("entry by entry",
              lambda A: np.append(1.0, _norms(np.cumprod(A, axis=0))),
              "it multiplies entry by entry (*): a product of matrices is @"),
        Wrong("one factor", lambda A: _norms(np.array(
              [np.linalg.matrix_power(A[0], k) for k in range(len(A) + 1)])),
              "it takes the powers of the first factor: the factors differ"),
        Wrong("row sums", lambda A: abs(_products(A)).sum(2).max(1),
              "it is the largest row sum (norm inf): the spectral norm is np.linalg.norm(P, 2)"),
    ),
    hints=(
        "Carry the product along, one factor at a time, and take its norm each time.",
        "P_0 = 1, P_k = A_(k-1) P_(k-1); the spectral norm is the largest singular value.",
        "product, norms = np.eye(A.shape[1]), [1.0]",
    ),
    minutes=8,
    level="core",
    laws=(
        Law("start", _starts_with_nothing),
        Law("within the norms", _within_the_norms),
        Law("end", _ends_right),
    ),
    probes=_growth_probes,
)

EXERCISES = (DISTANCE, GROWTH)

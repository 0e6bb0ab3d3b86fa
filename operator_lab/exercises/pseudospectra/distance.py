"""How near a point is to being an eigenvalue (notebook 11; paper VI).

sigma_min(z - A) is the size of the least perturbation that makes z an eigenvalue of A.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def distance(A, z):
    """Smallest singular value of z - A for each of the complex points z."""
    shifted = z[:, None, None] * np.eye(len(A)) - A
    return np.linalg.svd(shifted, compute_uv=False)[:, -1]


def _distance_cases(rng):
    for n, k in ((2, 3), (3, 5), (5, 4), (8, 6)):
        A = rng.normal(size=(n, n)) + 2 * np.triu(rng.normal(size=(n, n)), 1)
        z = 1.5 * rng.normal(size=k) + 1j * rng.normal(size=k)
        yield Case((A, z), f"a {n} x {n} matrix, {k} points")
    chain = np.diag(np.full(6, 0.7)) + np.diag(np.full(5, 0.9), -1)
    yield Case((chain, np.array([0.2 + 0.4j, 1.3 - 0.2j, -0.5j])), "a chain of 6 sites, 3 points")
    for n, k, size in ((1, 1, 1.0), (41, 3, 1e-8), (3, 41, 1e8), (4, 4, 1.0)):
        A, z = size * rng.normal(size=(n, n)), size * (rng.normal(size=k) + 1j * rng.normal(size=k))
        A[-1] = A[0]
        yield Case((A, z), f"a {n} x {n} matrix of size {size:g}, two rows alike, {k} points")
    yield Case((np.diag([1.0, 1.0, 2.0]), np.array([2.5, 2.5, 1j])), "diag(1, 1, 2), a point twice")


def _as_array(A):
    return np.asarray(A, dtype=complex)


def _moduli(A, z, choose):
    values = np.linalg.eigvals(_as_array(A))
    return choose(abs(z[:, None] - values), axis=1)


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


WRONG = """
largest: it is the largest singular value: NumPy sorts them falling, the smallest is last
    [:, -1] => [:, 0]
norm of the resolvent: it is the norm of the resolvent: the distance is one over it
    return => return 1 /
nearest eigenvalue: it is the distance to the nearest eigenvalue: they agree for normal matrices \
    only
    return abs(z[:, None] - np.linalg.eigvals(A)).min(axis=1)
eigenvalue sum: it is the sum of the distances to all eigenvalues
    return abs(z[:, None] - np.linalg.eigvals(A)).sum(axis=1)
not squared away: it is the square: an eigenvalue of (z - A)^H (z - A), take the root
    [:, -1] => [:, -1] ** 2
every entry: z is subtracted from every entry: z stands for z times the identity
    * np.eye(len(A)) - A => - A
real part: only the real part of z is used
    z[:, None, None] => z.real[:, None, None]
modulus: the modulus of z is used in place of z
    z[:, None, None] => abs(z)[:, None, None]
plus: it adds A to z where it should subtract
    - A => + A
transposed, not conjugated: it multiplies by the transpose of z - A: for complex z its conjugate \
    is needed
    np.linalg.svd(shifted, compute_uv=False)[:, -1] => \
        abs(np.linalg.eigvals(shifted.swapaxes(1, 2) @ shifted)).min(axis=1) ** 0.5
"""

EXERCISE = Exercise(
    title="How near a point is to being an eigenvalue",
    reference=distance,
    cases=_distance_cases,
    wrong=mistakes(distance, WRONG),
    laws=(Law("below the spectrum", _below_the_spectrum), Law("Lipschitz", _lipschitz)),
    hints=(
        "Which number of a matrix says how far it is from having no inverse?",
        "The smallest singular value of z 1 - A; NumPy takes a whole stack of matrices at once.",
        "shifted = z[:, None, None] * np.eye(len(A)) - A",
    ),
    minutes=8,
    level="core",
    spared=PLAIN,
)

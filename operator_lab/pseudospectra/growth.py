"""How far powers, products and exponentials grow before they do what their spectrum says.

Reference: Trefethen & Embree 2005, Spectra and Pseudospectra, sections 14-18; Kreiss 1962, BIT 2,
153 (the theorem); Spijker 1991, BIT 31, 551 (the factor e n).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.linalg import eig, expm
from scipy.optimize import minimize

from ..arrays import unit
from ..errors import LabError
from ..given import square, whole
from ..guard import guarded
from .resolvent import sigma_min

ROUNDING = 1e-8  # an eigenvalue this little beyond the circle (or the axis) counts as on it


class Kreiss(NamedTuple):
    """The Kreiss constant K, where it is attained, and K <= max |A^k| <= e n K."""

    constant: float
    at: complex  # infinite where K = 1 is only approached far out
    upper: float


@guarded(own=("count",))
def powers(A, count: int) -> Float[ndarray, "count_1"]:
    """|A^k| for k = 0 .. count, in the spectral norm (transient growth of a tied linear layer).

    LabError for a matrix that is not square and finite, or powers that overflow.
    """
    A, count = square(A), whole(count, "The number of powers", 0, 10**6)
    return products([A] * count) if count else np.ones(1)


@guarded
def products(factors: Sequence | ndarray) -> Float[ndarray, "count_1"]:
    """|1|, |A_1|, |A_2 A_1|, ...: growth along layers that differ; the first factor acts first.

    LabError for factors of different sizes, none at all, or products that overflow.
    """
    factors = [square(A, "factor") for A in factors]
    if len({A.shape for A in factors}) != 1:
        raise LabError("The factors of a product are one or more square matrices of one size.")
    product, norms = np.eye(len(factors[0])), [1.0]
    with np.errstate(all="ignore"):
        for k, A in enumerate(factors, start=1):
            product = A @ product
            if not np.isfinite(product).all():
                raise LabError(
                    f"The product overflows after {k} factors; take fewer, or divide by the norm."
                )
            norms.append(float(np.linalg.norm(product, 2)))
    return np.array(norms)


@guarded
def exponentials(A, times: Float[ndarray, "times"]) -> Float[ndarray, "times"]:
    """|exp(t A)| at each time t >= 0 (transient growth of a flow); errors as in `powers`."""
    A, times = square(A), np.atleast_1d(np.asarray(times, dtype=float))
    if not (np.isfinite(times).all() and (times >= 0).all()):
        raise LabError("Times must be finite and not negative.")
    with np.errstate(all="ignore"):
        flows = expm(times[:, None, None] * A)
    if not np.isfinite(flows).all():
        raise LabError("The exponential overflows; take shorter times.")
    return np.linalg.norm(flows, 2, axis=(-2, -1))


@guarded(finite=True)
def radius(A) -> float:
    """The spectral radius max |lambda|: how fast powers grow or fall in the end."""
    A, size = unit(square(A))
    return float(abs(np.linalg.eigvals(A)).max() * size)


@guarded
def kreiss(A) -> Kreiss:
    """The Kreiss constant sup over |z| > 1 of (|z| - 1) |(z - A)^-1| of a matrix.

    The least K for which no perturbation of size eps moves an eigenvalue beyond 1 + K eps. It
    bounds the powers from both sides: K <= max |A^k| <= e n K, so it is finite just where they
    stay bounded. A scan of the plane, finer towards the eigenvalues, then a polish (to 1e-4 or
    better). LabError where powers grow for ever: an eigenvalue outside the unit circle, or a
    defective one on it.
    """
    A = square(A)
    eigenvalues = np.linalg.eigvals(A)
    if abs(eigenvalues).max() > 1 + ROUNDING:
        raise LabError(
            f"The spectral radius is {abs(eigenvalues).max():.4g}: beyond 1 all powers grow and "
            "there is no Kreiss constant; divide the matrix by its radius."
        )
    _refuse_defective(A, eigenvalues[abs(eigenvalues) > 1 - 1e-6])
    angles = np.linspace(0, np.pi if np.isrealobj(A) else 2 * np.pi, 65)
    own = np.angle(eigenvalues) % (2 * np.pi)
    angles = np.unique(np.concatenate([angles, own[own <= angles[-1]]]))
    heights = np.geomspace(1e-6, 30, 60)
    z = (1 + heights[:, None]) * np.exp(1j * angles)
    value = heights[:, None] / np.maximum(sigma_min(A, z, 1e-3), 1e-300)
    best, at = 1.0, complex(np.inf)
    for start in np.argsort(-value, axis=None)[:3]:
        i, j = np.unravel_index(start, value.shape)
        found = minimize(
            lambda p: -_height(A, p), [np.log(heights[i]), angles[j]], method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 300,
                     "initial_simplex": np.array([np.log(heights[i]), angles[j]])
                     + np.array([[0, 0], [0.1, 0], [0, 0.02]])},
        )  # fmt: skip
        if -found.fun > best + 1e-9:
            best = float(-found.fun)
            at = complex((1 + np.exp(found.x[0])) * np.exp(1j * found.x[1]))
    return Kreiss(best, at, float(np.e * len(A) * best))


def _height(A, point) -> float:
    """(|z| - 1) / sigma_min(z - A) at log(|z| - 1), arg z; by a full decomposition."""
    height = np.exp(np.clip(point[0], np.log(1e-6), 20))
    z = (1 + height) * np.exp(1j * point[1])
    least = np.linalg.svd(z * np.eye(len(A)) - A, compute_uv=False)[-1]
    return float(height / max(least, 1e-300))


def _refuse_defective(A, on_circle) -> None:
    """LabError where (|z| - 1) |(z - A)^-1| grows without end towards an eigenvalue on |z| = 1."""
    near, nearer = 1e-5, 1e-6
    for value in on_circle:
        a, b = (_height(A, [np.log(d), np.angle(value)]) for d in (near, nearer))
        if b > 5 * a:
            raise LabError(
                f"The eigenvalue {value:.4g} on the unit circle is defective (it has too few "
                "eigenvectors), so powers grow for ever and there is no Kreiss constant."
            )


class Spectrum(NamedTuple):
    """Eigenvalues and their condition numbers: 1 for normal matrices, infinite where defective."""

    eigenvalues: ndarray
    condition: Float[ndarray, "n"]


@guarded
def conditions(A) -> Spectrum:
    """How far each eigenvalue moves for a small perturbation: 1 / |y . x|, left and right unit
    eigenvectors. Beyond about 1e7 the eigenvalue is defective, to rounding.

    Where eigenvalues nearly coincide rounding chooses their eigenvectors, and the numbers differ
    from computer to computer; `sensitivity` asks at a distance, and they do not.
    """
    A, size = unit(square(A))
    values, left, right = eig(A, left=True, right=True)
    overlap = abs((left.conj() * right).sum(0))
    with np.errstate(divide="ignore"):
        return Spectrum(values * size, 1 / overlap)


@guarded
def sensitivity(A, distance: float) -> Float[ndarray, "n"]:
    """How many times smaller a perturbation than a normal matrix needs makes an eigenvalue at
    z = lambda + distance: |(z - A)^-1| times the distance of z from the spectrum, by lambda.

    1 for a normal matrix; for a distance small enough, `conditions`. LabError for a matrix that is
    not square and finite, or a distance that is not positive.
    """
    A = square(A)
    if not (np.isfinite(distance) and distance > 0):
        raise LabError(f"A distance from the spectrum must be positive; got {distance!r}.")
    eigenvalues = np.linalg.eigvals(A)
    z = eigenvalues + distance
    nearest = abs(z[:, None] - eigenvalues).min(1)
    return nearest / np.maximum(sigma_min(A, z), 1e-300)

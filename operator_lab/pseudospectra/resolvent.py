"""The resolvent (z - A)^-1 on the complex plane: how near z is to being an eigenvalue.

sigma_min(z - A) = 1 / |(z - A)^-1| is the size of the least perturbation E that makes z an
eigenvalue of A + E; the eps-pseudospectrum is where it is at most eps.

Reference: Trefethen & Embree 2005, Spectra and Pseudospectra, sections 2 and 39; Lui 1997, SIAM J.
Sci. Comput. 18, 565 (one Schur form, then inverse Lanczos).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Inexact
from numpy import ndarray
from scipy.linalg import rsf2csf, schur

from ..arrays import unit
from ..errors import LabError
from ..given import square, whole
from ..guard import guarded

LEAF = 8  # rows solved one by one; all that couples such blocks is a matrix product
LEAST = 6  # steps of Lanczos before it may stop: it can rest at a neighbouring value for a while
STEPS = 60  # of Lanczos, far more than a converging point takes


@dataclass(frozen=True, eq=False)
class Pseudospectrum:
    """sigma_min(z - A) on a grid, z = x + i y, with the eigenvalues of A."""

    x: Float[ndarray, "columns"]
    y: Float[ndarray, "rows"]
    sigma: Float[ndarray, "rows columns"]
    eigenvalues: Complex[ndarray, "n"]

    @property
    def radius(self) -> float:
        """The spectral radius max |lambda|."""
        return float(abs(self.eigenvalues).max())

    @guarded
    def reach(self, eps: float) -> float:
        """The largest |z| of the grid with sigma_min <= eps (pseudospectral radius, from below).

        LabError unless eps > 0, or where no point of the grid is that near to the spectrum.
        """
        if not eps > 0:
            raise LabError(f"A distance eps must be positive; got {eps!r}.")
        inside = self.sigma <= eps
        if not inside.any():
            raise LabError(
                f"No point of this grid is within {eps:g} of the spectrum (the nearest: "
                f"{self.sigma.min():.3g}); take a larger eps or a finer grid."
            )
        return float(abs(self.x + 1j * self.y[:, None])[inside].max())


@guarded(own=("points", "window"), finite=True)
def pseudospectrum(
    A, points: int = 50, window: tuple[float, float, float, float] | None = None
) -> Pseudospectrum:
    """sigma_min(z - A) on a grid of points x points (for the eps-pseudospectra of A).

    `window` is (left, right, bottom, top); by default the box of the numerical range and a tenth
    more. Good to 0.3 %, as a picture needs (`sigma_min` is finer), but for a point about as near to
    two eigenvalues, where either may be found. For a real A and a window that is symmetric about
    the real axis only the upper half is computed. LabError for a matrix that is not square and
    finite, or a window without an inside.
    """
    A = square(A)
    points = whole(points, "The number of points along a side", 2, 1000)
    left, right, bottom, top = _box(A) if window is None else _inside(window)
    x, y = np.linspace(left, right, points), np.linspace(bottom, top, points)
    T = triangular(A)
    rows, back = _rows(y, np.isrealobj(A))
    sigma = _quick(T, (x + 1j * rows[:, None]).ravel()).reshape(len(rows), points)
    return Pseudospectrum(x, y, sigma[back], np.diag(T).copy())


@guarded
def sigma_min(
    A, z: Inexact[ndarray, "*points"] | complex, tolerance: float = 1e-4
) -> Float[ndarray, "*points"]:
    """Smallest singular value of z - A for each complex z (1 / norm of the resolvent).

    One Schur form, then inverse Lanczos for all points together, until what further steps would
    change is estimated below `tolerance` (two values nearer to each other than about ten times that
    may be taken for one). Below rounding, 1e-16 |A|, it means "an eigenvalue, to rounding".
    LabError for a matrix that is not square and finite, or points that are not finite.
    """
    A, z = square(A), np.asarray(z, dtype=complex)
    if not np.isfinite(z).all():
        raise LabError("The points z must be finite complex numbers.")
    _, size = unit(np.append(z, abs(A).max()))
    A, z = A / size, z / size
    return (size * _lanczos(triangular(A), z.ravel(), tolerance)).reshape(z.shape)


def _quick(T, z) -> Float[ndarray, "points"]:
    """To 0.3 %: in single precision, and again in double where that is too coarse."""
    sigma = _lanczos(T.astype(np.complex64), z.astype(np.complex64), 3e-4).astype(float)
    short = ~(sigma > 1e-3 * np.linalg.norm(T) / len(T) ** 0.5)
    sigma[short] = _lanczos(T, z[short], 3e-4)
    return sigma


def triangular(A) -> Complex[ndarray, "n n"]:
    """The complex Schur form of A: upper triangular, the same singular values of z - A."""
    T, Z = schur(A, output="real" if np.isrealobj(A) else "complex")
    return rsf2csf(T, Z)[0] if np.isrealobj(A) else T


def _box(A) -> tuple[float, float, float, float]:
    """The box round the numerical range, a tenth larger; it holds every eigenvalue."""
    sides = [np.linalg.eigvalsh(part)[[0, -1]] for part in (A + A.conj().T, -1j * (A - A.conj().T))]
    (left, right), (bottom, top) = np.array(sides) / 2
    room = 0.1 * max(right - left, top - bottom) or 1.0
    return left - room, right + room, bottom - room, top + room


def _inside(window) -> tuple[float, float, float, float]:
    try:
        left, right, bottom, top = (float(side) for side in window)
    except (TypeError, ValueError):
        raise LabError(
            f"A window is four numbers (left, right, bottom, top); got {window!r}."
        ) from None
    if not (np.isfinite([left, right, bottom, top]).all() and left < right and bottom < top):
        raise LabError(
            f"A window is (left, right, bottom, top) with left < right and bottom < top; got "
            f"{window!r}."
        )
    return left, right, bottom, top


def _rows(y, real: bool):
    """Heights to compute, and for each row of the grid which of them it is."""
    if not real:
        return y, np.arange(len(y))
    folded = np.round(abs(y) / abs(y).max(), 12)
    _, first, back = np.unique(folded, return_index=True, return_inverse=True)
    return abs(y)[first], back


def _solve(T, inverse, X) -> None:
    """Turn each X[:, j] into the solution of (T - z_j) x = X[:, j], T upper triangular, in place.

    inverse = 1 / (diag(T) - z). By halves: T off the diagonal blocks is shared by all points, so
    that nearly all of the work is matrix products.
    """
    n = len(T)
    if n <= LEAF:
        for i in range(n - 1, -1, -1):
            if i + 1 < n:
                X[i] -= T[i, i + 1 :] @ X[i + 1 :]
            X[i] *= inverse[i]
        return
    m = n // 2
    _solve(T[m:, m:], inverse[m:], X[m:])
    X[:m] -= T[:m, m:] @ X[m:]
    _solve(T[:m, :m], inverse[:m], X[:m])


def _lanczos(T, z, tolerance: float) -> Float[ndarray, "points"]:
    """Inverse Lanczos on (T - z)^H (T - z), all points side by side; finished ones drop out."""
    n, points = len(T), len(z)
    scale = max(abs(T).max(), 1e-300)
    flipped = np.ascontiguousarray(T.conj().T[::-1, ::-1])  # T^H from below is upper triangular
    D = np.diag(T)[:, None] - z
    D[abs(D) < 1e-16 * scale] = 1e-16 * scale
    inverse = 1 / D
    rng = np.random.default_rng(0)
    v = rng.normal(size=(n, 2)) @ np.array([[1], [1j]])
    V = np.repeat((v / np.linalg.norm(v)).astype(T.dtype), points, axis=1)
    last, beta = np.zeros_like(V), np.zeros(points, V.real.dtype)
    found, before, earlier = np.zeros((3, points))
    active = np.arange(points)
    band = np.zeros((points, 0, 2))  # diagonal and subdiagonal of each projected operator
    with np.errstate(all="ignore"):
        for k in range(STEPS):
            W = V[::-1].copy()
            _solve(flipped, inverse.conj()[::-1], W)
            W = W[::-1].copy()
            _solve(T, inverse, W)
            W -= beta * last
            alpha = np.einsum("ij,ij->j", V.conj(), W).real
            W -= alpha * V
            beta = np.sqrt(np.einsum("ij,ij->j", W.conj(), W).real)
            band = np.concatenate([band, np.stack([alpha, beta], axis=-1)[:, None]], axis=1)
            endless = ~np.isfinite(beta)  # an eigenvalue, to all digits there are
            done = endless | (beta <= 1e-14 * alpha) | (k + 1 >= n)
            if k < LEAST - 2 and not done.any():  # too early to look
                last, V = V, W / beta
                continue
            value = _largest(np.where(endless[:, None, None], 0.0, band))
            value[endless] = np.inf
            found[active] = value
            # changes fall about geometrically: what is left of them, summed up
            change = value - before
            left = change**2 / np.maximum(earlier - change, 1e-12 * value)
            done |= (left <= 0.1 * tolerance * value) & (k >= LEAST)
            if done.all():
                break
            go = ~done
            last, V, beta = V[:, go], W[:, go] / beta[go], beta[go]
            before, earlier = value[go], change[go]
            active, band, inverse = active[go], band[go], inverse[:, go]
    return 1 / np.sqrt(found)


def _largest(band):
    """The largest eigenvalue of each tridiagonal matrix."""
    k = band.shape[1]
    H, i = np.zeros((len(band), k, k)), np.arange(k)
    H[:, i, i] = band[..., 0]
    H[:, i[1:], i[:-1]] = band[:, :-1, 1]
    return np.linalg.eigvalsh(H)[:, -1]

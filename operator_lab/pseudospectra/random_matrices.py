"""What independent random entries give: discs of eigenvalues, edges of singular values.

Matrices are [rows, columns] with independent entries of mean 0 and one scale (standard deviation).
Reference: Ginibre 1965; Marchenko & Pastur 1967; Johnstone 2001, Ann. Stat. 29, 295 (the edge's
fluctuations); Burda, Janik & Waclaw 2010, Phys. Rev. E 81, 041132 and Götze & Tikhomirov 2010
(products).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import minimize_scalar
from scipy.stats import kstest

from ..arrays import length, unit
from ..errors import LabError
from ..given import square, whole
from ..guard import guarded

TRACY_WIDOM = {0.95: 0.9793, 0.99: 2.0234, 0.999: 3.2724, 0.9999: 4.3594}  # quantiles, real


@guarded
def product_law(
    r: Float[ndarray, "*r"] | float, factors: int = 1, ratio: float = 1.0
) -> Float[ndarray, "*r"]:
    """Share of eigenvalues within |z| <= r of the largest, for a product of large random matrices.

    `factors` square ones: r^(2 / factors), so the circular law r^2 for one and r for two. With
    `ratio` = k/d below 1, a product of a k x d and a d x k matrix (factors = 2), such as a head's
    W_K W_Q^T: the law of its k non-zero eigenvalues. r is in units of the edge.
    LabError for a ratio outside (0, 1], or one with another number of factors.
    """
    r, factors = np.clip(np.asarray(r, dtype=float), 0, 1), whole(factors, "factors")
    if not 0 < ratio <= 1:
        raise LabError(f"The ratio k/d lies above 0 and is at most 1; got {ratio!r}.")
    if ratio == 1:
        return r ** (2 / factors)
    if factors != 2:
        raise LabError(f"A ratio is meant for a product of two factors, not {factors}.")
    # (s + 1 - c) s = r^2 c with s = c F: one factor adds 1 - c dimensions that nobody sees
    room = 1 - ratio
    return (np.sqrt(room**2 + 4 * ratio * r**2) - room) / (2 * ratio)


@guarded
def distance(A, factors: int = 1, edge: float | None = None) -> float:
    """Kolmogorov-Smirnov distance of the moduli of A's eigenvalues to `product_law`.

    `edge` is the law's radius, by default the largest modulus found.
    """
    moduli = abs(np.linalg.eigvals(square(A)))
    edge = moduli.max() if edge is None else edge
    if not edge > 0:
        raise LabError("All eigenvalues are 0 (the matrix is nilpotent); there is no law of them.")
    return float(kstest(moduli / edge, lambda r: product_law(r, factors)).statistic)


class Edges(NamedTuple):
    """Ends of the bulk of singular values: the asymptotic band, and what chance still reaches."""

    low: float
    high: float
    reach: float


@guarded(finite=True)
def edges(rows: int, columns: int, scale: float = 1.0, chance: float = 0.999) -> Edges:
    """Marchenko-Pastur: singular values fill scale (sqrt m -+ sqrt n); one in (1 - chance) of such
    matrices has its largest beyond `reach` (Tracy-Widom fluctuations of the edge).

    LabError for sizes below 1, a scale that is not positive, or an unknown chance.
    """
    m, n = whole(rows, "rows"), whole(columns, "columns")
    if not (np.isfinite(scale) and scale > 0):
        raise LabError(f"The scale of the entries must be positive; got {scale!r}.")
    if chance not in TRACY_WIDOM:
        known = ", ".join(map(str, TRACY_WIDOM))
        raise LabError(f"The chance is one of {known}; got {chance!r}.")
    a, b = np.sqrt(max(m, n) - 1), np.sqrt(min(m, n))
    width = (a + b) * (1 / max(a, 1e-300) + 1 / b) ** (1 / 3) if a else 0.0
    reach = np.sqrt((a + b) ** 2 + TRACY_WIDOM[chance] * width)
    ends = np.array([abs(np.sqrt(m) - np.sqrt(n)), np.sqrt(m) + np.sqrt(n), reach])
    return Edges(*(float(scale * end) for end in ends))


@guarded(finite=True)
def density(
    s: Float[ndarray, "*s"] | float, rows: int, columns: int, scale: float = 1.0
) -> Float[ndarray, "*s"]:
    """Marchenko-Pastur density of the min(rows, columns) singular values; it integrates to 1."""
    edges(rows, columns, scale)  # LabError for a scale that is none
    low, high, _ = edges(rows, columns)
    s = np.asarray(s, dtype=float) / scale
    inside = (s > low) & (s < high) & (s > 0)
    safe = np.where(inside, s, 1.0)
    bulk = np.sqrt(np.maximum((high**2 - safe**2) * (safe**2 - low**2), 0))
    bulk = bulk / (np.pi * safe * min(rows, columns))
    return np.asarray(np.where(inside, bulk, 0.0) / scale)


@guarded
def cumulated(
    s: Float[ndarray, "*s"] | float, rows: int, columns: int, scale: float = 1.0
) -> Float[ndarray, "*s"] | float:
    """Share of singular values up to s in the Marchenko-Pastur law."""
    edges(rows, columns, scale)  # LabError for a scale that is none
    low, high, _ = edges(rows, columns)
    angle = np.linspace(0, np.pi, 2001)  # so that the points crowd at the edges
    at = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    slope = density(at, rows, columns) * (high - low) / 2 * np.sin(angle)
    if low == 0:  # square: the density does not vanish at 0, and s = 0 is left out of it
        slope[0] = 0.0
    return np.interp(np.asarray(s) / scale, at, cumulative_trapezoid(slope, angle, initial=0.0))


@guarded
def misfit(W: Float[ndarray, "rows columns"], without: int = 0) -> float:
    """Kolmogorov-Smirnov distance of W's singular values to Marchenko-Pastur, at its best scale.

    Small for random entries, whatever their scale. Outliers change it, and another shape of the
    bulk does; `without` leaves so many of the largest values out, to tell the two apart. LabError
    as in `outliers`, and where fewer than two values would be left.
    """
    W, _ = unit(W)
    values = _values(W)
    rows, columns = np.shape(W)
    if whole(without, "without", 0) > len(values) - 2:
        raise LabError(f"Of {len(values)} singular values {without} cannot be left out.")
    values = values[without:]

    def off(log_scale):
        law = partial(cumulated, rows=rows, columns=columns, scale=float(np.exp(log_scale)))
        return kstest(values, law).statistic

    start = np.log(np.median(values) / (np.sqrt(rows) + np.sqrt(columns)))
    tries = start + np.linspace(-0.5, 2, 26)
    best = tries[np.argmin([off(t) for t in tries])]
    found = minimize_scalar(off, bounds=(best - 0.1, best + 0.1), method="bounded")
    return float(min(found.fun, off(best)))


class Outliers(NamedTuple):
    """Singular values beyond chance: the whole list, where chance ends, how many are beyond."""

    singular_values: Float[ndarray, "k"]
    edges: Edges
    count: int  # type: ignore[assignment]  # a tuple has a method of this name


@guarded
def outliers(W: Float[ndarray, "rows columns"], chance: float = 0.999) -> Outliers:
    """Singular values of a matrix beyond what random entries of its own mean square would reach.

    The scale is the root mean square of the entries, outliers included, which pulls the edge
    outwards: the count is cautious. LabError unless W is a finite matrix that is not 0.
    """
    values, W = _values(W), np.asarray(W, dtype=float)
    rows, columns = W.shape
    found = edges(rows, columns, float(length(W) / W.size**0.5), chance)
    return Outliers(values, found, int((values > found.reach).sum()))


def _values(W) -> Float[ndarray, "k"]:
    """The singular values of a matrix; LabError unless it is finite and not 0."""
    W = np.asarray(W, dtype=float)
    if W.ndim != 2 or not W.size or not np.isfinite(W).all():
        raise LabError(f"A finite matrix [rows, columns] is needed; got shape {W.shape}.")
    if not W.any():
        raise LabError("All entries are 0; there is no scale to compare with.")
    return np.linalg.svd(W, compute_uv=False)

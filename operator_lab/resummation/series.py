"""Sums of power series beyond their disc: Padé approximants and Borel's integral.

Coefficients run upwards, c_0, c_1, ..., one number or one vector each. Reference: Baker &
Graves-Morris 1996, Padé Approximants; Gonnet, Güttel & Trefethen 2013, SIAM Review 55, 101 (the
singular value decomposition decides on the degree); Hardy 1949, Divergent Series (Borel).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from numpy import ndarray
from numpy.polynomial import polynomial as P
from scipy.integrate import quad_vec
from scipy.linalg import svd
from scipy.special import gammaln

from ..arrays import unit
from ..errors import LabError
from ..given import number, whole
from ..guard import guarded
from .sequences import terms

ROUNDING = 1e-12
FAR = 60.0  # e^-60 is beyond rounding


@dataclass(frozen=True, eq=False)
class Pade:
    """p(x) / q(x), with one denominator for all components; q(0) = 1."""

    numerator: Float[ndarray, "m *shape"]
    denominator: Float[ndarray, "n"]

    def __call__(self, x):
        """The value at a real or complex x, or at an array of them (in front of the components)."""
        x = np.asarray(x)
        powers = x[..., None] ** np.arange(len(self.numerator))
        below = P.polyval(x, self.denominator)
        return np.tensordot(powers, self.numerator, 1) / below.reshape(
            below.shape + (1,) * (self.numerator.ndim - 1)
        )

    @property
    def poles(self) -> Complex[ndarray, "poles"]:
        """The zeros of the denominator, nearest first."""
        found = P.polyroots(self.denominator).astype(complex)
        return found[np.argsort(abs(found), kind="stable")]


@guarded(own=("poles",), holes=("c",), empty=("c",))
def pade(c: Float[ndarray, "n *shape"], poles: int) -> Pade:
    """Padé approximant of sum c_n x^n with at most `poles` poles, the rest of the degree above.

    All coefficients are used. For vectors one denominator, the best for all components together
    (the singularities of a vector function are shared). Where the table has a block, or rounding
    leaves no more to fit, there are fewer poles, so that none is invented. LabError for fewer than
    poles + 1 coefficients, or `poles` that is no whole number from 0 on.
    """
    poles = whole(poles, "poles", least=0)
    c, size = unit(terms(c, poles + 1))
    flat = c.reshape(len(c), -1)
    scale = _unit(flat)
    flat = flat * (scale ** np.arange(len(c)))[:, None]
    q = _denominator(flat, poles)
    count = len(c) - len(q) + 1
    p = np.array([(q[: i + 1, None] * flat[i::-1][: len(q)]).sum(0) for i in range(count)])
    p = _trimmed(p, float(np.linalg.norm(flat)))
    down = scale ** -np.arange(len(c), dtype=float)
    p = (size * (p * down[: len(p), None])).reshape(len(p), *c.shape[1:])
    return Pade(p, q * down[: len(q)])


def _trimmed(p, size: float):
    """p without coefficients that are rounding, which would grow with the power they stand at."""
    p = np.where(np.linalg.norm(p, axis=1, keepdims=True) > ROUNDING * size, p, 0.0)
    kept = np.flatnonzero(p.any(1))
    return p[: kept[-1] + 1] if len(kept) else p[:1]


def _unit(flat) -> float:
    """A length in which coefficients neither grow nor fall, so that none is lost to rounding."""
    size = np.linalg.norm(flat, axis=1)
    n = np.flatnonzero(size)
    if len(n) < 2:
        return 1.0
    return float(np.exp(-np.polyfit(n, np.log(size[n]), 1)[0]))


def _denominator(flat, poles: int) -> Float[ndarray, "n"]:
    """The q whose product with the series leaves the least beyond the numerator's degree."""
    while poles:
        degree = len(flat) - 1 - poles
        padded = np.concatenate([np.zeros((poles, flat.shape[1])), flat])
        windows = [padded[i : i + poles + 1][::-1] for i in range(degree + 1, degree + 1 + poles)]
        M = np.concatenate([w.T for w in windows])  # rows: component and order, columns: q_0 ...
        _, sizes, V = svd(M)
        rank = int((sizes > ROUNDING * max(sizes[0], np.linalg.norm(flat))).sum())
        if rank >= poles:
            q = V[-1]
            if abs(q[0]) > ROUNDING * abs(q).max():
                return np.trim_zeros(np.where(abs(q) > ROUNDING * abs(q).max(), q, 0) / q[0], "b")
            poles -= 1  # the fraction would have a pole at 0, where the series has none
        else:
            poles = rank
    return np.ones(1)


@guarded(holes=("c",), empty=("c",))
def borel(c: Float[ndarray, "*shape"], x: float, poles: int | None = None) -> Float[ndarray, "..."]:
    """Borel's sum of sum c_n x^n: the integral over t > 0 of e^-t B(x t), B = sum c_n t^n / n!.

    B is continued along the real axis by its Padé approximant with `poles` poles (default: half
    the order). For a series with a disc the integral ends where Re(x / s) < 1 fails for one of its
    singularities s; for a factorially divergent one it may well exist. LabError where B has a
    pole on the way (the sum is then ambiguous, by an imaginary part), the integral does not
    settle, or x is not a finite number.
    """
    c, size = unit(terms(c))
    x = number(x, "point x")
    n = np.arange(len(c))
    shrunk = c / np.exp(gammaln(n + 1)).reshape(-1, *[1] * (c.ndim - 1))
    B = pade(shrunk, (len(c) - 1) // 2 if poles is None else poles)
    on_way = B.poles[(abs(B.poles.imag) < 1e-6 * abs(B.poles)) & (B.poles.real * x > 0)]
    if len(on_way) and on_way[0].real / x < FAR:
        raise LabError(
            f"The Borel transform has a pole at {on_way[0].real:.4g}, on the way of its integral, "
            "so the sum is ambiguous; take another number of poles."
        )
    with np.errstate(all="ignore"):
        found, error = quad_vec(lambda t: np.exp(-t) * B(x * t), 0, FAR, epsrel=1e-9, limit=2000)
    if not (np.isfinite(found).all() and error <= 1e-3 * max(np.abs(found).max(), 1e-300)):
        raise LabError("Borel's integral does not settle; the sum does not reach this far.")
    return np.asarray(size * found)

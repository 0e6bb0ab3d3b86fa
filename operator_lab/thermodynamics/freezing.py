"""Zeros of a softmax row's partition function at complex inverse temperature (Fisher zeros)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from numpy import ndarray

from ..arrays import unit
from ..errors import LabError
from ..guard import guarded
from .equilibrium import spectrum

STARTS, STEPS = 24, 30  # of Newton's method: starts along each side of the region, steps from each


@guarded
def partition_zeros(
    E: Float[ndarray, "n"], reach: float, height: float | None = None
) -> Complex[ndarray, "zeros"]:
    """Zeros of Z(b) = sum exp(-b E_j) with 0 <= Re b <= reach, 0 < Im b <= height, lowest first.

    None lies on the real axis, where Z is a sum of positive terms; where one comes close to it as
    the row grows, a phase transition is made (Fisher 1965). `height` is `reach` when left out.
    Newton's method from a grid, so that a zero can be missed where they stand densely. LabError for
    fewer than two different energies, or a region without an inside.
    """
    E = spectrum(E)
    E = E[np.isfinite(E)]
    height = reach if height is None else height
    if E.ndim != 1 or len(np.unique(E)) < 2:
        raise LabError("A partition function has zeros only with two different energies in a row.")
    if not (0 < reach < np.inf and 0 < height < np.inf):
        raise LabError(f"A region has positive sides; got {reach!r} and {height!r}.")
    _, size = unit(np.array([reach, height]))  # only b E has a meaning: b as large as 1
    reach, height, E = reach / size, height / size, (E - E.min()) * size
    if not np.isfinite(E).all():
        raise LabError("b E is beyond all numbers within this region; take a smaller one.")
    sides = np.linspace(0, reach, STARTS), np.linspace(0, height, STARTS + 1)[1:]
    b = (sides[0] + 1j * sides[1][:, None]).ravel()
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            w = _terms(b, E)
            b = b + w.sum(1) / (w @ E)
            b = b[(abs(b.real) < 3 * reach) & (abs(b.imag) < 3 * height)]  # drops NaN, too
        w = _terms(b, E)
        b = b[abs(w.sum(1)) < 1e-9 * abs(w).sum(1)]
    b = b[(b.real >= -1e-9) & (b.real <= reach) & (b.imag > 1e-9) & (b.imag <= height)]
    rounded = np.unique(b.round(7)) * size
    return rounded[np.argsort(rounded.imag, kind="stable")]


def _terms(b, E):
    """exp(-b E_j), each row times a factor that keeps it from overflowing."""
    exponent = -b[:, None] * E
    return np.exp(exponent - exponent.real.max(1, keepdims=True))

"""The free energy over a triangle: three levels, every distribution a point."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import distribution, spectrum
from ..guard import guarded
from .equilibrium import free_energy, minimum

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])


@guarded(own=("p",))
def placed(p: Float[ndarray, "*n 3"]) -> Float[ndarray, "*n 2"]:
    """Distributions of three levels as points of a triangle with sides of length 1."""
    p = distribution(p)
    if p.shape[-1] != 3:
        raise LabError(f"A triangle shows three levels; these distributions have {p.shape[-1]}.")
    return p @ CORNERS


@guarded(own=("E",))
def contour(
    E: Float[ndarray, "3"], T: float, excess: float, kind: str = "shannon", count: int = 48
) -> Float[ndarray, "count 3"]:
    """Distributions whose free energy lies `excess` above its least, one in each direction.

    Sought by bisection from the minimum outwards. NaN where the triangle ends first.
    """
    E = spectrum(E)
    if E.shape != (3,):
        raise LabError(f"A triangle has three levels; got energies of shape {E.shape}.")
    best = minimum(E, T, kind)
    angle = 2 * np.pi * np.arange(count) / count
    way = np.linalg.lstsq(
        np.vstack([CORNERS.T, np.ones(3)]), np.stack([np.cos(angle), np.sin(angle), 0 * angle]),
        rcond=None,
    )[0].T  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(way < 0, -best / way, np.inf).min(-1)  # to the edge of the triangle
    least = free_energy(best, E, T, kind)

    def above(r):
        p = np.maximum(best + r[:, None] * way, 0)
        return free_energy(p / p.sum(-1, keepdims=True), E, T, kind) - least

    inside, low, high = above(reach) >= excess, np.zeros(count), reach
    for _ in range(40):
        middle = (low + high) / 2
        short = above(middle) < excess
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    found = np.maximum(best + low[:, None] * way, 0)
    return np.where(inside[:, None], found / found.sum(-1, keepdims=True), np.nan)

"""Fixed points x = f(x): plain iteration, and Anderson's mixing, which physicists call DIIS.

Reference: Anderson 1965, J. ACM 12, 547; Pulay 1980, Chem. Phys. Lett. 73, 393 (DIIS); Walker & Ni
2011, SIAM J. Numer. Anal. 49, 1715 (on a linear problem it is GMRES).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import number, whole
from ..guard import guarded

Map = Callable[[ndarray], ndarray]


@dataclass(frozen=True, eq=False)
class Iteration:
    """What an iteration did: its last state, and |f(x) - x| / |f(x)| at every evaluation of f."""

    last: Float[ndarray, "*shape"]
    residuals: Float[ndarray, "evaluations"]
    tolerance: float

    @property
    def converged(self) -> bool:
        """Whether the last residual is within the tolerance."""
        return bool(self.residuals[-1] <= self.tolerance)

    @property
    def solution(self) -> Float[ndarray, "*shape"]:
        """The fixed point; LabError where the iteration stopped before it reached one."""
        if not self.converged:
            raise LabError(
                f"No fixed point within {len(self.residuals)} evaluations: the residual is "
                f"{self.residuals[-1]:.2g}, the tolerance {self.tolerance:.2g}. Start nearer, "
                "damp the map, or ask whether it has a fixed point at all."
            )
        return self.last


@guarded(own=("tolerance",), holes=("start",))
def picard(
    f: Map, start: Float[ndarray, "*shape"] | float, tolerance: float = 1e-8, most: int = 500
) -> Iteration:
    """x <- f(x) until it stands still, or `most` evaluations (running a tied layer on).

    LabError for a map that diverges, changes the shape, or answers twice differently.
    """
    return anderson(f, start, 0, tolerance, most)


@guarded(own=("tolerance",), holes=("start",))
def anderson(
    f: Map,
    start: Float[ndarray, "*shape"] | float,
    memory: int = 5,
    tolerance: float = 1e-8,
    most: int = 500,
) -> Iteration:
    """Anderson mixing: the combination of the last `memory` + 1 states whose residual is least.

    DIIS (Pulay 1980) is the same idea, `memory` = 0 the plain iteration. One evaluation of f per
    step; it ends at `tolerance` or after `most` evaluations, and the result says which. One more
    evaluation at the start asks whether f is a function of x. LabError for a map that diverges,
    changes the shape, or is stochastic.
    """
    memory, most = whole(memory, "memory", 0), whole(most, "most")
    tolerance = number(tolerance, "tolerance", above=0)
    x = np.array(start, dtype=float)
    if not (x.size and np.isfinite(x).all()):
        raise LabError("The start must be a finite array that is not empty.")
    y = _without_chance(f, x)
    states: list[ndarray] = []
    images: list[ndarray] = []
    residuals: list[float] = []
    for k in range(most):
        y = _image(f, x, k) if k else y
        residuals.append(float(np.linalg.norm(y - x) / max(float(np.linalg.norm(y)), 1e-300)))
        if residuals[-1] <= tolerance:
            return Iteration(y, np.array(residuals), tolerance)
        states, images = [*states, x][-memory - 1 :], [*images, y][-memory - 1 :]
        x = _mixed(states, images)
    return Iteration(y, np.array(residuals), tolerance)


def _mixed(states, images):
    """The next state: f's values combined with the weights that make the residual least."""
    if len(states) == 1:
        return images[-1]
    F = np.stack([y.ravel() for y in images], axis=1)
    R = F - np.stack([x.ravel() for x in states], axis=1)
    # differences between neighbours; directions lost to rounding are left out
    weights = np.linalg.lstsq(np.diff(R), R[:, -1], rcond=1e-12)[0]
    return (F[:, -1] - np.diff(F) @ weights).reshape(images[-1].shape)


def _image(f: Map, x, done: int):
    y = np.asarray(f(x.copy()), dtype=float)
    if y.shape != x.shape:
        raise LabError(f"A map with a fixed point keeps the shape: {x.shape} became {y.shape}.")
    if not np.isfinite(y).all() or np.linalg.norm(y) > 1e150:
        raise LabError(
            f"The iteration diverges: after {done + 1} evaluations the state is no longer finite. "
            "Damp the map, x + a (f(x) - x) with a below 1, or start nearer."
        )
    return y


def _without_chance(f: Map, x):
    y = _image(f, x, 0)
    if not np.array_equal(y, _image(f, x, 0)):
        raise LabError("The map gives two answers at one state, so chance is in it; fix its seed.")
    return y

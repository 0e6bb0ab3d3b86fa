"""The geometry of distributions: Fisher's metric, natural gradient, lengths, geodesics.

The metric belongs to the distributions; the logits z = -E/T are coordinates on them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import alike, distribution, spectrum
from ..guard import guarded
from .equilibrium import boltzmann


@guarded(own=("p",))
def fisher(p: Float[ndarray, "*n k"]) -> Float[ndarray, "*n k k"]:
    """diag(p) - p p^T: Fisher's metric in the logits, the softmax's Jacobian, the Hessian of ln Z.

    Its kernel is (1, ..., 1), since a constant added to all logits changes nothing.
    """
    p = distribution(p)
    return p[..., None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]


@guarded(own=("p",))
def natural_gradient(p: Float[ndarray, "k"], slope: Float[ndarray, "k"]) -> Float[ndarray, "k"]:
    """Steepest ascent of a function of p, a step being as long as Fisher's metric says.

    `slope` is the derivative with respect to each logit; what comes back solves fisher(p) z = slope
    and has mean zero. LabError for shapes that differ or an empty level, which has no direction.
    """
    p, slope = distribution(p), np.asarray(slope, dtype=float)
    if p.shape != slope.shape or p.ndim != 1:
        raise LabError(
            f"One distribution and one slope a level are needed; got {p.shape} and {slope.shape}."
        )
    if (p == 0).any():
        raise LabError("The natural gradient is taken inside: every probability must be above 0.")
    z = (slope - p * slope.sum()) / p
    return z - z.mean()


@guarded(own=("E", "p"))
def cooled(
    p: Float[ndarray, "k"], E: Float[ndarray, "k"], t: Float[ndarray, "*n"] | float
) -> Float[ndarray, "*n k"]:
    """p e^{-t E} / Z: where natural-gradient descent of the mean energy stands after time t.

    If p is the Boltzmann distribution of E at T, this is the one at T / (1 + t T): cooling.
    """
    p, E, t = distribution(p), spectrum(E), np.asarray(t, dtype=float)
    alike(p, E, "Probabilities and energies")
    with np.errstate(divide="ignore"):
        z = np.log(p) - t[..., None] * E
    return boltzmann(-z, 1.0)


@guarded(own=("path",))
def length(path: Float[ndarray, "steps k"]) -> float:
    """Fisher-Rao length of a path of distributions: the sum of its steps' `distance`."""
    path = distribution(path)
    if path.ndim != 2 or len(path) < 2:
        raise LabError(f"A path is at least two distributions, [steps, levels]; got {path.shape}.")
    return float(np.sum(distance(path[:-1], path[1:])))


@guarded(own=("p", "q"))
def distance(p: Float[ndarray, "*n k"], q: Float[ndarray, "*n k"]) -> Float[ndarray, "*n"] | float:
    """Shortest way in Fisher's metric: twice the angle between sqrt(p) and sqrt(q), at most pi."""
    p, q = np.sqrt(distribution(p)), np.sqrt(distribution(q))
    # by the chord, not arccos of the overlap: that loses half of the digits for neighbours
    return 4 * np.arcsin(np.minimum(np.linalg.norm(p - q, axis=-1) / 2, 1.0))


@guarded(own=("p", "q"))
def geodesic(
    p: Float[ndarray, "k"], q: Float[ndarray, "k"], s: Float[ndarray, "*n"] | float
) -> Float[ndarray, "*n k"]:
    """The shortest path from p (s = 0) to q (s = 1): a great circle of sqrt(p)."""
    p, q, s = distribution(p), distribution(q), np.asarray(s, dtype=float)[..., None]
    if p.ndim != 1 or q.ndim != 1:
        raise LabError(f"A path leads from one distribution to one; got {p.shape} and {q.shape}.")
    angle = float(distance(p, q)) / 2
    if angle == 0:
        return np.broadcast_to(p, (*s.shape[:-1], len(p))).copy()
    root = np.sin((1 - s) * angle) * np.sqrt(p) + np.sin(s * angle) * np.sqrt(q)
    return (root / np.sin(angle)) ** 2

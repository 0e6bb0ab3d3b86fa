"""First law, Clausius, Jarzynski: what changes when the energies of an attention row change.

A path is a stack of spectra E[step, ..., level], at one temperature, in equilibrium at each step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import spectrum, temperature, whole
from ..guard import guarded
from .equilibrium import equilibrium, relative_entropy


@guarded(own=("before", "after"))
def straight(
    before: Float[ndarray, "*n k"], after: Float[ndarray, "*n k"], steps: int
) -> Float[ndarray, "steps_1 *n k"]:
    """The path of spectra from `before` to `after` in so many equal steps.

    LabError for spectra of different shape or with different forbidden levels, or no step.
    """
    E0, E1 = _matching(before, after)
    s = np.linspace(0, 1, whole(steps, "steps") + 1).reshape(-1, *[1] * E0.ndim)
    return np.where(np.isfinite(before), (1 - s) * E0 + s * E1, np.inf)


def _matching(before, after) -> ndarray:
    """Two spectra with the same levels within reach, 0 at the others."""
    before, after = spectrum(before), spectrum(after)
    if before.shape != after.shape:
        raise LabError(f"Spectra before {before.shape} and after {after.shape} do not match.")
    return _reachable(np.stack([before, after]))


class Balance(NamedTuple):
    """The energy account of a path, row by row."""

    dU: Float[ndarray, "..."] | float
    Q: Float[ndarray, "..."] | float  # heat: sum E dp, weights move at held energies
    W: Float[ndarray, "..."] | float  # work: sum p dE, energies move at held weights
    TdS: Float[ndarray, "..."] | float
    dF: Float[ndarray, "..."] | float


@guarded(own=("path",))
def balance(path: Float[ndarray, "steps *n k"], T: float) -> Balance:
    """Heat and work along a path of spectra, each step by the mean of its two ends.

    dU = Q + W is the product rule and closes exactly. Q tends to T dS, and W to dF, at second order
    in the size of the steps (Clausius). Levels that are forbidden stay so. LabError for a path of
    one step, or levels that are forbidden at one end only.
    """
    E, T = spectrum(path), temperature(T)
    if E.ndim < 2 or len(E) < 2:
        raise LabError(f"A path is at least two spectra, [steps, ..., levels]; got {E.shape}.")
    E = _reachable(E)
    states = equilibrium(path, T)
    p, U, S = states.p, np.asarray(states.U), np.asarray(states.S)
    Q = (np.diff(p, axis=0) * (E[1:] + E[:-1]) / 2).sum((0, -1))
    W = (np.diff(E, axis=0) * (p[1:] + p[:-1]) / 2).sum((0, -1))
    dU, dS = U[-1] - U[0], S[-1] - S[0]
    return Balance(dU, Q, W, T * dS, dU - T * dS)


def _reachable(E: ndarray) -> ndarray:
    """The energies with 0 where a level is forbidden, at every step alike."""
    finite = np.isfinite(E)
    if (finite != finite[:1]).any():
        raise LabError("A level is forbidden at one end of the path and free at the other.")
    return np.where(finite, E, 0.0)


class Quench(NamedTuple):
    """A sudden change of the energies, the weights staying behind, then relaxation."""

    W: Float[ndarray, "..."] | float  # mean work, sum p0 (E1 - E0)
    dF: Float[ndarray, "..."] | float
    lost: Float[ndarray, "..."] | float  # T KL(p0, p1) = W - dF, never negative
    average: Float[ndarray, "..."] | float  # sum p0 e^{-(E1 - E0)/T}, Jarzynski's e^{-dF/T}


@guarded(own=("before", "after"), finite=True)
def quench(before: Float[ndarray, "*n k"], after: Float[ndarray, "*n k"], T: float) -> Quench:
    """Change all energies at once at temperature T.

    W - dF = T KL(p0, p1), and the mean of e^{-w/T} over p0 is e^{-dF/T} (Jarzynski 1997). LabError
    for spectra of different shape or with different forbidden levels.
    """
    (E0, E1), T = _matching(before, after), temperature(T)
    first, last = equilibrium(before, T), equilibrium(after, T)
    work = E1 - E0
    mean = (first.p * work).sum(-1)
    average = (first.p * np.exp(-work / T)).sum(-1)
    return Quench(mean, last.F - first.F, T * relative_entropy(first.p, last.p), average)

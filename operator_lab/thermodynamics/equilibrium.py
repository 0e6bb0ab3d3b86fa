"""Softmax as thermal equilibrium: the minimum of F = U - T S over distributions (2602.08216).

A spectrum E[..., n] is one row of energies per system; attention's is E = -S, and a key that may
not be read has energy +inf. Temperatures are in the units of E, k_B = 1, entropies in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import minimize

from .. import mixing
from ..errors import LabError
from ..given import alike, distribution, numbers, one_of, spectrum, temperature
from ..guard import guarded

ENTROPIES = ("shannon", "tsallis")


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """The Boltzmann distribution of a spectrum at one temperature, and what follows from it."""

    p: Float[ndarray, "..."]  # e^{-E/T} / Z (softmax of -E/T)
    U: Float[ndarray, "..."] | float  # mean energy
    S: Float[ndarray, "..."] | float  # entropy, nats
    F: Float[ndarray, "..."] | float  # U - T S = -T ln Z (minus T times log-sum-exp)
    C: Float[ndarray, "..."] | float  # heat capacity, Var(E) / T^2 = dU/dT = T dS/dT


@guarded(own=("E", "T"))
def equilibrium(E: Float[ndarray, "*n k"], T: Float[ndarray, "..."] | float) -> Equilibrium:
    """Thermal equilibrium of each row of energies (the softmax and its log-sum-exp).

    `T` is a number, or an array that broadcasts against the rows. The lowest level is taken out
    first, so that no temperature is too cold. LabError as in `spectrum` and `temperature`.
    """
    E, T = spectrum(E), temperature(T)
    lowest = E.min(-1, keepdims=True)
    with np.errstate(over="ignore"):
        gap = E - lowest
        x = gap / T[..., None]  # in units of T, whose square may be no number
        weight = np.exp(-x)
    Z = weight.sum(-1)
    p = weight / Z[..., None]
    gap, x = (np.where(weight > 0, y, 0.0) for y in (gap, x))  # inf times 0 counts as nothing
    U, u, log_Z = (p * gap).sum(-1), (p * x).sum(-1), np.log(Z)
    C = (p * (x - u[..., None]) ** 2).sum(-1)
    return Equilibrium(p, U + lowest[..., 0], u + log_Z, lowest[..., 0] - T * log_Z, C)


@guarded(own=("E", "T"))
def boltzmann(E: Float[ndarray, "*n k"], T: Float[ndarray, "..."] | float) -> ndarray:
    """p = e^{-E/T} / Z, row by row (softmax of -E/T)."""
    return equilibrium(E, T).p


@guarded(own=("p",))
def entropy(p: Float[ndarray, "*n k"], kind: str = "shannon") -> Float[ndarray, "*n"] | float:
    """Shannon's -sum p ln p, or Tsallis' of order 2, (1 - sum p^2) / 2.

    LabError for another kind, or rows that are no distributions.
    """
    return _entropy(distribution(p), one_of(kind, ENTROPIES, "entropy"))


def _entropy(p, kind):
    if kind == "tsallis":
        return (1 - (p**2).sum(-1)) / 2
    return mixing.entropy(p)


@guarded(own=("E", "T", "p"))
def free_energy(
    p: Float[ndarray, "*m k"],
    E: Float[ndarray, "*n k"],
    T: Float[ndarray, "..."] | float,
    kind: str = "shannon",
) -> Float[ndarray, "..."] | float:
    """F(p) = sum p E - T S(p) of any distribution, in equilibrium or not.

    For Shannon's entropy F(p) - F(p*) = T KL(p, p*), p* the softmax of -E/T. A distribution on a
    forbidden level has F = inf.
    """
    p, E, T = distribution(p), spectrum(E), temperature(T)
    alike(p, E, "Probabilities and energies")
    with np.errstate(invalid="ignore"):
        U = np.where(p > 0, p * E, 0.0).sum(-1)
    return U - T * _entropy(p, one_of(kind, ENTROPIES, "entropy"))


@guarded(own=("z",))
def sparsemax(z: Float[ndarray, "*n k"]) -> Float[ndarray, "*n k"]:
    """The distribution nearest to z: max(z - t, 0), t such that it sums to one.

    The minimum of sum p E - T S(p) for Tsallis' entropy of order 2, at z = -E/T (Martins and
    Astudillo 2016, arXiv 1602.02068).
    """
    z = -spectrum(-numbers(z, "scores z", "iuf", holes=True))
    z = np.where(np.isfinite(z), z - z.max(-1, keepdims=True), -1e3)
    falling = -np.sort(-z, axis=-1)
    count = np.arange(1, z.shape[-1] + 1)
    excess = np.cumsum(falling, axis=-1) - 1
    kept = (count * falling > excess).sum(-1, keepdims=True)
    t = np.take_along_axis(excess, kept - 1, axis=-1) / kept
    return np.maximum(z - t, 0.0)


@guarded(own=("E", "T"))
def minimum(
    E: Float[ndarray, "*n k"], T: Float[ndarray, "..."] | float, kind: str = "shannon"
) -> Float[ndarray, "..."]:
    """The distribution of least free energy: softmax for Shannon's entropy, sparsemax for Tsallis'.

    LabError for another entropy.
    """
    if one_of(kind, ENTROPIES, "entropy") == "shannon":
        return boltzmann(E, T)
    return sparsemax(-spectrum(E) / temperature(T)[..., None])


@guarded(own=("E",))
def minimised(
    E: Float[ndarray, "k"],
    T: float,
    kind: str = "shannon",
    start: Float[ndarray, "k"] | None = None,
) -> Float[ndarray, "k"]:
    """The same minimum found by a constrained optimiser that knows nothing but F (SLSQP).

    `start` is a distribution; left out, the uniform one. For one row of finite energies.
    """
    E, T = spectrum(E), float(temperature(T))
    if E.ndim != 1 or not np.isfinite(E).all():
        raise LabError(f"The optimiser takes one row of finite energies; got shape {E.shape}.")
    p = np.full(len(E), 1 / len(E)) if start is None else distribution(start)
    alike(E, p, "The energies and the start")
    shift, least = E - E.min(), 1e-14
    slope = {"shannon": lambda p: np.log(np.maximum(p, least)) + 1, "tsallis": lambda p: p}
    found = minimize(
        lambda p: p @ shift / T - _entropy(np.maximum(p, 0), kind),
        p,
        jac=lambda p: shift / T + slope[one_of(kind, ENTROPIES, "entropy")](p),
        bounds=[(0, 1)] * len(E),
        constraints=[{"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like}],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return found.x / found.x.sum()


@guarded(own=("E", "p"))
def mirror_step(
    p: Float[ndarray, "*n k"], E: Float[ndarray, "*n k"], T: float, rate: float
) -> Float[ndarray, "*n k"]:
    """One step of mirror descent on F: p^{1 - rate T} e^{-rate E} / Z (exponentiated gradient).

    ln(p / p*) shrinks by 1 - rate T each time, so that rate = 1/T arrives at once.
    """
    p, E, T = distribution(p), spectrum(E), temperature(T)
    if (p == 0).any():
        raise LabError("Mirror descent starts inside: every probability must be above 0.")
    alike(p, E, "Probabilities and energies")
    z = (1 - rate * T) * np.log(p) - rate * E
    return boltzmann(-z, 1.0)


@guarded(own=("p", "q"))
def relative_entropy(
    p: Float[ndarray, "*n k"], q: Float[ndarray, "*n k"]
) -> Float[ndarray, "*n"] | float:
    """KL(p, q) = sum p ln(p/q) along the last axis, nats; inf where q forbids what p allows."""
    p, q = distribution(p), distribution(q)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0).sum(-1)

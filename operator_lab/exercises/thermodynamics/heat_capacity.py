"""The heat capacity of an attention row (notebook 09; arXiv 2602.08216).

Energies are rows E[..., level], k_B = 1, entropies in nats, weights p = e^{-E/T} / Z.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def heat_capacity(E, T):
    """C = Var(E) / T^2 of each row, under its Boltzmann distribution at T."""
    low = E - E.min(axis=1, keepdims=True)
    p = np.exp(-low / T)
    p = p / p.sum(axis=1, keepdims=True)
    return ((p * low**2).sum(axis=1) - (p * low).sum(axis=1) ** 2) / T**2


def _heat_cases(rng):
    for rows, n, T in ((3, 2, 1.0), (2, 6, 0.5), (4, 3, 2.0)):
        yield Case((2 * rng.normal(size=(rows, n)) + 1, T), f"{rows} rows of {n} levels, T = {T}")
    yield Case((rng.normal(size=(2, 4)) + 300, 0.7), "2 rows of 4 levels near E = 300, T = 0.7")
    cold = np.array([[-9.0, -8.97, -2.0], [4.0, 4.02, 4.05]])
    yield Case((cold, 0.01), "2 rows of 3 levels, cold: T = 0.01")
    levels = np.array([[0.0, 1.0, 2.5], [3.0, 3.0, 4.0], [-1.0, 0.5, 0.5]])
    yield Case((1e-12 * levels, 1e-12), "3 rows of 3 levels, E and T about 1e-12")
    yield Case((levels, 1e-12), "3 rows of 3 levels, as cold as T = 1e-12")
    yield Case((levels * [[1], [1000], [4000]], 1.0), "levels up to thousands apart, T = 1")
    yield Case((levels, 100.0), "3 rows of 3 levels, T = 100")
    yield Case((1e8 * levels, 1e8), "3 rows of 3 levels, E and T about 1e8")
    yield Case((np.array([[2.0]]), 0.7), "a single level")
    long = rng.normal(size=(50, 45))
    long[4] = long[3]
    yield Case((long, 0.9), "50 rows, two of them alike, 45 levels")
    single = np.float32(rng.normal(size=(3, 4)) + 1000)
    yield Case((single, 0.8), "3 rows in float32, all levels about 1000")
    yield Case((levels - 5, 0.8), "3 rows of 3 levels, all below 0")


def _within_popoviciu(args, answer, slack):
    E, T = args
    if (answer > ((E.max(axis=1) - E.min(axis=1)) / (2 * T)) ** 2 * (1 + slack) + slack).any():
        return "it is more than (largest gap / 2T)^2, which no spectrum can have"


def _not_negative(args, answer, slack):
    if answer.min() < -slack * np.abs(answer).max():
        return f"it is negative ({answer.min():.6g}), and a variance never is"


WRONG = """
over T: the variance is divided by T: it is T^2, so that C is a pure number
    T**2 => T
variance only: it is the variance of E: divide it by T^2
    / T**2 =>
susceptibility: it is divided by T^3: C = Var(E) / T^2
    T**2 => T**3
unweighted: its variance counts all levels alike: weight them with p = e^{-E/T} / Z
    np.exp(-low / T) => np.ones_like(low)
hot: its weights are e^{+E/T}: low levels are the likely ones, e^{-E/T}
    low = E => E = -E; low = E
no temperature in p: its weights leave the temperature out: p = e^{-E/T} / Z
    -low / T => -low
second moment: it is the mean of E^2: take the square of the mean away
    ((p * low**2).sum(axis=1) - (p * low).sum(axis=1) ** 2) / T**2 => (p * E**2).sum(axis=1) / T**2
deviation: it is the standard deviation over T: C is its square
    return => C =
    T**2 => T**2; return np.sqrt(C)
overflow: right while E/T is moderate, but e^{-E/T} overflows or vanishes (inf/inf, 0/0): \
    subtract each row's lowest level first
    E - E.min(axis=1, keepdims=True) => E
entropy: it is the entropy: C is T dS/dT, the variance of E over T^2
    ((p * low**2).sum(axis=1) - (p * low).sum(axis=1) ** 2) / T**2 => \
        -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)
"""

EXERCISE = Exercise(
    title="The heat capacity of an attention row",
    reference=heat_capacity,
    cases=_heat_cases,
    wrong=mistakes(heat_capacity, WRONG),
    laws=(Law("not negative", _not_negative), Law("Popoviciu", _within_popoviciu)),
    hints=(
        "How much does the energy of a row fluctuate when its keys are drawn with their attention "
        "weights?",
        "C = (<E^2> - <E>^2) / T^2 with p = e^{-E/T} / Z; no constant added to E may matter.",
        "low = E - E.min(axis=1, keepdims=True)",
    ),
    minutes=12,
    level="core",
)

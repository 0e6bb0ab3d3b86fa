"""The free energy of any distribution (notebook 09; arXiv 2602.08216).

Energies are rows E[..., level], k_B = 1, entropies in nats, weights p = e^{-E/T} / Z.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def free_energy(p, E, T):
    """F = sum p E + T sum p ln p of each row, where 0 ln 0 counts as 0."""
    return (p * E).sum(axis=1) + T * (p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


def _free_energy_cases(rng):
    for rows, n, T in ((3, 2, 1.0), (2, 5, 0.4), (4, 3, 2.5)):
        p, E = rng.dirichlet(np.ones(n), size=rows), 2 * rng.normal(size=(rows, n)) + 1
        yield Case((p, E, T), f"{rows} rows of {n} levels, T = {T}")
    p = np.array([[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
    yield Case((p, rng.normal(size=(2, 3)) - 2, 1.7), "2 rows with empty levels, T = 1.7")
    for rows, n, size, T in (
        (1, 1, 1.0, 2.0),
        (50, 45, 1.0, 0.8),
        (3, 3, 1e-8, 1e-8),
        (2, 4, 1e8, 1e8),
    ):
        p, E = rng.dirichlet(np.ones(n), size=rows), size * rng.normal(size=(rows, n))
        p[-1], E[-1] = p[0], E[0]
        label = f"rows = {rows}, two alike, n = {n}, E about {size:g}, T = {T:g}"
        yield Case((p, E, T), label)
    E = rng.normal(size=(2, 3)) * [[1], [3000]]
    p = np.array([[0.5, 0.5, 0.0], [0.2, 0.7, 0.1]])
    yield Case((p, E, 1e-12), "2 rows of 3 levels, as cold as T = 1e-12")
    yield Case((p, E, 1e12), "2 rows of 3 levels, T = 1e12")
    yield Case((p, E, 1.0), "2 rows of 3 levels, some thousands apart, T = 1")
    E = np.array([[0.0, 2.0, 1.0], [-1.0, 0.0, 0.0]])
    yield Case((p, E, 0.6), "2 rows of 3 levels, whole numbers, T = 0.6")


def _never_below(args, answer, slack):
    _, E, T = args
    low = E.min(axis=1)
    least = low - T * np.log(np.exp(-(E - low[:, None]) / T).sum(axis=1))
    if (answer < least - slack * np.abs(least).max()).any():
        return "it lies below -T ln Z, the least that any distribution can have"


WRONG = """
plus T S: it is U + T S: entropy is paid for with a minus sign, F = U - T S
    + T => - T
energy only: it is the mean energy U alone: take T S away
    + T * (p * np.log(np.where(p > 0, p, 1))).sum(axis=1) =>
entropy only: it is -T S alone: add the mean energy
    (p * E).sum(axis=1) + =>
no temperature: the entropy is not multiplied by T
    T * (p => (p
over T: it is F / T: energies are left as they are, the entropy is multiplied by T
    p * E => p * E / T
    T * (p => (p
bits: its entropy is in bits (log2): take the natural logarithm
    np.log( => np.log2(
plain sum: the energies are summed without their weights: U = sum p E
    p * E => E
log p: the logarithms are summed without their weights: S = -sum p ln p
    (p * np => (np
0 ln 0: right, but 0 ln 0 became NaN: an empty level has no entropy, it counts as 0
    np.where(p > 0, p, 1) => p
equilibrium: it is -T ln Z, the free energy in equilibrium, whatever p is
    return -T * np.logaddexp.reduce(-E / T, axis=1)
Tsallis: its entropy is Tsallis' (1 - sum p^2)/2: Shannon's is -sum p ln p
    + T * (p * np.log(np.where(p > 0, p, 1))).sum(axis=1) => - T * (1 - (p**2).sum(axis=1)) / 2
"""

EXERCISE = Exercise(
    title="The free energy of any distribution",
    reference=free_energy,
    cases=_free_energy_cases,
    wrong=mistakes(free_energy, WRONG),
    laws=(Law("never below equilibrium", _never_below),),
    hints=(
        "Energy and entropy compete, and the temperature is the rate of exchange. What does an "
        "empty level add to either?",
        "F = sum p E - T S with S = -sum p ln p, and p ln p -> 0 as p -> 0.",
        "logs = np.log(np.where(p > 0, p, 1))",
    ),
    minutes=8,
    level="core",
    spared=PLAIN,
)

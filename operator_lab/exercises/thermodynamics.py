"""The first exercises of notebook 09: free energy and heat capacity (arXiv 2602.08216).

Energies are rows E[..., level], k_B = 1, entropies in nats, weights p = e^{-E/T} / Z.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def free_energy(p, E, T):
    """F = sum p E + T sum p ln p of each row, where 0 ln 0 counts as 0."""
    return (p * E).sum(axis=1) + T * (p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


def heat_capacity(E, T):
    """C = Var(E) / T^2 of each row, under its Boltzmann distribution at T."""
    low = E - E.min(axis=1, keepdims=True)
    p = np.exp(-low / T)
    p = p / p.sum(axis=1, keepdims=True)
    return ((p * low**2).sum(axis=1) - (p * low).sum(axis=1) ** 2) / T**2


def _xlogx(p):
    return p * np.log(np.where(p > 0, p, 1))


def _boltzmann(E, T):
    w = np.exp(-(E - E.min(axis=1, keepdims=True)) / T)
    return w / w.sum(axis=1, keepdims=True)


# --- free_energy -------------------------------------------------------------------------------


def _free_energy_probes(rng):
    for rows, n, T in ((3, 2, 1.0), (2, 5, 0.4), (4, 3, 2.5)):
        p, E = rng.dirichlet(np.ones(n), size=rows), 2 * rng.normal(size=(rows, n)) + 1
        yield Probe((p, E, T), f"{rows} rows of {n} levels, T = {T}")
    p = np.array([[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
    yield Probe((p, rng.normal(size=(2, 3)) - 2, 1.7), "2 rows with empty levels, T = 1.7")


def _free_energy_loop(p, E, T):
    found = []
    for weights, levels in zip(p, E, strict=True):
        U = sum(w * e for w, e in zip(weights, levels, strict=True))
        S = -sum(w * np.log(w) for w in weights if w > 0)
        found.append(U - T * S)
    return found


def _by_divergence(p, E, T):
    # F = -T ln Z + T KL(p, softmax(-E/T))
    q = _boltzmann(E, T)
    low = E.min(axis=1)
    F = low - T * np.log(np.exp(-(E - low[:, None]) / T).sum(axis=1))
    return F + T * (_xlogx(p) - p * np.log(q)).sum(axis=1)


def _never_below(args, answer, slack):
    _, E, T = args
    low = E.min(axis=1)
    least = low - T * np.log(np.exp(-(E - low[:, None]) / T).sum(axis=1))
    if (answer < least - slack * np.abs(least).max()).any():
        return "it lies below -T ln Z, the least that any distribution can have"


FREE_ENERGY = Exercise(
    name="thermodynamics.free_energy",
    title="The free energy of any distribution",
    reference=free_energy,
    alternatives=(
        _free_energy_loop,
        _by_divergence,
        lambda p, E, T: np.einsum("ij,ij->i", p, E + T * np.log(np.maximum(p, 1e-30))),
    ),
    wrong=(
        Wrong("plus T S", lambda p, E, T: (p * E - T * _xlogx(p)).sum(axis=1),
              "it is U + T S: entropy is paid for with a minus sign, F = U - T S"),
        Wrong("energy only", lambda p, E, T: (p * E).sum(axis=1),
              "it is the mean energy U alone: take T S away"),
        Wrong("entropy only", lambda p, E, T: T * _xlogx(p).sum(axis=1),
              "it is -T S alone: add the mean energy"),
        Wrong("no temperature", lambda p, E, T: (p * E + _xlogx(p)).sum(axis=1),
              "the entropy is not multiplied by T"),
        Wrong("over T", lambda p, E, T: (p * E / T + _xlogx(p)).sum(axis=1),
              "it is F / T: energies are left as they are, the entropy is multiplied by T"),
        Wrong("bits", lambda p, E, T: (p * E + T * _xlogx(p) / np.log(2)).sum(axis=1),
              "its entropy is in bits (log2): take the natural logarithm"),
        Wrong("plain sum", lambda p, E, T: E.sum(axis=1) + T * _xlogx(p).sum(axis=1),
              "the energies are summed without their weights: U = sum p E"),
        Wrong("log p", lambda p, E, T: (p * E + T * np.log(np.where(p > 0, p, 1))).sum(axis=1),
              "the logarithms are summed without their weights: S = -sum p ln p"),
        Wrong("0 ln 0", lambda p, E, T: (p * E + T * p * np.log(p)).sum(axis=1),
              "right, but 0 ln 0 became NaN: an empty level has no entropy, it counts as 0"),
        Wrong("equilibrium", lambda p, E, T: E.min(axis=1) - T * np.log(
              np.exp(-(E - E.min(axis=1, keepdims=True)) / T).sum(axis=1)),
              "it is -T ln Z, the free energy in equilibrium, whatever p is"),
        Wrong("Tsallis", lambda p, E, T: (p * E).sum(axis=1) - T * (1 - (p**2).sum(axis=1)) / 2,
              "its entropy is Tsallis' (1 - sum p^2)/2: Shannon's is -sum p ln p"),
    ),
    hints=(
        "Energy and entropy compete, and the temperature is the rate of exchange. What does an "
        "empty level add to either?",
        "F = sum p E - T S with S = -sum p ln p, and p ln p -> 0 as p -> 0.",
        "logs = np.log(np.where(p > 0, p, 1))",
    ),
    minutes=8,
    level="core",
    laws=(Law("never below equilibrium", _never_below),),
    probes=_free_energy_probes,
)

# --- heat_capacity -----------------------------------------------------------------------------


def _heat_probes(rng):
    for rows, n, T in ((3, 2, 1.0), (2, 6, 0.5), (4, 3, 2.0)):
        yield Probe((2 * rng.normal(size=(rows, n)) + 1, T), f"{rows} rows of {n} levels, T = {T}")
    yield Probe((rng.normal(size=(2, 4)) + 300, 0.7), "2 rows of 4 levels near E = 300, T = 0.7")
    cold = np.array([[-9.0, -8.97, -2.0], [4.0, 4.02, 4.05]])
    yield Probe((cold, 0.01), "2 rows of 3 levels, cold: T = 0.01")


def _by_surprise(E, T):
    p = _boltzmann(E, T)
    h = -np.log(np.maximum(p, 1e-30))
    S = (p * h).sum(axis=1, keepdims=True)
    return (p * (h - S) ** 2).sum(axis=1)


def _by_pairs(E, T):
    p = _boltzmann(E, T)
    gaps = (E[:, :, None] - E[:, None, :]) / T
    return np.einsum("ri,rj,rij->r", p, p, gaps**2) / 2


def _within_popoviciu(args, answer, slack):
    E, T = args
    if (answer > ((E.max(axis=1) - E.min(axis=1)) / (2 * T)) ** 2 * (1 + slack) + slack).any():
        return "it is more than (largest gap / 2T)^2, which no spectrum can have"


def _not_negative(args, answer, slack):
    if answer.min() < -slack * np.abs(answer).max():
        return f"it is negative ({answer.min():.3g}), and a variance never is"


HEAT_CAPACITY = Exercise(
    name="thermodynamics.heat_capacity",
    title="The heat capacity of an attention row",
    reference=heat_capacity,
    alternatives=(
        _by_surprise,
        _by_pairs,
        lambda E, T: [np.average((e - np.average(e, weights=p)) ** 2, weights=p) / T**2
                      for e, p in zip(E, _boltzmann(E, T), strict=True)],
    ),
    wrong=(
        Wrong("over T", lambda E, T: T * heat_capacity(E, T),
              "the variance is divided by T: it is T^2, so that C is a pure number"),
        Wrong("variance only", lambda E, T: T**2 * heat_capacity(E, T),
              "it is the variance of E: divide it by T^2"),
        Wrong("susceptibility", lambda E, T: heat_capacity(E, T) / T,
              "it is divided by T^3: C = Var(E) / T^2"),
        Wrong("unweighted", lambda E, T: E.var(axis=1) / T**2,
              "its variance counts all levels alike: weight them with p = e^{-E/T} / Z"),
        Wrong("hot", lambda E, T: heat_capacity(-E, T),
              "its weights are e^{+E/T}: low levels are the likely ones, e^{-E/T}"),
        Wrong("no temperature in p", lambda E, T: heat_capacity(E, 1.0) / T**2,
              "its weights leave the temperature out: p = e^{-E/T} / Z"),
        Wrong("second moment", lambda E, T: (_boltzmann(E, T) * E**2).sum(axis=1) / T**2,
              "it is the mean of E^2: take the square of the mean away"),
        Wrong("deviation", lambda E, T: np.sqrt(heat_capacity(E, T)),
              "it is the standard deviation over T: C is its square"),
        Wrong("overflow", lambda E, T: _naive(E, T),
              "right while E/T is moderate, but e^{-E/T} overflows or vanishes (inf/inf, 0/0): "
              "subtract each row's lowest level first"),
        Wrong("entropy", lambda E, T: -_xlogx(_boltzmann(E, T)).sum(axis=1),
              "it is the entropy: C is T dS/dT, the variance of E over T^2"),
    ),
    hints=(
        "How much does the energy of a row fluctuate when its keys are drawn with their attention "
        "weights?",
        "C = (<E^2> - <E>^2) / T^2 with p = e^{-E/T} / Z; no constant added to E may matter.",
        "low = E - E.min(axis=1, keepdims=True)",
    ),
    minutes=12,
    level="core",
    laws=(Law("not negative", _not_negative), Law("Popoviciu", _within_popoviciu)),
    probes=_heat_probes,
)


def _naive(E, T):
    p = np.exp(-E / T)
    p = p / p.sum(axis=1, keepdims=True)
    return (p * (E - (p * E).sum(axis=1, keepdims=True)) ** 2).sum(axis=1) / T**2


EXERCISES = (FREE_ENERGY, HEAT_CAPACITY)

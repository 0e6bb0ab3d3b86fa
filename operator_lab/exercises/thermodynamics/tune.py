"""Tune a row to so many keys (notebook 09; arXiv 2602.08216).

Energies are rows, k_B = 1, entropies in nats, weights p = e^{-E/T} / Z.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def tune(E, keys):
    """The temperature T at which a row E [n] attends to so many keys: exp(entropy) = keys.

    `keys` lies between the number of lowest levels and n.
    """
    low = E - E.min()
    cold, hot = np.log(low.max()) - 60, np.log(low.max()) + 60
    for _ in range(100):
        T = np.exp((cold + hot) / 2)
        p = np.exp(-low / T)
        p = p / p.sum()
        if np.exp((p * low).sum() / T + np.log(np.exp(-low / T).sum())) < keys:
            cold = np.log(T)
        else:
            hot = np.log(T)
    return T


def _tune_cases(rng):
    for n, keys, size in (
        (3, 2.0, 1.0),
        (6, 1.3, 1.0),
        (5, 4.0, 1e-8),
        (4, 2.5, 1e8),
        (60, 20.0, 2.0),
    ):
        yield Case((size * rng.normal(size=n), keys), f"{n} levels about {size:g}, {keys:g} keys")
    yield Case((np.array([1.0, 1.0, 3.0, 4.0]), 2.2), "4 levels, the lowest twice, 2.2 keys")
    for keys in (1.001, 5.98):
        yield Case((rng.normal(size=6), keys), f"6 levels, {keys:g} keys")
    yield Case((np.array([0.0, 3000.0, 9000.0]), 1.5), "3 levels, thousands apart, 1.5 keys")
    single = np.float32(rng.normal(size=5) + 1000)
    yield Case((single, 3.0), "5 levels in float32 about 1000, 3 keys")


def effective(E, T):
    """exp of the entropy of a row at T."""
    low = np.float64(E) - np.float64(E).min()
    Z = np.exp(-low / T).sum()
    return np.exp((np.exp(-low / T) * low).sum() / Z / T + np.log(Z))


def _positive(args, answer, slack):
    if not answer > 0:
        return f"it is {answer:.6g}: a temperature is positive"


def _so_many(args, answer, slack):
    if not answer > 0:
        return None
    E, keys = args
    found = effective(E, float(answer))
    if abs(found - keys) > slack * keys:
        return f"at T = {answer:.6g} the row attends to {found:.6g} keys, not to {keys:.6g}"


WRONG = """
inverse: it is 1 / T, the coldness: the temperature is asked
    return T => return 1 / T
entropy for keys: it takes `keys` for the entropy: the number of keys is exp(entropy)
    np.exp((p * low).sum() / T + np.log(np.exp(-low / T).sum())) < keys => \
        (p * low).sum() / T + np.log(np.exp(-low / T).sum()) < keys
bits: it takes 2 to the entropy in nats for the number of keys: exp(entropy)
    np.exp((p * low).sum() / T + => 2 ** ((p * low).sum() / T +
participation: it counts keys as 1 / sum p^2: exp of the entropy is asked
    np.exp((p * low).sum() / T + np.log(np.exp(-low / T).sum())) < keys => 1 / (p**2).sum() < keys
upside down: it searches the wrong way: a hotter row attends to more keys
    < keys => > keys
energy up: its weights are e^{+E/T}: low levels are the likely ones
    low = E - E.min() => low = E.max() - E
Z alone: it counts Z with the lowest level at 0: exp(entropy) has exp(<E>/T) as well
    (p * low).sum() / T + =>
"""

EXERCISE = Exercise(
    title="Tune a row to so many keys",
    reference=tune,
    cases=_tune_cases,
    wrong=mistakes(tune, WRONG),
    laws=(Law("positive", _positive), Law("so many", _so_many)),
    hints=(
        "Heat a row and it attends to more keys, never to fewer. How do you find the place where a "
        "growing curve crosses a level?",
        "entropy = <E - E_min> / T + ln Z; halve the interval of ln T in which exp(entropy) passes "
        "`keys`, a hundred times.",
        "T = np.exp((cold + hot) / 2)  # cold, hot in logarithms, sixty apart from the largest gap",
    ),
    minutes=12,
    level="core",
    spared={"one": "a single level attends to one key at any temperature"},
)

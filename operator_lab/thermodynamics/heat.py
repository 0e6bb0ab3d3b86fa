"""Heat capacity: fluctuation of the energy, its sharp bound, and the peak that training moves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.optimize import brentq

from ..errors import LabError
from ..given import number, temperature, whole
from ..guard import guarded
from ..model import Model
from ..run import Run
from .equilibrium import equilibrium

RATIOS = np.geomspace(0.01, 100, 161)  # T/T0, forty a decade, 1 among them


@guarded(own=("E", "T"))
def heat_capacity(
    E: Float[ndarray, "*n k"], T: Float[ndarray, "..."] | float
) -> Float[ndarray, "..."] | float:
    """C = Var(E) / T^2 = dU/dT = T dS/dT of each row (variance of the log-probabilities).

    In units of k_B: a pure number, blind to a constant added to a row. LabError for T <= 0, an
    empty spectrum, NaN.
    """
    return equilibrium(E, T).C


@guarded(own=("T",))
def schottky(
    T: Float[ndarray, "*n"] | float, gap: float = 1.0, levels: int = 2
) -> Float[ndarray, "*n"] | float:
    """C of one level and `levels` - 1 others a gap above it, in closed form (Schottky anomaly).

    With x = gap/T and g = levels - 1: x^2 g e^-x / (1 + g e^-x)^2. Two levels peak at 0.4392, at
    T = 0.417 gap. LabError for T <= 0, a gap of 0 or fewer than two levels.
    """
    T, g = temperature(T), whole(levels, "levels", least=2) - 1
    gap = number(gap, "gap", above=0)
    with np.errstate(over="ignore"):
        x = np.minimum(gap / T, 700.0)  # beyond, nothing is left of C
    odds = g * np.exp(-x)
    return x**2 * odds / (1 + odds) ** 2


@guarded
def bound(levels: int) -> float:
    """The largest heat capacity that any spectrum of so many levels has at any temperature.

    It is that of `schottky` at its peak, (x/2)^2 - 1 with x tanh((x - ln g) / 2) = 2 and
    g = levels - 1, and grows as ln(levels)^2 / 4 (Reeb and Wolf 2015, arXiv 1304.0036, who bound
    the variance of the surprise). LabError for a number of levels below 1.
    """
    if levels == 1:
        return 0.0
    return (peak(levels) / 2) ** 2 - 1


@guarded
def peak(levels: int) -> float:
    """gap/T at which `schottky` is largest; 2.3994 for two levels."""
    g = whole(levels, "levels", least=2) - 1
    return brentq(lambda x: x * math.tanh((x - math.log(g)) / 2) - 2, math.log(g), 4 + math.log(g))


@guarded
def energies(run: Run) -> Float[ndarray, "*batch L h N N"]:
    """E = -S of every attention row of a run [..., query, key], +inf for keys that are hidden."""
    run.shape.without("An energy of each score", "windows", "score_cap", "relative")
    E, N = -run.interaction.astype(float), run.interaction.shape[-1]
    return np.where(np.tri(N, dtype=bool), E, np.inf) if run.shape.causal else E


@guarded
def heat_curves(
    run: Run, ratios: Sequence[float] | Float[ndarray, "T"] = RATIOS, first: int | None = None
) -> Float[ndarray, "T L h"]:
    """Heat capacity of every head at each T/T0, its interaction held, a mean over queries.

    Queries from position `first` on (left out: the second half), and all sentences of a batch.
    """
    N = run.interaction.shape[-1]
    first = N // 2 if first is None else first
    if not 0 <= first < N:
        raise LabError(f"There is no position {first}; they run from 0 to {N - 1}.")
    T0, E = run.shape.T0, energies(run)[..., first:, :]
    others = tuple(a for a in range(E.ndim - 1) if a not in (E.ndim - 4, E.ndim - 3))
    return np.array(
        [np.asarray(equilibrium(E, T0 * r).C).mean(others) for r in temperature(ratios)]
    )


@guarded
def peaks(
    curves: Float[ndarray, "T *n"], ratios: Sequence[float] | Float[ndarray, "T"] = RATIOS
) -> Float[ndarray, "*n"] | float:
    """T/T0 at which each curve is largest, a parabola laid through the three highest points.

    LabError where the curves and the temperatures do not belong together.
    """
    curves, x = np.asarray(curves, dtype=float), np.log(temperature(ratios))
    if len(curves) != len(x) or len(x) < 3:
        raise LabError(f"{len(curves)} points of a curve and {len(x)} temperatures do not match.")
    top = np.clip(curves.argmax(0), 1, len(x) - 2)
    left, mid, right = (np.take_along_axis(curves, (top + d)[None], 0)[0] for d in (-1, 0, 1))
    bend = left - 2 * mid + right
    shift = np.where(bend < 0, (left - right) / np.where(bend < 0, 2 * bend, 1), 0)
    return np.exp(x[top] + np.clip(shift, -1, 1) * (x[top + 1] - x[top]))


@guarded
def heat(
    model: Model,
    count: int = 16,
    seed: int = 5,
    texts: Int[ndarray, "B N"] | Sequence[str] | None = None,
) -> dict:
    """Where a model's heads have their Schottky peak, over so many texts: plain numbers.

    Drawn from the model's language, or `texts` given, cut to the shortest: a real model needs them.

    `peak` is T*/T0 of every head, `median peak` their median, `curve` the heads' mean C at
    `RATIOS`, `at T0` the same at T0, `deviation` the heads' median standard deviation of S / T0.
    """
    if texts is None:
        texts = model.language.sample(count, model.shape.context, seed)
    runs = model.run_batch(model.rows(texts))
    curves = heat_curves(runs)
    found = np.asarray(peaks(curves))
    rows = runs.interaction[..., runs.interaction.shape[-1] // 2 :, :].astype(float)
    N = rows.shape[-1]
    seen = (np.tri(N, dtype=bool) if runs.shape.causal else np.ones((N, N), bool))[
        -rows.shape[-2] :
    ]
    mean = (rows * seen).sum(-1, keepdims=True) / seen.sum(-1, keepdims=True)
    variance = ((rows - mean) ** 2 * seen).sum(-1) / seen.sum(-1)
    return {
        "peak": found.ravel().tolist(),
        "median peak": float(np.median(found)),
        "curve": curves.mean((1, 2)).tolist(),
        "at T0": float(curves[len(RATIOS) // 2].mean()),
        "deviation": float(np.median(np.sqrt(variance.mean((0, 3))))) / runs.shape.T0,
    }

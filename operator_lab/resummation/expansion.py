"""The series in the strength of a network's last layers at one position, and what limits it.

x(lambda), with the writes of the last layers times lambda, is the network at lambda = 1
(`operator_lab.dyson.bare`). Here it is followed at one position, as far out as its own
singularities allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..dyson import bare
from ..errors import LabError
from ..given import index, whole
from ..guard import guarded
from ..run import Run
from ..transformer import places


@guarded
def tail(run: Run, layers: int) -> Run:
    """The last `layers` layers of a run, as a run of its own that starts from the state there.

    LabError unless the run has that many.
    """
    layers = whole(layers, "layers", 1, run.shape.layers)
    first = run.shape.layers - layers
    kept = {}
    for (name, i), value in run.kept.items():
        shift = places(name, run.shape) - places(name, replace(run.shape, layers=layers))
        if i >= shift:
            kept[name, i - shift] = value
    weights = {}
    for name, value in run.weights.items():
        parts = name.split(".", 2)
        if parts[0] == "blocks" and not run.shape.tied:
            if int(parts[1]) < first:
                continue
            name = f"blocks.{int(parts[1]) - first}.{parts[2]}"
        weights[name] = value
    return replace(run, shape=replace(run.shape, layers=layers), weights=weights, kept=kept)


@dataclass(frozen=True, eq=False)
class Expansion:
    """Taylor coefficients of the last state at one position, in the strength of its layers."""

    run: Run
    position: int
    coefficients: Float[ndarray, "n d"]
    circle: float  # the radius they were computed on

    @property
    def radius(self) -> float:
        """The radius of convergence, from a straight line through log |c_n|, later half."""
        size = np.linalg.norm(self.coefficients, axis=1)
        n = np.arange(len(size) // 2, len(size))
        return float(np.exp(-np.polyfit(n, np.log(size[n]), 1)[0]))

    @guarded(finite=True)
    def sums(self, strength: float = 1.0) -> Float[ndarray, "n d"]:
        """Partial sums of the series at a strength (Taylor)."""
        powers = float(strength) ** np.arange(len(self.coefficients))
        return np.cumsum(powers[:, None] * self.coefficients, axis=0)

    @guarded
    def exact(self, strengths: Float[ndarray, "*c"] | float) -> Float[ndarray, "*c d"]:
        """The true state at real strengths, by a pass through the network."""
        strengths = np.asarray(strengths, dtype=float)
        x = bare.at(self.run, strengths.ravel()).x.real[:, self.position]
        return x.reshape(*strengths.shape, x.shape[-1])


@guarded
def expansion(run: Run, count: int = 33, position: int = -1) -> Expansion:
    """Expand the last state at a position in the strength of a run's layers (use `tail` before).

    Cauchy's integral on the widest circle, of a list, on which this position's coefficients agree
    with those of a smaller one: rounding then stays smallest. LabError where no circle serves.
    """
    count, words = whole(count, "The number of coefficients", 4, 200), len(run.words)
    position = index(position, words, "position")
    bare.at(run, 0.0)  # refuses a network without a series
    for circle in 1.9 * _within(run, position) * 0.88 ** np.arange(12):
        c = _coefficients(run, count, circle, position)
        check = _coefficients(run, count // 2 + 1, 0.85 * circle, position)
        if _agree(c[: len(check)], check, 1e-6):
            return Expansion(run, position, c, float(circle))
    raise LabError("No circle about 0 gives stable coefficients; is this network analytic there?")


def _within(run: Run, position: int) -> float:
    """A circle inside the disc of convergence, and not smaller than about half of it."""
    before = False
    for circle in 8.0 * 0.5 ** np.arange(24):
        c, check = (_coefficients(run, 8, r, position)[:5] for r in (circle, 0.7 * circle))
        now = _agree(c, check, 1e-2)
        if before and now:  # once may be chance: one value out there can outweigh all others
            return 2 * circle
        before = now
    raise LabError("No circle about 0 gives stable coefficients; is this network analytic there?")


def _coefficients(run: Run, count: int, circle: float, position: int):
    """Those of one position; NaN where the pass overflows on so wide a circle."""
    with np.errstate(all="ignore"):
        try:
            return bare.coefficients(run, count, circle)[:, position]
        except LabError:
            return np.full((count, run.shape.features), np.nan)


def _agree(c, check, tolerance: float) -> bool:
    with np.errstate(all="ignore"):
        off, size = np.linalg.norm(c - check, axis=1), np.linalg.norm(check, axis=1)
        return bool((off <= tolerance * size).all())


@guarded(empty=("singularities",))
def felt(
    series: Expansion, singularities: Sequence[bare.Singularity], points: int = 32
) -> list[bare.Singularity]:
    """Those singularities that this position's state has, and not only another one's row.

    A round trip about each: the state has a pole or a branch point inside where its values on the
    circle need negative powers. LabError for fewer than eight points.
    """
    points = whole(points, "points", 8)
    seen = []
    turn = np.exp(2j * np.pi * np.arange(points) / points)
    for s in singularities:
        others = [abs(s.strength - o.strength) for o in singularities if o is not s]
        radius = 0.3 * min([*others, 0.02 * abs(s.strength)])
        # another row may overflow there, which `at` would refuse
        x = bare._pass(series.run, s.strength + radius * turn).x[:, series.position]
        powers = np.linalg.norm(np.fft.fft(x, axis=0), axis=1) / points
        if not powers[points // 2 :].max() <= 1e-5 * powers[0]:
            seen.append(s)
    return seen

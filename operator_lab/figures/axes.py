"""The axes of a picture: where they end, and which numbers stand beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import LabError

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def ends(
    arrays: Sequence[np.ndarray],
    owner: str,
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    margin: float = 0.0,
) -> tuple[float, float]:
    """Return the ends of an axis: those given, else those of all the data, so it stands still."""
    data = np.concatenate([array[np.isfinite(array)] for array in arrays])
    first, last = (data.min(), data.max()) if data.size else (1.0, 1.0)
    if log:
        first, last = np.log10([first, last])
    if first == last:
        first, last = first - 0.5, last + 0.5
    room = margin * (last - first)
    first, last = first - room, last + room
    if log:
        first, last = 10.0**first, 10.0**last
    first, last = float(first if low is None else low), float(last if high is None else high)
    if not first < last or (log and first <= 0) or not math.isfinite(last - first):
        positive = " and above 0 on a log scale" if log else ""
        raise LabError(
            f"{owner}: the axis runs from {first:g} to {last:g}; low must be below high{positive}, "
            "both finite."
        )
    return first, last


def square(x: tuple[float, float], y: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Widen the shorter of two axes, so that one unit is as long across as up."""
    half = max(x[1] - x[0], y[1] - y[0]) / 2
    return tuple((sum(axis) / 2 - half, sum(axis) / 2 + half) for axis in (x, y))


def ticks(low: float, high: float, log: bool = False) -> list[tuple[float, str]]:
    """Return about five round numbers between `low` and `high`, each with its lettering."""
    first, last = (math.ceil(math.log10(low)), math.floor(math.log10(high))) if log else (0, 0)
    if log and last > first:
        powers = range(first, last + 1, math.ceil((last - first) / 5))
        plain = first >= -3 and last <= 3
        return [
            (10.0**p, f"{10.0**p:g}" if plain else "10" + str(p).translate(_RAISED)) for p in powers
        ]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= 0.999 * rough)
    marks = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    return [(float(mark), f"{mark:z.6g}".replace("-", "−")) for mark in marks]

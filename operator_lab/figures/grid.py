"""Judging what is given to a panel: numbers over a grid [slider, choice, ...], words, axis ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import LabError

SCALES = ("linear", "log")


def scale(value: str, owner: str) -> None:
    """Raise `LabError` unless `value` is a scale that the pictures know."""
    if value not in SCALES:
        raise LabError(f"{owner}: scale {value!r} is unknown; use 'linear' or 'log'.")


def words(values: Sequence[str], owner: str, what: str) -> tuple[str, ...]:
    """Return `values` as a tuple of strings, at least one."""
    if isinstance(values, str) or len(values) == 0:
        raise LabError(f"{owner}: {what} is {values!r}; give a list of at least one string.")
    return tuple(map(str, values))


def position(start: int, count: int, owner: str, what: str = "start") -> int:
    """Return `start` as an index into `count` entries."""
    if not 0 <= start < count:
        raise LabError(f"{owner}: {what}={start} is no position; they run from 0 to {count - 1}.")
    return int(start)


def numbers(values: Any, owner: str, what: str, log: bool = False) -> np.ndarray:
    """Return a read-only float64 copy; NaN is a gap, infinity and log of <= 0 are errors."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise LabError(f"{owner}: {what} is not a regular array of numbers.") from None
    if np.isinf(array).any():
        raise LabError(f"{owner}: {what} holds an infinity; use NaN for a gap.")
    if log and (array <= 0).any():
        raise LabError(
            f"{owner}: {what} holds {array[array <= 0].flat[0]:g}, which a log scale cannot show; "
            "use NaN for a gap, or scale 'linear'."
        )
    array.flags.writeable = False
    return array


def grid(values: Any, tail: tuple[int, ...], owner: str, what: str, log: bool = False):
    """Return numbers as [slider, choice, *tail]; without the two leading axes they are constant."""
    array = numbers(values, owner, what, log)
    if array.ndim == len(tail):
        array = array[None, None]
    if array.ndim != len(tail) + 2 or array.shape[2:] != tail:
        inner = ", ".join(map(str, tail))
        raise LabError(
            f"{owner}: {what} has shape {np.shape(values)}; "
            f"expected [slider or 1, choice or 1, {inner}] or [{inner}]."
        )
    return array


def increasing(values: Any, owner: str, what: str, log: bool = False) -> np.ndarray:
    """Return a 1-D array of finite numbers, each larger than the one before."""
    array = numbers(values, owner, what, log)
    if array.ndim != 1 or array.size == 0:
        raise LabError(f"{owner}: {what} has shape {array.shape}; give a list of numbers.")
    if np.isnan(array).any() or (np.diff(array) <= 0).any():
        raise LabError(f"{owner}: {what} must be numbers that increase, each above the last.")
    return array


def series(values: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    """Return one to three named arrays: more cannot be told apart in grey print."""
    if not isinstance(values, Mapping) or not 1 <= len(values) <= 3:
        raise LabError(f"{owner}: series= takes a dict of one to three named arrays.")
    return values

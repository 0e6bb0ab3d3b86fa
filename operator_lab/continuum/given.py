"""What a solver may be given: finite numbers, a count of layers, a scheme that exists."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy import ndarray

from ..errors import LabError, near


def real(array, name: str, ndim: int | None = None) -> ndarray:
    """Return it as an array of floats; LabError unless finite, not empty, of `ndim` axes."""
    try:
        array = np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        raise LabError(
            f"The {name} must be an array of numbers; got {type(array).__name__} "
            f"{str(array)[:40]!r}."
        ) from None
    if ndim is not None and array.ndim != ndim:
        raise LabError(f"The {name} must have {ndim} axes; got shape {array.shape}.")
    if not array.size:
        raise LabError(f"The {name} is empty, of shape {array.shape}; give at least one number.")
    if not np.isfinite(array).all():
        raise LabError(f"The {name} holds NaN or infinity; every entry must be finite.")
    return array


def positive(value, name: str) -> float:
    """Return a number above zero, or raise LabError."""
    number = real(value, name)
    if number.ndim or not number > 0:
        raise LabError(f"The {name} must be one number above 0; got {value!r}.")
    return float(number)


def count(value, name: str) -> int:
    """Return a whole number of at least 1, or raise LabError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise LabError(f"The number of {name} is a whole number of at least 1; got {value!r}.")
    return int(value)


def one_of(value, known: Iterable[str], name: str) -> str:
    """Return a word that is known, or raise LabError with the ones that are."""
    known = list(known)
    if value not in known:
        raise LabError(
            f"{value!r} is no {name}{near(value, known)} There are {', '.join(map(repr, known))}."
        )
    return value

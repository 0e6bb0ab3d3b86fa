"""Results of any kind, compared: the same to rounding, and where a number is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np

from operator_lab.figures.explorer import Explorer


def parts(value) -> list | None:
    """What a result is made of; None for what is one thing."""
    if isinstance(value, Explorer):
        return [value.text, value.nbytes]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name) for f in fields(value)]
    if isinstance(value, Mapping):
        return [part for item in value.items() for part in item]
    return list(value) if isinstance(value, list | tuple) else None


def same(value, other, tolerance: float) -> bool:
    """Whether two results are equal: numbers to a share of the largest, all else by kind."""
    if value is other:
        return True
    if isinstance(value, np.ndarray | np.number | float | complex):
        value, other = np.asarray(value), np.asarray(other)
        if value.shape != other.shape or value.dtype.kind != other.dtype.kind:
            return False
        if value.dtype.kind in "fc":
            most = np.abs(other[np.isfinite(other)]).max(initial=1e-300)
            return np.allclose(value, other, tolerance, tolerance * most, equal_nan=True)
        return bool((value == other).all())
    one, two = parts(value), parts(other)
    if isinstance(value, str):
        return isinstance(other, str) and str(value) == str(other)
    if one is None or two is None:
        alike = str(value) == str(other) if isinstance(value, int | Exception) else True
        return type(value).__qualname__ == type(other).__qualname__ and alike
    return len(one) == len(two) and all(
        same(a, b, tolerance) for a, b in zip(one, two, strict=True)
    )


def gaps(value) -> frozenset[str]:
    """Which of NaN and infinity stand anywhere in a result."""
    if isinstance(value, np.ndarray | np.number | float | complex):
        array = np.asarray(value)
        if array.dtype.kind not in "fc":
            return frozenset()
        found = {"NaN": np.isnan(array).any(), "infinity": np.isinf(array).any()}
        return frozenset(name for name, there in found.items() if there)
    if isinstance(value, Explorer):
        return frozenset(w for w in ("NaN", "infinity") if w.lower()[:3] in value.text.split())
    return frozenset().union(*map(gaps, parts(value) or ()))

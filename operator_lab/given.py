"""What a function may be given: each check hands back what fits, or says in one sentence why not.

Lists, tuples, NumPy scalars, any real dtype and read-only arrays fit wherever numbers do.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from jaxtyping import Float, Inexact, Shaped
from numpy import ndarray

from .errors import LabError, near

MOST_SHOWN = 40  # characters of a wrong value that a sentence repeats


def shown(value: object) -> str:
    """A value as a sentence repeats it, cut where it would fill the page."""
    if isinstance(value, ndarray) and (value.ndim or value.dtype.kind == "O"):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}... ({type(value).__name__})"


def named(name: str) -> str:
    """A name out of a file as a sentence says it: bare where it is a plain one."""
    return name if name.isprintable() and len(name) <= 2 * MOST_SHOWN else shown(name)


def whole(value: object, name: str, least: int = 1, most: int | None = None) -> int:
    """Return a whole number within its limits (NumPy's too, True and False not), or LabError."""
    limits = f"from {least} on" if most is None else f"from {least} to {most}"
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise LabError(f"{name} must be a whole number {limits}; got {shown(value)}.")
    if value < least or (most is not None and value > most):
        raise LabError(f"{name} must be a whole number {limits}; got {shown(value)}.")
    return int(value)


def index(value: object, count: int, name: str) -> int:
    """Return which of `count` things is meant, counted from 0 or from the end; or LabError."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if -count <= value < count:
            return int(value) % count
    raise LabError(f"There is no {name} {shown(value)}; they are counted from 0 to {count - 1}.")


def indices(values: object, count: int, name: str) -> list[int]:
    """Return some of `count` things, each once and at least one; or LabError."""
    if isinstance(values, str) or not np.iterable(values):
        raise LabError(f"Name each {name} in a list, such as [0]; got {shown(values)}.")
    chosen = [index(v, count, name) for v in values]
    if not chosen or len(set(chosen)) < len(chosen):
        raise LabError(f"Name each {name} once, at least one; they are 0 to {count - 1}.")
    return chosen


def number(
    value: object,
    name: str,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> float:
    """Return one finite number within its limits, or LabError."""
    if isinstance(value, ndarray) and value.ndim == 0:
        value = value[()]
    found = math.nan
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        with contextlib.suppress(OverflowError):  # a whole number beyond all floats
            found = float(value)
    limits = (
        ("" if above is None else f" above {above:g}")
        + ("" if least is None else f" of at least {least:g}")
        + ("" if most is None else f"{' and' if least is not None else ''} at most {most:g}")
    )
    if (
        not math.isfinite(found)
        or (above is not None and not found > above)
        or (least is not None and not found >= least)
        or (most is not None and not found <= most)
    ):
        raise LabError(f"The {name} must be one finite number{limits}; got {shown(value)}.")
    return found


def real(array: object, name: str, ndim: int | None = None) -> Float[ndarray, "..."]:
    """Return it as an array of floats; LabError unless finite, not empty, of `ndim` axes.

    float32 stays float32; everything else becomes float64.
    """
    found = _numbers(array, name)
    if ndim is not None and found.ndim != ndim:
        raise LabError(f"The {name} must have {ndim} axes; got shape {found.shape}.")
    return _finite(found, name)


def numbers(
    array: object, name: str, kinds: str = "biuf", holes: bool = False, empty: bool = False
) -> Shaped[ndarray, "..."]:
    """Return it as an array whose dtype is one of the NumPy `kinds`; or LabError.

    Where whole numbers alone are meant every integer type becomes int64, so that nothing wraps;
    where floats are, float32 stays and the rest becomes float64. Finite, unless `holes`, with at
    least one entry unless `empty`.
    """
    try:
        found = np.asarray(None if isinstance(array, str | bytes) else array)
    except (TypeError, ValueError, RuntimeError):  # rows of unequal length; a tensor with a graph
        found = np.empty(1, object)
    if empty and not found.size:
        found = found.astype(float if "f" in kinds else int)
    if found.dtype.kind not in kinds:
        wanted = "whole numbers" if "f" not in kinds and "i" in kinds else "numbers"
        wanted = "True and False" if kinds == "b" else wanted
        of = f" of {array.dtype}" if isinstance(array, ndarray) else ""
        raise LabError(f"The {name} must be an array of {wanted}; got {shown(array)}{of}.")
    if not found.size and not empty:
        raise LabError(f"The {name} is empty, of shape {found.shape}; give at least one number.")
    if "f" in kinds and found.dtype.kind in "iuf" and "b" not in kinds:
        found = found if found.dtype == np.float32 else found.astype(float, copy=False)
    elif found.dtype.kind in "iu" and found.dtype != np.int64:
        if found.dtype.kind == "u" and found.size and found.max() > np.iinfo(np.int64).max:
            raise LabError(f"The {name} holds {found.max()}, which no index can be.")
        found = found.astype(np.int64)
    return found if holes or found.dtype.kind not in "fc" else _finite(found, name)


def finite(value: object) -> bool:
    """Whether no number in it, however deep in lists, dicts and records, is NaN or infinite."""
    if isinstance(value, ndarray | np.generic | float | complex):
        found = np.asarray(value)
        return found.dtype.kind not in "fc" or bool(np.isfinite(found).all())
    if is_dataclass(value) and not isinstance(value, type):
        return all(finite(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(finite, value))


def path(value: object, name: str) -> Path:
    """Return a path, or LabError for what can be none."""
    if not isinstance(value, str | os.PathLike) or not str(value) or "\0" in str(value):
        raise LabError(f"The {name} must be the path of a file or folder; got {shown(value)}.")
    return Path(value)


def square(
    array: object, name: str = "matrix", stacked: bool = False
) -> Inexact[ndarray, "*n k k"]:
    """Return a square matrix of real or complex floats, finite and not empty; or LabError.

    `stacked` allows many at once, [..., k, k].
    """
    found = _numbers(array, name, complex_too=True)
    fits = found.ndim >= 2 if stacked else found.ndim == 2
    if not fits or found.shape[-1] != found.shape[-2]:
        wanted = "[..., n, n]" if stacked else "[n, n]"
        raise LabError(f"The {name} must be square, {wanted}; got shape {found.shape}.")
    return _finite(found, name)


def one_of(value: object, known: Iterable[str], name: str) -> str:
    """Return a word that is known, or LabError with the ones that are."""
    words = list(known)
    if not isinstance(value, str) or value not in words:
        raise LabError(
            f"{shown(value)} is no {name}{near(str(value), words)} "
            f"There are {', '.join(map(repr, words))}."
        )
    return value


def temperature(T: object) -> Float[ndarray, "..."]:
    """Return temperatures as an array of positive, finite numbers, or LabError."""
    try:
        found = _floats(T)
    except (TypeError, ValueError):
        raise LabError(
            f"The temperature {shown(T)} is not a number; give one such as 1.0."
        ) from None
    if not found.size:
        raise LabError("There is no temperature in an empty list; give at least one.")
    fits = np.isfinite(found) & (found > 0)
    if not fits.all():
        raise LabError(
            f"The temperature {found[~fits].flat[0]:g} is not a positive, finite number; T -> 0 is "
            "reached with a small one such as 0.01."
        )
    return found


def spectrum(E: object) -> Float[ndarray, "*n k"]:
    """Return energies [..., levels] as floats, +inf for a forbidden level; LabError otherwise."""
    try:
        found = _floats(E)
    except (TypeError, ValueError):
        raise LabError("A spectrum is a regular array of numbers, one energy a level.") from None
    if found.ndim < 1 or found.size == 0:
        raise LabError(
            f"The spectrum is empty (shape {found.shape}); give at least one energy, [..., levels]."
        )
    if np.isnan(found).any() or (found == -np.inf).any():
        raise LabError(
            "The spectrum holds NaN or -inf; energies are finite, or +inf for a forbidden level."
        )
    if not np.isfinite(found).any(-1).all():
        raise LabError(
            "A row of the spectrum has no finite energy; leave at least one level within reach."
        )
    return found


def alike(first: ndarray, second: ndarray, names: str) -> None:
    """LabError unless two arrays have one shape, or one is a single row for all of the other."""
    if first.shape != second.shape and not (
        first.shape[-1:] == second.shape[-1:] and 1 in (first.ndim, second.ndim)
    ):
        raise LabError(f"{names} do not match: their shapes are {first.shape} and {second.shape}.")


def keyed(table: Mapping, keys: Iterable[object], name: str) -> Mapping:
    """Return the table, or LabError for a key that it lacks."""
    missing = [key for key in keys if key not in table]
    if missing:
        has = ", ".join(shown(key) for key in table)[:200] or "nothing"
        raise LabError(f"{name} has no {shown(missing[0])}; it has {has}.")
    return table


def distribution(p: object) -> Float[ndarray, "*n k"]:
    """Return probabilities [..., levels] as floats, not negative, rows that sum to one."""
    try:
        found = _floats(p)
    except (TypeError, ValueError):
        raise LabError("A distribution is a regular array of numbers.") from None
    if found.ndim < 1 or found.size == 0:
        raise LabError(f"The distribution is empty (shape {found.shape}); give [..., levels].")
    if not np.isfinite(found).all() or (found < 0).any():
        raise LabError("A probability is negative, NaN or infinite; all must be 0 or more.")
    total = found.sum(-1)
    single = getattr(p, "dtype", None) in (np.float32, np.float16)
    if abs(total - 1).max() > (1e-4 if single else 1e-6):  # half of the digits, and many levels
        worst = total.flat[abs(total - 1).argmax()]
        raise LabError(f"A row of probabilities sums to {worst:.8g}, not to 1; divide it by that.")
    return found


def _floats(value: object) -> ndarray:
    """As an array of floats; TypeError for what is none, such as a number in quotes."""
    found = np.asarray(value)
    if found.dtype.kind not in "iuf" and found.size:
        raise TypeError(found.dtype)
    return found.astype(float, copy=False)


def _numbers(array: object, name: str, complex_too: bool = False) -> ndarray:
    try:
        found = np.asarray(array)
        kind = complex if complex_too and found.dtype.kind == "c" else float
        if found.dtype.kind not in ("biuf" if kind is float else "c"):
            raise TypeError
        return found if found.dtype == np.float32 else found.astype(kind, copy=False)
    except (TypeError, ValueError):
        raise LabError(
            f"The {name} must be an array of numbers; got {type(array).__name__} "
            f"{str(array)[:MOST_SHOWN]!r}."
        ) from None


def _finite(array: ndarray, name: str) -> ndarray:
    if not array.size:
        raise LabError(f"The {name} is empty, of shape {array.shape}; give at least one number.")
    if not np.isfinite(array).all():
        raise LabError(f"The {name} holds NaN or infinity; every entry must be finite.")
    return array

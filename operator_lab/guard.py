"""Guard: every call of a public function is held to what the function's signature promises.

The annotations are the contract, so they are what is checked: types, the axes of arrays and that
equal names mean equal lengths, finite numbers, seeds, temperatures and counts by their names. What
depends on a model (layers, heads, positions) is checked where the model is at hand.
"""

from __future__ import annotations

import inspect
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Set, Sized
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import AbstractArray
from numpy import ndarray

from . import given
from .errors import LabError

F = TypeVar("F", bound=Callable)
# Lengths by the name of an axis, shapes by that of several (*batch), and whose they are.
Dims = dict[str, tuple[Any, str]]
Check = Callable[[Any, str, Dims], Any]


def guarded(
    function: Any = None,
    /,
    *,
    own: Iterable[str] = (),
    holes: Iterable[str] = (),
    empty: Iterable[str] = (),
    finite: bool = False,
) -> Any:
    """Check a function's arguments against its annotations: what fits is passed on, as meant.

    `own` names what the function checks in words of its own, `holes` arrays that may hold NaN or
    infinity, `empty` lists that may be empty. A `finite` result is refused where it is not.
    """
    if function is None:
        return lambda f: guarded(f, own=own, holes=holes, empty=empty, finite=finite)
    promise = _Promise(function, frozenset(own), frozenset(holes), frozenset(empty), finite)

    @wraps(function)
    def call(*args, **kwargs):
        return promise.call(args, kwargs)

    return call


class _Promise:
    """The checks of one function, read from its signature at the first call."""

    def __init__(
        self, function: Callable, own: frozenset, holes: frozenset, empty: frozenset, finite: bool
    ):
        self.function, self.own, self.holes, self.empty = function, own, holes, empty
        self.finite = finite

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def checks(self) -> dict[str, Check]:
        found = {}
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if name in self.own:
                continue
            hint = parameter.annotation
            if isinstance(hint, str):
                hint = _resolved(hint, inspect.unwrap(self.function).__globals__)
            check = _check(hint, name in self.holes, name in self.empty)
            if check is not None:
                found[name] = check
        return found

    def call(self, args, kwargs):
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError:
            return self.function(*args, **kwargs)  # Python's own sentence on missing arguments
        dims: Dims = {}
        for name, check in self.checks.items():
            if name in bound.arguments:
                bound.arguments[name] = check(bound.arguments[name], name, dims)
        if not self.finite:
            return self.function(*bound.args, **bound.kwargs)
        with np.errstate(all="ignore"):  # the end is looked at, not the way
            result = self.function(*bound.args, **bound.kwargs)
        if not given.finite(result):
            raise LabError(
                f"{self.function.__name__} leaves the numbers that float64 holds: its result is "
                "infinite or none at all; give numbers of a moderate size."
            )
        return result


def _resolved(hint: str, names: Mapping[str, Any]) -> Any:
    """What an annotation means; its own text where the class is not loaded (Matplotlib's Axes)."""
    try:
        return eval(hint, dict(names))
    except NameError:
        if not hint.isidentifier():
            raise
        return hint


def _kinds(hint: Any) -> str:
    """The NumPy kinds (b, i, u, f, c) that a jaxtyping annotation takes."""
    dtypes = hint.dtypes
    if not isinstance(dtypes, list | tuple):
        return "biufc"
    kinds: set[str] = {np.dtype(d).kind for d in dtypes if d in KNOWN}
    if "f" in kinds:  # whole numbers are numbers too
        kinds |= set("iu")
    elif "i" in kinds:
        kinds |= {"u"}
    return "".join(sorted(kinds))


def _check(hint: Any, holes: bool = False, empty: bool = False) -> Check | None:
    """The check for one annotation, or None where anything goes."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is inspect.Parameter.empty or hint in (Any, object):
        return None
    if isinstance(hint, str):
        return _Instance(hint)
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return _Array(hint.dim_str.split(), _kinds(hint), holes, empty)
    if hint is ndarray:
        return _Array(["..."], "biufcUS", holes, empty)
    if origin is typing.Annotated and isinstance(parts[1], str):
        return _Counted(_check(parts[0], holes, empty), parts[1])
    if origin in (typing.Union, types.UnionType):
        if any(p is os.PathLike or typing.get_origin(p) is os.PathLike for p in parts):
            parts = tuple(p for p in parts if p is not str)
        return _Either([_check(p, holes, empty) for p in parts if p is not type(None)], parts)
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is os.PathLike or hint is os.PathLike[str] or origin is os.PathLike:
        return _path
    if origin is None and not isinstance(hint, type):
        return None
    kind = origin or hint
    if kind is Callable or kind is typing.Callable:
        return _callable
    if issubclass(kind, Mapping):
        keys = PLAIN.get(parts[0]) if parts else None
        return _Table(keys, _check(parts[1], holes) if parts else None, empty)
    if kind is tuple and parts and Ellipsis not in parts:
        return _Fixed([_check(p) for p in parts])
    if issubclass(kind, Iterable) and (origin or kind in (list, tuple)):
        return _Several(_check(parts[0], holes) if parts else None, kind, empty)
    return _Instance(kind)


KNOWN = ("bool", "int64", "float64", "complex128")  # one dtype of each kind is enough to see
COUNTS = {  # what is counted from 1 on, and how far a machine goes
    "count": 10**6, "length": 10**6, "steps": 10**7, "layers": 10**4, "features": 10**5,
    "positions": 10**5, "points": 10**6, "hidden": 10**6, "heads": 10**4, "blocks": 10**5,
    "tokens": 10**6, "depth": 10**4, "pairs": 10**7, "draws": 10**5, "grid": 400, "most": 10**7,
    "keep": 10**4, "context": 10**6, "vocabulary": 10**6, "rank": 10**6, "factors": 10**3,
    "seeds": 10**4, "top_k": 10**6, "words": 10**6, "bins": 10**5, "senses": 10**4, "draw": 10**6,
}  # fmt: skip
UNBOUNDED = ("T", "temperature", "tau")
FAR = 10**9  # no whole number is larger but a seed


def _int(value: Any, name: str, dims: Dims) -> int:
    if name == "seed" or name.startswith("seed["):
        return given.whole(value, "The seed", 0, 2**63 - 1)
    if name in COUNTS:
        count = given.whole(value, name)
        if count > COUNTS[name]:
            raise LabError(f"{name} is at most {COUNTS[name]} here; got {given.shown(value)}.")
        return count
    return given.whole(value, name, -FAR, FAR)


def _float(value: Any, name: str, dims: Dims) -> float:
    infinite = isinstance(value, float | np.floating) and np.isinf(value)
    if name in UNBOUNDED and infinite:  # whether it has a limit there, the function knows
        return float(value)
    return given.number(value, name)


def _bool(value: Any, name: str, dims: Dims) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise LabError(f"{name} is True or False; got {given.shown(value)}.")
    return bool(value)


def _str(value: Any, name: str, dims: Dims) -> str:
    if not isinstance(value, str):
        raise LabError(f"{name} must be a string; got {given.shown(value)}.")
    return str(value)


def _complex(value: Any, name: str, dims: Dims) -> complex:
    if isinstance(value, complex | np.complexfloating) and np.isfinite(value):
        return complex(value)
    return complex(given.number(value, name))


def _path(value: Any, name: str, dims: Dims) -> Any:
    given.path(value, name)
    return value  # as it was: a string may be the name of a model as well


def _callable(value: Any, name: str, dims: Dims) -> Callable:
    if not callable(value):
        raise LabError(f"{name} must be a function; got {given.shown(value)}.")
    return value


PLAIN = {int: _int, float: _float, bool: _bool, str: _str, complex: _complex, Path: _path}


class _Instance:
    """One of the package's own records, by its class or the name of it."""

    def __init__(self, kind: Any):
        self.kind = kind

    def __call__(self, value: Any, name: str, dims: Dims) -> Any:
        if isinstance(self.kind, str):
            wanted, fits = self.kind, self.kind in {c.__name__ for c in type(value).__mro__}
        else:
            wanted, fits = self.kind.__name__, isinstance(value, self.kind)
        if not fits:
            if hasattr(self.kind, "instead"):
                raise LabError(self.kind.instead(value))
            raise LabError(f"{name} must be a {wanted}; got {given.shown(value)}.")
        return value


class _Array:
    """An array of numbers whose axes have the annotated names."""

    def __init__(self, axes: list[str], kinds: str, holes: bool, empty: bool):
        self.axes, self.kinds, self.holes, self.empty = axes, kinds, holes, empty

    def __call__(self, value: Any, name: str, dims: Dims) -> ndarray:
        found = given.numbers(value, name, self.kinds, self.holes, self.empty)
        loose = [i for i, axis in enumerate(self.axes) if axis == "..." or "*" in axis]
        fixed = [axis for axis in self.axes if not (axis == "..." or "*" in axis)]
        if found.ndim < len(fixed) or (not loose and found.ndim > len(fixed)):
            self._refuse(name, found)
        cut = loose[0] if loose else len(fixed)
        after = len(fixed) - cut
        sizes = [*found.shape[:cut], *found.shape[found.ndim - after :]]
        for axis, size in zip(fixed, sizes, strict=True):
            if axis.isdigit():
                if size != int(axis):
                    self._refuse(name, found)
            elif axis.isidentifier() and axis != "_":
                length, whose = dims.setdefault(axis, (size, name))
                if length != size and whose == name and fixed.count(axis) == 2 == len(fixed):
                    raise LabError(
                        f"{name} must be square, {self._wanted()}; got shape {found.shape}."
                    )
                if length != size:
                    raise LabError(
                        f"{name} is {self._wanted()} of shape {found.shape}; its {axis} must be "
                        f"{length}, as in {whose}."
                    )
        if loose and self.axes[cut].startswith("*"):
            rest = found.shape[cut : found.ndim - after]
            shape, whose = dims.setdefault(self.axes[cut], (rest, name))
            try:  # one of them may stand for all of the other
                dims[self.axes[cut]] = np.broadcast_shapes(shape, rest), whose
            except ValueError:
                raise LabError(
                    f"{name} is {self._wanted()} of shape {found.shape}; what stands for ... must "
                    f"be {shape}, as in {whose}."
                ) from None
        return found

    def _wanted(self) -> str:
        return f"[{', '.join('...' if '*' in a or a == '...' else a for a in self.axes)}]"

    def _refuse(self, name: str, found: ndarray):
        raise LabError(f"{name} must be an array {self._wanted()}; got shape {found.shape}.")


class _Either:
    """The first of several kinds that fits; None where that is one of them."""

    def __init__(self, checks: list[Check | None], parts: tuple):
        self.checks, self.none = checks, type(None) in parts

    def __call__(self, value: Any, name: str, dims: Dims) -> Any:
        if (value is None and self.none) or None in self.checks:
            return value
        said = []
        for check in sorted(
            self.checks, key=lambda c: c not in (_float, _int)
        ):  # a number stays one
            assert check is not None  # or anything goes
            tried = dict(dims)
            try:
                found = check(value, name, tried)
            except LabError as error:
                said.append(error)
            else:
                dims.update(tried)
                return found
        raise said[-1] if np.iterable(value) and not isinstance(value, str) else said[0]


class _Several:
    """A list of things of one kind: lists, tuples, ranges and arrays of one axis."""

    def __init__(self, check: Check | None, kind: Any, empty: bool):
        self.check, self.kind, self.empty = check, kind, empty

    def __call__(self, value: Any, name: str, dims: Dims) -> Any:
        if isinstance(value, str | bytes | Mapping | Set) or not np.iterable(value):
            raise LabError(f"{name} must be a list; got {given.shown(value)}.")
        if isinstance(value, ndarray) and value.ndim != 1:
            raise LabError(f"{name} must be a list; got {given.shown(value)}.")
        value = value if isinstance(value, Sized) else list(value)
        if not len(value) and not self.empty:
            raise LabError(f"{name} is empty; give at least one.")
        if self.check is None:
            return value
        found = [self.check(v, f"{name}[{i}]", dims) for i, v in enumerate(value)]
        return tuple(found) if self.kind is tuple else found


class _Counted:
    """A list as long as an axis: Annotated[Sequence[str], "n"] beside an array of n rows."""

    def __init__(self, check: Check | None, axis: str):
        self.check, self.axis = check, axis

    def __call__(self, value: Any, name: str, dims: Dims) -> Any:
        found = value if self.check is None else self.check(value, name, dims)
        length, whose = dims.setdefault(self.axis, (len(found), name))
        if len(found) != length:
            raise LabError(f"{name} has {len(found)} entries; give {length}, as in {whose}.")
        return found


class _Fixed:
    """A tuple of so many things, each of its own kind."""

    def __init__(self, checks: list[Check | None]):
        self.checks = checks

    def __call__(self, value: Any, name: str, dims: Dims) -> tuple:
        if not isinstance(value, list | tuple | ndarray) or len(value) != len(self.checks):
            raise LabError(f"{name} must be {len(self.checks)} things; got {given.shown(value)}.")
        parts = zip(self.checks, value, strict=True)
        return tuple(
            v if c is None else c(v, f"{name}[{i}]", dims) for i, (c, v) in enumerate(parts)
        )


class _Table:
    """Things of one kind by name; an axis that others have fixed is fixed for each of them."""

    def __init__(self, keys: Check | None, values: Check | None, empty: bool):
        self.keys, self.values, self.empty = keys, values, empty

    def __call__(self, value: Any, name: str, dims: Dims) -> Mapping:
        if not isinstance(value, Mapping):
            raise LabError(f"{name} must be a dict; got {given.shown(value)}.")
        if not value and not self.empty:
            raise LabError(f"{name} is empty; give at least one.")
        if self.keys is not None:
            for key in value:
                self.keys(key, f"a key of {name}", dims)
        if self.values is None:
            return value
        return {k: self.values(v, f"{name}[{k!r}]", dict(dims)) for k, v in value.items()}

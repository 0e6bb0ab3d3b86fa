"""Tables of values that a parameter should refuse, and of odd ones that mean the same as good."""

from __future__ import annotations

import inspect
import re
from types import MappingProxyType

import numpy as np
from hard_calls import ROOT

THING = type("Thing", (), {"__repr__": lambda self: "<thing>"})()
NAN, INF = float("nan"), float("inf")
BAD: dict[str, list] = {
    "int": ["3", 2.5, NAN, INF, True, 1j, [1], np.array([1, 2]), 10**30, -(10**12), THING, b"1"],
    "float": ["0.5", NAN, 1j, [1.0, 2.0], np.array([1.0, 2.0]), True, THING, 10**400, b"1"],
    "bool": ["yes", 2, NAN, [True], THING, 1j],
    "str": [3, b"x", ["a"], NAN, THING, {"a": 1}, ("a",)],
    "list": [3, "no list", NAN, THING, {"a": 1}, [None], [THING], [[THING]]],
    "whole numbers": [[1.5], ["1"], [True], [10**30], [NAN], np.array([0.5])],
    "numbers": [["1"], [1j], [NAN], "1"],
    "dict": [3, [1], "a", NAN, THING],
    "function": [3, "f", NAN, THING, ["f"]],
    "path": [3, "", "a\0b", NAN, THING, [ROOT]],
    "record": [3, "model", NAN, THING, [], {}, np.ones(3)],
}
CHOICES = (
    "which",
    "free",
    "by",
    "gate",
    "norm",
    "route",
    "method",
    "splitting",
    "kind",
    "breaking",
    "node",
    "precision",
    "name",
    "unit",
    "word",
    "against",
    "sentence",
    "first",
    "second",
    "device",
    "curve",
)  # strings that must name something that exists, or be a sentence of the language


def kind_of(hint: str) -> str:
    """What a parameter is, from the text of its annotation."""
    hint = str(hint).replace(" | None", "")
    if "ndarray" in hint or "Float[" in hint:
        return "tokens" if "Int[" in hint else "array"
    for text, kind in (
        ("Callable", "function"), ("Velocity", "function"), ("Field", "function"), ("Map", "dict"),
        ("dict", "dict"), ("Sequence[int]", "list of whole numbers"), ("PathLike", "path"),
        ("Path", "path"), ("Sequence[float]", "list of numbers"), ("Sequence", "list"),
        ("list", "list"), ("tuple", "list"),
    ):  # fmt: skip
        if text in hint and not (text == "Map" and hint != "Map" and "Mapping" not in hint):
            return "function" if hint == "Map" else kind
    return hint if hint in ("int", "float", "bool", "str") else "record"


def arrays(good, hint: str, matched: bool) -> list[tuple[str, object]]:
    """Arrays that are like a good one but for one thing; `matched` ones have another's length."""
    good, real, whole = np.asarray(good), "Float[" in hint, "Int[" in hint or "tokens" in hint
    found = [("a string", "abc"), ("an object array", np.array([None] * 3)), ("a record", THING),
             ("a ragged list", [[1.0, 2.0], [3.0]]), ("a dict", {"a": 1}), ("an empty list", []),
             ("strings", np.array(["a", "b"])), ("a set", {1.0, 2.0})]  # fmt: skip
    if good.dtype.kind in "fc" and good.size:
        for label, value in (("NaN", NAN), ("inf", INF)):
            spoiled = np.array(good, dtype=float if good.dtype.kind == "f" else complex)
            spoiled.flat[-1] = value
            found.append((label, spoiled))
        found.append(("None inside", np.where(np.ones(good.shape, bool), None, good)))
    if real and good.dtype.kind == "f":
        found.append(("complex", good + 1j))
    if good.dtype.kind in "iu" and good.size:
        places = (("negative", -1), ("beyond the end", 10**6), ("huge", 2**62)) if whole else ()
        for label, value in places:
            spoiled = good.copy()
            spoiled.flat[-1] = value
            found.append((label, spoiled))
        found += [("NaN", np.full(good.shape, NAN)), ("bool", good > 0)]
        if whole:
            found.append(("halves", good + 0.5))
    if good.ndim and matched:
        found.append(("a longer row", np.concatenate([good, good[..., :1]], -1)))
    return found


def matched(parameter: inspect.Parameter, others) -> bool:
    """Whether the last axis of an array is one of another argument as well."""
    axes = re.findall(r'"([^"]*)"', str(parameter.annotation))
    last = axes[0].split()[-1] if axes and axes[0].split() else "..."
    said = [re.findall(r'"([^"]*)"', str(o.annotation)) for o in others if o is not parameter]
    return last.isidentifier() and any(last in a.split() for found in said for a in found)


def bad(function, parameter: inspect.Parameter, good) -> list[tuple[str, object]]:
    """Values that this parameter must refuse."""
    hint = str(parameter.annotation)
    kind = kind_of(hint)
    optional = "None" in hint or parameter.default is None
    found: list[tuple[str, object]] = [] if optional or hint == "object" else [("None", None)]
    if parameter.annotation is parameter.empty:
        kind = "array"
    if kind in ("array", "tokens"):
        sentences = isinstance(good, str)
        return found + (
            [(repr(v), v) for v in (3.5, THING, NAN, "zzz qqq")]
            if sentences
            else arrays(
                good, hint, matched(parameter, inspect.signature(function).parameters.values())
            )
        )
    tables = kind.split(" of ")
    for table_name in tables:
        found += [(repr(v)[:30], v) for v in BAD["list" if table_name == "list" else table_name]]
    if kind == "str" and parameter.name in CHOICES:
        found += [(repr(v), v) for v in ("", "no such thing", "\0")]
    if kind == "float" and "inf" not in str(parameter.name):
        found.append(("inf", INF))
    if parameter.name in ("seed", "count", "layers", "length", "features", "head", "layer"):
        found.append(("beyond", -(10**6)))
    return found


def odd(parameter: inspect.Parameter, good) -> list[tuple[str, object]]:
    """Values that mean the same as a good one."""
    if isinstance(good, bool):
        return [("np.bool_", np.bool_(good))]
    if isinstance(good, int):
        kinds = (np.int64, np.int32, np.int16, *([np.int8] if -128 <= good < 128 else []))
        return [(k.__name__, k(good)) for k in kinds if abs(good) < 2**15]
    if isinstance(good, float):
        return [("np.float64", np.float64(good)), ("0-d", np.array(good))]
    if isinstance(good, str):
        return [("np.str_", np.str_(good))]
    if isinstance(good, np.ndarray):
        locked = good.copy()
        locked.setflags(write=False)
        found = [("read-only", locked), ("Fortran order", np.asfortranarray(good)),
                 ("strided", np.repeat(good, 2, -1)[..., ::2] if good.ndim else good)]  # fmt: skip
        found.append(("reversed", good[..., ::-1].copy()[..., ::-1] if good.ndim else good))
        if good.dtype.kind in "if":
            found.append(("nested lists", good.tolist()))
            found.append(("nested tuples", _tuples(good.tolist())))
        if good.dtype.kind == "f":
            found.append(("float32", good.astype(np.float32)))
            found.append((">f8", good.astype(">f8")))
        if good.dtype.kind == "i" and good.min() >= 0 and good.max() < 128:
            kinds = (np.uint8, np.int16, np.uint64)
            found += [(k.__name__, good.astype(k)) for k in kinds]
        return found
    if isinstance(good, list) and good and isinstance(good[0], int | float | str):
        found = [("tuple", tuple(good)), ("array", np.array(good))]
        return [*found, ("NumPy scalars", list(np.array(good)))]
    if isinstance(good, dict):
        return [("another mapping", MappingProxyType(good))]
    return []


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


TEXTS = (
    "",
    " ",
    "$x_1$",
    "<!--<script>",
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f642",
    "a" * 5000,
    "\x00",
    "\ud800",
)


def unusual(good) -> list[tuple[str, object]]:
    """Values at the ends of what a parameter takes: a result, or a sentence, and no NaN."""
    if isinstance(good, bool) or good is None:
        return []
    if isinstance(good, int):
        return [(str(n), n) for n in (0, 1, -1, 2, 3, 100)]
    if isinstance(good, float):
        return [(f"{x:g}", x) for x in (0.0, -0.0, -1.0, 1.0, 1e-300, 5e-324, 1e300, 1e-12, 1e12)]
    if isinstance(good, str):
        return [(ascii(text)[:20], text) for text in TEXTS]
    if isinstance(good, np.ndarray) and good.ndim:
        found = [("one entry of each axis", good[(slice(1),) * good.ndim]), ("first", good[:1]),
                 ("one column", good[..., :1]), ("no row", good[:0]), ("one more axis", good[None]),
                 ("flat", good.ravel()), ("one number", good.flat[0]), ("turned", good.T),
                 ("two after another", np.concatenate([good, good]))]  # fmt: skip
        if good.dtype.kind == "f":
            scales = (0.0, -1.0, 1e-300, 1e-160, 1e-12, 1e12, 1e160, 1e300)
            found += [(f"times {k:g}", good * k) for k in scales]
            found += [("all alike", np.full_like(good, 0.5)), ("whole", np.rint(good).astype(int))]
            found += [(f"float32 times {k:g}", (good * k).astype("f4")) for k in (1e-30, 1e30)]
        return found
    if isinstance(good, list | tuple) and len(good):
        found = [("one", good[:1]), ("none", good[:0]), ("twice", [*good, *good])]
        return [*found, ("backwards", good[::-1])]
    if isinstance(good, dict) and good:
        first, value = next(iter(good.items()))
        found = [("empty", {}), ("one less", dict(list(good.items())[1:]))]
        found += [(f"with {text!a:.12}", good | {text: value}) for text in TEXTS[:6]]
        found += [("many", {f"{first}{i}": value for i in range(25)})]
        for label, other in [("None", None), ("text", "x"), ("list", []), *unusual(value)]:
            found.append((f"its first {label}", good | {first: other}))
        return found
    return []

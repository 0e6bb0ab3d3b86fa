"""The ladder an answer climbs on one case, rung by rung.

It runs, it returns numbers, they are finite, the shape is exact, no argument was changed, the dtype
is real and precise enough, the values agree, the laws hold. The shape comes before any comparison
of values: NumPy would stretch a wrong shape until it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .exercise import Case, Exercise
from .facts import off, tolerance
from .reply import LARGE, ORDINALS, Reply

Items = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Fault:
    """A rung that was missed: the sentence for it, one line of detail, and in which item."""

    rung: str
    said: str
    detail: str = ""
    item: int = 0


def faults(exercise: Exercise, case: Case, reply: Reply, expected: Items) -> Iterator[Fault]:
    """Yield what is wrong, lowest rung first; a later one means something only if none came."""
    if reply.kind == "nothing":
        yield Fault("type", "it returns None: is the `return` forgotten?")
        return
    if not reply.returned:
        yield Fault(reply.kind, reply.said, reply.detail)
        return
    yield from _each("finite", _not_finite, reply.items, expected)
    yield from _each("shape", _misshapen, reply.items, expected)
    if reply.changed:
        names = " and ".join(exercise.parameters[i] for i in reply.changed)
        yield Fault("mutated", f"it changes its argument {names} in place: work on a copy")
    yield from _each("dtype", _imprecise, reply.items, expected)
    yield from _each("values", _misvalued, reply.items, expected)
    if sentence := quietly(broken_law, exercise, case, reply):
        yield Fault("laws", sentence)


def broken_law(exercise: Exercise, case: Case, reply: Reply) -> str | None:
    """Return how the first broken law is broken, or None; the shapes must be right."""
    answer = reply.items if exercise.parts > 1 else reply.items[0]
    # Sums and products of an answer lose digits: a law must not reject what the values accept.
    slack = 10 * max(tolerance(item) for item in reply.items)
    found = (law.broken(case.args, answer, slack) for law in exercise.laws)
    return next(filter(None, found), None)


def quietly(reporter: Callable, *args) -> str | None:
    """Return what a reporter says; one that stumbles over a strange answer says nothing."""
    try:
        return reporter(*args)
    except Exception:  # of any kind: a verdict does not depend on what can be said about it
        return None


def _each(rung: str, failing: Callable, items: Items, expected: Items) -> Iterator[Fault]:
    for i, (yours, right) in enumerate(zip(items, expected, strict=True)):
        if found := failing(yours, right, ORDINALS[i] if len(items) > 1 else ""):
            said, detail = found
            yield Fault(rung, said, detail, i)


def _where(mask: np.ndarray, ordinal: str) -> tuple[tuple[int, ...], str]:
    """Return the first place that is marked, as an index and in words; "" for a single number."""
    at = tuple(np.argwhere(mask)[0].tolist())
    if not ordinal:
        return at, f"at {list(at)}" if at else ""
    return at, f"at {list(at)} of the {ordinal} item" if at else f"in the {ordinal} item"


def _not_finite(yours: np.ndarray, _right: np.ndarray, ordinal: str) -> tuple[str, str] | None:
    if yours.size > LARGE or np.isfinite(yours).all():
        return None
    kinds = (("NaN", np.isnan(yours)), ("infinite", np.isinf(yours)))
    said = " and ".join(word for word, where in kinds if where.any())
    at, where = _where(np.asarray(~np.isfinite(yours)), ordinal)
    first = "NaN" if np.isnan(yours[at]) else "infinite number"
    return f"it holds numbers that are {said}", f"The first {first} is {where}." if at else ""


def _misshapen(yours: np.ndarray, right: np.ndarray, _ordinal: str) -> tuple[str, str] | None:
    if yours.shape == right.shape:
        return None
    said = f"its shape is {yours.shape}, expected {right.shape}"
    if yours.ndim > right.ndim:
        squeezed = [n for n in yours.shape if n != 1] == [n for n in right.shape if n != 1]
        said = f"it has {'an extra axis' if squeezed else 'too many axes'}: {said}"
    if yours.ndim < right.ndim:
        said = f"it has too few axes: {said}"
    return said, ""


def _imprecise(yours: np.ndarray, _right: np.ndarray, _ordinal: str) -> tuple[str, str] | None:
    kind, name = yours.dtype.kind, yours.dtype.name
    if kind == "c":
        return f"its numbers are complex ({name}), expected real ones", ""
    if kind == "b":
        return "it holds True and False, expected numbers", ""
    if kind == "f" and yours.dtype.itemsize < 4:
        return f"its precision is too low ({name}): float32 or float64 is expected", ""
    return None


def _misvalued(yours: np.ndarray, right: np.ndarray, ordinal: str) -> tuple[str, str] | None:
    wrong = off(yours, right)
    if not wrong.any():
        return None
    at, where = _where(wrong, ordinal)
    detail = f"{where} it gives {yours[at]:.6g}, expected {right[at]:.6g}.".lstrip()
    return "its values are off", detail[0].upper() + detail[1:]

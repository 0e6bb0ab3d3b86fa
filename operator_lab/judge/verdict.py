"""The verdict on an answer: which rung it missed, and the reason as far as it is known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .exercise import Case, Exercise, in_words
from .facts import everywhere, same, somewhere
from .ladder import Fault, Items, broken_law, faults
from .reply import LARGE, ORDINALS, Reply, observe
from .todo import unfinished
from .trial import trial

DIAGNOSED = ("raised", "finite", "shape", "values", "laws")  # rungs where a known mistake may show


@dataclass(frozen=True)
class Verdict:
    """What is said about an answer: one line, the same on every machine, and a few of help."""

    name: str
    status: str  # "passed", "wrong" or "not attempted"
    reason: str = ""
    help: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"

    @property
    def line(self) -> str:
        """The first line: `name: passed`, `name: not attempted` or `name: wrong: reason`."""
        return ": ".join(part for part in (self.name, self.status, self.reason) if part)


def judge(exercise: Exercise, function: object) -> Verdict:
    """Judge an answer; whatever the answer does, nothing but an interrupt from outside comes out.

    A known mistake is named only if it, and no other, agrees with the answer on every case;
    otherwise only what is true in general is said.
    """
    if unfinished(function):
        return Verdict(exercise.name, "not attempted")
    if not callable(function):
        own = exercise.reference.__name__
        kind = type(function).__name__
        reason = f"this is no function but of type {kind}: hand over `{own}` itself, not a call"
        return Verdict(exercise.name, "wrong", reason)
    cases = exercise.draw()
    if misfit := _misfit(exercise, function, cases):
        return Verdict(exercise.name, "wrong", misfit)
    with np.errstate(all="ignore"):
        # Before the answer is called, which may rebind what the reference is made of.
        expected = [observe(exercise.reference, case, exercise.parts).items for case in cases]
        replies = trial(function, cases, exercise.parts, exercise.seconds)
        for case, reply, right in zip(cases, replies, expected, strict=False):
            if reply.kind == "unfinished":
                return Verdict(exercise.name, "not attempted")
            if fault := next(faults(exercise, case, reply, right), None):
                reason = _known(exercise, fault, cases, replies)
                law = broken_law(exercise, case, reply) if fault.rung == "values" else None
                reason = reason or _general(fault, law, replies, expected)
                tried = f"Tried with {case.label}."
                return Verdict(
                    exercise.name, "wrong", reason, tuple(filter(None, (tried, fault.detail)))
                )
        if len(replies) < len(cases):
            limit = f"it did not finish within {exercise.seconds:g} seconds"
            return Verdict(exercise.name, "wrong", f"{limit}: is there a loop without an end?")
        return Verdict(exercise.name, "passed")


def _misfit(exercise: Exercise, function: Callable, cases: Sequence[Case]) -> str | None:
    try:
        signature = inspect.signature(function)
    except Exception:  # some compiled functions have none: calling will tell
        return None
    try:
        for case in cases:
            signature.bind(*case.args)
    except TypeError:
        wanted, given = exercise.signature, in_words(signature)
        return f"its parameters do not fit: {wanted} is called, yours takes {given}"
    return None


def _known(exercise: Exercise, fault: Fault, cases, replies) -> str | None:
    """Return the message of the one known mistake that agrees on every case, or None."""
    if fault.rung not in DIAGNOSED or len(replies) < len(cases):
        return None
    if not any(_speaks(reply) for reply in replies):
        return None
    agreeing = [
        wrong.message
        for wrong in exercise.wrong
        if all(
            _agree(reply, observe(wrong.function, case, exercise.parts))
            for reply, case in zip(replies, cases, strict=True)
        )
    ]
    return agreeing[0] if len(agreeing) == 1 else None


def _speaks(reply: Reply) -> bool:
    """Whether there is a number to compare: nothing but NaN could come from anywhere."""
    return any(item.size <= LARGE and np.isfinite(item).any() for item in reply.items)


def _agree(reply: Reply, known: Reply) -> bool:
    if not (reply.returned and known.returned):
        return reply.kind == known.kind == "raised"
    return all(same(a, b) for a, b in zip(reply.items, known.items, strict=True))


def _general(
    fault: Fault, law: str | None, replies: Sequence[Reply], expected: Sequence[Items]
) -> str:
    """Return the most telling statement that is true of the numbers, or the fault itself."""
    several = len(expected[0]) > 1 and fault.rung in ("finite", "shape", "dtype", "values")
    ahead = f"{ORDINALS[fault.item]} item: " if several else ""
    readable = len(replies) == len(expected) and all(
        o.returned and all(item.dtype.kind in "fiu" for item in o.items) for o in replies
    )
    if fault.rung not in ("shape", "values") or not readable:
        return law or ahead + fault.said
    pairs = [(o.items[fault.item], e[fault.item]) for o, e in zip(replies, expected, strict=True)]
    if said := everywhere(pairs):
        return ahead + said
    if law or any(y.shape != e.shape for y, e in pairs):
        return law or ahead + fault.said
    if said := somewhere(pairs):
        return ahead + said
    good = sum(same(y, e) for y, e in pairs)
    return f"{ahead}{fault.said} (right on {good} of {len(pairs)} cases)"

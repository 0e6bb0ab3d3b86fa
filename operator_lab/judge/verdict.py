"""The verdict on an answer: which rung it missed, and the reason as far as it is known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .exercise import Exercise, Probe, in_words
from .facts import everywhere, same, somewhere
from .ladder import Fault, Items, broken_law, faults
from .outcome import LARGE, ORDINALS, Outcome, observe
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

    A known mistake is named only if it, and no other, agrees with the answer on every probe;
    otherwise only what is true in general is said.
    """
    if unfinished(function):
        return Verdict(exercise.name, "not attempted")
    if not callable(function):
        own = exercise.reference.__name__
        kind = type(function).__name__
        reason = f"this is no function but of type {kind}: hand over `{own}` itself, not a call"
        return Verdict(exercise.name, "wrong", reason)
    probes = exercise.draw()
    if misfit := _misfit(exercise, function, probes):
        return Verdict(exercise.name, "wrong", misfit)
    with np.errstate(all="ignore"):
        outcomes = trial(function, probes, exercise.parts, exercise.seconds)
        expected = [observe(exercise.reference, p, exercise.parts).items for p in probes]
        for probe, outcome, right in zip(probes, outcomes, expected, strict=False):
            if outcome.kind == "unfinished":
                return Verdict(exercise.name, "not attempted")
            if fault := next(faults(exercise, probe, outcome, right), None):
                reason = _known(exercise, fault, probes, outcomes)
                law = broken_law(exercise, probe, outcome) if fault.rung == "values" else None
                reason = reason or _general(fault, law, outcomes, expected)
                tried = f"Tried with {probe.label}."
                return Verdict(
                    exercise.name, "wrong", reason, tuple(filter(None, (tried, fault.detail)))
                )
        if len(outcomes) < len(probes):
            limit = f"it did not finish within {exercise.seconds:g} seconds"
            return Verdict(exercise.name, "wrong", f"{limit}: is there a loop without an end?")
        return Verdict(exercise.name, "passed")


def _misfit(exercise: Exercise, function: Callable, probes: Sequence[Probe]) -> str | None:
    try:
        signature = inspect.signature(function)
    except Exception:  # some compiled functions have none: calling will tell
        return None
    try:
        for probe in probes:
            signature.bind(*probe.args)
    except TypeError:
        wanted, given = exercise.signature, in_words(signature)
        return f"its parameters do not fit: {wanted} is called, yours takes {given}"
    return None


def _known(exercise: Exercise, fault: Fault, probes, outcomes) -> str | None:
    """Return the message of the one known mistake that agrees on every probe, or None."""
    if fault.rung not in DIAGNOSED or len(outcomes) < len(probes):
        return None
    if not any(_speaks(outcome) for outcome in outcomes):
        return None
    agreeing = [
        wrong.message
        for wrong in exercise.wrong
        if all(
            _agree(outcome, observe(wrong.function, probe, exercise.parts))
            for outcome, probe in zip(outcomes, probes, strict=True)
        )
    ]
    return agreeing[0] if len(agreeing) == 1 else None


def _speaks(outcome: Outcome) -> bool:
    """Whether there is a number to compare: nothing but NaN could come from anywhere."""
    return any(item.size <= LARGE and np.isfinite(item).any() for item in outcome.items)


def _agree(outcome: Outcome, known: Outcome) -> bool:
    if not (outcome.returned and known.returned):
        return outcome.kind == known.kind == "raised"
    return all(same(a, b) for a, b in zip(outcome.items, known.items, strict=True))


def _general(
    fault: Fault, law: str | None, outcomes: Sequence[Outcome], expected: Sequence[Items]
) -> str:
    """Return the most telling statement that is true of the numbers, or the fault itself."""
    several = len(expected[0]) > 1 and fault.rung in ("finite", "shape", "dtype", "values")
    ahead = f"{ORDINALS[fault.item]} item: " if several else ""
    readable = len(outcomes) == len(expected) and all(
        o.returned and all(item.dtype.kind in "fiu" for item in o.items) for o in outcomes
    )
    if fault.rung not in ("shape", "values") or not readable:
        return law or ahead + fault.said
    pairs = [(o.items[fault.item], e[fault.item]) for o, e in zip(outcomes, expected, strict=True)]
    if said := everywhere(pairs):
        return ahead + said
    if law or any(y.shape != e.shape for y, e in pairs):
        return law or ahead + fault.said
    if said := somewhere(pairs):
        return ahead + said
    good = sum(same(y, e) for y, e in pairs)
    return f"{ahead}{fault.said} (right on {good} of {len(pairs)} probes)"

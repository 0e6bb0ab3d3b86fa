"""The verdict on an answer: which rung it missed, and the reason as far as it is known."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..errors import LabError
from .exercise import Case, Exercise, in_words
from .facts import everywhere, same, somewhere
from .ladder import Fault, Items, broken_law, faults, quietly
from .reply import LARGE, ORDINALS, Reply, observe
from .todo import unfinished
from .trial import Trial, at_the_surface, attempt, trial

Missed = tuple[Case, Reply, Fault]  # a case on which an answer failed, and how
DIAGNOSED = ("raised", "finite", "shape", "values", "laws")  # rungs where a known mistake may show


@dataclass(frozen=True)
class Verdict:
    """What is said about an answer: one line, the same on every machine, and a few of help.

    `function` is what one goes on with if it passed; `printed` begins what the answer printed.
    """

    name: str
    status: str  # "passed", "wrong" or "not attempted"
    reason: str = ""
    help: tuple[str, ...] = ()
    function: Callable | None = None
    printed: tuple[str, ...] = ()

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
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Before the answer is called, which may rebind what the reference is made of.
        cases, expected = _expected(exercise.reference, exercise.cases, exercise.parts)
        if any(len(items) != exercise.parts for items in expected):
            raise LabError(f"{exercise.name}: its own reference gives no answer to every case.")
        if misfit := _misfit(exercise, function, cases):
            return Verdict(exercise.name, "wrong", misfit)
        tried = trial(function, cases, exercise.parts, exercise.seconds)
        if (verdict := _first_fault(exercise, cases, tried, expected)) is None:
            # The other way round, so that neither a count of calls nor what is kept can help.
            more = (function, cases[::-1], exercise.parts, 2 * exercise.seconds, tried.convert)
            verdict = _called_again(exercise, cases[::-1], attempt(*more), expected[::-1])
    if verdict is None:
        foreign = tried.convert is not np.array or any(r.foreign for r in tried.replies)
        going_on = at_the_surface(function, tried.convert) if foreign else function
        verdict = Verdict(exercise.name, "passed", function=going_on)
    return replace(verdict, printed=tried.printed)


@lru_cache(maxsize=128)
def _expected(
    reference: Callable, draw: Callable, parts: int
) -> tuple[tuple[Case, ...], tuple[Items, ...]]:
    """The cases and what is right of them: the same at every check, and often checked again."""
    cases = Exercise("", reference, draw).draw()
    return cases, tuple(observe(reference, case, parts, precise).items for case in cases)


def precise(array: np.ndarray) -> np.ndarray:
    """Return a copy in which right answers are computed: float64 where less was given."""
    return np.array(array, dtype=np.float64 if array.dtype.kind == "f" else None)


def _first_fault(
    exercise: Exercise, cases: Sequence[Case], tried: Trial, expected: Sequence[Items]
) -> Verdict | None:
    """Return the verdict on an answer that missed a rung or its time, else None."""
    replies, name = tried.replies, exercise.name
    if any(reply.kind == "unfinished" for reply in replies):
        return Verdict(name, "not attempted")
    judged = zip(cases, replies, expected, strict=False)
    missed = [(c, r, f) for c, r, e in judged if (f := _fault(exercise, c, r, e))]
    if missed:
        case, _, fault = missed[0]
        reason = quietly(_known, exercise, fault, cases, replies)
        reason = reason or quietly(_general, exercise, missed, replies, expected)
        help_ = (f"Tried with {case.label}.", fault.detail)
        return Verdict(name, "wrong", reason or fault.said, tuple(filter(None, help_)))
    if len(replies) < len(cases):
        reason = (
            f"it did not finish within {exercise.seconds:g} seconds: {len(replies)} of "
            f"{len(cases)} trials did; it is slow, or a loop has no end"
        )
        return Verdict(name, "wrong", reason, (f"It was busy with {cases[len(replies)].label}.",))
    return None


def _called_again(
    exercise: Exercise, cases: Sequence[Case], tried: Trial, expected: Sequence[Items]
) -> Verdict | None:
    """Return the verdict on an answer that was right at the first call, but not at another."""
    for case, reply, right in zip(cases, tried.replies, expected, strict=False):
        if fault := _fault(exercise, case, reply, right):
            reason = (
                "it was right at first, and no longer when called once more with the same "
                "arguments: does it keep or change anything from call to call?"
            )
            help_ = (f"Tried with {case.label}.", f"This time: {fault.said}.")
            return Verdict(exercise.name, "wrong", reason, help_)
    return None


def _fault(exercise: Exercise, case: Case, reply: Reply, right: Items) -> Fault | None:
    return next(faults(exercise, case, reply, right), None)


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
        return reply.kind == known.kind == "raised" and reply.error == known.error
    return all(same(a, b) for a, b in zip(reply.items, known.items, strict=True))


def _general(
    exercise: Exercise,
    missed: Sequence[Missed],
    replies: Sequence[Reply],
    expected: Sequence[Items],
) -> str:
    """Return the most telling statement that is true of the numbers, or the fault itself."""
    fault = missed[0][2]
    several = exercise.parts > 1 and fault.rung in ("finite", "shape", "dtype", "values")
    ahead = f"{ORDINALS[fault.item]} item: " if several else ""
    plain = ahead + _of_all([f.said for _, _, f in missed], missed)
    readable = len(replies) == len(expected) and all(
        o.returned and all(item.dtype.kind in "fiu" for item in o.items) for o in replies
    )
    if fault.rung not in ("shape", "values"):
        return plain
    # A law reads numbers in the right places; summing another shape might never end.
    laws = [
        quietly(broken_law, exercise, case, reply) if missing.rung == "values" else None
        for case, reply, missing in missed
    ]
    if not readable:
        return _first_law(laws, missed) or plain
    pairs = [(o.items[fault.item], e[fault.item]) for o, e in zip(replies, expected, strict=True)]
    if said := quietly(everywhere, pairs):
        return ahead + said
    if any(y.shape != e.shape for y, e in pairs):
        return plain
    if laws[0] and len(set(laws)) == 1:
        return laws[0]
    if said := quietly(somewhere, pairs):
        return ahead + said
    if law := _first_law(laws, missed):
        return law
    good = sum(same(y, e) for y, e in pairs)
    return f"{ahead}{fault.said} (right on {good} of {len(pairs)} cases)"


def _first_law(laws: Sequence[str | None], missed: Sequence[Missed]) -> str:
    """The first law that is broken, which need not be on the first case that is off."""
    broken = (f"{law} (with {c.label})" for law, (c, _, _) in zip(laws, missed, strict=True) if law)
    return next(broken, "")


def _of_all(said: Sequence[str | None], missed: Sequence[Missed]) -> str:
    """Return the first sentence; where not every failing case says the same, with its case."""
    return f"{said[0]}" if len(set(said)) == 1 else f"{said[0]} (with {missed[0][0].label})"

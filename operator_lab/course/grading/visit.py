"""One student's notebooks: every answer is run in the room, and judged out here."""

from __future__ import annotations

import ast
import builtins
import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...exercises import find, judge, names
from ...judge import TODO, Exercise
from ...judge.mistakes import bare_source
from ...judge.reply import TimeUp
from .found import digest
from .room import Room
from .warden import Ended, Left, Limits, TooLong, Warden

STATES = (
    "passed",
    "by hand",
    "wrong",
    "out of time",
    "broken",
    "not attempted",
    "missing",
)  # best first
OPENING = 30.0  # seconds for a notebook to be read, and for an answer's own code


@dataclass(frozen=True)
class Grade:
    """What became of one exercise: its state, what is said of it, seconds, and where it stands."""

    exercise: str
    state: str
    said: str = ""
    seconds: float = 0.0
    file: str = ""
    cell: int = 0
    note: str = ""


@dataclass(frozen=True)
class Visit:
    """Everything found at one student: a grade for each answer, unreadable files, cells' ids."""

    grades: tuple[Grade, ...]
    unreadable: Mapping[str, str]
    ids: Mapping[str, tuple[str, ...]]

    def best(self) -> dict[str, Grade]:
        """The best grade of each exercise, over all cells and files."""
        best: dict[str, Grade] = {}
        for grade in self.grades:
            kept = best.get(grade.exercise)
            if kept is None or STATES.index(grade.state) < STATES.index(kept.state):
                best[grade.exercise] = grade
        return best


class _Stand:
    """Stands for a student's function: a call is carried into the room, and its answer out."""

    def __init__(self, warden: Warden, made: dict, seconds: float):
        self.warden, self.left, self.fate = warden, seconds, ("", "")
        self.waiting = False
        self.line: int | None = None
        if (signature := _signature(made.get("parameters"))) is not None:
            self.__signature__ = signature

    def __call__(self, *given):
        if self.fate[0]:
            raise TimeUp
        functions = [a for a in given if callable(a)]
        start, self.waiting = time.monotonic(), True  # for ever, if the judge's patience ends first
        try:
            said, values = self.warden.ask({"do": "call"}, given, self.left, functions)
        except TooLong:
            self.fate = ("out of time", "")
            raise TimeUp from None
        except Ended as ended:
            self.fate = ("broken", str(ended))
            raise TimeUp from None
        self.left, self.waiting = self.left - (time.monotonic() - start), False
        return self._read(said, values, given)

    def _read(self, said: dict, values: list, given: tuple):
        if said.get("said") == "gave" and values:
            for place, now in zip(said.get("changed", ()), values[1:], strict=False):
                before = given[place] if type(place) is int and place < len(given) else None
                if isinstance(before, np.ndarray) and np.shape(now) == before.shape:
                    before[...] = now
            return values[0]
        if said.get("todo"):
            TODO()  # raises what an unfinished answer raises
        self.line = said["line"] if type(said.get("line")) is int else None
        if said.get("type") == "MemoryError":
            self.fate = ("broken", "it needs more memory than there is")
        raise _error(said)


def visit(
    files: Mapping[str, bytes],
    where: Room,
    limits: Limits,
    only: Sequence[str] = (),
    secret: int | None = None,
) -> Visit:
    """Judge all answers in one student's notebooks, given as names and contents.

    What they do to their process is said of them and harms nobody else; `only` leaves out other
    exercises. With a secret seed, what is right on the course's cases is tried on fresh ones too.
    """
    until = time.monotonic() + limits.seconds
    grades: list[Grade] = []
    unreadable: dict[str, str] = {}
    ids: dict[str, tuple[str, ...]] = {}
    warden = Warden(where, limits)
    try:
        for name, content in files.items():
            look = {"do": "look", "known": sorted(set(only) or names())}
            try:
                found, _ = warden.ask(look, [np.frombuffer(content, np.uint8)], OPENING)
            except (Ended, TooLong) as error:
                warden.close()
                unreadable[name] = f"it could not be read: {error}"
                continue
            if found.get("error"):
                unreadable[name] = str(found["error"])
            ids[name] = tuple(map(str, found.get("ids", ())))
            for exercise, cell, why in found.get("broken", ()):
                grades.append(Grade(exercise, "broken", why, file=name, cell=cell))
            grades += [
                replace(grade, file=name)
                for grade in _judged(warden, found.get("answers", ()), until, secret)
            ]
    finally:
        warden.close()
    return Visit(tuple(grades), unreadable, ids)


def _judged(
    warden: Warden, answers: Sequence[dict], until: float, secret: int | None
) -> list[Grade]:
    """Judge the answers of one notebook, those first on which others build."""
    grades: list[Grade] = []
    passed: set[str] = set()
    for answer in _ordered(answers):
        # What was not solved goes on with ours, as in the notebook; it has been judged by now.
        granted = {n: _source(n) for n in answer["upon"] if n not in passed}
        grade = _one(warden, find(answer["name"]), answer, granted, until, secret)
        if grade.state == "passed":
            passed.add(grade.exercise)
        grades.append(grade)
    return grades


def _travels(value: object) -> bool:
    """Whether a case's argument passes through the door: numbers, words, functions, and lists."""
    if isinstance(value, tuple | list):
        return all(map(_travels, value))
    if isinstance(value, dict):
        return all(map(_travels, value.values()))
    plain = np.ndarray | np.generic | str | int | float | complex | None
    return isinstance(value, plain) or inspect.isfunction(value)


def _ordered(answers: Sequence[dict]) -> list[dict]:
    left, ordered = list(answers), []
    while left:
        waiting = {answer["name"] for answer in left}
        ready = [a for a in left if not (set(a["upon"]) - {a["name"]}) & waiting]
        ordered += (ready := ready or left[:1])  # two that need each other: one goes first
        left = [a for a in left if not any(a is r for r in ready)]
    return ordered


def _one(
    warden: Warden,
    exercise: Exercise,
    answer: dict,
    granted: dict,
    until: float,
    secret: int | None,
) -> Grade:
    grade = Grade(exercise.name, "broken", cell=answer["cell"])
    start = time.monotonic()
    if start > until:
        return replace(grade, state="out of time", said="the student's time was used up before")
    request = {"do": "try", **answer, "granted": granted}
    try:
        made, _ = warden.ask(request, seconds=min(OPENING, until - start))
        state, said = _verdict(warden, exercise, made, until, secret)
        warden.leave()
    except Left as ended:
        state, said = "broken", str(ended)
    except Ended as ended:
        warden.close()
        state, said = "broken", str(ended)
    except TooLong:
        warden.close()
        state, said = "out of time", "its cell did not finish"
    seconds = round(time.monotonic() - start, 2)
    same = answer.get("digest") and answer["digest"] == _digest(exercise)
    note = "word for word our solution" if same and state == "passed" else ""
    return replace(grade, state=state, said=said, seconds=seconds, note=note)


def _verdict(
    warden: Warden, exercise: Exercise, made: dict, until: float, secret: int | None
) -> tuple[str, str]:
    said = made.get("said")
    if said == "failed":
        where = f"cell {made.get('cell')}"
        text = f"{made.get('type')}: {made.get('text')}".splitlines()[0]
        return ("not attempted", "") if made.get("todo") else ("broken", f"{where}: {text}"[:200])
    if said == "unfinished":
        return "not attempted", ""
    if said == "uncallable":
        verdict = judge(exercise, _value(made))
        return verdict.status, verdict.reason
    if not all(_travels(value) for probe in exercise.draw() for value in probe.args):
        return "by hand", "its cases are models, which stay outside the room: run its cell yourself"
    if made.get("torch"):
        import torch  # noqa: F401  # an answer for tensors is tried with tensors
    # a little less than the judge's own patience, so that the door is closed from here
    seconds = min(exercise.seconds - 0.5, until - time.monotonic())
    stand = _Stand(warden, made, seconds)
    verdict = judge(exercise, stand)
    by_heart = ""
    if verdict.passed and secret is not None:
        verdict = judge(_fresh(exercise, secret), stand)
        by_heart = "" if verdict.passed else "right on the course's cases, not on fresh ones: "
    state, why = stand.fate
    if state or stand.waiting:
        state = state or "out of time"
        warden.close()
        return state, why or f"it did not finish within {exercise.seconds:g} seconds"
    return verdict.status, by_heart + _with_line(verdict.reason, stand.line)


def _fresh(exercise: Exercise, secret: int) -> Exercise:
    """The exercise with cases nobody can know: a table of answers learned by heart fails."""

    def cases(rng: np.random.Generator):
        return exercise.cases(np.random.default_rng([secret, int(rng.integers(2**31))]))

    return replace(exercise, cases=cases)


def _with_line(reason: str, line: int | None) -> str:
    raises = reason.startswith("it raises ") and " at line " not in reason
    return f"{reason} at line {line}" if raises and line else reason


def _value(made: dict) -> object:
    return type(str(made.get("type", "object")) or "object", (), {})()


def _signature(parameters: Any) -> inspect.Signature | None:
    try:
        return inspect.Signature(
            [
                inspect.Parameter(
                    str(name),
                    list(inspect._ParameterKind)[kind],
                    default=(number if number is not None else ...) if has else inspect._empty,
                )
                for name, kind, has, number in parameters
            ]
        )
    except (TypeError, ValueError, IndexError):
        return None


def _error(said: dict) -> Exception:
    """An exception of the same name and words; only ordinary ones of Python's are themselves."""
    name, text = str(said.get("type") or "Exception")[:80], str(said.get("text", ""))
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(text)
        except TypeError:  # UnicodeDecodeError takes five arguments
            pass
    return type(name, (Exception,), {})(text)


def _source(name: str) -> str:
    """The text of a reference's file, for who builds on an exercise that was not solved."""
    return Path(inspect.getfile(inspect.unwrap(find(name).reference))).read_text(encoding="utf-8")


def _digest(exercise: Exercise) -> str:
    tree = ast.parse(bare_source(inspect.unwrap(exercise.reference))).body[0]
    return digest(tree) if isinstance(tree, ast.FunctionDef) else ""

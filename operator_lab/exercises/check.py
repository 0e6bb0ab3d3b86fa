"""What a learner calls: `check`, `hint` and `solution`."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..errors import LabError
from ..judge import Exercise, judge
from ..judge.strict import fail, strict
from .record import record
from .shelf import find


def check(exercise: str | Exercise, function: object) -> Callable:
    """Judge an answer, print the verdict and return the function to go on with.

    The exercise is given by its name, or as an Exercise of one's own. What goes on is the learner's
    function if it passed (in a wrapper that takes and returns NumPy, if it speaks torch), otherwise
    the reference. The first line is the same on every machine.
    While a learner works nothing is raised for an answer; a strict check
    (OPERATOR_LAB_CHECKS=strict, or under pytest) that has not passed is an error of its cell,
    outside IPython CheckFailed. What is passed while one works is kept for `progress`. LabError
    for an unknown name.
    """
    exercise = _given(exercise)
    demanding = strict()
    verdict = judge(exercise, function)
    if demanding and not verdict.passed:
        fail(verdict.line)
        return exercise.reference
    if verdict.passed and not demanding and function is not exercise.reference:
        record(exercise.name)
    if not verdict.passed:
        more = "hint" if exercise.hints else "solution"
        ending = f"You go on with the reference; lab.{more}({_called(exercise)}) helps."
    elif function is exercise.reference:
        ending = "This is the reference; run the cell above again to check your own function."
    else:
        wrapped = verdict.function is not function
        ending = "You go on with your own function."
        if wrapped:
            ending = "You go on with your own function, wrapped: NumPy arrays in, NumPy arrays out."
    printed = ("It printed (the first lines):", *verdict.printed) if verdict.printed else ()
    print("\n".join((verdict.line, *(f"  {line}" for line in (*verdict.help, *printed, ending)))))
    return verdict.function or exercise.reference


def hint(exercise: str | Exercise, level: int = 1) -> None:
    """Print a hint: 1 the idea, 2 the formula, 3 the first line.

    LabError for an unknown exercise or level.
    """
    exercise = _given(exercise)
    count, called = len(exercise.hints), _called(exercise)
    if level not in range(1, count + 1):
        asked = f"ask for 1 to {count}" if count else f"lab.solution({called}) shows an answer"
        raise LabError(f"{exercise.name} has no hint {level!r}; {asked}.")
    n = int(level)
    more = f"lab.hint({called}, {n + 1})" if n < count else f"lab.solution({called})"
    print(f"{exercise.name}, hint {n} of {count}: {exercise.hints[n - 1]}\n  More: {more}")


def solution(exercise: str | Exercise) -> None:
    """Print the source of one right answer, the reference; LabError for an unknown exercise."""
    print(inspect.getsource(_given(exercise).reference).rstrip())


def _given(exercise: str | Exercise) -> Exercise:
    return exercise if isinstance(exercise, Exercise) else find(exercise)


def _called(exercise: Exercise) -> str:
    """How to hand this exercise over once more: by its name, or as the variable it stands in."""
    return f'"{exercise.name}"' if "." in exercise.name else "exercise"

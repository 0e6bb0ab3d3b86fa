"""What a learner calls: `check`, `hint` and `solution`."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..errors import LabError
from .exercise import find
from .judge import judge
from .strict import fail, strict


def check(name: str, function: object) -> Callable:
    """Judge an answer, print the verdict and return the function to go on with.

    That is the learner's own if it passed, otherwise the reference. The first line is the same on
    every machine. While a learner works nothing is raised for an answer; a strict check
    (OPERATOR_LAB_CHECKS=strict, or under pytest) that has not passed is an error of its cell,
    outside IPython CheckFailed. LabError for an unknown name.
    """
    exercise = find(name)
    demanding = strict()
    verdict = judge(exercise, function)
    if demanding and not verdict.passed:
        fail(verdict.line)
        return exercise.reference
    if not verdict.passed:
        ending = f'You go on with the reference; lab.hint("{name}") helps.'
    elif function is exercise.reference:
        ending = "This is the reference; run the cell above again to check your own function."
    else:
        ending = "You go on with your own function."
    print("\n".join((verdict.line, *(f"  {line}" for line in (*verdict.help, ending)))))
    return function if verdict.passed else exercise.reference


def hint(name: str, level: int = 1) -> None:
    """Print a hint: 1 the idea, 2 the formula, 3 the first line.

    LabError for an unknown exercise or level.
    """
    exercise = find(name)
    count = len(exercise.hints)
    if level not in range(1, count + 1):
        raise LabError(f"{name} has no hint {level!r}; ask for 1 to {count}.")
    n = int(level)
    more = f'lab.hint("{name}", {n + 1})' if n < count else f'lab.solution("{name}")'
    print(f"{name}, hint {n} of {count}: {exercise.hints[n - 1]}\n  More: {more}")


def solution(name: str) -> None:
    """Print the source of one right answer, the reference; LabError for an unknown exercise."""
    print(inspect.getsource(find(name).reference).rstrip())

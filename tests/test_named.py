"""What a named mistake says of its numbers is true of them: signs, factors, order, NaN, transposes.

A message is words; where they state something of the numbers that can be computed again, in every
case, it is.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from exercise_laws import close

from operator_lab.exercises import find, names
from operator_lab.judge.reply import observe


def trials(exercise, function):
    """Answer and right answer of each case, as tuples of arrays; None where it raises."""
    with np.errstate(all="ignore"):
        for case in exercise.draw():
            answer = observe(function, case, exercise.parts)
            right = observe(exercise.reference, case, exercise.parts).items
            yield (answer.items if answer.returned else None), right


def everywhere(relation):
    def check(found, pairs):
        return all(
            relation(a, r) for answer, right in pairs for a, r in zip(answer, right, strict=True)
        )

    return check


def transposed(answer, right):
    return answer.shape == right.T.shape and close(answer, right.T)


def permuted(found, pairs):
    """The items of a tuple, or the entries of a list of findings, in another order."""
    for answer, right in pairs:
        if len(right) == 1:
            mine, wanted = sorted(answer[0].tolist()), sorted(right[0].tolist())
            if mine != wanted:
                return False
        elif not all(any(a.shape == r.shape and close(a, r) for r in right) for a in answer):
            return False
    return True


def else_right(found, pairs):
    """Right wherever it is finite, and somewhere it is not (or it raises there)."""
    broken = 0
    for answer, right in pairs:
        if answer is None or not all(np.isfinite(a).all() for a in answer):
            broken += 1
        elif not all(
            a.shape == r.shape and close(a, r, 1e-3, 1e-9)
            for a, r in zip(answer, right, strict=True)
        ):
            return False
    return broken > 0


def times(factor):
    return everywhere(lambda a, r: close(a, factor * r, 1e-3))


STATED = {
    r"it is transposed: .*": everywhere(transposed),
    r"its sign is (?:wrong|that of|turned round).*": times(-1),
    r"it is in bits .*": times(1 / np.log(2)),
    r".* are right but in the wrong order.*": permuted,
    r"right while .*(?:NaN|inf).*": else_right,
    r"right for few words, .*NaN.*": else_right,
    r"right unless .* (?:NaN|infinite|overflows).*": else_right,
    r"it is twice what .*": times(2),
}
NAMED = [(e, w) for e in map(find, names()) for w in e.wrong]
SAID = [(e, w) for e, w in NAMED if any(re.fullmatch(p, w.message) for p in STATED)]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("exercise", "wrong"), SAID, ids=[f"{e.name}: {w.name}".replace(" ", "_") for e, w in SAID]
)
def test_what_is_said_of_the_numbers_is_true(exercise, wrong):
    pairs = list(trials(exercise, wrong.function))
    for pattern, check in STATED.items():
        if found := re.fullmatch(pattern, wrong.message):
            assert check(found, pairs), wrong.message


def test_enough_is_stated_to_be_worth_it():
    assert len(SAID) > 30

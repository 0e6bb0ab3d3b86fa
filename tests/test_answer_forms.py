"""A right answer is right in whatever form it comes: lists, tensors, foreign bytes, objects."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from exercise_laws import mapped, real

from operator_lab.exercises import find, judge, names


def single(a):
    return np.float32(a) if real(np.asarray(a)) else a


FORMS = {
    "lists": lambda a: np.asarray(a).tolist(),
    "tensors": lambda a: torch.tensor(np.array(a)),
    "tensors in float32": lambda a: torch.tensor(np.array(single(a))),
    "tensors with a gradient": lambda a: torch.tensor(np.float64(a), requires_grad=True),
    "float32": single,
    "long double": lambda a: np.longdouble(a) if real(np.asarray(a)) else a,
    "backwards": lambda a: np.array(a)[::-1].copy()[::-1] if np.ndim(a) else a,
    "foreign bytes": lambda a: np.asarray(a).astype(np.asarray(a).dtype.newbyteorder(">")),
    "masked arrays": np.ma.array,
}


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", names())
def test_a_right_answer_may_come_as(name, form):
    exercise = find(name)

    def answer(*args):
        right = exercise.reference(*args)
        return mapped(right, FORMS[form]) if exercise.parts > 1 else FORMS[form](right)

    verdict = judge(exercise, answer)
    assert verdict.passed, verdict.line


@pytest.mark.thorough
@pytest.mark.parametrize("name", names())
def test_a_right_answer_may_be_called_in_many_ways(name):
    exercise = find(name)

    class Answer:
        def __call__(self, *args):
            return exercise.reference(*args)

    def items(*args, **named):
        right = exercise.reference(*args, **named)
        return list(right) if exercise.parts > 1 else right

    for answer in (Answer(), items, functools.partial(exercise.reference)):
        assert judge(exercise, answer).passed

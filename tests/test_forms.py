"""An answer is judged alike whatever it is written in: lists, NumPy or torch, of any precision.

What is converted does not depend on the exercise: these few have one array, several, a single
number, a function among their arguments, integers that index.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import giving, others

from operator_lab.exercises import find, judge

CHOSEN = (
    "mixing.mixing",
    "mixing.gauge",
    "training.loss",
    "continuum.heun",
    "one_hot.relabel",
    "embedding.embed",
)
FORMS = {
    "float32": lambda a: np.asarray(a, dtype=np.float32),
    # an empty list cannot say how many columns it has
    "lists": lambda a: np.asarray(a).tolist() if np.size(a) else np.array(a),
    "torch float64": lambda a: torch.tensor(np.asarray(a)),
    "torch float32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
    "torch with gradient": lambda a: torch.tensor(np.asarray(a, dtype=float), requires_grad=True),
}


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CHOSEN)
def test_a_right_answer_passes_in_any_form(name, form):
    exercise = find(name)
    for function in (exercise.reference, *others(exercise)):
        verdict = judge(exercise, giving(function, FORMS[form], exercise.parts))
        assert verdict.passed, verdict.line


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["float32", "lists", "torch float32"])
@pytest.mark.parametrize("name", CHOSEN[:4])
def test_a_mistake_is_told_its_own_reason_in_any_form(name, form):
    exercise = find(name)
    for wrong in exercise.wrong:
        verdict = judge(exercise, giving(wrong.function, FORMS[form], exercise.parts))
        assert (verdict.status, verdict.reason) == ("wrong", wrong.message)

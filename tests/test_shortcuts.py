"""Answers that are right while the numbers are kind are refused, and told nothing untrue."""

from __future__ import annotations

import numpy as np
import pytest
from exercise_laws import SHORTCUTS, is_true, shortcuts
from judged import said_by_stem

from operator_lab.exercises import find, judge, names

SAID = said_by_stem()


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", names())
def test_a_shortcut_is_refused_and_told_only_what_is_true(name):
    exercise = find(name)
    known = {wrong.message for wrong in exercise.wrong}
    for shortcut in shortcuts(exercise):
        verdict = judge(exercise, shortcut.function)
        assert verdict.status == "wrong", shortcut.name
        if verdict.reason not in known and not verdict.reason.startswith("it changes its arg"):
            with np.errstate(all="ignore"):
                said = SAID[name.split(".")[0]]
                told = is_true(verdict.reason, exercise, shortcut.function, said)
            assert told, (shortcut.name, verdict.reason)


def test_every_exercise_has_shortcuts():
    assert set(SHORTCUTS) == set(names())
    assert sum(len(shortcuts(find(name))) for name in names()) > 250

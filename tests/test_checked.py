"""`operator-lab check`: nbval's verdict beside what is solved, and what is not there."""

from __future__ import annotations

import json

import pytest
from synthetic_class import asked, filled, notebook, right

from operator_lab import __main__ as command_line
from operator_lab.course.checked import checked, summary
from operator_lab.course.lessons import chosen, lesson_of, lessons
from operator_lab.errors import LabError
from operator_lab.exercises import find, names

(MIXING,) = chosen(["03"])


def answers(but: str = "", instead: str | None = None) -> dict[str, str | None]:
    """Right answers to all exercises of notebook 03, but one."""
    given: dict[str, str | None] = {n: asked(n, right(find(n))) for n in MIXING.exercises}
    return {**given, but: instead} if but else given


def states(content: bytes, folder, cells=False) -> dict[str, str]:
    path = folder / "mine.ipynb"
    path.write_bytes(content)
    return {grade.exercise: grade.state for grade in checked(path, cells=cells).grades}


def short(content: bytes) -> bytes:
    """The exercises alone, with the ids by which their notebook is known: to be run in a test."""
    whole = json.loads(content)
    keep = [c for c in whole["cells"] if "lab.check" in "".join(c["source"])]
    texts = [c for c in whole["cells"] if c["cell_type"] == "markdown"][:9]
    head = {"cell_type": "code", "id": "h", "metadata": {}, "outputs": [], "execution_count": None}
    head["source"] = "import numpy as np\n\nimport operator_lab as lab"
    return json.dumps({**whole, "cells": [head, *texts, *keep]}).encode()


def test_all_exercises_of_the_course_are_known():
    assert sorted(n for lesson in lessons() for n in lesson.exercises) == sorted(names())
    assert chosen(["mixing"]) == chosen(["03_mixing"]) == (MIXING,)
    with pytest.raises(LabError, match="near: 'mixing'"):
        chosen(["mixin"])


def test_a_copy_is_known_by_its_cells_or_its_name():
    assert lesson_of("homework.ipynb", list(MIXING.ids)[:5]) is MIXING
    assert lesson_of("anna_03_mixing (2).ipynb") is lesson_of("Week 03.ipynb") is MIXING
    assert lesson_of("homework.ipynb") is None


@pytest.mark.thorough
def test_what_is_right_is_green(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_bytes(short(filled("03_mixing", answers())))
    found = checked(path)
    assert found.green and found.ran == 6 and found.failed == ()
    assert summary(found) == "mine.ipynb: 5 of 5 exercises passed; 0 of 6 cells failed."


@pytest.mark.parametrize(
    "way",
    [
        "deleted",
        *(
            pytest.param(way, marks=pytest.mark.thorough)
            for way in ("commented", "quoted", "markdown", "magic")
        ),
    ],
)
def test_what_is_not_there_is_missing_and_never_green(tmp_path, way, capsys):
    text = asked("mixing.gauge", right(find("mixing.gauge")))
    instead = {
        "deleted": None,
        "commented": "\n".join(f"# {line}" for line in text.split("\n")),
        "quoted": f"'''{text}'''",
        "markdown": "",
        "magic": f"%%script true\n{text}",
    }[way]
    content = short(filled("03_mixing", answers("mixing.gauge", instead)))
    assert states(content, tmp_path)["mixing.gauge"] == "missing"
    assert command_line.main(["check", str(tmp_path / "mine.ipynb")]) == 1
    printed = capsys.readouterr().out
    assert "missing" in printed and "4 of 5 exercises passed, 1 missing" in printed


@pytest.mark.thorough
def test_tags_settings_and_comments_do_not_make_it_green(tmp_path, capsys):
    """nbval alone would pass each of these cells."""
    ahead = (
        "%env OPERATOR_LAB_CHECKS=gentle\n# NBVAL_SKIP\n",
        "import os\nos.environ['OPERATOR_LAB_CHECKS'] = 'gentle'\n# NBVAL_RAISES_EXCEPTION\n",
    )
    for line in ahead:
        false = f"{line}gauge = lambda W_Q, W_K, M: (W_Q, W_K)\nlab.check('mixing.gauge', gauge)"
        content = json.loads(short(filled("03_mixing", answers())))
        content["cells"][-1] |= {
            "source": false, "metadata": {"tags": ["nbval-skip", "raises-exception"]},
        }  # fmt: skip
        content["cells"].append({**content["cells"][0], "id": "z", "source": "1 / 0"})
        content["cells"][-1]["metadata"] = {"tags": ["nbval-skip", "raises-exception"]}
        path = tmp_path / "mine.ipynb"
        path.write_text(json.dumps(content), encoding="utf-8")
        assert command_line.main(["check", str(path)]) == 1
        printed = capsys.readouterr().out
        assert "ZeroDivisionError" in printed and "4 of 5 exercises passed" in printed


def test_a_file_that_is_none_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "x.ipynb"
    path.write_text("{", encoding="utf-8")
    assert command_line.main(["check", str(path)]) == 2
    assert "is not a notebook" in capsys.readouterr().err
    path.write_bytes(notebook("x <- 1", kernelspec={"language": "R"}))
    assert command_line.main(["check", str(path)]) == 2
    assert "speaks 'R'" in capsys.readouterr().err

"""The exercises as they stand in the notebooks: untouched, answered, and all wrong at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from operator_lab.exercises import find, names

COURSE = Path(__file__).resolve().parent.parent / "course"
NOTEBOOKS = sorted(COURSE.glob("*.ipynb"))
CHECK = re.compile(r'lab\.check\("([\w.]+)"')
ANSWER = """from operator_lab.exercises import find

def answer(*arguments):
    return find("{name}").{kind}(*arguments)

{function} = lab.check("{name}", answer)
"""


def source(cell: dict) -> str:
    return "".join(cell["source"])


def exercises(notebook: dict) -> list[dict]:
    return [c for c in notebook["cells"] if c["cell_type"] == "code" and CHECK.search(source(c))]


def reduced(path: Path, change=None) -> tuple[dict, list[str]]:
    """The import cell and the exercises alone, each perhaps rewritten; with their names."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    first = next(c for c in notebook["cells"] if "import operator_lab as lab" in source(c))
    cells, asked = [dict(first)], []
    for cell in exercises(notebook):
        name = CHECK.search(source(cell))[1]
        asked.append(name)
        cells.append(dict(cell, source=change(name, source(cell)) if change else cell["source"]))
    return dict(notebook, cells=cells), asked


def answered_with(kind):
    """Put the answer `find(name).kind` into a cell, under the function name the cell uses."""

    def change(name, text):
        function = re.search(r"^(\w+) = lab\.check", text, re.MULTILINE)[1]
        return ANSWER.format(name=name, kind=kind, function=function)

    return change


def nbval(notebook: dict, folder: Path) -> tuple[str, list[bool]]:
    """Run a notebook under nbval as a class would: what it printed, and which cells passed."""
    path = folder / "answers.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--nbval-lax", "-p", "no:cacheprovider", str(path)],
        env=os.environ | {"OPERATOR_LAB_CHECKS": "strict", "COLUMNS": "200"},
        capture_output=True, text=True, cwd=folder, timeout=300,
    )  # fmt: skip
    outcomes = re.findall(r"::Cell (\d+) (PASSED|FAILED)", ran.stdout)
    assert [int(number) for number, _ in outcomes] == list(range(len(outcomes))), ran.stdout
    return ran.stdout, [word == "PASSED" for _, word in outcomes]


def test_every_exercise_stands_in_one_notebook():
    asked = [name for path in NOTEBOOKS for name in reduced(path)[1]]
    assert sorted(asked) == sorted(names())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_statements_name_minutes_and_level(path):
    """The cell before an exercise says what `find` says of it."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for before, cell in zip(cells, cells[1:], strict=False):
        if cell["cell_type"] == "code" and (found := CHECK.search(source(cell))):
            exercise = find(found[1])
            assert f"({exercise.level}, {exercise.minutes} minutes)" in source(before), found[1]


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_untouched_answered_and_all_wrong(path, tmp_path):
    """One kernel meets each exercise as it stands, then answered, then wrong: all are strict.

    That untouched notebooks run to their end where checks are gentle, the book's build shows.
    """
    untouched, asked = reduced(path)
    answered, _ = reduced(path, answered_with("reference"))
    wrong, _ = reduced(path, answered_with("wrong[0].function"))
    cells = untouched["cells"] + answered["cells"][1:] + wrong["cells"][1:]
    # An identifier names one cell only; here every exercise stands three times.
    cells = [dict(cell, id=f"cell-{number}") for number, cell in enumerate(cells)]
    out, passed = nbval(dict(untouched, cells=cells), tmp_path)
    n = len(asked)
    assert passed == [True] + n * [False] + n * [True] + n * [False], out
    told = out.replace("\n", " ")
    for name in asked:
        assert f"{name}: not attempted" in told, name
        assert f"{name}: wrong: {find(name).wrong[0].message}" in told, name
    assert "most recent call last" not in out  # one line each, no traceback

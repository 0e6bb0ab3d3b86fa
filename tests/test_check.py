"""Check, hint and solution: what a learner is told, and when a check is strict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import operator_lab
from operator_lab.errors import LabError
from operator_lab.exercises import (
    TODO,
    CheckFailed,
    check,
    find,
    hint,
    judge,
    names,
    solution,
    table,
)  # fmt: skip
from operator_lab.judge.strict import strict

RIGHT, GAUGE = find("mixing.mixing").reference, find("mixing.gauge")


@pytest.fixture
def gentle(monkeypatch):
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "gentle")


# --- check, hint, solution ---------------------------------------------------------------------


def test_a_gentle_check_says_which_function_goes_on(gentle, capsys):
    def own(S, T):
        return RIGHT(S, T)

    assert check("mixing.mixing", own) is own
    passed = capsys.readouterr().out.splitlines()
    assert passed[0] == "mixing.mixing: passed" and "your own" in passed[-1]
    assert check("mixing.mixing", lambda S, T: TODO) is RIGHT
    untouched = capsys.readouterr().out.splitlines()
    assert untouched[0] == "mixing.mixing: not attempted" and "reference" in untouched[-1]
    assert check("mixing.mixing", lambda S, T: S) is RIGHT
    wrong = capsys.readouterr().out.splitlines()
    assert wrong[0].startswith("mixing.mixing: wrong: ") and "reference" in wrong[-1]
    assert len(wrong) <= 5


def test_passing_twice_changes_nothing(gentle, capsys):
    def own(S, T):
        return RIGHT(S, T)

    once = check("mixing.mixing", own)
    said = capsys.readouterr().out
    assert check("mixing.mixing", once) is own and capsys.readouterr().out == said


def test_the_reference_that_check_returned_passes_and_is_called_so(gentle, capsys):
    returned = check("mixing.mixing", lambda S, T: S)
    capsys.readouterr()
    assert check("mixing.mixing", returned) is returned
    said = capsys.readouterr().out
    assert said.startswith("mixing.mixing: passed\n") and "This is the reference" in said


def test_the_first_line_is_the_same_in_another_process(gentle):
    code = (
        "import numpy as np, operator_lab as lab\n"
        "lab.check('mixing.exponent', lambda Q, K, tau=1.0: Q @ K.T / 3)\n"
        "lab.check('mixing.mixing', lambda S, T: np.tril(S))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    lines = runs.pop().splitlines()
    assert not runs
    assert lines[0].startswith("mixing.exponent: wrong: it is proportional to what is expected")
    assert "mixing.mixing: wrong: its rows do not sum to one" in "\n".join(lines)


def test_checking_numpy_answers_does_not_load_torch():
    code = (
        "import sys, operator_lab as lab\n"
        "lab.check('mixing.mixing', lambda S, T: S.no_such())\n"
        "print([m for m in ('torch', 'matplotlib', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
        encoding="utf-8", check=True, env={**os.environ, "OPERATOR_LAB_CHECKS": "gentle"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_name_gets_one_sentence_with_names_nearby():
    for call in (lambda n: check(n, RIGHT), hint, solution):
        with pytest.raises(LabError, match=r"is not one of the \d+ .*'mixing.mixing'"):
            call("mixing.mixin")


def test_hints_lead_on_to_the_solution(capsys):
    for level, more in ((1, 'lab.hint("mixing.gauge", 2)'), (3, 'lab.solution("mixing.gauge")')):
        hint("mixing.gauge", level)
        said = capsys.readouterr().out
        assert GAUGE.hints[level - 1] in said and more in said
    hint("mixing.gauge")
    assert GAUGE.hints[0] in capsys.readouterr().out
    for level in (0, 4, -1):
        with pytest.raises(LabError, match="ask for 1 to 3"):
            hint("mixing.gauge", level)


@pytest.mark.thorough
@pytest.mark.parametrize("name", names())
def test_a_printed_solution_is_a_right_answer(name, capsys):
    scope = {"np": np, "mixing": RIGHT}
    solution(name)
    exec(capsys.readouterr().out, scope)
    assert judge(find(name), scope[name.split(".")[1]]).passed


def test_finding_one_exercise_imports_no_other():
    code = (
        "import sys; from operator_lab.exercises import find, names\n"
        "names(); find('mixing.gauge')\n"
        "print([m for m in sys.modules if m.startswith('operator_lab.exercises.mixing.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "['operator_lab.exercises.mixing.gauge']"


def test_the_table_lists_every_exercise():
    assert [row.name for row in table()] == list(names())
    assert all(row.minutes > 0 and row.level in ("core", "stretch") for row in table())


# --- strict ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False), ({"PYTEST_VERSION": "9"}, True), ({"OPERATOR_LAB_CHECKS": "strict"}, True),
        ({"OPERATOR_LAB_CHECKS": "gentle", "PYTEST_VERSION": "9"}, False),
        ({"OPERATOR_LAB_CHECKS": " Strict "}, True), ({"OPERATOR_LAB_CHECKS": ""}, False),
    ],
)  # fmt: skip
def test_strict_is_asked_for_or_exactly_under_pytest(environment, expected):
    assert strict(environment) is expected


def test_another_word_for_strictness_is_refused():
    with pytest.raises(LabError, match="'severe'; set it to 'strict' or 'gentle'"):
        strict({"OPERATOR_LAB_CHECKS": "severe"})


def test_a_strict_check_outside_ipython_raises_its_one_line(capsys):
    with pytest.raises(CheckFailed) as failed:
        check("mixing.mixing", lambda S, T: TODO)
    assert str(failed.value) == "mixing.mixing: not attempted"
    assert isinstance(failed.value, ValueError) and capsys.readouterr().out == ""


ROOT = Path(operator_lab.__file__).resolve().parent.parent

CELLS = (
    "import numpy as np\nimport operator_lab as lab",
    'exponent = lab.check("mixing.exponent", lambda Q, K, tau=1.0: lab.TODO)',
    "exponent(np.eye(2), np.eye(2)).shape",
    "def mixing(S, T):\n    return 1 / 0",
    'mixing = lab.check("mixing.mixing", mixing)',
    "assert abs(mixing(np.eye(3), 1.0).sum() - 3) < 1e-12",
    'gauge = lab.check("mixing.gauge", lambda W_Q, W_K, M: (M @ W_Q, np.linalg.solve(M.T, W_K)))',
)


def run_notebook(folder: Path, mode: str | None) -> subprocess.CompletedProcess:
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [],
         "source": source}
        for i, source in enumerate(CELLS)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "unsolved.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "OPERATOR"))}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    if mode:
        environment["OPERATOR_LAB_CHECKS"] = mode
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", str(path), "-v",
         "--rootdir", str(folder), "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.thorough
def test_under_nbval_an_unpassed_check_fails_its_cell_and_only_it(tmp_path):
    done = run_notebook(tmp_path, None)
    failed = [i for i in range(len(CELLS)) if f"::Cell {i} FAILED" in done.stdout]
    assert failed == [1, 4], done.stdout
    assert "5 passed" in done.stdout or "2 failed, 5 passed" in done.stdout
    lines = done.stdout.splitlines()
    assert "mixing.exponent: not attempted" in lines
    assert "mixing.mixing: wrong: it raises ZeroDivisionError at line 2" in lines


def test_a_gentle_notebook_runs_to_its_end_under_nbval(tmp_path):
    done = run_notebook(tmp_path, "gentle")
    assert f"{len(CELLS)} passed" in done.stdout, done.stdout

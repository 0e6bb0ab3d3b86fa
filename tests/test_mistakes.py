"""Wrong answers are edits of the right one: each fits once, or one sentence says why not."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from operator_lab.errors import LabError
from operator_lab.exercises import mistakes

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def half(x, by=2):
    """The half of x, x / by."""
    y = x / by
    return y


def wrong(*lines: str, head: str = "name: message"):
    (found,) = mistakes(half, "\n".join([head, *(f"    {line}" for line in lines)]))
    return found.function


def test_an_edit_takes_the_place_of_a_piece():
    assert wrong("x / by => x * by")(3) == 6
    assert wrong("by=2 => by=4")(8) == 2  # the default is source as well
    assert wrong("x / by => x * by", "return y => return -y")(3) == -6
    assert wrong("return y => z = y + 1; return z")(4) == 3
    assert wrong("x / by =>    x  *  by")(3) == 6


def test_a_return_alone_takes_the_place_of_the_body():
    function = wrong("return half(x, by) + 1")  # by its name it calls the right one
    assert function(4) == 3 and inspect.signature(function) == inspect.signature(half)


def test_names_messages_and_lines_that_go_on():
    first, second = mistakes(
        half,
        """
        one: said: with a colon, and \
            on the next line
            x / by => x
        two: said
            return y => return 2 * \
                y
        """,
    )
    assert (first.name, first.message) == ("one", "said: with a colon, and on the next line")
    assert first.function(3) == 3 and (second.name, second.function(3)) == ("two", 3.0)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("x * by => x", "'x \\* by' is to be edited and stands 0 times"),
        ("y => x", "'y' is to be edited and stands [2-9] times"),
        ("The half => x", "stands 0 times"),  # words of the docstring are no code
        ("x / by", "'x / by' is no edit: write `old => new`"),
        ("x / by => x /", "'name' leaves no Python"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit, said):
    with pytest.raises(LabError, match=said):
        wrong(edit)


@pytest.mark.parametrize("text", ["    x => y", "name: message", "name\n    x => y"])
def test_a_list_that_is_incomplete_is_refused(text):
    with pytest.raises(LabError):
        mistakes(half, text)


def test_what_has_no_source_is_refused():
    for right in (len, eval("lambda x: x")):
        (found,) = mistakes(right, "name: message\n    x => y")
        with pytest.raises(LabError, match="has no source to edit"):
            found.function  # noqa: B018


def test_a_traceback_shows_the_edited_line():
    try:
        wrong("x / by => x / (by - by)")(1)
    except ZeroDivisionError:
        assert "y = x / (by - by)" in traceback.format_exc()


# --- what CONTRIBUTING says --------------------------------------------------------------------

TRIED = """
import operator_lab as lab
lab.check(EXERCISE, lambda x: x + x)
lab.check(EXERCISE, lambda x: x * x)
lab.check(EXERCISE, lambda x: 3 * x)
lab.solution(EXERCISE)
"""
SAID = [
    "double: passed",
    "double: wrong: it is the square of x: twice x is asked",
    "double: wrong: it is 1.5 x expected everywhere",
    "def double(x):",
]


@pytest.mark.parametrize("where", ["file", "notebook"])
def test_an_instructor_can_write_an_exercise(where, tmp_path, monkeypatch):
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "gentle")
    code = re.search(r"## Adding an exercise.*?```python\n(.*?)```", GUIDE, re.DOTALL)[1]
    file = tmp_path / "own.py"
    if where == "file":
        file.write_text(code + TRIED, encoding="utf-8")
    else:
        shell = "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        cells = f"for cell in {[code, TRIED]!r}:\n    Shell.instance().run_cell(cell, True)\n"
        file.write_text(shell + cells, encoding="utf-8")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, cwd=ROOT)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("double:", "def "))]
    assert lines == SAID, done.stdout + done.stderr

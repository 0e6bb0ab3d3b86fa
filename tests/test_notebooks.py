"""The course's notebooks as files: stored outputs, sizes, and numbers the prose may quote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from notebook_rules import (
    MARKED,
    a_notebook,
    code_cell,
    complaints,
    glued_formulas,
    markdown_cell,
    numbers,
    printed,
    quoted_numbers,
    supports,
)

from operator_lab import __main__ as command_line
from operator_lab.course import notebooks
from operator_lab.errors import LabError

COURSE = Path(__file__).resolve().parent.parent / "course"
COURSE_NOTEBOOKS = sorted(COURSE.glob("*.ipynb"))

# --- the course ---------------------------------------------------------------------------------


def test_every_notebook_keeps_the_rules():
    found = {path.name: complaints(notebooks.read(path)) for path in COURSE_NOTEBOOKS}
    assert {name: rules for name, rules in found.items() if rules} == {}


def test_every_page_sets_its_formulas_apart():
    pages = {path.name: path.read_text(encoding="utf-8") for path in COURSE.rglob("*.md")}
    assert {name: found for name, text in pages.items() if (found := glued_formulas(text))} == {}


@pytest.mark.parametrize(
    "text, glued",
    [
        ("With\n\n$$a = b,$$\n\nso.", False),
        ("With\n\n$$a\n= b$$ .\n\nso.", False),
        ("With\n$$a = b$$\n\nso.", True),
        ("With\n\n$$a = b$$\nso.", True),
        ("With $$a = b$$ so.", True),
        ("- an item\n  $$a = b$$", True),
        ("$$a = b$$\n$$c = d$$", True),
        ("one $$ alone", True),
        ("`$$` and\n```\n$$a$$\n```\nare code, $a$ is not displayed", False),
    ],
)
def test_a_formula_glued_to_its_paragraph_is_seen(text, glued):
    assert bool(glued_formulas(text)) is glued
    assert any("about $$" in c for c in complaints(a_notebook(markdown_cell(text)))) is glued


def test_every_notebook_is_stored_as_refresh_stores_it():
    """No volatile metadata, one newline at the end: saving again changes nothing."""
    for path in COURSE_NOTEBOOKS:
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert notebooks.clean(notebooks.read(path)) == stored, f"make notebooks: {path.name}"
        assert path.read_bytes().endswith(b"}\n") and b"\r" not in path.read_bytes()


def test_every_notebook_is_a_chapter_of_the_book():
    toc = yaml.safe_load((COURSE / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for chapter in toc.get("chapters", [])]
    missing = {path.stem for path in COURSE_NOTEBOOKS} - {Path(name).stem for name in chapters}
    assert missing == set()
    assert all(any(COURSE.glob(f"{Path(name).stem}.*")) for name in [*chapters, toc["root"]])


# --- the rules can fail -------------------------------------------------------------------------


def test_a_good_notebook_passes():
    good = a_notebook(
        markdown_cell("The share is **0.43**, 43 % or **43 %**, within **9e-14**."),
        code_cell("x = 1", name="c1"),
        code_cell(MARKED, "share 0.4312, error 8.88e-14\n", count=2, name="c2"),
    )
    assert complaints(good) == []
    assert complaints(a_notebook()) == []


@pytest.mark.parametrize(
    "notebook, complaint",
    [
        (a_notebook(code_cell(MARKED, None, 1)), "cell 1 is marked and has no stored output"),
        (a_notebook(code_cell(MARKED, "1\n")), "cell 1 is marked and has no execution count"),
        (
            a_notebook(code_cell("print(x)", "1\n")),
            "cell 1 is not marked and has a stored output or a count",
        ),
        (
            a_notebook(code_cell("x = 1", None, 3)),
            "cell 1 is not marked and has a stored output or a count",
        ),
        (a_notebook(code_cell("")), "cell 1 is empty"),
        (
            a_notebook(
                code_cell("y = 2", name="a"),
                code_cell("x = 1\n" * 16, name="b"),
                code_cell("z = 3", name="c"),
            ),
            "cell 2 has 16 lines of code",
        ),
        (
            a_notebook(code_cell("x = 1\n" * 5)),
            "the median cell has more than 4 lines of code",
        ),
        (a_notebook(kernel="conda-env-x-py"), "the kernel is not python3"),
        (
            a_notebook(markdown_cell("a", "same"), markdown_cell("b", "same")),
            "cell ids are missing or not unique",
        ),
        (
            a_notebook(markdown_cell("It is **0.44**."), code_cell(MARKED, "0.4312\n", 1)),
            "**0.44** is in no marked cell's output",
        ),
        (
            a_notebook(markdown_cell("It is **0.43**."), code_cell("print(0.43)")),
            "**0.43** is in no marked cell's output",
        ),
    ],
)
def test_a_broken_rule_is_seen(notebook, complaint):
    assert complaints(notebook) == [complaint]


@pytest.mark.parametrize(
    "quoted, printed, found",
    [
        ("0.43", "0.4312", True),
        ("0.43", "0.43", True),
        ("0.43", "0.4", False),  # the output does not say so much
        ("0.430", "0.43", False),
        ("0.43", "0.436", False),
        ("\N{MINUS SIGN}0.43", "-0.431", True),
        ("0.43", "-0.43", False),
        ("41 %", "41.2%", True),
        ("41 %", "0.412", True),
        ("41 %", "41", False),
        ("41", "41%", False),
        ("2.3×", "ratio 2.31", True),
        ("9e-14", "8.88e-14", True),
        ("9e-14", "8.88e-15", False),
        ("9×10⁻¹⁴", "8.88e-14", True),
        ("3 of 16", "16 heads, 3 found", True),
        ("3 of 16", "16 heads, 4 found", False),
        ("1,024", "1024", True),
        ("12", "W12 or 12.7.1", False),
        ("0.5 nats", "entropy 0.50 nats", True),
    ],
)
def test_a_quoted_number_is_looked_up_at_its_precision(quoted, printed, found):
    notebook = a_notebook(markdown_cell(f"So **{quoted}**."), code_cell(MARKED, printed, 1))
    assert (complaints(notebook) == []) is found


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_number_supports_its_own_rounding(value, digits):
    (precise,), (rounded,) = numbers(f"{value:.8f}"), numbers(f"{value:.{digits}f}")
    assert supports(precise, rounded)
    step = Decimal(1).scaleb(-digits)
    assert not supports(precise, (rounded[0] + 2 * step, False))


def test_code_and_formulas_are_no_quotations():
    text = "`x**2 + y**2`, $a**3**$ and\n```\n**7**\n```\nbut **plain** and **8**"
    assert [passage for passage, _ in quoted_numbers(text)] == ["8"]


# --- refreshing ---------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "00_example.ipynb"
    cells = [
        markdown_cell("The sum is **5**."),
        code_cell("import os, warnings\nwarnings.warn('to stderr')\nx = 2 + 3\nx", "9\n", 7, "c1"),
        code_cell(
            "# NBVAL_CHECK_OUTPUT\nprint('sum', x)\nprint(os.environ['OPERATOR_LAB_CHECKS'])",
            name="c2",
        ),
        code_cell("# NBVAL_CHECK_OUTPUT\nx / 2", name="c3"),
    ]
    cells[1]["metadata"] = {"execution": {"started": "now"}, "tags": ["keep"], "scrolled": True}
    notebook = a_notebook(*cells)
    notebook["metadata"]["widgets"] = {"state": {}}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def nbval(path: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "OPERATOR_LAB_CHECKS": "gentle"}
    return subprocess.run(
        [*command, path.name], cwd=path.parent, env=environment, capture_output=True, text=True
    )


@pytest.mark.thorough
def test_refresh_keeps_the_compared_outputs_and_no_others(stored):
    assert notebooks.refresh([stored], progress=False) == [stored]
    notebook = notebooks.read(stored)
    assert complaints(notebook) == []
    assert printed(notebook) == "sum 5\ngentle\n\n2.5"
    plain, *marked = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert plain["outputs"] == [] and plain["execution_count"] is None
    assert plain["metadata"] == {"tags": ["keep"]}
    assert [cell["execution_count"] for cell in marked] == [2, 3]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert list(stored.parent.iterdir()) == [stored]

    before = stored.read_bytes()
    assert notebooks.refresh([stored], progress=False) == []
    assert stored.read_bytes() == before

    assert nbval(stored).returncode == 0
    stored.write_text(stored.read_text(encoding="utf-8").replace("sum 5", "sum 6"), "utf-8")
    tampered = nbval(stored)
    assert tampered.returncode == 1 and "1 failed" in tampered.stdout


@pytest.mark.thorough
@pytest.mark.parametrize(
    "text, sentence",
    [
        ("1 / 0", r"00_example.ipynb is left as it was: cell 5 raised ZeroDivisionError: division"),
        ("# NBVAL_CHECK_OUTPUT\ny = 1", "cell 5 is marked NBVAL_CHECK_OUTPUT but printed nothing"),
        (
            "# NBVAL_CHECK_OUTPUT\nimport sys\nprint('w', file=sys.stderr)",
            "cell 5 is marked NBVAL_CHECK_OUTPUT but made stderr",
        ),
        (
            "# NBVAL_CHECK_OUTPUT\nfrom IPython.display import HTML\nHTML('<b>1</b>')",
            "but made text/html, text/plain; a compared cell prints plain text only",
        ),
    ],
)
def test_a_notebook_that_fails_is_left_as_it_was(stored, text, sentence):
    notebook = json.loads(stored.read_text(encoding="utf-8"))
    notebook["cells"].append(code_cell(text, name="c4"))
    stored.write_text(json.dumps(notebook), encoding="utf-8")
    before = stored.read_bytes()
    with pytest.raises(LabError, match=sentence):
        notebooks.refresh([stored], progress=False)
    assert stored.read_bytes() == before
    assert list(stored.parent.iterdir()) == [stored]


def test_a_kernel_that_dies_or_never_starts_gets_one_sentence(tmp_path):
    dying = a_notebook(code_cell("import os\nos._exit(1)"))
    with pytest.raises(LabError, match="^the kernel died, perhaps for lack of memory.$"):
        notebooks.execute(dying, tmp_path)
    lost = {"PYTHONHOME": str(tmp_path)}  # no standard library there: Python stops at once
    with pytest.raises(LabError, match="^the kernel did not start .*; is ipykernel installed"):
        notebooks.execute(dying, tmp_path, environment=lost)


def test_an_interruption_leaves_the_file_as_it_was(stored, monkeypatch):
    before = stored.read_bytes()

    def interrupt(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("operator_lab.files.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        notebooks.write(stored, a_notebook())
    assert stored.read_bytes() == before
    assert list(stored.parent.iterdir()) == [stored]


def test_ids_are_given_once_and_stay(tmp_path):
    path = tmp_path / "old.ipynb"
    cell = {"cell_type": "code", "metadata": {}, "source": ["x = 1"], "outputs": []}
    old = {"cells": [dict(cell, execution_count=None), dict(cell, execution_count=None)]}
    path.write_text(json.dumps({**old, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    first, second = notebooks.read(path)["cells"]
    assert first["id"] != second["id"]
    notebooks.write(path, notebooks.clean(notebooks.read(path)))
    assert [c["id"] for c in notebooks.read(path)["cells"]] == [first["id"], second["id"]]


@pytest.mark.parametrize(
    "content, sentence",
    [
        (None, "cannot be read: No such file"),
        ("not json", "is not a notebook: it does not hold JSON"),
        ("[]", "is not a notebook of format 4; open and save it in JupyterLab"),
        ('{"nbformat": 3, "worksheets": []}', "is not a notebook of format 4"),
    ],
)
def test_a_file_that_is_no_notebook_gets_one_sentence(tmp_path, capsys, content, sentence):
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert command_line.main(["refresh", str(path)]) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1


@pytest.mark.parametrize(
    "text, marked",
    [
        ("# NBVAL_CHECK_OUTPUT\nx", True),
        ("x = 1\n  #NBVAL_CHECK_OUTPUT", True),
        ("print('# NBVAL_CHECK_OUTPUT')", False),
        ("# NBVAL_CHECK_OUTPUT please", False),
        ("x  # NBVAL_CHECK_OUTPUT", False),
    ],
)
def test_a_mark_is_what_nbval_takes_for_one(text, marked):
    from nbval.plugin import find_comment_markers

    assert notebooks.is_marked(text) is marked
    assert dict(find_comment_markers(text)).get("check", False) is marked

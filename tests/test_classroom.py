"""A learner's copies: everything missing is copied, nothing is ever overwritten."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from operator_lab import __main__ as command_line
from operator_lab.course import classroom, notebooks
from operator_lab.errors import LabError


def notebook(text, **ran):
    """A notebook of one code cell, as `refresh` writes it; `ran` is what a run leaves in it."""
    cell = {"cell_type": "code", "execution_count": None, "id": "a1", "metadata": {}, "outputs": []}
    cells = [{**cell, "source": [text], **ran}]
    parts = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return notebooks.content(parts)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "course"
    for name in (
        "01_one_hot.ipynb",
        "03_mixing.ipynb",
        "dictionary.md",
        "instructor.md",
        "_toc.yml",
        "images/ring.svg",
        "_static/loader.js",
        "_build/html/old.ipynb",
        ".ipynb_checkpoints/03_mixing-checkpoint.ipynb",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        text = f"first version of {name} – ψ"
        content = notebook(text) if name.endswith(".ipynb") else text.encode()
        (folder / name).write_bytes(content)
    return folder


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


EXPECTED = {"01_one_hot.ipynb", "03_mixing.ipynb", "dictionary.md", "images/ring.svg"}


def test_copies_what_is_missing(source, tmp_path):
    done = classroom.learn(source, tmp_path / "mine")
    assert files(tmp_path / "mine") == EXPECTED == {p.as_posix() for p in done.copied}
    assert done.kept == ()
    copy = tmp_path / "mine" / "03_mixing.ipynb"
    assert copy.read_bytes() == (source / "03_mixing.ipynb").read_bytes()


def test_never_overwrites(source, tmp_path):
    mine = tmp_path / "mine"
    classroom.learn(source, mine)
    (mine / "03_mixing.ipynb").write_text("my answers", encoding="utf-8")
    (source / "03_mixing.ipynb").write_bytes(notebook("second version"))
    (source / "04_channels.ipynb").write_bytes(notebook("new"))
    done = classroom.learn(source, mine)
    assert [p.as_posix() for p in done.copied] == ["04_channels.ipynb"]
    assert {p.as_posix() for p in done.kept} == EXPECTED
    assert (mine / "03_mixing.ipynb").read_text(encoding="utf-8") == "my answers"


def test_a_copy_does_not_tell_the_answer(source, tmp_path):
    said = {"name": "stdout", "output_type": "stream", "text": ["0.62"]}
    path = source / "03_mixing.ipynb"
    path.write_bytes(notebook("print(weight)", outputs=[said], execution_count=3))
    classroom.learn(source, tmp_path / "mine")
    assert (tmp_path / "mine" / path.name).read_bytes() == notebook("print(weight)")
    assert b"0.62" in path.read_bytes()  # the course keeps its own


def test_this_course_is_copied_without_outputs_and_otherwise_as_it_is(tmp_path):
    classroom.learn(classroom.course(), tmp_path / "mine")
    paths = sorted(classroom.course().glob("*.ipynb"))
    assert len(paths) == 12
    for path in paths:
        own = json.loads(path.read_bytes())
        assert any(cell.get("outputs") for cell in own["cells"])
        for cell in own["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        lines = json.dumps(own, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        assert (tmp_path / "mine" / path.name).read_bytes() == lines.encode()


@pytest.mark.thorough
def test_a_copy_is_run_but_compared_with_nothing(source, tmp_path):
    """A marked cell whose stored output is wrong passes in the copy, and an error is an error."""
    said = {"name": "stdout", "output_type": "stream", "text": ["2\n"]}
    marked = "# NBVAL_CHECK_OUTPUT\nprint(1)"
    for name, text in (("01_one_hot", marked), ("03_mixing", "1 / 0")):
        path = source / f"{name}.ipynb"
        path.write_bytes(notebook(text, outputs=[said], execution_count=1))
    mine = tmp_path / "mine"
    classroom.learn(source, mine)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", str(mine)],
        capture_output=True, text=True, cwd=mine,
    )  # fmt: skip
    assert "1 failed, 1 passed" in ran.stdout and "ZeroDivisionError" in ran.stdout, ran.stdout


def test_refuses_a_notebook_that_is_none(source, tmp_path):
    (source / "03_mixing.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(LabError, match="03_mixing.ipynb is not a notebook"):
        classroom.learn(source, tmp_path / "mine")


def test_leaves_a_broken_link_alone(source, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "03_mixing.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    classroom.learn(source, mine)
    assert (mine / "03_mixing.ipynb").is_symlink()
    assert not (tmp_path / "elsewhere.ipynb").exists()


def test_leaves_no_temporary_file_when_copying_fails(source, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("operator_lab.files.os.replace", full)
    with pytest.raises(LabError, match=r"cannot be written: No space left on device\.$"):
        classroom.learn(source, tmp_path / "mine")
    assert files(tmp_path / "mine") == set()


def test_refuses_folders_inside_one_another(source, tmp_path):
    for target in (source, source / "mine", tmp_path):
        with pytest.raises(LabError, match="lie inside one another; choose another folder"):
            classroom.learn(source, target)


def test_refuses_a_file_as_target(source, tmp_path):
    (tmp_path / "mine").write_text("a file", encoding="utf-8")
    with pytest.raises(LabError, match="mine is a file; choose another folder for your copies"):
        classroom.learn(source, tmp_path / "mine")


def test_refuses_a_missing_course(tmp_path):
    with pytest.raises(LabError, match="nowhere is not a folder; give the folder of the course"):
        classroom.learn(tmp_path / "nowhere", tmp_path / "mine")


def test_says_when_there_is_no_repository_around_it(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "__file__", str(tmp_path / "operator_lab" / "classroom.py"))
    with pytest.raises(LabError, match="clone the repository and install it"):
        classroom.course()


def test_the_command_copies_this_course(tmp_path, capsys):
    assert command_line.main(["learn", "--to", str(tmp_path / "mine")]) == 0
    assert "index.md" in files(tmp_path / "mine")
    assert "files copied to" in capsys.readouterr().out
    assert command_line.main(["learn", "--to", str(tmp_path / "mine")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("0 files copied") and "left as they are" in printed


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "mine").write_text("a file", encoding="utf-8")
    assert command_line.main(["learn", "--to", str(tmp_path / "mine")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("operator-lab: ") and printed.err.count("\n") == 1


def test_every_command_of_before_is_there(capsys):
    assert command_line.main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in ("learn", "doctor", "refresh", "soak", "models", "ensemble"):
        assert f"  {name} " in listed
        assert command_line.main([name, "--help"]) == 0


def test_an_unknown_command_or_option_is_exit_code_2(capsys):
    assert command_line.main(["lern"]) == 2
    assert "lern" in capsys.readouterr().err
    assert command_line.main(["learn", "--two", "x"]) == 2


def test_runs_as_a_module_in_a_console_without_unicode():
    run = subprocess.run(
        [sys.executable, "-m", "operator_lab", "--help"],
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0 and "learn" in run.stdout

"""Copies for a class: chosen, clean, signed, and never written over."""

from __future__ import annotations

import json
from datetime import date

import pytest

from operator_lab import __main__ as command_line
from operator_lab.course.handout import hand_out
from operator_lab.course.lessons import chosen, lesson_of
from operator_lab.errors import LabError


def test_a_copy_is_clean_and_says_for_whom(tmp_path):
    hand_out(tmp_path / "to", chosen(["03"]), "Physics *7*", date(2027, 1, 2))
    (path,) = (tmp_path / "to").glob("*.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    title = "".join(notebook["cells"][0]["source"]).splitlines()
    assert title[:3] == ["# 03 · First-order mixing", "", r"*Physics \*7\* · 2027-01-02*"]
    about = {"class": "Physics *7*", "date": "2027-01-02", "notebook": "03_mixing"}
    assert notebook["metadata"]["operator_lab"] == about
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert lesson_of("x.ipynb", [cell["id"] for cell in notebook["cells"]]) in chosen(["03"])
    assert (tmp_path / "to" / "dictionary.md").is_file()
    assert not (tmp_path / "to" / "instructor.md").exists()


def test_a_folder_for_each_student_and_nothing_is_written_over(tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("Anna Berg\n\n  Bo\n", encoding="utf-8")
    command = ["hand-out", str(tmp_path / "to"), "--only", "03", "--class", "P7"]
    command += ["--date", "2027-01-02", "--students", str(names)]
    assert command_line.main(command) == 0
    mine = tmp_path / "to" / "Anna Berg" / "03_mixing.ipynb"
    mine.write_text("my answers", encoding="utf-8")
    assert command_line.main([*command, "--only", "01"]) == 0
    assert mine.read_text(encoding="utf-8") == "my answers"
    assert (tmp_path / "to" / "Bo" / "01_one_hot.ipynb").is_file()
    assert "left as they are" in capsys.readouterr().out


@pytest.mark.parametrize("names", [["../x"], ["a/b"], [".x"], ["a\0"]])
def test_names_that_are_no_folder(tmp_path, names):
    with pytest.raises(LabError, match="cannot name a folder"):
        hand_out(tmp_path / "to", chosen(["03"]), students=names)
    assert list(tmp_path.iterdir()) == []


def test_a_name_given_twice(tmp_path):
    with pytest.raises(LabError, match="'anna' stands twice"):
        hand_out(tmp_path / "to", chosen(["03"]), students=["anna", "Anna"])

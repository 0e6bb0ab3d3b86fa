"""Grading a class: whose files they are, what is kept, and the tables."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest
from synthetic_class import asked, doing, make, notebook, wrong_cells

from operator_lab import __main__ as command_line
from operator_lab.course.grading import folder as classes
from operator_lab.course.grading import gradebook, into_nbgrader
from operator_lab.course.grading.room import room
from operator_lab.course.grading.visit import Grade
from operator_lab.course.grading.warden import Limits
from operator_lab.course.lessons import chosen
from operator_lab.errors import LabError
from operator_lab.exercises import find

LIMITS = Limits(seconds=40, memory=2**30, processes=32)
RIGHT = "return Q @ K.T / (tau * np.sqrt(Q.shape[1]))"


def exponent(lines: str) -> str:
    return asked("mixing.exponent", doing(find("mixing.exponent"), lines))


def grade(folder: Path, only=()) -> classes.Marks:
    return classes.grade(folder / "class", folder / "to", only, LIMITS, progress=False)


def test_links_pipes_and_archives_are_told(tmp_path):
    own = tmp_path / "class" / "anna"
    (own / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.ipynb").write_bytes(notebook(exponent(RIGHT)))
    (own / "03_mixing.ipynb").symlink_to(tmp_path / "elsewhere" / "x.ipynb")
    (own / "away").symlink_to(tmp_path / "elsewhere")
    (own / "all.zip").write_bytes(b"PK")
    os.mkfifo(own / "pipe.ipynb")
    (own / "deep" / "mine.ipynb").write_bytes(notebook(exponent("return Q @ K.T")))
    marks = grade(tmp_path, chosen(["03"]))
    assert marks.grades["anna"]["mixing.exponent"].state == "wrong"
    assert marks.grades["anna"]["mixing.gauge"].state == "broken"
    said = " ".join(marks.remarks["anna"].values())
    assert "link" in said and "archive" in said and "no ordinary file" in said


def test_who_a_file_belongs_to(tmp_path):
    for path in (
        "anna/03_mixing.ipynb",
        "Bo Berg_4711_assignsubmission_file_/week 1/x.ipynb",
        "carl_03_mixing (1).ipynb",
        "dora-03_mixing.ipynb",
        "03_mixing.ipynb",
        "anna/.ipynb_checkpoints/03_mixing-checkpoint.ipynb",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(notebook())
    (tmp_path / "emil").mkdir()
    found = {own.student: len(own.files) for own in classes.submissions(tmp_path)}
    assert found == {
        "anna": 1, "Bo Berg_4711_assignsubmission_file_": 1, "carl": 1, "dora": 1, "03_mixing": 1,
        "emil": 0,
    }  # fmt: skip


def test_folders_that_cannot_be_graded(tmp_path):
    with pytest.raises(LabError, match="is not a folder"):
        classes.grade(tmp_path / "none", tmp_path / "to", progress=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabError, match="holds no notebooks"):
        classes.grade(tmp_path / "empty", tmp_path / "to", progress=False)
    with pytest.raises(LabError, match="There is no room 'cellar'"):
        room("cellar")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Twelve students, graded by two processes; the truth, and the folders."""
    folder = tmp_path_factory.mktemp("small")
    stems = {lesson.stem: lesson.exercises for lesson in chosen(["03"])}
    return make(folder / "class", 12, stems), folder


def states(path: Path) -> dict:
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table: dict = {}
    for row in rows:
        table.setdefault(row["student"], {})[row["exercise"]] = (row["state"], row["said"])
    return table


def test_a_class_is_graded_without_a_wrong_cell(small):
    truth, folder = small
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        marks = classes.grade(
            folder / "class", folder / "to", limits=LIMITS, executor=pool, progress=False
        )
    gradebook.write(marks, folder / "to")
    assert wrong_cells(truth, states(folder / "to" / "details.csv")) == []
    page = (folder / "to" / "grades.html").read_text(encoding="utf-8")
    assert page.count('<th scope="row">') == 12 + 5 and "http" not in page


@pytest.mark.thorough
def test_killed_in_the_middle_it_goes_on_to_the_same_table(small):
    """What was done before the kill is not run again, and both tables are the truth."""
    truth, folder = small
    to = folder / "killed"
    command = [
        sys.executable,
        "-m",
        "operator_lab",
        "grade",
        str(folder / "class"),
        "--to",
        str(to),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 120
    while len(list(to.glob(".grading/*.json"))) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in to.glob(".grading/*.json")}
    assert 3 <= len(done) < 12 and not (to / "grades.csv").exists()
    assert command_line.main(command[3:]) == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert wrong_cells(truth, states(to / "details.csv")) == []
    shutil.rmtree(to)


def test_a_changed_file_is_graded_again(tmp_path):
    own = tmp_path / "class" / "anna"
    own.mkdir(parents=True)
    for lines, due in ((RIGHT, "passed"), ("return Q @ K.T", "wrong")):
        (own / "03.ipynb").write_bytes(notebook(exponent(lines)))
        marks = grade(tmp_path)
        assert marks.grades["anna"]["mixing.exponent"].state == due
        assert marks.grades["anna"]["mixing.gauge"].state == "missing"


def test_the_tables_for_other_systems(tmp_path):
    own = tmp_path / "class" / "=Eva_12_assignsubmission_file_"
    own.mkdir(parents=True)
    (own / "x.ipynb").write_bytes(notebook(exponent(f"raise ValueError('=cmd()')\n{RIGHT}")))
    marks = grade(tmp_path)
    paths = {
        path.name: path.read_text(encoding="utf-8") for path in gradebook.write(marks, tmp_path)
    }
    moodle = list(csv.DictReader(paths["moodle.csv"].splitlines()))
    assert moodle[0]["Identifier"] == "Participant 12" and moodle[0]["Full name"] == "'=Eva"
    assert {"Grade", "Last modified (grade)", "Feedback comments"} <= moodle[0].keys()
    exported = list(csv.DictReader(paths["nbgrader.csv"].splitlines()))
    assert (exported[0]["score"], exported[0]["max_score"]) == ("0", "5")
    assert not any(row[:1] in "=+@" for row in paths["details.csv"].splitlines())


class Gradebook:
    """The six calls of nbgrader.api.Gradebook that are needed; it refuses what it would refuse."""

    kept: ClassVar[dict] = {}

    def __init__(self, address: str):
        self.db = SimpleNamespace(commit=lambda: None)
        self.cells, self.handed_in = {}, set()
        self.kept[address] = self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def update_or_create_assignment(self, name):
        self.cells.setdefault(name, None)

    def update_or_create_notebook(self, name, assignment):
        self.cells[assignment] = {}

    def update_or_create_grade_cell(self, name, notebook, assignment, max_score, cell_type):
        self.cells[assignment][name] = {}

    def update_or_create_student(self, student):
        self.handed_in.add((student, None))

    def update_or_create_submission(self, assignment, student):
        assert (student, None) in self.handed_in and self.cells[assignment]
        self.handed_in.add((student, assignment))
        for grades in self.cells[assignment].values():
            grades[student] = SimpleNamespace(auto_score=None, needs_manual_grade=True)

    def find_grade(self, name, notebook, assignment, student):
        return self.cells[assignment][name][student]


def test_marks_go_into_the_gradebook_of_nbgrader(tmp_path, monkeypatch):
    lesson = chosen(["03"])[0]
    states = ("passed", "wrong", "by hand", *["missing"] * 9)
    grades = {n: Grade(n, s, "") for n, s in zip(lesson.exercises, states, strict=False)}
    marks = classes.Marks(("anna",), (lesson,), {"anna": grades}, {"anna": {}})
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    with pytest.raises(LabError, match="nbgrader is not installed here"):
        into_nbgrader.record(marks, tmp_path / "gradebook.db")
    monkeypatch.setitem(sys.modules, "nbgrader", ModuleType("nbgrader"))
    monkeypatch.setitem(sys.modules, "nbgrader.api", SimpleNamespace(Gradebook=Gradebook))
    into_nbgrader.record(marks, tmp_path / "gradebook.db")
    cells = Gradebook.kept[f"sqlite:///{tmp_path / 'gradebook.db'}"].cells[lesson.stem]
    written = [vars(cells[name]["anna"]) for name in lesson.exercises]
    assert [w["auto_score"] for w in written] == [1, 0, 0, *[0] * (len(written) - 3)]
    assert [w["needs_manual_grade"] for w in written][:4] == [False, False, True, False]


def test_pages_escape_what_students_write():
    lesson = chosen(["03"])[0]
    grades = {n: Grade(n, "wrong", "<script>alert(1)</script>\"'") for n in lesson.exercises}
    marks = classes.Marks(("<b>x",), (lesson,), {"<b>x": grades}, {"<b>x": {"<i>": "<u>"}})
    page = gradebook.page(marks)
    assert "<script>" not in page and "<b>x" not in page and "<i>" not in page and "<u>" not in page

"""One notebook, checked as in class: does it run from top to bottom, and what is solved in it?

Two verdicts stand side by side. nbval runs every cell; the exercises are found and judged apart
from it, so that one that was deleted is missing, and no tag, comment or setting makes it green.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from . import notebooks
from .grading.room import room
from .grading.visit import Grade, Visit, visit
from .grading.warden import Limits
from .lessons import Lesson, lesson_of

_MARKER = re.compile(r"^\s*#\s*NBVAL_(?!CHECK_OUTPUT).*$|^\s*#\s*PYTEST_VALIDATE.*$", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A cell that failed: its place among all cells, its first line of code, and why."""

    number: int
    first: str
    why: str


@dataclass(frozen=True)
class Checked:
    """What was found in one notebook: a grade for each exercise of its lesson, and failed cells."""

    path: Path
    lesson: Lesson | None
    grades: tuple[Grade, ...]
    failed: tuple[Cell, ...]
    ran: int

    @property
    def green(self) -> bool:
        """Whether nothing is left to do: every exercise passed, and every cell ran."""
        solved = all(grade.state == "passed" for grade in self.grades)
        return bool(self.lesson) and solved and not self.failed


def checked(path: Path, cells: bool = True, where: str = "") -> Checked:
    """Check one notebook; without `cells` only its exercises are looked at, which takes a second.

    LabError if it is no notebook that can be read.
    """
    path = Path(path)
    notebook = notebooks.read(path)
    found = visit({path.name: path.read_bytes()}, room(where), Limits())
    if why := found.unreadable.get(path.name):
        raise LabError(f"{path} cannot be checked: {why}.")
    lesson = lesson_of(path.name, found.ids.get(path.name, ()))
    grades = tuple(_grades(found, lesson))
    checks = {grade.cell for grade in grades}
    ran, failed = _run(notebook, path.resolve().parent) if cells else (0, [])
    others = tuple(cell for cell in failed if cell.number not in checks)
    return Checked(path, lesson, grades, others, ran)


def _grades(found: Visit, lesson: Lesson | None) -> Iterator[Grade]:
    best = found.best()
    asked = lesson.exercises if lesson else ()
    for name in dict.fromkeys((*asked, *best)):
        yield best.get(name, Grade(name, "missing", "its check is not in the notebook"))


def _run(notebook: dict, folder: Path) -> tuple[int, list[Cell]]:
    """Run every cell under nbval, strictly: how many ran, and those that failed."""
    plain = _plain(notebook)
    with tempfile.TemporaryDirectory() as scratch:
        copy, report = Path(scratch, "notebook.ipynb"), Path(scratch, "report.xml")
        copy.write_bytes(notebooks.content(plain))
        command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
        command += ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", scratch]
        ran = subprocess.run(
            [*command, f"--junitxml={report}", str(copy)],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "OPERATOR_LAB_CHECKS": "strict"},
        )
        if not report.is_file():
            last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no word"]
            raise LabError(f"nbval did not run: {last[0]}")
        cases = list(xml.parse(report).iter("testcase"))
    code = [(n, cell) for n, cell in enumerate(plain["cells"], start=1) if _is_code(cell)]
    failed = []
    for case in cases:
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        number = re.search(r"(\d+)$", case.get("name", ""))
        if wrong is not None and number:
            place, cell = code[int(number[1])]
            failed.append(Cell(place, _first(cell), _why(wrong.text or "")))
    return len(cases), failed


def _plain(notebook: dict) -> dict:
    """The notebook without anything that tells nbval to look away, in this Python's kernel."""
    cells = []
    for cell in notebook["cells"]:
        text = _MARKER.sub("", "".join(cell["source"]))
        cells.append({**cell, "metadata": {}, "source": text})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {**notebook, "cells": cells, "metadata": kernel}


def _is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code"


def _first(cell: dict) -> str:
    lines = "".join(cell["source"]).strip().splitlines()
    return next((line for line in lines if not line.startswith("#")), "")[:60]


def _why(text: str) -> str:
    """The last telling line of what nbval says: the exception, or that an output differs."""
    plain = re.sub(r"(\x1b|#x1B)\[[0-9;]*m", "", text)  # an XML report spells out the colours
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt)\b", line)]
    differs = [line for line in lines if "mismatch" in line.lower() or "differ" in line.lower()]
    return (raised[-1:] or differs[:1] or lines[-1:] or ["failed"])[0][:200]


def summary(found: Checked) -> str:
    """One sentence on a checked notebook."""
    solved = sum(grade.state == "passed" for grade in found.grades)
    said = f"{found.path.name}: {solved} of {len(found.grades)} exercises passed"
    if found.lesson is None:
        return f"{said}; it is no copy of a notebook of the course, so nothing can be missing."
    missing = sum(grade.state == "missing" for grade in found.grades)
    said += f", {missing} missing" if missing else ""
    return f"{said}; {len(found.failed)} of {found.ran} cells failed." if found.ran else f"{said}."

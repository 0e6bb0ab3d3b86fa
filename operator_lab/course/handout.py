"""Copies for a class: chosen notebooks as nobody has run them, with class and date inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ..errors import LabError
from . import notebooks
from .classroom import Learned, course, learn
from .lessons import Lesson


def hand_out(
    to: Path,
    only: Sequence[Lesson],
    name: str = "",
    day: date | None = None,
    students: Sequence[str] = (),
) -> list[Learned]:
    """Copy the notebooks into a folder, or into one for each student; nothing is overwritten.

    The pages and pictures go with them. Each notebook says below its title for which class it was
    made and when. LabError for a student whose name is no name of a folder, or given twice.
    """
    for student in students:
        if not re.fullmatch(r"[^\\/:*?\"<>|\0.][^\\/:*?\"<>|\0]*", student):
            raise LabError(f"{student!r} cannot name a folder; write letters, digits, spaces or -.")
    if len({student.casefold() for student in students}) < len(students):
        twice = next(
            s for s in students if [x.casefold() for x in students].count(s.casefold()) > 1
        )
        raise LabError(f"{twice!r} stands twice among the students; give each a name of their own.")
    stems = {lesson.stem for lesson in only}
    day = day or date.today()

    def content(path: Path) -> bytes | None:
        if path.suffix != ".ipynb":
            return path.read_bytes()
        if path.stem not in stems:
            return None
        return notebooks.content(
            _signed(notebooks.unrun(notebooks.read(path)), name, day, path.stem)
        )

    folders = [Path(to) / student for student in students] or [Path(to)]
    return [learn(course(), folder, content) for folder in folders]


def _signed(notebook: dict, name: str, day: date, stem: str) -> dict:
    """The notebook with class and date below its title, and among its metadata."""
    said = " · ".join(filter(None, (name.strip(), day.isoformat())))
    plain = re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", said)  # a name is no Markdown
    first, *rest = notebook["cells"]
    title, _, text = "".join(first["source"]).partition("\n")
    signed = {**first, "source": f"{title}\n\n*{plain}*\n{text}".splitlines(keepends=True)}
    about = {"class": name.strip(), "date": day.isoformat(), "notebook": stem}
    metadata = {**notebook["metadata"], "operator_lab": about}
    return {**notebook, "cells": [signed, *rest], "metadata": metadata}

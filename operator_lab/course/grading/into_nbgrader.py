"""The marks of a class in nbgrader's gradebook: notebooks are assignments, exercises cells."""

from __future__ import annotations

from pathlib import Path

from ...errors import LabError
from .folder import Marks


def record(marks: Marks, database: Path) -> Path:
    """Write all marks into nbgrader's gradebook.db; LabError where nbgrader or its tool is missing.

    One point an exercise; what is to be judged by hand waits for a manual grade. What else stands
    in the gradebook stays, and the same marks may be written again.
    """
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        raise LabError(
            "nbgrader is not installed here; `python -m pip install nbgrader`, or use nbgrader.csv."
        ) from None

    try:
        with Gradebook(f"sqlite:///{Path(database).absolute()}") as book:
            _fill(book, marks)
    except FileNotFoundError as error:  # nbgrader starts alembic by name to make a new gradebook
        raise LabError(
            f"{database} cannot be made: nbgrader needs the command {error.filename}, which is not "
            "there; activate the environment (its bin folder must be on the PATH)."
        ) from error
    return Path(database)


def _fill(book, marks: Marks) -> None:
    for lesson in marks.lessons:
        book.update_or_create_assignment(lesson.stem)
        book.update_or_create_notebook(lesson.stem, lesson.stem)
        for name in lesson.exercises:
            cell = {"max_score": 1, "cell_type": "code"}
            book.update_or_create_grade_cell(name, lesson.stem, lesson.stem, **cell)
    for student in marks.students:
        book.update_or_create_student(student)
        for lesson in marks.lessons:
            book.update_or_create_submission(lesson.stem, student)
            for name in lesson.exercises:
                state = marks.grades[student][name].state
                grade = book.find_grade(name, lesson.stem, lesson.stem, student)
                grade.auto_score = float(state == "passed")
                grade.needs_manual_grade = state == "by hand"
    book.db.commit()

"""The tables of a class: for people (HTML, CSV), and for nbgrader and Moodle."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import LabError
from ...files import write_whole
from .folder import Marks
from .visit import STATES, Grade

SIGNS = dict(zip(STATES, ("✓", "✎", "✗", "∞", "!", "·", "–"), strict=True))
_MOODLE = re.compile(r"^(?P<name>.+)_(?P<id>\d+)_assignsubmission_")
_EXPORT = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip
STYLE = """
:root { color-scheme: light dark; --passed: #2a9d5c; --wrong: #d1495b; --time: #8d5fb4;
  --hand: #4a90d9; --broken: #a15c00; --attempted: #d9c26a; --missing: #9aa0a6; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto;
  padding: 0 1rem; }
.heat { overflow-x: auto; } table { border-collapse: collapse; }
th, td { padding: .2rem .45rem; text-align: left; font-weight: normal; }
th { position: sticky; left: 0; background: Canvas; }
thead th.exercise { writing-mode: vertical-rl; transform: rotate(180deg); padding: .45rem .2rem; }
td.state { text-align: center; color: #fff; border: 1px solid Canvas; min-width: 1.1rem; }
.passed { background: var(--passed); } .wrong { background: var(--wrong); }
.out-of-time { background: var(--time); } .broken { background: var(--broken); }
td.not-attempted { background: var(--attempted); color: #222; }
td.by-hand { background: var(--hand); color: #000; }
td.missing { background: var(--missing); color: #222; }
details { margin: .3rem 0; } summary { cursor: pointer; }
"""


def write(marks: Marks, to: Path) -> list[Path]:
    """Write all tables into a folder and return their paths; LabError if it cannot be written."""
    tables = {
        "grades.csv": _csv(_wide(marks)),
        "details.csv": _csv(_long(marks)),
        "grades.html": page(marks),
        "nbgrader.csv": _csv(_nbgrader(marks)),
        "moodle.csv": _csv(_moodle(marks)),
    }
    for name, text in tables.items():
        try:
            write_whole(Path(to) / name, text.encode("utf-8"))
        except OSError as error:
            raise LabError(f"{Path(to) / name} cannot be written: {error.strerror}.") from error
    return [Path(to) / name for name in tables]


def page(marks: Marks) -> str:
    """Return one page with the heat map, each exercise's counts, and every student's diagnoses."""
    legend = " &nbsp; ".join(f"<b>{sign}</b> {state}" for state, sign in SIGNS.items())
    head = "".join(f'<th class="exercise" scope="col">{n}</th>' for n in marks.exercises)
    rows = "".join(_row(marks, student) for student in marks.students)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Grades</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><h1>Grades</h1>"
        f"<p>{len(marks.students)} students, {len(marks.exercises)} exercises. {legend}</p>"
        '<div class="heat" tabindex="0" role="region" aria-label="Students and exercises">'
        '<table><thead><tr><th scope="col">student</th><th scope="col">passed</th>'
        f"{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div><h2>By exercise</h2>{_by_exercise(marks)}"
        f"<h2>By student</h2>{''.join(_student(marks, s) for s in marks.students)}</html>\n"
    )


def _row(marks: Marks, student: str) -> str:
    cells = "".join(_cell(marks.grades[student][name]) for name in marks.exercises)
    name = html.escape(student)
    return f'<tr><th scope="row">{name}</th><td>{marks.passed(student)}</td>{cells}</tr>'


def _cell(grade: Grade) -> str:
    said = html.escape(f"{grade.exercise}: {_line(grade)}", quote=True)
    kind = grade.state.replace(" ", "-")
    return f'<td class="state {kind}" title="{said}" aria-label="{said}">{SIGNS[grade.state]}</td>'


def _by_exercise(marks: Marks) -> str:
    rows = []
    for name in marks.exercises:
        grades = [marks.grades[student][name] for student in marks.students]
        counts = Counter(grade.state for grade in grades)
        said = Counter(grade.said for grade in grades if grade.state == "wrong").most_common(1)
        often = f"{said[0][1]} x {html.escape(said[0][0])}" if said else ""
        numbers = "".join(f"<td>{counts[state] or ''}</td>" for state in STATES)
        rows.append(f'<tr><th scope="row">{name}</th>{numbers}<td>{often}</td></tr>')
    head = "".join(f'<th scope="col">{state}</th>' for state in STATES)
    return (
        f'<div class="heat" tabindex="0" role="region" aria-label="Exercises"><table><thead><tr>'
        f'<th scope="col">exercise</th>{head}<th scope="col">said most often</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _student(marks: Marks, student: str) -> str:
    lines = [
        f"<li>{SIGNS[g.state]} {n}: {html.escape(_line(g))}"
        for n, g in ((name, marks.grades[student][name]) for name in marks.exercises)
    ]
    lines += [f"<li>{html.escape(f'{n}: {w}')}" for n, w in marks.remarks[student].items()]
    count = f"{marks.passed(student)} of {len(marks.exercises)}"
    summary = f"<summary>{html.escape(student)}: {count}</summary>"
    return f"<details>{summary}<ul>{''.join(lines)}</ul></details>"


def _line(grade: Grade) -> str:
    where = f"{grade.file}, cell {grade.cell}" if grade.cell else grade.file
    parts = (f"{grade.state}: {grade.said}" if grade.said else grade.state, grade.note, where)
    return "; ".join(filter(None, parts))


def _wide(marks: Marks) -> Iterable[Sequence]:
    yield ("student", "passed", "of", *marks.exercises)
    for student in marks.students:
        states = (marks.grades[student][name].state for name in marks.exercises)
        yield (student, marks.passed(student), len(marks.exercises), *states)


def _long(marks: Marks) -> Iterable[Sequence]:
    yield "student", "notebook", "exercise", "state", "said", "seconds", "file", "cell", "note"
    for student in marks.students:
        for lesson in marks.lessons:
            for name in lesson.exercises:
                g = marks.grades[student][name]
                at = (g.state, g.said, g.seconds, g.file, g.cell or "", g.note)
                yield (student, lesson.stem, name, *at)


def _nbgrader(marks: Marks) -> Iterable[Sequence]:
    """One line a student and notebook, in the columns that `nbgrader export` writes."""
    yield _EXPORT
    for student in marks.students:
        for lesson in marks.lessons:
            states = [marks.grades[student][name].state for name in lesson.exercises]
            score = states.count("passed")
            rest = ("", "", "", score, 0, score, len(states))
            yield (lesson.stem, "", "", student, *rest)


def _moodle(marks: Marks) -> Iterable[Sequence]:
    """Per cent and feedback in the columns of Moodle's grading worksheet (mod/assign, offline).

    Moodle knows a row by its identifier, and wants the date of the last grade: "-" is its own
    word for none.
    """
    yield "Identifier", "Full name", "Grade", "Last modified (grade)", "Feedback comments"
    for student in marks.students:
        match = _MOODLE.match(student)
        number, name = (f"Participant {match['id']}", match["name"]) if match else ("", student)
        own = marks.grades[student]
        percent = f"{100 * marks.passed(student) / max(1, len(marks.exercises)):.1f}"
        open_ = [f"{n}: {own[n].state}" for n in marks.exercises if own[n].state != "passed"]
        yield number, name, percent, "-", "; ".join(open_)


def _csv(rows: Iterable[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_tame(c) for c in row] for row in rows])
    return text.getvalue()


def _tame(cell: object) -> object:
    """A text that a spreadsheet would take for a formula is kept a text."""
    formula = isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{cell}" if formula else cell

"""How far one has come, by notebook: what is passed, and the minutes that are left."""

from __future__ import annotations

import html
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..exercises.record import VARIABLE, folder, recorded
from ..exercises.shelf import Entry, table
from ..files import write_whole
from ..guard import guarded
from .lessons import Lesson, lessons

STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; }
:root { color-scheme: light dark; } table { border-collapse: collapse; } progress { width: 8rem; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; font-weight: normal; }"""


@dataclass(frozen=True)
class Row:
    """One notebook: how many of its exercises are passed, and their minutes."""

    title: str
    passed: int
    exercises: int
    minutes: int
    all_minutes: int
    left: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """What is passed of the course; printed, shown in a notebook, or as a page that opens."""

    rows: tuple[Row, ...]

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(row.passed for row in self.rows)

    def __repr__(self) -> str:
        width = max(len(row.title) for row in self.rows)
        lines = [
            f"{row.title:<{width}}  {'■' * row.passed + '□' * (row.exercises - row.passed):<6}"
            f"{row.passed} of {row.exercises}, {row.minutes} of {row.all_minutes} minutes"
            for row in self.rows
        ]
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        exercises = sum(row.exercises for row in self.rows)
        minutes = sum(row.all_minutes - row.minutes for row in self.rows)
        return f"{self.passed} of {exercises} exercises passed; {minutes} minutes are left."

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(row.title)}</td>"
            f'<td><progress value="{row.passed}" max="{row.exercises}"></progress></td>'
            f"<td>{row.passed} of {row.exercises}</td>"
            f"<td>{row.minutes} of {row.all_minutes} min</td>"
            f"<td>{html.escape(', '.join(row.left)) or 'done'}</td></tr>"
            for row in self.rows
        )
        names = ("notebook", "", "exercises", "minutes", "still open")
        head = "".join(f'<th scope="col">{name}</th>' for name in names)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"{table}<p>{self._sum()}</p>"

    @guarded
    def page(self, show: bool = True) -> Path:
        """Write it as a page beside the record, open it in a browser, and return its path.

        LabError if nothing is kept, or the page cannot be written.
        """
        place = folder()
        if place is None:
            raise LabError(f"{VARIABLE} is 'off', so there is no folder for a page; leave it out.")
        text = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Your progress</title>'
            f"<style>{STYLE}</style><h1>Your progress</h1>{self._repr_html_()}</html>\n"
        )
        path = place / "progress.html"
        try:
            write_whole(path, text.encode())
        except OSError as error:
            raise LabError(f"{path} cannot be written: {error.strerror}.") from error
        if show:
            webbrowser.open(path.as_uri())
        return path


def progress() -> Progress:
    """Return what you have passed, by notebook, as your checks have noted it on this computer."""
    known, passed = {entry.name: entry for entry in table()}, recorded()
    return Progress(tuple(_row(lesson, known, passed) for lesson in lessons()))


def _row(lesson: Lesson, known: dict[str, Entry], passed: dict[str, str]) -> Row:
    done = [known[name].minutes for name in lesson.exercises if name in passed]
    every = sum(known[name].minutes for name in lesson.exercises)
    left = tuple(name for name in lesson.exercises if name not in passed)
    title = lesson.title.replace(" · ", " ")
    return Row(title, len(done), len(lesson.exercises), sum(done), every, left)

"""Where the exercises stand: one file each, whose path is its name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

from ..errors import LabError, near
from ..judge import Exercise

HERE = Path(__file__).parent


class Entry(NamedTuple):
    """One line of the table of exercises."""

    name: str
    title: str
    level: str
    minutes: int


def names() -> tuple[str, ...]:
    """Return the names of all exercises, read off the folder; nothing is imported."""
    files = HERE.glob("*/[!_]*.py")
    return tuple(sorted(f"{file.parent.name}.{file.stem}" for file in files))


def find(name: str) -> Exercise:
    """Return the exercise of that name; LabError, with the names nearby, if there is none."""
    stem, _, own = str(name).partition(".")
    # Only a name that is wrong needs the whole list.
    named = stem.isidentifier() and own.isidentifier() and not own.startswith("_")
    if not (named and (HERE / stem / f"{own}.py").is_file()):
        known = names()
        raise LabError(
            f"{name!r} is not one of the {len(known)} exercises{near(name, known)} "
            "operator_lab.exercises.names() lists them."
        )
    return importlib.import_module(f".{name}", __package__).EXERCISE


def table() -> tuple[Entry, ...]:
    """Return name, title, level (core or stretch) and minutes of every exercise."""
    return tuple(Entry(e.name, e.title, e.level, e.minutes) for e in map(find, names()))

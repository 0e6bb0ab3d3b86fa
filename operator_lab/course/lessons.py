"""The course as an instructor sees it: each notebook with its title and its exercises, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import LabError, near
from . import notebooks
from .classroom import course

_CHECK = re.compile(r'lab\.check\("([\w.]+)"')


@dataclass(frozen=True)
class Lesson:
    """One notebook of the course."""

    stem: str
    title: str
    exercises: tuple[str, ...]
    ids: frozenset[str]


@cache
def lessons() -> tuple[Lesson, ...]:
    """Return the notebooks of the course that have exercises, in order."""
    found = map(_lesson, sorted(course().glob("*.ipynb")))
    return tuple(lesson for lesson in found if lesson.exercises)


def chosen(wishes: Sequence[str]) -> tuple[Lesson, ...]:
    """Return the notebooks that are wished for: `03`, `03_mixing` or `mixing`; all without a wish.

    LabError for one that is not there.
    """
    known = {w: lesson for lesson in lessons() for w in _names(lesson)}
    for wish in wishes:
        if wish not in known:
            raise LabError(f"There is no notebook {wish!r} with exercises{near(wish, known)}")
    asked = [known[wish] for wish in wishes]
    return tuple(lesson for lesson in lessons() if lesson in asked or not wishes)


def lesson_of(name: str, ids: Iterable[str] = ()) -> Lesson | None:
    """Return the course's notebook that a file is a copy of: by its cells' ids, else its name."""
    own = set(ids)
    most = max(lessons(), key=lambda lesson: len(own & lesson.ids), default=None)
    if most is not None and len(own & most.ids) >= 3:
        return most
    text = Path(name).stem.lower()
    named = [lesson for lesson in lessons() if lesson.stem in text]
    number = re.search(r"(?<!\d)(\d\d)(?!\d)", text)
    named = named or [x for x in lessons() if number and x.stem.startswith(f"{number[1]}_")]
    return named[0] if len(named) == 1 else None


def _names(lesson: Lesson) -> tuple[str, str, str, str]:
    number, _, word = lesson.stem.partition("_")
    return number, word, lesson.stem, f"{lesson.stem}.ipynb"


def _lesson(path: Path) -> Lesson:
    notebook = notebooks.read(path)
    texts = ["".join(cell["source"]) for cell in notebook["cells"]]
    code = [t for t, cell in zip(texts, notebook["cells"], strict=True) if _is_code(cell)]
    title = next((t.split("\n")[0].lstrip("# ") for t in texts if t.startswith("# ")), path.stem)
    exercises = tuple(dict.fromkeys(_CHECK.findall("\n".join(code))))
    ids = frozenset(cell["id"] for cell in notebook["cells"])
    return Lesson(path.stem, title, exercises, ids)


def _is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code"

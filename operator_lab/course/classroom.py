"""What happens around the notebooks: a learner's own copies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..files import write_whole
from . import notebooks

NOT_COPIED = ("instructor.md", "reference")  # the instructor's, and pages only a book can show


@dataclass(frozen=True)
class Learned:
    """What `learn` did: the files copied, and those that were there already."""

    target: Path
    copied: tuple[Path, ...]
    kept: tuple[Path, ...]


def course() -> Path:
    """Return the folder of the course's own notebooks: a wheel carries it, a clone has it beside.

    Raises LabError if there is neither.
    """
    here = Path(__file__).resolve()
    places = (here.parent / "pages", here.parents[2] / "course")
    for folder in places:
        if folder.is_dir():
            return folder
    raise LabError(
        f"there is no course at {places[0]} or {places[1]}; install the package again, or clone "
        "the repository and install it from there with pip install -e ."
    )


def learn(
    source: Path, target: Path, content: Callable[[Path], bytes | None] | None = None
) -> Learned:
    """Copy what is missing in a learner's folder; what is there is never overwritten.

    Notebooks, the pages and the pictures they show are copied; names that begin with "_" or "."
    belong to the book, as the reference does, and `instructor.md` to the instructor. A notebook is
    copied without stored outputs: what is to be predicted must not stand below the question.
    `content` says otherwise what becomes of a file (None: it is left out).
    Raises LabError if the folders cannot be used, or for a notebook that is none.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    if not source.is_dir():
        raise LabError(f"{source} is not a folder; give the folder of the course.")
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise LabError(f"{target} and the course lie inside one another; choose another folder.")
    if target.exists() and not target.is_dir():
        raise LabError(f"{target} is a file; choose another folder for your copies.")
    copied, kept = [], []
    for path in sorted(filter(Path.is_file, source.rglob("*"))):
        name = path.relative_to(source)
        if any(part[0] in "_." or part in NOT_COPIED for part in name.parts):
            continue
        if os.path.lexists(target / name):
            kept.append(name)
            continue
        text = (content or _untold)(path)
        if text is None:
            continue
        try:
            write_whole(target / name, text)
        except OSError as error:
            raise LabError(f"{target / name} cannot be written: {error.strerror}.") from error
        copied.append(name)
    return Learned(target, tuple(copied), tuple(kept))


def _untold(path: Path) -> bytes:
    if path.suffix != ".ipynb":
        return path.read_bytes()
    return notebooks.content(notebooks.unrun(notebooks.read(path)))

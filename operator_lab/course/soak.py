"""Soak: run the course's notebooks under conditions that may not change what they print.

A condition is a draw of shaken weights (`operator_lab.course.shaken`), or a setting of the
libraries under which another computer would run: threads, older instruction sets. Every compared
output is held against the stored one, letter for letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from ..errors import LabError, near
from .notebooks import execute, is_marked, read
from .shaken import check

OLDER = {
    "aten-default": {"ATEN_CPU_CAPABILITY": "default"},
    "mkl-compatible": {"MKL_CBWR": "COMPATIBLE"},
    "onednn-sse41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "openblas-prescott": {"OPENBLAS_CORETYPE": "Prescott"},
}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "one-thread": {"OMP_NUM_THREADS": "1"},
    "two-threads": {"OMP_NUM_THREADS": "2"},
    **OLDER,
    "openblas-haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "oldest": {name: value for older in OLDER.values() for name, value in older.items()},
}
DRAWS = 3


@dataclass(frozen=True)
class Condition:
    """One way to run a notebook: what its kernel does first, and in which environment it starts."""

    name: str
    first: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """A compared line that came out otherwise; cell 0 and an error where the notebook failed."""

    notebook: str
    condition: str
    cell: int
    stored: str
    found: str

    def __str__(self) -> str:
        where = f"{self.notebook}, cell {self.cell}, under {self.condition}"
        return f"{where}\n  stored  {self.stored}\n  found   {self.found}"


def shake(level: str, draw: int) -> Condition:
    """The condition in which the weights are moved; LabError for an unknown level or draw."""
    check(level, draw)
    first = (
        "from contextlib import ExitStack as _ExitStack\n"
        "from operator_lab.course.shaken import shaken as _shaken\n"
        f"_held = _ExitStack()\n_held.enter_context(_shaken({level!r}, {draw}))\n"
    )
    return Condition(f"{level}-{draw}", first)


def setting(name: str) -> Condition:
    """The condition of one of `SETTINGS`; LabError for another name."""
    if name not in SETTINGS:
        raise LabError(
            f"There is no setting {name!r}{near(name, SETTINGS)} There are {', '.join(SETTINGS)}."
        )
    return Condition(name, environment=SETTINGS[name])


def condition(name: str) -> Condition:
    """A condition by its name: a setting, or a level and a draw such as "rounding-1"."""
    level, dash, draw = name.rpartition("-")
    if dash and draw.isdecimal():
        return shake(level, int(draw))
    if name in SETTINGS:
        return setting(name)
    raise LabError(
        f"There is no condition {name!r}{near(name, SETTINGS)} There are "
        f"{', '.join(SETTINGS)}, and shakes such as rounding-1 or margin-1."
    )


def conditions(draws: int = DRAWS) -> list[Condition]:
    """All of them: so many draws at the level of rounding, one of margin, every setting."""
    if draws < 1:
        raise LabError(f"The number of draws is 1 or more, not {draws}.")
    shakes = [shake("rounding", draw) for draw in range(1, draws + 1)] + [shake("margin", 1)]
    return shakes + [setting(name) for name in SETTINGS]


def moved(path: Path, under: Condition, each=None) -> list[Moved]:
    """Run a notebook under a condition; return each compared line that is not the stored one.

    LabError for a file that is no notebook.
    """
    path = Path(path)
    source = read(path)
    try:
        found = execute(_begun(source, under.first), path.parent, 1800, each, under.environment)
    except LabError as error:
        return [Moved(path.name, under.name, 0, "runs to its end", str(error))]
    pairs = zip(source["cells"], found["cells"], strict=True)
    return [
        Moved(path.name, under.name, number, old, new)
        for number, (before, after) in enumerate(pairs, start=1)
        if before["cell_type"] == "code" and is_marked("".join(before["source"]))
        for old, new in _differences(printed(before), printed(after))
    ]


def soak(paths: Iterable[Path], under: Iterable[Condition], progress: bool = True) -> list[Moved]:
    """Run every notebook under every condition and return all that moved, telling it at once."""
    from tqdm import tqdm

    pairs = [(Path(path), c) for path in paths for c in under]
    found = []
    with tqdm(pairs, unit="run", disable=not progress) as bar:
        for path, c in bar:
            bar.set_description(f"{path.stem} {c.name}")
            for line in moved(path, c):
                bar.write(str(line))
                found.append(line)
    return found


def printed(cell: dict) -> str:
    """What a compared cell printed."""
    return "".join(
        "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for output in cell["outputs"]
    )


def _begun(notebook: dict, first: str) -> dict:
    """The notebook whose first code cell does something else before; cells keep their numbers."""
    cells = list(notebook["cells"])
    at = next((i for i, cell in enumerate(cells) if cell["cell_type"] == "code"), None)
    if first and at is not None:
        cells[at] = {**cells[at], "source": first + "".join(cells[at]["source"])}
    return {**notebook, "cells": cells}


def _differences(stored: str, found: str) -> list[tuple[str, str]]:
    """Pairs of lines that differ; "" where one side has none."""
    old, new = stored.splitlines(), found.splitlines()
    pairs: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            count = max(b - a, d - c)
            left, right = (part + [""] * (count - len(part)) for part in (old[a:b], new[c:d]))
            pairs += zip(left, right, strict=True)
    return pairs

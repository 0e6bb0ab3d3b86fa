"""The ledger: each claim of the papers, what was measured, and the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError, near
from .files import write_whole

VERDICTS = ("exact", "holds", "holds with a caveat", "breaks")
_LINE = re.compile(r"^\[claim\] (?P<name>.+?): (?P<measured>.+) -> (?P<verdict>[^>]+)$")


@dataclass(frozen=True)
class Row:
    """One line of the ledger and the notebook and cell that measured it."""

    name: str
    measured: str
    verdict: str
    notebook: str
    cell: int


def claim(name: str, measured: str, verdict: str) -> None:
    """Print one claim with its number and verdict, for the ledger (`course/claims.md`).

    `name` begins with the section: "III.3 non-Hermitian". The verdict is one of exact, holds,
    holds with a caveat, breaks. LabError for another verdict or a text that would not fit a line.
    """
    if verdict not in VERDICTS:
        raise LabError(
            f"{verdict!r} is not a verdict{near(verdict, VERDICTS)} "
            f"Verdicts are {', '.join(VERDICTS)}."
        )
    line = f"[claim] {name}: {measured} -> {verdict}"
    if "\n" in line or "|" in line or not _LINE.match(line) or ": " in name:
        raise LabError("A claim is one line, 'section name', measured and verdict, without '|'.")
    print(line)


def rows(notebooks: Iterable[Path]) -> list[Row]:
    """Read the claims from the stored outputs of notebooks, in order."""
    found = []
    for path in sorted(notebooks):
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for number, cell in enumerate(notebook["cells"], start=1):
            for output in cell.get("outputs", []):
                for line in "".join(output.get("text", [])).splitlines():
                    if match := _LINE.match(line):
                        found.append(Row(**match.groupdict(), notebook=path.name, cell=number))
    return found


def ledger(found: Iterable[Row]) -> str:
    """The page `claims.md`: one table, sorted as the course measures it."""
    lines = [
        "# Claims",
        "",
        "Every claim of the papers that this course has measured: what was found, and the verdict.",
        "*Exact* is an identity, to rounding. *Holds* is a measurement that agrees. *Holds with a",
        "caveat* says what to mind. *Breaks* says where. Each row is printed by the cell it names,",
        "and this page is made from those cells.",
        "",
        "| section | claim | measured | verdict | where |",
        "|---|---|---|---|---|",
    ]
    for row in found:
        section, _, title = row.name.partition(" ")
        where = f"[{row.notebook[:2]}]({row.notebook}), cell {row.cell}"
        lines.append(f"| {section} | {title} | {row.measured} | **{row.verdict}** | {where} |")
    return "\n".join(lines) + "\n"


def write_ledger(course: Path) -> Path:
    """Make `claims.md` of a course's folder again from its notebooks' stored outputs."""
    path = Path(course) / "claims.md"
    write_whole(path, ledger(rows(Path(course).glob("*.ipynb"))).encode())
    return path

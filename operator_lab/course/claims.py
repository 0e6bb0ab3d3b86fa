"""The ledger: each claim of the papers, what was measured, and the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError, near
from ..files import write_whole

VERDICTS = ("exact", "holds", "holds with a caveat", "breaks", "not tested")
NO_CHANCE = "no chance in it"
MARK = "<!-- What follows is made from the notebooks' outputs by `operator-lab refresh`. -->"
OURS = "ours"  # the section of a row that no paper claims: what this course asks besides
PAPERS = {  # how the claims of a paper begin, and what heads its table
    "": "From Embeddings to Dyson Series (Chang 2026, arXiv 2603.11322)",
    "2602.08216": "Thermodynamics of attention (arXiv 2602.08216)",
    "2510.03989": "The continuum limit (Tai, Liu, Li, Chan 2025, arXiv 2510.03989)",
    "1906.02762": "A multi-particle dynamic system (Lu et al. 2019, arXiv 1906.02762)",
}
_ARXIV = re.compile(r"(?<!\[)\barXiv (\d{4}\.\d{5})\b")
_BREAK = " \N{SECTION SIGN} "  # between the section and the title, where the section is given
_LINE = re.compile(
    r"^\[claim\] (?P<name>.+?): (?P<measured>.+) \{(?P<spread>[^{}]+)\} -> (?P<verdict>[^>]+)$"
)


@dataclass(frozen=True)
class Row:
    """One line of the ledger and the notebook and cell that measured it."""

    name: str
    measured: str
    spread: str
    verdict: str
    notebook: str
    cell: int
    cell_id: str = ""


def claim(
    name: str, measured: str, verdict: str, spread: str = NO_CHANCE, section: str = ""
) -> None:
    """Print one claim with its number, spread and verdict, for the ledger (`course/claims.md`).

    `name` begins with the section, "III.3 non-Hermitian", after the paper's number on arXiv where
    it is not the first: "2602.08216 3 softmax minimises F". A section of several words ends at a
    comma, "Theorem 3.1, a projection", or is given as `section=`, and then `name` is the title
    alone (after the paper's number); `section="ours"` marks what no paper claims. `spread` says how
    the number varies over seeds, texts or draws; left out, there is nothing random in it. The
    verdict is one of exact, holds, holds with a caveat, breaks, not tested; for the last,
    `measured` says why. LabError for another verdict or a text that would not fit.
    """
    if section:
        paper, title = _split_paper(name)
        name = f"{paper} {section}{_BREAK}{title}".lstrip()
    if verdict not in VERDICTS:
        raise LabError(
            f"{verdict!r} is not a verdict{near(verdict, VERDICTS)} "
            f"Verdicts are {', '.join(VERDICTS)}."
        )
    line = f"[claim] {name}: {measured} {{{spread}}} -> {verdict}"
    if "\n" in line or "|" in line or not _LINE.match(line) or ": " in name:
        raise LabError(
            "A claim is one line, 'section name', measured, verdict, spread, without '|' or braces."
        )
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
                        said, cell_id = match.groupdict(), cell.get("id", "")
                        found.append(Row(**said, notebook=path.name, cell=number, cell_id=cell_id))
    return found


def ledger(found: Iterable[Row]) -> str:
    """The tables of `claims.md`, one a paper, in the order in which the course measures."""
    found = list(found)
    parts = [f"{_counted(found)}.\n"]
    for paper, heading in PAPERS.items():
        own = [row for row in found if titled(row)[0] == paper]
        if own:
            parts.append(f"## {linked(heading)}\n\n{_counted(own)}.\n\n{_table(own)}")
    return "\n".join(parts)


def linked(text: str) -> str:
    """A text whose "arXiv 2603.11322" are links; those that are links already stay."""
    return _ARXIV.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", text)


def anchor(cell_id: str) -> str:
    """The anchor of a notebook's cell on its page of the book; it stays when cells are moved."""
    return f"cell-{re.sub('[^a-z0-9]+', '-', cell_id.lower())}"


def row_anchor(row: Row) -> str:
    """The anchor of a claim's row on the ledger's page, from its section and title."""
    return named(*titled(row)[1:])


def named(section: str, title: str) -> str:
    """The anchor of the row with this section and title, however a page sets their signs."""
    return "claim-" + re.sub("[^a-z0-9]+", "-", f"{section} {title}".lower()).strip("-")


def titled(row: Row) -> tuple[str, str, str]:
    """Paper ("" for the first), section and title of a row.

    The section ends where the claim says so, else it is the first word; where that word is no
    number of a section ("abstract, ...", "Theorem 3.1, ...") it is all before the first comma.
    """
    paper, name = _split_paper(row.name)
    if _BREAK in name:
        section, _, title = name.partition(_BREAK)
    elif re.match(r"(?:[IVX]+|v?\d+)(?:\.\d+)* ", name):
        section, _, title = name.partition(" ")
    else:
        section, _, title = name.partition(", " if ", " in name else " ")
    return paper, OURS if section.split()[0] in ("our", OURS) else section, title


def _split_paper(name: str) -> tuple[str, str]:
    first, _, rest = name.partition(" ")
    return (first, rest.lstrip()) if first in PAPERS else ("", name)


def _counted(found: list[Row]) -> str:
    counts = tally(found)
    listed = ", ".join(f"{n} *{verdict}*{_asked(own)}" for verdict, (n, own) in counts.items())
    ours = sum(own for _, own in counts.values())
    asked = f" ({ours} of them *ours*: no paper claims them)" if ours else ""
    return f"{len(found)} claim{'s' * (len(found) != 1)}{asked}: {listed}"


def tally(found: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Return of each verdict how many claims have it, and how many of these are ours."""
    own = [row.verdict for row in found if titled(row)[1] == OURS]
    verdicts = [row.verdict for row in found]
    return {verdict: (verdicts.count(verdict), own.count(verdict)) for verdict in VERDICTS}


def _asked(own: int) -> str:
    return f" ({own} ours)" if own else ""


def _table(found: list[Row]) -> str:
    lines = [
        "| section | claim | measured | over seeds | verdict | where |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        _, section, title = titled(row)
        where = f"[{row.notebook[:2]}, cell {row.cell}]({row.notebook}#{anchor(row.cell_id)})"
        lines.append(
            f"| {section} | {title} | {row.measured} | {row.spread} | **{row.verdict}** | {where} |"
        )
    return linked("\n".join(lines) + "\n")


def page(old: str, found: Iterable[Row]) -> str:
    """A page `claims.md` with its written head kept and its table made anew."""
    head = old.partition(MARK)[0] if MARK in old else "# Claims\n\n"
    return f"{head}{MARK}\n\n{ledger(found)}"


def write_ledger(course: Path) -> Path:
    """Make the table of a course's `claims.md` again from its notebooks' stored outputs."""
    path = Path(course) / "claims.md"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    write_whole(path, page(old, rows(Path(course).glob("*.ipynb"))).encode())
    return path

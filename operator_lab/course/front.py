"""The first page of the book: the chapters with their minutes, and the board of verdicts.

Both are made from the notebooks, so that neither can fall behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..errors import LabError
from ..files import write_whole
from . import claims, notebooks
from .marked import passage

CHAPTERS = "chapters"  # the passage that holds the table
BOARD = "<!-- The board of verdicts stands here in the book. -->"
PARTS = (  # the number of a part's last notebook, and what it is about
    (8, "The core: the first paper, step by step"),
    (11, "Two more papers, and the outlook of the first"),
    (12, "Models that other people trained"),
)
SIGNS = dict(zip(claims.VERDICTS, "=✓~×·", strict=True))
SAID = {v: v for v in claims.VERDICTS} | {  # of several claims
    "holds with a caveat": "with a caveat", "holds": "hold", "breaks": "break",
}  # fmt: skip
_HEAD = re.compile(r"# (?P<number>\d\d) · (?P<title>[^\n]+)\n+\*\*(?P<question>[^*]+)\*\*")
_TIME = re.compile(r"\*Time\*: about (\d+)\s+minutes,\s+exercises\s+(\d+)\s+more")


@dataclass(frozen=True)
class Chapter:
    """A notebook as its opening presents it; minutes are for reading and for the exercises."""

    stem: str
    number: int
    title: str
    question: str
    minutes: int
    exercises: int


def chapter(path: Path) -> Chapter:
    """Read a notebook's opening; LabError if it does not say number, title, question and time."""
    opening = "".join(notebooks.read(path)["cells"][0]["source"])
    head, time = _HEAD.match(opening), _TIME.search(opening)
    if not head or not time:
        raise LabError(
            f"{path.name} must begin with '# NN · Title', '**Question?**' and a '*Time*: about N "
            "minutes, exercises N more'."
        )
    minutes, exercises = map(int, time.groups())
    question = " ".join(head["question"].split())
    return Chapter(path.stem, int(head["number"]), head["title"], question, minutes, exercises)


def chapters(course: Path) -> tuple[Chapter, ...]:
    """Read the openings of a course's notebooks, in order."""
    return tuple(map(chapter, sorted(Path(course).glob("*.ipynb"))))


def table(found: Sequence[Chapter], folder: str = "") -> str:
    """Return the chapters as a table in Markdown, with sums for each part and for all."""
    lines = ["| no. | chapter | minutes to read | exercises |", "|---|---|---:|---:|"]
    first = 0
    for last, part in PARTS:
        own = [c for c in found if first < c.number <= last]
        first = last
        if not own:
            continue
        lines.append(f"| | *{part}* | *{_hours(own)[0]}* | *{_hours(own)[1]}* |")
        lines += [
            f"| {c.number:02d} | [{c.title}]({folder}{c.stem}.ipynb)<br>{c.question} | "
            f"{c.minutes} | {c.exercises} |"
            for c in own
        ]
    lines.append(f"| | *All {len(found)}* | *{_hours(found)[0]}* | *{_hours(found)[1]}* |")
    return "\n".join(lines) + "\n"


def _hours(found: Iterable[Chapter]) -> tuple[str, str]:
    read, solved = (sum(t) for t in zip(*((c.minutes, c.exercises) for c in found), strict=True))
    return _clock(read), _clock(solved)


def _clock(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours}\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}{rest:02d}" if hours else str(rest)


def summary(rows: Sequence[claims.Row]) -> str:
    """Return in a sentence of Markdown how many claims there are of each verdict."""
    counts = claims.tally(rows)
    untested, _ = counts.pop("not tested")
    listed = ", ".join(
        f"{n} {SAID[v]}" + f" ({own} of our own questions)" * bool(own)
        for v, (n, own) in counts.items()
    )
    return (
        f"{len(rows) - untested} claims were measured: {listed}. {untested} more were read and not "
        "tested. The [ledger](course/claims.md) has each with its number.\n"
    )


def write_front(course: Path) -> list[Path]:
    """Make what a course's `index.md`, and the `README.md` above it, tell of the notebooks again.

    Returns the files written: one that is not there is left out.
    """
    course = Path(course)
    found, rows = chapters(course), claims.rows(course.glob("*.ipynb"))
    passages = {
        course / "index.md": {CHAPTERS: table(found)},
        course.parent / "README.md": {
            "verdicts": summary(rows),
            CHAPTERS: table(found, "course/"),
        },
    }
    written = [path for path in passages if path.exists()]
    for path in written:
        text = path.read_text(encoding="utf-8")
        for name, inside in passages[path].items():
            text = passage(text, name, inside)
        write_whole(path, text.encode())
    return written


def verdicts(rows: Iterable[claims.Row]) -> list[list[str]]:
    """Return the verdicts of each notebook that has some, in the course's order."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.notebook, []).append(row.verdict)
    return [found[notebook] for notebook in sorted(found)]


def board(rows: Sequence[claims.Row], found: Sequence[Chapter]) -> str:
    """Return all verdicts as HTML: a line a chapter, a tile a claim, and how many of each kind.

    A tile leads to the claim's row of the ledger. There is no empty line in it: in Markdown that
    would end it.
    """
    verdicts = [row.verdict for row in rows]
    counts = {v: verdicts.count(v) for v in claims.VERDICTS}
    tested = len(rows) - counts["not tested"]
    key = "".join(
        f'<li><i class="{_kind(v)}" aria-hidden="true">{SIGNS[v]}</i> <b>{n}</b> {SAID[v]}</li>\n'
        for v, n in counts.items()
    )
    lines = "".join(
        _line(c, [row for row in rows if row.notebook == f"{c.stem}.ipynb"]) for c in found
    )
    return (
        '<figure class="verdicts">\n'
        f'<p class="verdicts-sum"><b>{tested}</b> claims about Transformers, measured</p>\n'
        f"<ul>\n{key}</ul>\n{lines}"
        '<p class="verdicts-told">A line is a chapter, a tile is a claim: point at one, or tap it, '
        "to read it.</p>\n"
        f'<figcaption><a href="claims.html">The ledger</a> has all {len(rows)}, with what was '
        "measured and how far it varies.</figcaption>\n</figure>\n"
    )


def _line(one: Chapter, rows: Sequence[claims.Row]) -> str:
    tiles = "".join(
        f'<a href="claims.html#{claims.row_anchor(row)}" title="{escape(_told(row))}">'
        f'<i class="{_kind(row.verdict)}" aria-hidden="true">{SIGNS[row.verdict]}</i></a>'
        for row in rows
    )
    told = ", ".join(
        f"{n} {v}" for v in claims.VERDICTS if (n := sum(row.verdict == v for row in rows))
    )
    short = escape(one.title.split(":")[0])
    return (
        f'<div><a href="{one.stem}.html"><span>{one.number:02d}</span> {short}</a>'
        f'<span class="tiles" role="group" aria-label="{told}">{tiles}</span></div>\n'
    )


def _told(row: claims.Row) -> str:
    _, section, title = claims.titled(row)
    return f"{section}: {title}. {row.verdict.capitalize()}."


def _kind(verdict: str) -> str:
    return "v-" + verdict.replace(" ", "-")

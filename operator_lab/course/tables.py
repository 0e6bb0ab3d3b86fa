"""Tables in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

COLOURS: Mapping[str, str] = {
    "passed": "green", "wrong": "red", "not attempted": "yellow", "missing": "magenta",
    "broken": "red", "out of time": "red",
}  # fmt: skip


def show(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; what is no terminal gets the same text, without colours."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        cells = [str(cell) for cell in row]
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    console.print(table)

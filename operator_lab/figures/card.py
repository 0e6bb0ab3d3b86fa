"""The picture that a shared link shows: what the course is, and all its verdicts as tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch

from .look import DARK, style

WIDTH, HEIGHT = 1200, 630  # what the sites that show such pictures ask for
COLOURS = {  # those of front.css, which has them with the sign on each
    "exact": "#0072b2",
    "holds": "#00795a",
    "holds with a caveat": "#f0b429",
    "breaks": "#c2410c",
    "not tested": "#6b7280",
}


def draw(path: Path, rows: Sequence[Sequence[str]], words: Mapping[str, str]) -> None:
    """Write the picture as a PNG; `rows` has the verdicts of each chapter, `words` names them."""
    with style(dark=True):
        figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, layout="none")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        _words(axes, [verdict for row in rows for verdict in row], words)
        _tiles(axes, rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)


def _words(axes, verdicts: Sequence[str], words: Mapping[str, str]) -> None:
    left, ink = 70, DARK["ink"]
    _mark(axes, left + 34, 104)
    axes.text(left + 92, 106, "Operator Lab", fontsize=40, weight="bold", va="center")
    lead = "A Transformer, taken apart exactly,\nin the language of many-body physics"
    axes.text(left, 196, lead, fontsize=20, va="top", linespacing=1.45)
    tested = sum(verdict != "not tested" for verdict in verdicts)
    axes.text(left, 342, f"{tested} claims measured", fontsize=29, weight="bold", va="center")
    for i, (verdict, colour) in enumerate(COLOURS.items()):
        y = 400 + 37 * i
        axes.add_patch(_tile(left, y - 12, 24, colour))
        count = sum(verdict == one for one in verdicts)
        axes.text(left + 76, y, str(count), fontsize=17, weight="bold", va="center", ha="right")
        axes.text(left + 90, y, words[verdict], fontsize=17, va="center", color=ink)


def _tiles(axes, rows: Sequence[Sequence[str]]) -> None:
    """The tiles fill the right half, whatever the numbers of chapters and of claims."""
    left, top, right, bottom = 655, 70, 1145, 560
    most = max(map(len, rows), default=1)
    step = min((right - left) / most, (bottom - top) / max(len(rows), 1))
    for i, row in enumerate(rows):
        y = top + (bottom - top) * i / max(len(rows), 1)
        for j, verdict in enumerate(row):
            axes.add_patch(_tile(left + step * j, y, step * 0.86, COLOURS[verdict]))


def _tile(x: float, y: float, size: float, colour: str) -> FancyBboxPatch:
    form = f"round,pad=0,rounding_size={size * 0.14}"
    return FancyBboxPatch((x, y), size, size, boxstyle=form, facecolor=colour, linewidth=0)


def _mark(axes, x: float, y: float) -> None:
    """The course's mark: an operator's O with its hat (course/_static/logo.svg)."""
    blue, orange = DARK["series"][:2]
    axes.add_patch(Circle((x, y + 8), 27, fill=False, linewidth=8, edgecolor=blue))
    axes.plot(
        [x - 21, x, x + 21], [y - 34, y - 52, y - 34], color=orange, linewidth=8,
        solid_capstyle="round", solid_joinstyle="round",
    )  # fmt: skip

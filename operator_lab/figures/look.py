"""One look for every still figure, light or dark; its colours are those of explorer.css."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap

from ..guard import guarded

# Okabe and Ito's palette, safe for colour blindness; dashes and markers tell it apart in grey.
LIGHT = {
    "ink": "#1f2328",
    "paper": "#ffffff",
    "plate": "#f3f4f6",
    "deep": "#08306b",
    "series": ("#0072b2", "#d55e00", "#009e73", "#b0578d", "#8a6d00", "#3d7fa6", "#1f2328"),
}
DARK = {
    "ink": "#e6e6e6",
    "paper": "#14181e",
    "plate": "#20252c",
    "deep": "#b8dcff",
    "series": ("#56b4e9", "#e69f00", "#2fc49a", "#cc79a7", "#f0e442", "#9ad0f5", "#e6e6e6"),
}
DASHES = ("-", (0, (5, 3)), (0, (1.2, 2)))
MARKERS = ("o", "s", "^", "D", "P", "X", "v")


@contextmanager
@guarded
def style(dark: bool = False) -> Iterator[None]:
    """A context in which figures are drawn: `with style(): fig, ax = plt.subplots()`."""
    look = DARK if dark else LIGHT
    ink, paper = look["ink"], look["paper"]
    with mpl.rc_context(
        {
            "figure.facecolor": paper,
            "axes.facecolor": paper,
            "savefig.facecolor": paper,
            "text.color": ink,
            "axes.labelcolor": ink,
            "axes.edgecolor": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.7,
            "axes.grid": False,  # whatever style is in use outside
            "xtick.major.width": 0.7,
            "ytick.major.width": 0.7,
            "lines.linewidth": 1.8,
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=look["series"][:3]) + cycler(linestyle=DASHES),
        }
    ):
        yield
        interactive = mpl.is_interactive()
    # A notebook's first figure switches this on; leaving the context must not switch it off, or
    # no later figure would be shown.
    mpl.interactive(interactive)


@guarded
def plain(text: str) -> str:
    """A text as it stands: Matplotlib would read what is between two $ as a formula."""
    return text.replace("$", r"\$")


@guarded
def shades(dark: bool = False) -> LinearSegmentedColormap:
    """Return the scale of a heat map: luminance runs one way, from the page to ink."""
    look = DARK if dark else LIGHT
    return LinearSegmentedColormap.from_list("operator-lab", [look["plate"], look["deep"]])


@guarded
def signs(dark: bool = False) -> LinearSegmentedColormap:
    """Return the scale of a map with a sign: one colour below zero, the page at it, one above."""
    look = DARK if dark else LIGHT
    ends = [look["series"][1], look["paper"], look["series"][0]]
    return LinearSegmentedColormap.from_list("operator-lab-signs", ends)


@guarded
def hue(i: int) -> str:
    """The colour of the i-th thing; after seven they come round again."""
    return LIGHT["series"][i % len(LIGHT["series"])]


@guarded
def marker(i: int) -> str:
    """The marker of the i-th thing, round as the colours."""
    return MARKERS[i % len(MARKERS)]


@guarded
def line(i: int, **other) -> dict:
    """The look of the i-th curve: colour, dashes and marker tell 21 of them apart."""
    return {"color": hue(i), "linestyle": DASHES[i % len(DASHES)], "marker": marker(i)} | other

"""The panels of an `Explorer` as a still figure: the first frame, without scripts and in print."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from .content import Content
from .look import DASHES, LIGHT, MARKERS, plain, shades, style
from .panels import Bars, Heatmap, Lines, Panel, Points


def draw(ax: Axes, panel: Panel, i: int, j: int, value: float | None = None) -> None:
    """Draw one panel at slider position `i` and option `j` on the axes given."""
    arrays = {
        name: array[i if len(array) > 1 else 0, j if array.shape[1] > 1 else 0]
        for name, array in panel.arrays.items()
    }
    ax.set_title(plain(panel.title))
    _DRAW[type(panel)](ax, panel, arrays, value)


def _words_below(ax: Axes, words: Sequence[str], shift: float = 0.0) -> None:
    slanted = sum(len(word) + 2 for word in words) > 34
    turn: dict[str, Any] = (
        {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    )
    ax.set_xticks(np.arange(len(words)) + shift, [plain(w) for w in words], **turn)
    ax.tick_params(axis="x", length=0)


def _heatmap(ax: Axes, panel: Heatmap, arrays: dict, value: float | None) -> None:
    cells = np.ma.masked_invalid(arrays["array"])
    ax.grid(False)  # seaborn and others would draw lines over it
    ax.pcolormesh(cells, cmap=shades(), vmin=panel.low, vmax=panel.high, ec="white", lw=1)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    _words_below(ax, panel.columns, 0.5)
    ax.set_yticks(np.arange(len(panel.rows)) + 0.5, [plain(w) for w in panel.rows])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=plain(panel.column_label), ylabel=plain(panel.row_label))
    if panel.mark is not None:
        ax.add_patch(
            Rectangle(
                (0, panel.mark), len(panel.columns), 1, fc="none", ec=LIGHT["ink"], clip_on=False
            )
        )


def _bars(ax: Axes, panel: Bars, arrays: dict, value: float | None) -> None:
    width = 0.8 / len(arrays)
    for k, (name, heights) in enumerate(arrays.items()):
        at = np.arange(len(panel.labels)) + (k - (len(arrays) - 1) / 2) * width
        colour = LIGHT["series"][k]
        fill = colour if k == 0 else colour + ("22", "66")[k - 1]
        ax.bar(at, heights, 0.85 * width, label=plain(name), facecolor=fill, edgecolor=colour)
    ax.set(ylim=(panel.low, panel.high), xlabel=plain(panel.x_label), ylabel=plain(panel.y_label))
    _words_below(ax, panel.labels)
    _names(ax, len(arrays))


def _lines(ax: Axes, panel: Lines, arrays: dict, value: float | None) -> None:
    for k, name in enumerate(panel.series):
        colour = LIGHT["series"][k]
        if name in panel.bands:
            low, high = arrays[f"{name} (low)"], arrays[f"{name} (high)"]
            ax.fill_between(panel.x, low, high, color=colour, alpha=0.15, lw=0)
        ax.plot(panel.x, arrays[name], color=colour, ls=DASHES[k], label=plain(name))
    if panel.cursor and value is not None:
        ax.axvline(value, color=LIGHT["ink"], lw=0.8, ls=":")
    ax.set(
        xscale=panel.x_scale,
        yscale=panel.y_scale,
        ylim=(panel.low, panel.high),
        xlabel=plain(panel.x_label),
        ylabel=plain(panel.y_label),
    )
    _names(ax, len(panel.series))


def _points(ax: Axes, panel: Points, arrays: dict, value: float | None) -> None:
    for g, name in enumerate(panel.names):
        x, y = arrays["xy"][np.array(panel.groups) == g].T
        ax.scatter(x, y, s=22, color=LIGHT["series"][g], marker=MARKERS[g], label=plain(name))
    for (x, y), word in zip(arrays["xy"], panel.labels or (), strict=False):
        ax.annotate(plain(word), (x, y), (4, 3), textcoords="offset points", fontsize=7)
    ax.set(
        xlim=panel.x_ends,
        ylim=panel.y_ends,
        xlabel=plain(panel.x_label),
        ylabel=plain(panel.y_label),
    )
    if panel.equal:
        ax.set_aspect("equal")
    _names(ax, len(panel.names))


def _names(ax: Axes, count: int) -> None:
    if count > 1:
        ax.legend(fontsize=8)


_DRAW: dict[type[Panel], Callable[..., None]] = {
    Heatmap: _heatmap,
    Bars: _bars,
    Lines: _lines,
    Points: _points,
}


def png(content: Content, i: int, j: int) -> bytes:
    """All panels at slider position `i` and option `j`, as the bytes of a light PNG."""
    count = len(content.panels)
    columns = min(count, 3)
    rows = -(-count // columns)
    with style():
        figure = Figure(figsize=(3.5 * columns, 3.3 * rows))
        for k, panel in enumerate(content.panels, start=1):
            draw(figure.add_subplot(rows, columns, k), panel, i, j, content.slider.values[i])
        drawn, small = io.BytesIO(), io.BytesIO()
        with warnings.catch_warnings():  # a script that the font lacks is a box, and no more
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure.savefig(drawn, dpi=100)
    # 256 shades are enough for flat colours, and a third of the bytes
    Image.open(drawn).convert("RGB").quantize(256).save(small, "PNG", optimize=True)
    return small.getvalue()


def figure_of(content: Content, model_id: str, i: int, j: int) -> str:
    """That figure for a page: seen until a script draws the widget `model_id` in its place."""
    source = base64.b64encode(png(content, i, j)).decode()
    return (
        f'<figure class="operator-lab-still" data-model="{model_id}">'
        f'<img alt="{escape(content.alt)}" style="max-width:100%" '
        f'src="data:image/png;base64,{source}">'
        f"<figcaption>{escape(content.text(i, j))}</figcaption></figure>"
    )

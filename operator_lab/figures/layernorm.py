"""Pictures of what LayerNorm renormalizes: growth of the stream with depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..guard import guarded
from ..layernorm import Growth
from .explorer import Choice, Explorer, Lines, Slider
from .look import line, shades


@guarded
def depth(stacks: Mapping[str, Growth]) -> Explorer:
    """Stream, steps and distinctness of random stacks against depth, one choice a placement.

    `stacks` maps names to `operator_lab.layernorm.growth` of the same depth.
    """
    some = next(iter(stacks.values()))
    layers = len(some.gradient)
    per_layer = (len(some.size) - 1) // layers
    at = np.unique(np.geomspace(1, layers, 30).round().astype(int))
    size, spread = (
        np.stack([getattr(s, name)[at * per_layer] for s in stacks.values()], axis=1)
        for name in ("size", "spread")
    )
    update = np.stack([s.update[at * per_layer - 1] for s in stacks.values()], axis=1)
    floor = 1e-16  # below rounding: nothing left to tell apart
    return Explorer(
        title="Depth",
        slider=Slider(label="layers", values=at, start=max(0, len(at) - 2), said="{} layer(s)"),
        choice=Choice("norm", list(stacks)),
        panels=[
            Lines(
                "Size of the stream", at, {"size": size.T}, x_label="layers", cursor=True,
                y_label="root mean square", x_scale="log", y_scale="log",
            ),
            Lines(
                "Size of a step", at, {"step": update.T}, x_label="layers", cursor=True,
                y_label="of the stream", x_scale="log", y_scale="log",
            ),
            Lines(
                "How far positions differ", at, {"spread": np.maximum(spread, floor).T},
                x_label="layers", cursor=True, y_label="share not common", x_scale="log",
                y_scale="log",
            ),
        ],
        readout="{norm}: after {layers:.0f} layers the stream has size {size:.3g}, the last step "
        "changed it by {update:.2g} of itself, and {spread:.2g} of it tells positions apart.",
        values={
            "norm": [list(stacks)], "layers": at[:, None], "size": size, "update": update,
            "spread": spread,
        },
        alt="Three curves against depth for a random stack: size of the stream, size of each step, "
        "and how far positions still differ.",
    )  # fmt: skip


@guarded
def curves(
    ax: Axes, series: Mapping[str, Float[ndarray, "step"]], title: str = "", label: str = ""
) -> None:
    """Curves by step on two logarithmic axes."""
    for i, (name, found) in enumerate(series.items()):
        ax.loglog(np.arange(1, len(found) + 1), found, label=name, **line(i, marker=""))
    ax.set(title=title, xlabel="step", ylabel=label)
    ax.legend()


@guarded(holes=("found",))
def regulated(
    ax: Axes,
    found: Float[ndarray, "name rate seed"],
    rates: Annotated[Sequence[float], "rate"],
    names: Annotated[Sequence[str], "name"],
    title: str = "",
    worst: float = 0.5,
) -> None:
    """Excess by regulator (down) and learning rate (across), dark where little is left.

    `found` is [name, rate, seed]; a cell shows the mean, and how many seeds diverged, if any did.
    """
    lost = (~np.isfinite(found)).sum(-1)
    mean = np.where(np.isfinite(found), found, worst).mean(-1)
    dark = np.log(worst / np.clip(mean, 0.03, worst))
    ax.grid(False)  # seaborn and others would draw lines over it
    ax.imshow(dark, cmap=shades(), vmin=0, vmax=np.log(worst / 0.03), aspect="auto")
    for (i, j), value in np.ndenumerate(mean):
        text = f"{value:.2f}" if not lost[i, j] else f"{lost[i, j]} of {found.shape[-1]} diverged"
        color = "white" if dark[i, j] > 1.6 else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=8, color=color)
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel="learning rate")
    ax.spines[:].set_visible(False)


@guarded
def settling(ax: Axes, moves: Mapping[str, Float[ndarray, "seed step"]], title: str = "") -> None:
    """How far one more application of a tied layer moves the state, a thin line a seed."""
    for i, (name, found) in enumerate(moves.items()):
        for k, seed in enumerate(found):
            at = np.arange(1, len(seed) + 1)
            ax.loglog(at, seed, label=None if k else name, **line(i, marker="", linewidth=1))
    ax.set(title=title, xlabel="times applied", ylabel="move, of the state's size", ylim=(1e-10, 3))
    ax.legend()

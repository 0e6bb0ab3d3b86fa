"""Pictures of training: what is learned when, the jump of the second hop, the ladder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..errors import LabError
from ..given import keyed
from ..guard import guarded
from .explorer import Bars, Choice, Explorer, Lines, Slider
from .look import LIGHT, hue, line

SEEN = ("excess", "hop sizes", "hop left", "at T/T0", "flip")


@guarded
def becoming(
    steps: Float[ndarray, "look"],
    ratios: Float[ndarray, "n"],
    seen: Mapping[str, Float[ndarray, "seed look *n"]],
) -> Explorer:
    """A model at every moment of its training: excess, hop orders, temperature; a choice of seeds.

    `seen` is what `operator_lab.ensembles.becoming` measures, with the excess, after each of
    `steps`; the first look of all, at step 0, is left out.
    """
    keyed(seen, SEEN, "seen")
    at = steps[1:].astype(float)
    over = {name: values[:, 1:] for name, values in seen.items()}
    turned = {name: np.moveaxis(values, 0, 1) for name, values in over.items()}  # [look, seed, ...]
    hops, left = turned["hop sizes"], turned["hop left"]
    if turned["at T/T0"].shape[2:] != ratios.shape:
        raise LabError(
            f"seen['at T/T0'] has one number a ratio, here {len(ratios)}; got shape "
            f"{seen['at T/T0'].shape}."
        )
    best = ratios[turned["at T/T0"].argmin(-1)]
    return Explorer(
        title="Training time",
        slider=Slider(label="steps", values=at, start=max(0, len(at) - 2), digits=3,
                      said="{} step(s)"),
        choice=Choice("seed", [f"seed {i}" for i in range(len(over["excess"]))]),
        panels=[
            Lines(
                "Above the floor", at, {"excess": over["excess"]}, x_label="steps",
                y_label="nats per word", x_scale="log", y_scale="log", cursor=True,
            ),
            Bars(
                "Size of the hop orders", [str(n) for n in range(hops.shape[-1])],
                {"size": hops}, low=0, high=1, x_label="hops", y_label="of the state",
            ),
            Lines(
                "Excess at other temperatures", ratios, {"excess": turned["at T/T0"]},
                x_label="T / T0", y_label="nats per word", x_scale="log", y_scale="log",
            ),
        ],
        readout="After {steps:.0f} steps ({seed}) the model is {excess:.3g} nats above the floor. "
        "Without hops its law would be {alone:.2g} nats away, with one hop {once:.2g}; the "
        "exchange of 'bank' turns {flip:.0%} of the difference, and the best temperature is "
        "{best:.1f} T0.",
        values={
            "steps": at[:, None], "seed": [[f"seed {i}" for i in range(len(over["excess"]))]],
            "excess": turned["excess"], "alone": left[..., 0], "once": left[..., 1],
            "flip": turned["flip"], "best": best,
        },
        alt="At the end of a training: a falling curve of the excess, the sizes of the hop orders "
        "0 to 4, of which 0 and 1 are the largest, and the excess against the temperature with "
        "its lowest place at the usual one.",
    )  # fmt: skip


@guarded
def progress(
    ax: Axes, steps: Float[ndarray, "look"], curves: Mapping[str, Float[ndarray, "seed look"]]
) -> None:
    """How much of its way each quantity has gone, from first look to last: median and range."""
    for i, (name, values) in enumerate(curves.items()):
        first, last = values[:, :1], values[:, -1:]
        way = (values - first) / (last - first)
        low, middle, high = np.percentile(way, (0, 50, 100), axis=0)
        ax.fill_between(steps[1:], low[1:], high[1:], color=hue(i), alpha=0.12, lw=0)
        ax.plot(steps[1:], middle[1:], label=name, **line(i, markersize=4))
    ax.set(xscale="log", xlabel="steps", ylabel="share of the way", ylim=(-0.1, 1.25))
    ax.legend(loc="upper left", fontsize=8)


@guarded
def jump(
    ax: Axes, steps: Float[ndarray, "look"], rows: Mapping[str, Float[ndarray, "seed look"]],
    exact: float,
) -> None:  # fmt: skip
    """Every seed as a curve, one colour a row, against the exact value."""
    ax.axhline(exact, color="0.5", linestyle=":", linewidth=1)
    ax.annotate("exact", (steps[1], exact), xytext=(0, 3), textcoords="offset points", color="0.4")
    for i, (name, values) in enumerate(rows.items()):
        for seed, curve in enumerate(values):
            ax.plot(
                steps, curve, label=name if seed == 0 else None,
                **line(i, marker="", linewidth=1.3),
            )  # fmt: skip
    ax.set(xlabel="steps", ylabel="P(right verb)", ylim=(0, 0.78))
    ax.legend(loc="lower right", fontsize=8)


@guarded
def ladder(ax: Axes, rungs: Mapping[str, Float[ndarray, "seed"]]) -> None:
    """The excess of every seed, one line a rung, from nothing at the top to the whole block."""
    for i, values in enumerate(rungs.values()):
        ax.plot(values, np.full(len(values), i), "o", color=LIGHT["series"][0], alpha=0.5, ms=5)
        ax.plot(np.median(values), i, "|", color=LIGHT["series"][6], ms=16, mew=2)
    names = [f"+ {name}" if i > 1 else name for i, name in enumerate(rungs)]
    ax.set(xscale="log", xlabel="excess, nats per word", yticks=range(len(rungs)))
    ax.set_yticklabels(names)
    ax.invert_yaxis()


@guarded(empty=("bounds",))
def losses(
    ax: Axes,
    curves: Mapping[str, tuple[Float[ndarray, "n"], Float[ndarray, "n"]]],
    bounds: Mapping[str, float] | None = None,
    log: bool = False,
) -> None:
    """Learning curves (steps, nats) against time, with horizontal lines for what is known."""
    for i, (name, (steps, nats)) in enumerate(curves.items()):
        ax.plot(steps, nats, label=name, **line(i, markersize=4))
    for name, known in (bounds or {}).items():
        ax.axhline(known, color="0.5", linestyle=":", linewidth=1)
        ax.annotate(name, (1, known), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                    textcoords="offset points", ha="right", fontsize=8, color="0.4")  # fmt: skip
    ax.set(xlabel="steps", ylabel="nats per word")
    if log:
        ax.set(xscale="symlog", yscale="log")  # step 0 has a place, too
    ax.legend(fontsize=8)

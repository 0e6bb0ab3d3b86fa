"""Pictures of heads as channels: blocks, Schmidt values, silencing against exchange, switches."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..corpus import Tokenizer
from ..edits import silence
from ..errors import LabError
from ..guard import guarded
from ..model import Model, divergence
from .explorer import Bars, Choice, Explorer, Slider
from .look import hue, marker, plain, shades
from .standard import standard

MOST = 6  # heads, of which there are 64 sets


@guarded
def blocks(ax: Axes, M: Float[ndarray, "n k"], heads: int, title: str = "") -> None:
    """The size of a matrix's entries as shaded cells, with lines between the heads' blocks."""
    ax.grid(False)  # seaborn and others would draw lines over it
    ax.imshow(abs(M), cmap=shades(), vmin=0, vmax=abs(M).max())
    for edge in np.arange(1, heads) * len(M) // heads - 0.5:
        ax.axhline(edge, color="0.6", linewidth=0.6)
        ax.axvline(edge, color="0.6", linewidth=0.6)
    ax.set(title=title, xticks=[], yticks=[])


@guarded
def by_sense(
    ax: Axes,
    M: Float[ndarray, "n n"],
    names: Annotated[Sequence[str], "n"],
    most: float,
    title: str = "",
) -> None:
    """What reading a word of one sense (across) adds to words of each sense (down), signed."""
    ax.grid(False)  # seaborn and others would draw lines over it
    ax.imshow(M, cmap="PuOr_r", vmin=-most, vmax=most)
    for (i, j), value in np.ndenumerate(M):
        color = "white" if abs(value) > 0.7 * most else "black"
        ax.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=7, color=color)
    names = [plain(n) for n in names]
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel="read", ylabel="said")
    ax.spines[:].set_visible(False)


@guarded
def schmidt(ax: Axes, series: Mapping[str, Float[ndarray, "layer channel"]]) -> None:
    """Squared Schmidt values of each layer, [layer, channel], side by side."""
    width = 0.8 / len(series)
    for i, (name, sizes) in enumerate(series.items()):
        weight = np.asarray(sizes)[:, :4] ** 2
        bottom = np.zeros(len(weight))
        for k in range(weight.shape[1]):
            places = np.arange(len(weight)) + (i - (len(series) - 1) / 2) * width
            ax.bar(
                places, weight[:, k], 0.9 * width, bottom=bottom, edgecolor="white",
                color=hue(i), alpha=1 - 0.22 * k, label=name if k == 0 else None,
            )  # fmt: skip
            bottom = bottom + weight[:, k]
    ax.set_xticks(range(len(weight)), [f"layer {i + 1}" for i in range(len(weight))])
    ax.set(ylabel="share of the operator", ylim=(0, 1))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)


@guarded
def harm(
    ax: Axes, silenced: Float[ndarray, "layer head"], carried: Float[ndarray, "layer head"]
) -> None:
    """What silencing each head costs against what it carries of the sense, one mark a head."""
    for layer, (x, y) in enumerate(zip(carried, silenced, strict=True)):
        color = hue(layer)
        ax.plot(x, y, marker(layer), color=color, ms=6, label=f"layer {layer + 1}")
    for layer, head in np.argwhere((silenced > 0.015) | (abs(carried) > 0.05)):
        ax.annotate(
            f"{layer + 1}.{head + 1}", (carried[layer, head], silenced[layer, head]),
            xytext=(5, 4), textcoords="offset points", fontsize=8,
        )  # fmt: skip
    ax.set(
        xlabel="share of the prediction that flips, write exchanged",
        ylabel="excess when silenced, nats", yscale="log",
    )  # fmt: skip
    ax.legend()


@guarded
def switches(model: Model, sentence: str, count: int = 8) -> Explorer:
    """The law with some heads of one layer silenced: every set of heads, every layer.

    Beside it the loss (`Model.loss`): over all texts of a language or of one's own, of a real model
    over the sentence alone. In a live notebook another sentence can be typed. LabError for a
    sentence that the model or the exact law cannot read, and for more than `MOST` heads.
    """
    shape, quick = model.transformer.shape, model.to("float32")
    if not shape.layers:
        raise LabError("A model without layers has no heads to silence.")
    if shape.heads > MOST:
        raise LabError(
            f"This picture shows every set of at most {MOST} heads, and a layer here has "
            f"{shape.heads}; lab.channels.costs silences one at a time."
        )
    texts = [sentence] if isinstance(model.language, Tokenizer) else None
    heads = range(shape.heads)
    subsets = [s for n in range(shape.heads + 1) for s in itertools.combinations(heads, n)]
    off = np.array([
        [quick.loss(texts, 32, silence(quick, layer, s) if s else None)
         for layer in range(shape.layers)]
        for s in subsets
    ])  # fmt: skip

    def picture(text: str) -> dict:
        return _switch_picture(quick, text, subsets, off, count)

    labels = [_named(s, shape.heads) for s in subsets]
    return Explorer(
        title="Heads",
        slider=Slider(label="silenced", values=range(len(subsets)), labels=labels,
                      start=subsets.index((shape.heads - 1,))),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )  # fmt: skip


def _named(heads: Sequence[int], count: int) -> str:
    if not heads:
        return "no head"
    if len(heads) == count:
        return "all heads"
    return ("head " if len(heads) == 1 else "heads ") + ", ".join(str(h + 1) for h in heads)


def _switch_picture(model: Model, text: str, subsets, off: ndarray, count: int) -> dict:
    run = model.run(text)
    exact = standard(model, text, run)[1][-1]
    loss = "excess" if model.knows_truth else "loss"
    layers = range(run.shape.layers)
    laws = np.array([
        [model.run(text, edits=silence(model, layer, s) if s else None).law[-1] for layer in layers]
        for s in subsets
    ])  # fmt: skip
    shown = np.argsort(-(run.law[-1] + exact + 0.3 * laws.max((0, 1))), kind="stable")[:count]
    moved = np.array([[divergence(run.law[-1], law) for law in row] for row in laws])
    return {
        "choice": Choice("layer", [f"layer {i + 1}" for i in layers], start=1),
        "panels": [
            Bars(
                f"After '{run.words[-1]}'", [run.vocabulary[i] for i in shown],
                {"with the heads left": laws[..., shown], "all heads": run.law[-1, shown]},
                low=0, high=1, y_label="probability",
            ),
            Bars(
                f"{loss.capitalize()} over all texts", ["heads left", "all heads"],
                {loss: np.stack([off, np.broadcast_to(off[0], off.shape)], axis=-1)},
                low=0, y_label="nats",
            ),
        ],
        "readout": "{layer}, {silenced} silenced: the law here moves by {moved:.2f} nats, the "
        "likeliest word is '{word}' ({p:.0%}); over all texts the " + loss + " is {off:.3f} nats.",
        "values": {
            "layer": [[f"Layer {i + 1}" for i in layers]], "moved": moved, "off": off,
            "silenced": [[_named(s, run.shape.heads)] for s in subsets], "p": laws.max(-1),
            "word": [[run.vocabulary[i] for i in row] for row in laws.argmax(-1)],
        },
        "alt": f"Bars: the law of the word after '{text}', one head of layer 2 silenced, beside "
        f"that of the whole model; and the {loss} over all texts, with and without it.",
    }  # fmt: skip

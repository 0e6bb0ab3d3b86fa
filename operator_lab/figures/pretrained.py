"""Pictures of real models: truncation by hops, curves by order and depth, logits split by head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..errors import LabError
from ..given import keyed, one_of
from ..guard import guarded
from ..model import Model
from ..pretrained import truncation as truncated
from .explorer import Bars, Choice, Explorer, Lines, Slider
from .look import LIGHT, hue, line, plain, signs

SPLITS = ("all on-site is free, count hops", "MLPs are free, count attentions")
PICTURE = ("sentence", "last", "words", "whole", "laws", "left", "sizes", "top", "sure")


@guarded
def truncation(picture: Mapping[str, Any], model: Model | None = None) -> Explorer:
    """The next word read from the first orders of a real model, beside the whole model's.

    `picture` is one of `lab.pretrained.pictures()` or `lab.pretrained.truncation(model, text)`.
    With a `model` a live notebook has a text box. LabError for a text the model cannot read.
    """
    recompute = None if model is None else lambda text: _picture(truncated(model, text))
    keyed({key: held for key, held in picture.items() if held is not None}, PICTURE, "picture")
    count = len(picture["left"])
    return Explorer(
        title="Truncation of a real model",
        slider=Slider(
            label="orders kept, up to", values=range(count), start=1, said="orders up to {}"
        ),
        sentence=picture["sentence"],
        recompute=recompute,
        **_picture(picture),
    )


def _picture(found: Mapping[str, Any]) -> dict:
    laws, left = np.asarray(found["laws"]), np.asarray(found["left"])
    order = np.arange(float(len(left)))
    return {
        "choice": Choice("what is free", SPLITS),
        "panels": [
            Bars(
                f"After '{found['last'].strip()}'",
                [_written(word) for word in found["words"]],
                {"orders kept": laws, "whole model": np.asarray(found["whole"])},
                low=0, high=1, y_label="probability",
            ),
            Lines(
                "What is missing", order, {"KL to the whole model": np.maximum(left, 1e-7).T},
                x_label="orders kept, up to", y_label="nats", y_scale="log", low=1e-7, high=100,
                cursor=True,
            ),
            Lines(
                "Size of each order", order, {"size": np.asarray(found["sizes"]).T},
                x_label="order", y_label="norm, of the whole state", low=0, cursor=True,
            ),
        ],
        "readout": "'{text} ...' Orders 0 to {order:.0f}: the likeliest next word is '{top}' "
        "({sure:.0%}); {left:.3f} nats are missing. The whole model says '{whole}'.",
        "values": {
            "order": order[:, None], "top": [[w.strip() for w in row] for row in found["top"]],
            "sure": np.asarray(found["sure"]), "left": left, "text": _short(found["sentence"]),
            "whole": found["words"][int(np.argmax(found["whole"]))].strip(),
        },
        "alt": f"Bars: the word after '{_short(found['sentence'])}' as read after one hop, beside "
        "the whole model's; a curve of the nats missing that falls with every order.",
    }  # fmt: skip


def _written(piece: str) -> str:
    """A piece of a vocabulary as a reader would write it: a word, or "-ing" for the end of one."""
    if piece.isspace():
        return "(new line)" if "\n" in piece else "(blank)"
    return f"-{piece}" if piece[:1].isalpha() and piece.islower() else piece.strip()


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else "... " + text[-most:].partition(" ")[2]


@guarded
def curves(
    ax: Axes, series: Mapping[str, Sequence[float]], title: str = "", x: str = "", y: str = "",
    scale: str = "linear", at: Sequence[float] | None = None,
) -> None:  # fmt: skip
    """Named curves over order or depth; on a logarithmic scale what is not positive is left out."""
    one_of(scale, ("linear", "log"), "scale")
    for i, (name, values) in enumerate(series.items()):
        values = np.asarray(values, float)
        if at is not None and len(at) != len(values):
            raise LabError(f"{name!r} has {len(values)} numbers, at has {len(at)} places.")
        values = np.where(values > 0, values, np.nan) if scale == "log" else values
        places = np.arange(len(values)) if at is None else at
        small = len(values) < 20
        ax.plot(places, values, label=name, **line(i, **({} if small else {"marker": ""})))
    ax.set(title=title, xlabel=x, ylabel=y, yscale=scale)
    if len(series) > 1:
        ax.legend()


@guarded
def levels(
    ax: Axes,
    names: Annotated[Sequence[str], "n"],
    shares: Annotated[Sequence[float], "n"],
    title: str = "",
) -> None:
    """Bars one below the other, such as the parts of a logit; the number stands at each."""
    places = np.arange(len(names))
    colours = [hue(int(share < 0)) for share in shares]
    ax.barh(places, shares, color=colours)
    for place, share in zip(places, shares, strict=True):
        ax.annotate(f"{share:+.2f}", (max(share, 0.0), place), (4, 0), va="center", fontsize=8,
                    textcoords="offset points")  # fmt: skip
    ax.set_yticks(places, [plain(n) for n in names])
    ax.invert_yaxis()
    ax.axvline(0, color="0.5", linewidth=0.6)
    ax.margins(x=0.15)
    ax.set(title=title, xlabel="share of the logit difference")


@guarded
def heads(ax: Axes, share: Float[ndarray, "layer head"], title: str = "") -> None:
    """A number with a sign for every head, layer by layer; outlined where it is the largest."""
    edge = abs(share).max() or 1.0
    ax.grid(False)  # seaborn and others would draw lines over it
    drawn = ax.pcolormesh(share.T, cmap=signs(), vmin=-edge, vmax=edge, ec="0.9", lw=0.3)
    ax.figure.colorbar(drawn, ax=ax, shrink=0.8, label="share of the logit difference")
    layer, head = np.unravel_index(abs(share).argmax(), share.shape)
    ax.plot(layer + 0.5, head + 0.5, "o", mfc="none", mec=LIGHT["ink"], ms=12)
    ax.set(title=title, xlabel="layer", ylabel="head")
    ax.set_xticks(np.arange(0, len(share), 5) + 0.5, [str(n) for n in range(1, len(share) + 1, 5)])
    ax.set_yticks(np.arange(share.shape[1]) + 0.5, [str(n) for n in range(1, share.shape[1] + 1)])


@guarded
def foretold(
    ax: Axes,
    share: Float[ndarray, "layer head"],
    effect: Float[ndarray, "layer head"],
    title: str = "",
) -> None:
    """What the split says a head contributes, against what is lost when it is silenced."""
    ax.plot(share.ravel(), effect.ravel(), "o", color=LIGHT["series"][0], ms=4, alpha=0.6)
    ends = np.array([min(share.min(), effect.min()), max(share.max(), effect.max())])
    ax.plot(ends, ends, color="0.5", linewidth=0.8, linestyle=":")
    for place in np.argsort(-np.maximum(abs(share), abs(effect)), axis=None)[:7]:
        layer, head = np.unravel_index(place, share.shape)
        ax.annotate(
            f"{layer + 1}.{head + 1}", (share[layer, head], effect[layer, head]), (5, 3),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    ax.set(title=title, xlabel="share in the split", ylabel="loss when silenced")

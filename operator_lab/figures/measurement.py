"""Pictures of measurement: the lens by depth, sampling as a cut, the simplex of beliefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..errors import LabError
from ..given import keyed
from ..guard import guarded
from ..measurement import cut, lens, tempered
from ..model import Model, divergence
from .explorer import Bars, Choice, Explorer, Lines, Points, Slider
from .look import LIGHT, hue, marker
from .standard import standard

TEMPERATURES = (0.5, 1.0, 2.0)


@guarded
def step_names(layers: int) -> list[str]:
    """What a state stands after: "label", "attention 1", "MLP 1", ..."""
    return ["label", *(f"{k} {i + 1}" for i in range(layers) for k in ("attention", "MLP"))]


@guarded
def depth(model: Model, sentence: str, count: int = 10) -> Explorer:
    """The law read after each step, at the last word and one before (logit lens).

    Held against the exact law, or the whole model's where nobody knows it. In a live notebook
    another sentence can be typed. LabError for a sentence that the model or the exact law cannot
    read.
    """

    def picture(text: str) -> dict:
        return _depth_picture(model, text, count)

    names = step_names(model.transformer.shape.layers)
    return Explorer(
        title="Depth of the lens",
        slider=Slider(
            "read after", values=range(len(names)), labels=names, start=min(3, len(names) - 2)
        ),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


def _depth_picture(model: Model, text: str, count: int) -> dict:
    run = model.run(text)
    name, exact = standard(model, text, run)
    laws = lens(run)
    off = np.array([[divergence(exact[i], law[i]) for i in range(len(exact))] for law in laws])
    last = laws[:, -1]
    shown = np.argsort(-(last[-1] + exact[-1] + 0.3 * last.max(0)), kind="stable")[:count]
    steps = np.arange(len(laws), dtype=float)
    return {
        "panels": [
            Bars(
                f"After '{run.words[-1]}'", [run.vocabulary[i] for i in shown],
                {"read here": last[:, None, shown], name: exact[-1, shown]},
                low=0, high=1, y_label="probability",
            ),
            Lines(
                f"Distance to the {name}", steps,
                {"after the last word": off[:, -1], "mean over the sentence": off.mean(1)},
                x_label="steps", y_label="nats", low=0, cursor=True,
            ),
        ],
        "readout": "Read after {step}: the likeliest next word is '{word}' ({p:.0%}); {off:.2f} "
        f"nats from the {name}.",
        "values": {
            "step": step_names(run.shape.layers), "p": last.max(-1), "off": off[:, -1],
            "word": [run.vocabulary[i] for i in last.argmax(-1)],
        },
        "alt": f"Bars: the next word after '{text}' as read after the second attention, and the "
        f"{name}; a curve of the distance between them that falls with depth.",
    }  # fmt: skip


@guarded
def sampling(model: Model, sentence: str, count: int = 12) -> Explorer:
    """A number u between 0 and 1 cuts the cumulative law at a word; the temperature reshapes it.

    In a live notebook another sentence can be typed. LabError for one the model cannot read.
    """
    u = (np.arange(100) + 0.5) / 100
    count = min(count, len(model.language.words) - 1)

    def picture(text: str) -> dict:
        law = model.run(text).law[-1]
        order = np.argsort(-law, kind="stable")
        laws = np.stack([tempered(law, T)[order] for T in TEMPERATURES])
        chosen = np.stack([cut(row, u) for row in laws], axis=1)  # [u, T]
        words = [model.language.words[i] for i in order]
        labels = [*words[:count], "others"]
        folded = np.concatenate([laws[:, :count], laws[:, count:].sum(-1, keepdims=True)], axis=-1)
        taken = np.minimum(chosen, count)[..., None] == np.arange(count + 1)
        return {
            "panels": [
                Bars(
                    "The law, and the word drawn", labels,
                    {"probability": folded[None], "drawn": np.where(taken, folded, 0.0)},
                    low=0, y_label="probability",
                ),
                Lines(
                    "The cumulative law, read sideways", u,
                    {"word drawn": np.minimum(chosen.T + 1.0, count + 1)},
                    x_label="u", y_label="rank of the word", low=0, high=count + 2, cursor=True,
                ),
            ],
            "readout": "At temperature {T:.1f}, u = {u:.3f} draws '{word}', the word of rank "
            "{rank:.0f} ({p:.1%}).",
            "values": {
                "T": [list(TEMPERATURES)], "u": u[:, None], "rank": chosen + 1.0,
                "word": [[words[i] for i in row] for row in chosen],
                "p": np.take_along_axis(laws.T, chosen, 0),
            },
            "alt": f"Bars: the law of the word after '{text}', the drawn word marked; a staircase: "
            "the word drawn against u.",
        }  # fmt: skip

    return Explorer(
        title="Sampling",
        slider=Slider(label="u", values=u, start=60, said="u is {}"),
        choice=Choice("temperature", [f"T = {T:g}" for T in TEMPERATURES], start=1),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


@guarded
def corners(senses: int = 5) -> ndarray:
    """The corners of the picture of beliefs: one for each sense, on a circle."""
    angle = np.pi / 2 + 2 * np.pi * np.arange(senses) / senses
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@guarded
def simplex(
    found: Mapping[str, Float[ndarray, "step place sense"]],
    exact: Float[ndarray, "place sense"],
    senses: Annotated[Sequence[str], "sense"],
    names: Annotated[Sequence[str], "step"],
) -> Explorer:
    """Beliefs as points between the senses: what a read-out of each state finds.

    `found[name]` is [step, place, sense], `exact` [place, sense]. A belief is drawn at the mean of
    the corners, weighted; a colour shows the sense that is truly likeliest.
    """
    for name, each in found.items():
        if each.shape != (len(names), *exact.shape):
            raise LabError(
                f"found[{name!r}] is [step, place, sense], here {(len(names), *exact.shape)}; got "
                f"shape {each.shape}."
            )
    at = np.stack(list(found.values()), axis=1) @ corners(len(senses))
    missed = ((np.stack(list(found.values()), 1) - exact) ** 2).sum((-1, -2))
    missed = 1 - missed / ((exact - exact.mean(0)) ** 2).sum()
    return Explorer(
        title="Beliefs",
        slider=Slider(label="read after", labels=names, start=len(names) - 2),
        choice=Choice("model", list(found)),
        panels=[
            Points("What the state believes", at, exact.argmax(-1), senses, within=1.5),
            Points(
                "Bayes' rule", exact @ corners(len(senses)), exact.argmax(-1), senses, within=1.5
            ),
        ],
        readout="{model}, read after {step}: the read-out accounts for {share:.0%} of the variance "
        "of the exact beliefs.",
        values={"model": [list(found)], "step": [[n] for n in names], "share": missed},
        alt="Two clouds of points between five corners, one for each sense: what a linear read-out "
        "of the trained model's last state finds, and the exact beliefs; they agree.",
    )


@guarded
def beliefs(
    ax: Axes,
    belief: Float[ndarray, "place sense"],
    exact: Float[ndarray, "place sense"],
    senses: Annotated[Sequence[str], "sense"],
    title: str = "",
) -> None:
    """Beliefs as points between five corners, coloured by the sense that is truly likeliest."""
    xy, best = belief @ corners(len(senses)), exact.argmax(-1)
    for k, sense in enumerate(senses):
        color = hue(k)
        ax.plot(*xy[best == k].T, marker(k), color=color, ms=4, alpha=0.4, mew=0, label=sense)
    for corner, sense in zip(corners(len(senses)), senses, strict=True):
        x, y = 1.2 * corner
        ax.text(x, y, sense, ha="center", va="center", fontsize=8)
    ax.set(title=title, aspect="equal", xticks=[], yticks=[], xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
    ax.spines[:].set_visible(False)


@guarded
def stakes(
    ax: Axes, at_stake: Mapping[str, float], shares: Mapping[str, Mapping[str, float]]
) -> None:
    """Share of the belief found at each place of the grammar, the most at stake on top."""
    first = next(iter(shares.values()))
    places = sorted(first, key=keyed(at_stake, first, "at_stake").__getitem__)
    for i, (name, share) in enumerate(shares.items()):
        found = [share.get(place, np.nan) for place in places]
        ax.plot(found, range(len(places)), marker(i), color=hue(i), ms=6, label=name)
    idle = sum(at_stake[place] == 0 for place in places)
    ax.axhline(idle - 0.5, color="0.5", linewidth=0.8, linestyle=":")
    ax.text(0.02, idle - 0.6, "nothing at stake", va="top", fontsize=8)
    ax.text(0.02, idle - 0.4, "something at stake", va="bottom", fontsize=8)
    ax.set_yticks(range(len(places)), [f"after {place}" for place in places])
    ax.set(xlabel="share of the belief found", xlim=(0, 1.03))
    ax.legend(loc="center left", bbox_to_anchor=(0, 0.25))


@guarded
def generated(
    left: Axes,
    right: Axes,
    temperatures: Float[ndarray, "n"],
    entropy: Float[ndarray, "n"],
    inside: Float[ndarray, "n"],
    floor: float,
) -> None:
    """Entropy per word of generated text, and the share of texts inside the grammar."""
    left.plot(temperatures, entropy, "o-", color=LIGHT["series"][0])
    left.axhline(floor, color="0.5", linewidth=0.8, linestyle=":")
    left.text(temperatures[-1], floor, "floor", ha="right", va="bottom", fontsize=8)
    left.set(xlabel="sampling temperature", ylabel="nats per word", ylim=(0, None))
    right.plot(temperatures, inside, "s--", color=LIGHT["series"][1])
    right.set(xlabel="sampling temperature", ylabel="texts inside the grammar", ylim=(0, 1.05))

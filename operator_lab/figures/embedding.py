"""Pictures of the change of basis: the ring of senses, and what a rank costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..corpus import Language, grammar_of
from ..embedding import downfolded, ring, senses_of
from ..errors import LabError
from ..given import keyed
from ..guard import guarded
from ..model import Model
from .explorer import Choice, Explorer, Lines, Points, Slider
from .look import hue, marker

MATRICES = {"embedding": "W_E", "unembedding": "W_U.weight"}


@guarded
def rank(
    model: Model, held: Mapping[str, Float[ndarray, "seed"]], ranks: Sequence[int]
) -> Explorer:
    """What it costs to hold a matrix at a low rank while training, and to cut it down afterwards.

    `held[f"{name} {rank}"]` are the excesses of models trained at that rank, one a seed. The
    words' places in the plane of the senses are those of the cut-down matrix.
    """
    language = grammar_of(model.language)
    share = senses_of(language)
    ambiguous, coloured = (share == 0.5).any(1), share.max(1) == 1
    keep = ambiguous | coloured
    groups = np.where(ambiguous, len(language.senses), share.argmax(1))[keep]
    labels = [w if a else "" for w, a in zip(language.words, ambiguous, strict=True)]
    labels = [label for label, k in zip(labels, keep, strict=True) if k]

    found = _seeds(held, ranks)
    cut = np.empty(found.shape[:2])
    xy = np.empty((len(ranks), len(MATRICES), keep.sum(), 2))
    for i, r in enumerate(ranks):
        for j, name in enumerate(MATRICES.values()):
            full = model.weights[name]
            W = downfolded(full, r)
            cut[i, j] = model.with_weights({name: W}).to("float32").excess(48)
            xy[i, j] = ring(W, language, of=full)[keep]
    start = list(ranks).index(4) if 4 in ranks else 0
    low, mean, high = found.min(-1), found.mean(-1), found.max(-1)
    return Explorer(
        title="Rank",
        slider=Slider(label="rank", values=ranks, scale="log", start=start, said="rank {}"),
        choice=Choice("matrix", list(MATRICES)),
        panels=[
            Lines(
                "Distance to the exact law", np.array(ranks, float),
                {"held while training": mean.T, "trained longer, then cut down": cut.T},
                bands={"held while training": (low.T, high.T)},
                x_label="rank", y_label="excess, nats", x_scale="log", y_scale="log", cursor=True,
            ),
            Points(
                "Words after the cut", xy, groups, [*language.senses, "ambiguous"], labels,
                within=2.0,
            ),
        ],
        readout="{matrix}, rank {rank:.0f} of {most:.0f}: held there while training the model is "
        "{held:.3f} nats from the exact law (mean of {seeds:.0f} seeds, {low:.3f} to {high:.3f}); "
        "another model, trained longer and cut down afterwards, {cut:.3f}.",
        values={
            "matrix": [list(MATRICES)], "rank": np.array(ranks, float)[:, None], "held": mean,
            "low": low, "high": high, "cut": cut, "seeds": found.shape[-1],
            "most": model.transformer.shape.features,
        },
        alt="Two curves of the excess against the rank, low and flat when the rank is held while "
        "training, steep when a trained matrix is cut down; and the words in a plane, senses on a "
        "ring.",
    )  # fmt: skip


@guarded
def senses(ax: Axes, X: Float[ndarray, "V d"], language: Language, title: str = "") -> None:
    """The words of one sense as markers, the ambiguous words by name, in the senses' plane."""
    xy, share = ring(X, language), senses_of(language)
    for k, sense in enumerate(language.senses):
        ax.plot(*xy[share[:, k] == 1].T, marker(k), color=hue(k), ms=4, label=sense)
    for i in np.flatnonzero((share == 0.5).any(1)):
        ax.plot(*xy[i], "o", mfc="none", mec="0.3", ms=7)
        ax.annotate(language.words[i], xy[i], xytext=(5, 5), textcoords="offset points",
                    weight="bold", annotation_clip=True)  # fmt: skip
    reach = 1.15 * max(1.0, abs(xy[share.max(1) >= 0.5]).max())
    ax.set(title=title, aspect="equal", xticks=[], yticks=[], xlim=(-reach, reach),
           ylim=(-reach, reach))  # fmt: skip


def _seeds(
    held: Mapping[str, Float[ndarray, "seed"]], ranks: Sequence[int]
) -> Float[ndarray, "rank W seed"]:
    """What each matrix held at each rank, a seed each; LabError where one is missing."""
    names = [f"{name} {r}" for r in ranks for name in MATRICES]
    keyed(held, names, "held")
    counts = sorted({len(held[name]) for name in names})
    if len(counts) > 1:
        raise LabError(f"Every matrix and rank has as many seeds; got {counts}.")
    return np.array([held[name] for name in names]).reshape(len(ranks), len(MATRICES), -1)


@guarded
def ranks(ax: Axes, held: Mapping[str, Float[ndarray, "seed"]], which: Sequence[int]) -> None:
    """Excess against the rank at which a matrix was held, every seed a dot, the mean a line."""
    every = _seeds(held, which)
    for i, name in enumerate(MATRICES):
        found = every[:, i]
        color = hue(i)
        ax.loglog(which, found.mean(1), "-" if i == 0 else "--", color=color, label=name)
        ax.loglog(which, found, marker(i), color=color, ms=4, alpha=0.6)
    ax.set_xticks(which, [str(r) for r in which])
    ax.minorticks_off()
    ax.set(xlabel="rank, of 64", ylabel="excess, nats")
    ax.legend()

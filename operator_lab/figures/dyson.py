"""Pictures of depth as an ordered product: truncation order, and the bare series."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..dyson import bare, law_of, orders, sizes
from ..errors import LabError
from ..given import shown
from ..guard import guarded
from ..model import Model, divergence
from ..run import Run
from .explorer import Bars, Choice, Explorer, Lines, Points, Slider
from .look import line, plain
from .standard import standard

MOST_PATHS = 500
SPLITS = {
    "nothing is free, count layers": ("nothing", "layer"),
    "MLPs are free": ("mlp", "step"),
    "all on-site is free, count hops": ("on_site", "step"),
}


@guarded
def truncation(model: Model, sentence: str, count: int = 8) -> Explorer:
    """The law read from the first orders of a run, for three choices of what is free.

    Beside the truncated law stand the whole model's and the exact one, if any, for the likeliest
    words.
    In a live notebook another sentence can be typed. LabError for a sentence that the model or
    the exact law cannot read, or one of fewer positions than the model has layers plus one.
    """

    def picture(text: str) -> dict:
        return _truncation_picture(model, text, count)

    layers = model.transformer.shape.layers
    return Explorer(
        title="Truncation",
        slider=Slider(
            label="orders kept, up to", values=range(layers + 1), start=1, said="orders up to {}"
        ),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


def _truncation_picture(model: Model, text: str, count: int) -> dict:
    run = model.run(text)
    name, exact = standard(model, text, run)
    exact, layers = exact[-1], run.shape.layers
    if len(run.words) <= layers:
        raise LabError(f"Give a sentence of at least {layers} words, so that every hop can happen.")
    series = [orders(run, *options) for options in SPLITS.values()]
    laws = np.stack([law_of(run, np.cumsum(s, 0))[:, -1] for s in series], axis=1)
    shown = np.argsort(-(run.law[-1] + exact))[:count]
    left = np.array([[divergence(run.law[-1], law) for law in row] for row in laws])
    off = np.array([[divergence(exact, law) for law in row] for row in laws])
    weight = np.stack([sizes(s) for s in series])
    said = ", {off:.3f} from the exact law" if model.knows_truth else ""
    return {
        "choice": Choice("what is free", list(SPLITS), start=2),
        "panels": [
            Bars(
                f"After '{run.words[-1]}'", [run.vocabulary[i] for i in shown],
                {"orders kept": laws[..., shown], "whole model": run.law[-1, shown],
                 name: exact[shown]},
                low=0, y_label="probability",
            ),
            Lines(
                "Size of each order", np.arange(layers + 1.0), {"size": weight},
                x_label="order", y_label="norm, of the whole state", low=0, cursor=True,
            ),
        ],
        "readout": "Orders 0 to {order:.0f}: {left:.3f} nats from the whole model" + said + ". The "
        "likeliest next word is '{word}' ({p:.0%}).",
        "values": {
            "order": np.arange(layers + 1.0), "left": left, "off": off, "p": laws.max(-1),
            "word": [[run.vocabulary[i] for i in row] for row in laws.argmax(-1)],
        },
        "alt": f"Bars: probabilities of the next word after '{text}' from the orders kept, the "
        f"{' and the '.join(dict.fromkeys(['whole model', name]))}; a curve: the size of each "
        "order.",
    }  # fmt: skip


@guarded
def strength(runs: Mapping[str, Run], count: int = 24, keep: int = 8) -> Explorer:
    """The bare series at a strength lambda, its error by order, and the plane of singularities.

    Lengths in the plane are in units of the nearest singularity found, so the series must fail
    beyond 1 in every picture; where lambda = 1 lies is in the read-out. `runs` maps the options'
    names to runs of one sentence.
    """
    ratios = np.geomspace(0.1, 10, 41)
    facts = [_series(run, ratios, count, keep) for run in runs.values()]
    names = ["zero of a partition function", "zero of a norm's variance", "circle", "strength"]
    points = min(len(f["zeros"]) for f in facts)
    circle = np.exp(1j * np.linspace(0, np.pi, 60))
    xy = np.empty((len(ratios), len(facts), points + len(circle) + 1, 2))
    for c, f in enumerate(facts):
        fixed = np.concatenate([circle, f["zeros"][:points] / f["reach"]])
        for i, ratio in enumerate(ratios):
            plane = np.append(fixed, ratio if ratio <= 2.5 else np.nan)
            xy[i, c] = np.stack([plane.real, np.where(np.isnan(plane), np.nan, plane.imag)], -1)
    kinds = [names.index(k) for k in facts[0]["kinds"][:points]]
    reach = np.array([f["reach"] for f in facts])
    return Explorer(
        title="Strength",
        slider=Slider(label="λ / nearest singularity", values=ratios, scale="log", start=24,
                      said="{} times the nearest singularity"),
        choice=Choice("model", list(runs)),
        panels=[
            Lines(
                "Error of the bare series", np.arange(float(count)),
                {"bare": np.stack([f["error"] for f in facts], axis=1)}, x_label="order",
                y_label="error, of the state", y_scale="log", low=1e-8, high=1e8,
            ),
            Points(
                "The complex plane of λ", xy, [*[2] * len(circle), *kinds, 3], names,
                x_label="Re λ, in units of the nearest", y_label="Im λ",
            ),
        ],
        readout="λ = {lam:.3g}, at {ratio:.2f} of the nearest singularity (|λ| = {reach:.3g}). "
        "After {count:.0f} orders the bare series is off by {error:.2g} of the state. The network "
        "itself is at λ = 1, {one:.2g} times as far out as the nearest singularity.",
        values={
            "ratio": ratios[:, None], "lam": ratios[:, None] * reach, "reach": reach[None],
            "count": count - 1, "error": np.stack([f["error"][:, -1] for f in facts], axis=1),
            "one": 1 / reach[None],
        },
        alt="Left: the error of the bare series by order, falling inside the nearest singularity "
        "and growing beyond it. Right: singularities in the complex plane of the strength.",
    )  # fmt: skip


def _series(run: Run, ratios, count, keep) -> dict:
    c, _ = bare.stable_coefficients(run, count, 4.0)
    estimate = np.median(bare.radius_of_convergence(c))
    found = bare.singularities(run, 1.6 * estimate, grid=20, keep=keep)
    if not found:
        raise LabError(
            "No singularity was found near this run's radius of convergence, so there is nothing "
            "to draw its strength against."
        )
    reach = abs(found[0].strength)
    powers = (ratios[:, None] * reach) ** np.arange(count)
    partial = np.cumsum(powers[..., None] * c[:, -1], axis=1)
    exact = bare.at(run, ratios * reach).x.real[:, None, -1]
    error = np.linalg.norm(partial - exact, axis=-1) / np.linalg.norm(exact, axis=-1)
    kinds = {"partition function": "zero of a partition function"}
    return {
        "reach": reach, "error": np.clip(error, 1e-8, 1e8),
        "zeros": np.array([s.strength for s in found]),
        "kinds": [kinds.get(s.kind, "zero of a norm's variance") for s in found],
    }  # fmt: skip


@guarded
def shares(ax: Axes, series: Mapping[str, Float[ndarray, "order"]], title: str = "") -> None:
    """Bars of each order's share of the final state, one colour a split or model."""
    width = 0.8 / len(series)
    for i, (name, found) in enumerate(series.items()):
        places = np.arange(len(found)) + (i - (len(series) - 1) / 2) * width
        ax.bar(places, found, width, label=name)
    ax.set(title=title, xlabel="order", ylabel="share of the final state")
    ax.axhline(0, color="0.5", linewidth=0.6)
    ax.legend()


@guarded
def errors(ax: Axes, series: Mapping[str, Sequence[float]], title: str = "") -> None:
    """How much is missing after each order, on a logarithmic scale; exact zeros are left out."""
    for i, (name, found) in enumerate(series.items()):
        left = np.asarray(found, float)
        ax.plot(np.where(left > 0, left, np.nan), label=name, **line(i))
    ax.set(title=title, xlabel="orders summed, up to", ylabel="error, of the state", yscale="log")
    ax.legend()


@guarded
def paths(ax: Axes, words: Sequence[str], layers: int) -> None:
    """Every path that ends at the last position: straight up is free, slanted is a hop.

    LabError for more than 500 of them.
    """
    count = math.comb(len(words) + layers - 1, layers)
    if count > MOST_PATHS:
        raise LabError(
            f"{len(words)} words and {layers} layers have {float(count):.2g} paths; at most "
            f"{MOST_PATHS} can be told apart, so take fewer."
        )
    # Nothing is handed to the left.
    for place in itertools.combinations_with_replacement(range(len(words)), layers):
        way = np.array([*place, len(words) - 1])
        hops = int((np.diff(way) != 0).sum())
        shift = 0.03 * (sum(place) % 5 - 2)  # so that paths do not hide each other
        ax.plot(way + shift, range(layers + 1), label=f"{hops} hops", **line(hops, marker=""))
    known = dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    names = sorted(known)
    ax.legend([known[n] for n in names], names, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set_xticks(range(len(words)), [plain(w) for w in words])
    ax.set_yticks(range(layers + 1), ["label", *(f"layer {i + 1}" for i in range(layers))])


@guarded
def radii(ax: Axes, found: Mapping[tuple[str, str], Sequence[float]], title: str = "") -> None:
    """Radii of convergence by model and by what is free, on a logarithmic axis; 1 is the network.

    `found` maps (model, what is free) to a radius a text: a bar as far as every text's series
    converges, a dot for each text. LabError for other names.
    """
    for key in found:
        if not (isinstance(key, tuple) and len(key) == 2 and all(isinstance(k, str) for k in key)):
            raise LabError(f"Each of found is named (model, what is free); got {shown(key)}.")
    models = list(dict.fromkeys(model for model, _ in found))
    least = min(min(values) for values in found.values()) / 3
    for i, ((model, _), values) in enumerate(found.items()):
        style = line(models.index(model), marker="o", linestyle="none", alpha=0.7)
        ax.barh(-i, min(values) - least, left=least, color=style["color"], alpha=0.3)
        ax.plot(values, np.full(len(values), -i), **style)
    ax.axvline(1, color="0.3", linestyle="--", linewidth=1)
    ax.text(1, 0.6, "the network, λ = 1", ha="center", va="bottom", fontsize="small")
    ax.set_yticks(-np.arange(len(found)), [f"{m}, free: {f.replace('_', ' ')}" for m, f in found])
    ax.set(title=title, xlabel="radius of convergence in λ", xscale="log")
    ax.set(xlim=(least, None), ylim=(0.5 - len(found), 1.2))

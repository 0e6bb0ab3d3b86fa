"""Pictures of the continuum: layers at a fixed depth, splitting, and a trained model made finer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..continuum import SPLITTINGS, exact, integrate, off, order, refined, split
from ..given import index
from ..guard import guarded
from ..model import Model, divergence
from .explorer import Bars, Choice, Explorer, Lines, Slider
from .look import line
from .standard import standard

METHODS = {"euler": "Euler", "heun": "Heun", "rk4": "Runge-Kutta 4"}
COST = {"euler": 1, "heun": 2, "rk4": 4}  # evaluations of the velocity a layer
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
TIMES = (1, 2, 3, 4, 6, 8)
Values = Sequence[float] | ndarray


@guarded
def layers(
    velocity: Callable, x: Float[ndarray, "N d"], counts: Sequence[int] = COUNTS, feature: int = 0
) -> Explorer:
    """One feature of the last position against depth, for more and more layers to the same depth.

    `velocity(x, t)` is what all branches write; one choice a scheme.
    """
    fine, feature = np.linspace(0, 1, 65), index(feature, x.shape[1], "feature")
    truth = integrate(velocity, x, 256, "rk4")[::4, -1, feature]
    runs = [[integrate(velocity, x, n, m) for m in METHODS] for n in counts]
    end = exact(velocity, x, 0.0, 1.0)
    paths = np.array([[_path(run, fine, feature) for run in row] for row in runs])
    errors = np.array([[off(run[-1], end) for run in row] for row in runs])
    return Explorer(
        title="Layers",
        slider=Slider("layers", values=counts, start=max(0, min(3, len(counts) - 2)), scale="log",
                      said="{} layer(s)"),
        choice=Choice("scheme", list(METHODS.values())),
        panels=[
            Lines(
                "One feature on its way", fine, {"this many layers": paths, "continuum": truth},
                x_label="depth", y_label="feature",
            ),
            Lines(
                "Error at the end", counts, {"error": np.maximum(errors, 1e-13).T},
                x_label="layers", y_label="of the state", x_scale="log", y_scale="log",
                cursor=True,
            ),
        ],
        readout="{scheme}, {layers:.0f} layers: the last state is off by {error:.2g} of itself, "
        "after {calls:.0f} evaluations of the branches.",
        values={
            "scheme": [list(METHODS.values())], "layers": np.array(counts, float)[:, None],
            "error": errors, "calls": np.outer(counts, [COST[m] for m in METHODS]).astype(float),
        },
        alt="A feature against depth: a polygon of a few layers beside the smooth curve of the "
        "continuum; the error at the end falls with the number of layers.",
    )  # fmt: skip


def _path(states: ndarray, at: ndarray, feature: int) -> ndarray:
    return np.interp(at, np.linspace(0, 1, len(states)), states[:, -1, feature])


@guarded
def splitting(
    parts: Sequence[Callable],
    x: Float[ndarray, "N d"],
    constrain: Callable[[ndarray], ndarray],
    tangent: Callable[[ndarray, ndarray], ndarray],
    counts: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
) -> Explorer:
    """Error against layers for three ways to split, by the scheme of the sub-steps.

    The choice is whether `constrain` acts after each sub-step (post-LN); its continuum follows
    `tangent(x, velocity)`.
    """
    velocity = lambda y, t: sum(f(y, t) for f in parts)  # noqa: E731
    free = exact(velocity, x, 0.0, 1.0)
    on_it = constrain(x)
    held = exact(lambda y, t: tangent(y, velocity(y, t)), on_it, 0.0, 1.0)
    errors = np.array(
        [
            [
                [
                    [off(split(parts, start, n, s, m, constrain=c)[-1], end) for n in counts]
                    for s in SPLITTINGS
                ]
                for start, end, c in ((x, free, None), (on_it, held, constrain))
            ]
            for m in METHODS
        ]
    )  # fmt: skip  [method, free or held, splitting, layers]
    found = np.apply_along_axis(lambda e: order(counts[-3:], e[-3:]), -1, errors)
    names = [s if s == "parallel" else s.capitalize() for s in SPLITTINGS]
    return Explorer(
        title="Splitting",
        slider=Slider("sub-steps by", labels=list(METHODS.values())),
        choice=Choice("norm", ["inside the branches", "after each sub-step"]),
        panels=[
            Lines(
                "Error at the end", counts,
                {name: errors[:, :, i] for i, name in enumerate(names)},
                x_label="layers", y_label="of the state", x_scale="log", y_scale="log",
            ),
            Bars("Observed order", names, {"order": found}, low=0, high=4.5, y_label="order"),
        ],
        readout="Sub-steps by {method}, norm {norm}: the orders are {a:.2f} (parallel), {b:.2f} "
        "(Lie), {c:.2f} (Strang). With {layers:.0f} layers Lie is off by {lie:.2g} of the state, "
        "Strang by {strang:.2g}.",
        values={
            "method": [[m] * 2 for m in METHODS.values()],
            "norm": [["inside the branches", "after each sub-step"]],
            "a": found[..., 0], "b": found[..., 1], "c": found[..., 2], "layers": counts[-1],
            "lie": errors[:, :, 1, -1], "strang": errors[:, :, 2, -1],
        },
        alt="Three curves of the error against the number of layers, with sub-steps by Euler: all "
        "fall at the same rate, and the bars beside them show order 1 for parallel, Lie, Strang.",
    )  # fmt: skip


@guarded
def refinement(model: Model, sentence: str, count: int = 8) -> Explorer:
    """The law after a sentence when each layer is done in more, smaller steps.

    One choice refines all layers, the other leaves the first whole. In a live notebook another
    sentence can be typed. LabError for one that the model or the exact law cannot read.
    """
    several = model.transformer.shape.layers
    finer = [[refined(model, m), refined(model, [1, *[m] * (several - 1)])] for m in TIMES]

    def picture(text: str) -> dict:
        return _refinement_picture(model, finer, text, count)

    return Explorer(
        title="Refinement",
        slider=Slider(
            "steps a layer", values=TIMES, start=len(TIMES) - 2, said="{} step(s) a layer"
        ),
        choice=Choice("refined", ["every layer", "all but the first"]),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


def _refinement_picture(model: Model, finer, text: str, count: int) -> dict:
    run = model.run(text)
    name, exact_law = standard(model, text, run)
    whole, exact_law = run.law[-1], exact_law[-1]
    held = {"as trained": whole} | ({name: exact_law} if model.knows_truth else {})
    laws = np.array([[m.run(text).law[-1] for m in row] for row in finer])
    shown = np.argsort(-(whole + exact_law), kind="stable")[:count]
    far = np.array([[divergence(exact_law, law) for law in row] for row in laws])
    words = model.language.words
    return {
        "panels": [
            Bars(
                f"After '{run.words[-1].strip()}'", [words[i] for i in shown],
                {"refined": laws[..., shown]} | {key: law[shown] for key, law in held.items()},
                low=0, high=1, y_label="probability",
            ),
            Lines(
                f"Distance to the {name}", TIMES, {"distance": far.T}, x_label="steps a layer",
                y_label="nats", low=0, cursor=True,
            ),
        ],
        "readout": "{which} in {times:.0f} steps: {far:.3f} nats from the " + name + " ({own:.3f} "
        "as trained); the likeliest next word is '{word}' ({p:.0%}).",
        "values": {
            "which": [["Every layer", "All layers but the first"]],
            "times": np.array(TIMES, float)[:, None], "far": far,
            "own": divergence(exact_law, whole), "p": laws.max(-1),
            "word": [[words[i] for i in row] for row in laws.argmax(-1)],
        },
        "alt": f"Bars: the next word after '{text}' from the model with finer layers and from the "
        f"{name}; the distance to the {name} against the number of steps a layer.",
    }  # fmt: skip


@guarded
def convergence(
    ax: Axes, series: Mapping[str, tuple[Values, Values]], title: str = "", label: str = "error"
) -> None:
    """Errors against numbers of layers, both logarithmic; `series[name] = (layers, errors)`."""
    for i, (name, (n, errors)) in enumerate(series.items()):
        ax.loglog(n, errors, label=name, **line(i, ms=4))
    every = sorted({int(count) for n, _ in series.values() for count in n})
    ax.set_xscale("log", base=2)
    ax.set_xticks(every, [str(count) for count in every])
    ax.set(title=title, xlabel="layers", ylabel=label)
    ax.legend(fontsize=7)


@guarded
def limits(
    ax: Axes,
    times: Annotated[Sequence[int], "m"],
    series: Mapping[str, Annotated[Sequence[float], "m"]],
    title: str = "",
    label: str = "",
) -> None:
    """A quantity against the number of steps a layer, which doubles from tick to tick."""
    for i, (name, found) in enumerate(series.items()):
        ax.plot(times, found, label=name, **line(i, ms=4))
    ax.set_xscale("log", base=2)
    ax.set_xticks(list(times), [str(m) for m in times])
    ax.set(title=title, xlabel="steps a layer", ylabel=label, ylim=(0, None))
    ax.legend(fontsize=7)

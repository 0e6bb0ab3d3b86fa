"""Pictures of resummation: the plane of the strength, errors by order, fixed points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Inexact
from matplotlib.axes import Axes
from numpy import ndarray

from .. import dyson
from ..errors import LabError
from ..given import index, keyed
from ..guard import guarded
from ..model import Model
from ..resummation import Expansion, epsilon, expansion, pade, tail
from ..run import Run, single
from .explorer import Bars, Choice, Explorer, Lines, Points, Slider
from .look import hue, line, marker

NAMES = ("pole of the resummed series", "circle of convergence", "strength λ")
POLES, SHOWN = 16, 12
FLOOR, CEILING = 1e-8, 1e12  # errors beyond are drawn at the edge


@guarded
def plane(model: Model, sentence: str, layers: Sequence[int] = (2, 3, 4), count: int = 33,
          words: int = 6) -> Explorer:  # fmt: skip
    """Taylor's sums and Wynn's epsilon of the last layers, at the last word, by strength.

    The slider is the strength of those layers, 1 the network itself. In a live notebook another
    sentence can be typed. LabError for one the model cannot read.
    """

    def picture(text: str) -> dict:
        return _picture(model.run(text), layers, count, words)

    return Explorer(
        title="Resummation",
        slider=Slider("strength λ", values=_strengths(), scale="log", start=40, said="strength {}"),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


def _strengths() -> ndarray:
    return 10.0 ** (np.arange(43) / 20 - 2)


def _picture(run: Run, layers: Sequence[int], count: int, words: int) -> dict:
    lam, whole = _strengths(), run.shape.layers
    facts = [_facts(expansion(tail(run, n), count), run, lam) for n in layers]
    options = [f"the last {n} of {whole}" if n < whole else f"all {whole}" for n in layers]
    circle = np.exp(1j * np.linspace(0, np.pi, 24))
    xy = np.full((len(lam), len(layers), SHOWN + len(circle) + 1, 2), np.nan)
    for j, f in enumerate(facts):
        fixed = np.concatenate([f["poles"], circle * f["radius"]])
        for i, value in enumerate(lam):
            z = np.append(fixed, value) / f["radius"]
            xy[i, j] = np.stack([z.real, np.where(np.isnan(z), np.nan, z.imag)], axis=-1)
    xy[:, :, :SHOWN][(abs(xy[:, :, :SHOWN]) > 2.5).any(-1)] = np.nan
    xy[(abs(xy) > 8).any(-1)] = np.nan
    law = np.stack([f["law"] for f in facts], axis=1)
    summed, taylor = (np.stack([f[k] for f in facts], axis=1) for k in ("summed law", "taylor law"))
    top = np.argsort(-(law + summed)[40].max(0), kind="stable")[:words]
    error = {k: np.stack([f[k] for f in facts], axis=1) for k in ("Taylor", "vector epsilon")}
    return {
        "choice": Choice("layers that are coupled", options),
        "panels": [
            Lines(
                "Error by order", np.arange(float(count)),
                {name: np.clip(e, FLOOR, CEILING) for name, e in error.items()}, x_label="order",
                y_label="error, of the state", y_scale="log", low=FLOOR, high=CEILING,
            ),
            Points(
                "The complex plane of λ", xy, [0] * SHOWN + [1] * len(circle) + [2], NAMES,
                x_label="Re λ, in radii of convergence", y_label="Im λ",
            ),
            Bars(
                f"After '{run.words[-1]}'", [run.vocabulary[k] for k in top],
                {"network": law[..., top], "resummed": summed[..., top],
                 "Taylor": taylor[..., top]},
                low=0, high=1, y_label="probability",
            ),
        ],
        "readout": "{layers} layers at strength {lam:.3g}, {ratio:.3g} radii of convergence out. "
        "After {order:.0f} orders Taylor's sum is off by {taylor:.2g} of the state, the "
        "resummed one by {summed:.2g}. The likeliest next word of the network is '{word}', "
        "resummed '{other}'.",
        "values": {
            "layers": [[name[0].upper() + name[1:] for name in options]], "lam": lam[:, None],
            "ratio": lam[:, None] / np.array([f["radius"] for f in facts]), "order": count - 1,
            "taylor": error["Taylor"][..., -1], "summed": error["vector epsilon"][..., -1],
            "word": [[run.vocabulary[k] for k in row] for row in law.argmax(-1)],
            "other": [[run.vocabulary[k] for k in row] for row in summed.argmax(-1)],
        },
        "alt": "Left: error by order at strength 1, Taylor's sums grow beyond all bounds, the "
        "resummed ones fall. Middle: the strength's plane, poles near the circle of convergence "
        "and the strength far outside. Right: the next word, network and resummed agree.",
    }  # fmt: skip


def _facts(series: Expansion, run: Run, lam: ndarray) -> dict:
    sums = np.stack([series.sums(value) for value in lam])
    best, exact = np.stack([epsilon(s) for s in sums]), series.exact(lam)
    size = np.linalg.norm(exact, axis=-1)[:, None]
    off = lambda x: np.linalg.norm(x - exact[:, None], axis=-1) / size  # noqa: E731
    poles = pade(series.coefficients, POLES).poles
    poles = poles[poles.imag >= 0][:SHOWN]
    return {
        "Taylor": off(sums),
        "vector epsilon": off(best),
        "radius": series.radius,
        "poles": np.pad(poles, (0, SHOWN - len(poles)), constant_values=np.nan),
        "law": law_of(run, exact, series.position),
        "summed law": law_of(run, best[:, -1], series.position),
        "taylor law": law_of(run, sums[:, -1], series.position),
    }


@guarded
def law_of(run: Run, x: Float[ndarray, "n d"], position: int) -> Float[ndarray, "n V"]:
    """The law read from other states [n, d] at one position of a run."""
    states = np.repeat(single(run).states[-1][None], len(x), axis=0)
    index(position, states.shape[1], "position")
    if x.shape[1:] != states.shape[2:]:
        raise LabError(f"A state of this run has {states.shape[2]} numbers; got shape {x.shape}.")
    states[:, position] = x
    return dyson.law_of(run, states)[:, position]


@guarded
def singularities(
    ax: Axes,
    zeros: Inexact[ndarray, "a"],
    other: Inexact[ndarray, "b"],
    poles: Inexact[ndarray, "c"],
    radius: float,
    title: str = "",
) -> None:
    """The upper half plane: zeros that the state feels, zeros it does not, poles of a fraction."""
    turn = np.linspace(0, np.pi, 100)
    ax.plot(radius * np.cos(turn), radius * np.sin(turn), ":", color="0.5", linewidth=1,
            label="circle of convergence")  # fmt: skip
    looks = (("felt here", zeros, 0, 9, "none"), ("another row's", other, 1, 6, "none"),
             ("poles of the fraction", poles, 2, 5, None))  # fmt: skip
    for name, z, i, size, fill in looks:
        color = hue(i)
        ax.plot(np.real(z), np.imag(z), marker(i) if i < 2 else "x", color=color, ms=size,
                mfc=fill, label=name, linestyle="none")  # fmt: skip
    ax.set(title=title, xlabel="Re λ", ylabel="Im λ", aspect="equal")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


@guarded
def errors(ax: Axes, series: Mapping[str, Sequence[float]], title: str = "") -> None:
    """Errors by order, on a logarithmic scale."""
    for i, (name, found) in enumerate(series.items()):
        ax.plot(np.maximum(found, 1e-16), label=name, **line(i, ms=3))
    ax.axhline(1, color="0.5", linewidth=0.8)
    ax.set(title=title, xlabel="order", ylabel="error, of the state", yscale="log")
    ax.legend()


@guarded
def residuals(ax: Axes, series: Mapping[str, Float[ndarray, "step"]], title: str = "") -> None:
    """How far an iteration is from standing still, by number of evaluations."""
    for i, (name, found) in enumerate(series.items()):
        ax.plot(np.arange(1, len(found) + 1), found, label=name, **line(i, marker=""))
    ax.set(title=title, xlabel="evaluations of the layer", ylabel="residual", yscale="log")
    ax.legend()


@guarded
def helped(
    ax: Axes,
    summed: Mapping[str, Mapping[str, Float[ndarray, "text *more"]]],
    order: int,
    title: str = "",
) -> None:
    """What truncation leaves and what reduced rank leaves, a dot a text, for each kind of series.

    `summed` is `lab.pretrained.summed()`, `order` the place of an order in it.
    """
    ways = ("truncated", "reduced rank")
    for i, way in enumerate(ways):
        for row, (name, found) in enumerate(summed.items()):
            orders = keyed(found, ways, f"summed[{name!r}]")[way]
            if orders.ndim < 2:
                raise LabError(f"{way!r} of {name!r} is [text, order]; got shape {orders.shape}.")
            left = np.maximum(orders[:, index(order, orders.shape[1], "order")], 1e-5)
            ax.plot(left, np.full(len(left), row + 0.2 * i - 0.1), marker(i), ms=5,
                    color=hue(i), label="" if row else way)  # fmt: skip
    ax.set_yticks(range(len(summed)), list(summed))
    ax.invert_yaxis()
    ax.set(title=title, xlabel="nats left", xscale="log")
    ax.legend()

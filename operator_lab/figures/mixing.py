"""Pictures of first-order mixing: the temperature slider, and still figures for notebook 03."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float, Inexact
from matplotlib.axes import Axes
from numpy import ndarray

from ..corpus import Tokenizer
from ..errors import LabError
from ..guard import guarded
from ..mixing import entropy, temperature_scan
from ..model import Model
from .explorer import Bars, Choice, Explorer, Heatmap, Lines, Slider
from .look import LIGHT, plain, shades

# 43 temperatures from 0.02 to 20 T0, logarithmic, T0 itself among them.
RATIOS = np.concatenate([np.geomspace(0.02, 1, 25)[:-1], np.geomspace(1, 20, 19)])
ROOM = 130_000  # numbers in a picture, at two bytes each


@guarded
def temperature(
    model: Model,
    sentence: str,
    position: int = -1,
    ratios: Float[ndarray, "n"] = RATIOS,
    start: float = 1.0,
) -> Explorer:
    """The mixing of every head as the temperature T = tau sqrt(d_k) is turned, in the whole model.

    Shows the map A[query, key], the row of the word at `position` as a distribution, and the
    model's loss (`Model.loss`): its excess over the exact law, over texts of one's own, or, of a
    real model, over the sentence; none of a model that sees both ways. In a live notebook another
    sentence can be typed. A long sentence shows the first layer's heads only. LabError for a
    sentence the model cannot read.
    """
    models = [model.replace(tau=float(r)) for r in ratios]
    texts = [sentence] if isinstance(model.language, Tokenizer) else None
    expects = model.shape.readout != "none" and (model.knows_truth or model.shape.causal)
    curve = temperature_scan(model.to("float32"), ratios.tolist(), 64, texts) if expects else None

    def picture(text: str) -> dict:
        return _mixing_picture(models, ratios, curve, text, position)

    return Explorer(
        title="Temperature",
        slider=Slider(
            label="T / T₀",
            values=ratios,
            scale="log",
            start=int(abs(ratios - start).argmin()),
            said="{} times T0",
        ),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )


def _mixing_picture(models, ratios, curve, text, position) -> dict:
    runs = [model.run(text) for model in models]
    words, shape = runs[0].words, runs[0].shape
    here = position % len(words)
    size = len(ratios) * len(words) ** 2 * shape.heads
    layers = shape.layers if size * shape.layers <= ROOM else 1
    if size * layers > ROOM:
        raise LabError(f"A sentence of {len(words)} positions is too long for this picture.")
    A = np.stack([run.mixing[:layers].reshape(-1, len(words), len(words)) for run in runs])
    heads = [f"layer {i + 1}, head {h + 1}" for i in range(layers) for h in range(shape.heads)]
    labels = tuple(f"{w} " if w in words[:i] else w for i, w in enumerate(words))
    row = A[:, :, here]
    best = row.argmax(-1)
    loss = _loss_panel(models[0], ratios, curve)
    return {
        "choice": Choice("head", heads, start=_telling(A[int(abs(ratios - 1).argmin())], here)),
        "panels": [
            Heatmap(
                "Mixing A", A, words, words, row_label="query: who reads",
                column_label="key: who is read", mark=here,
            ),
            Bars(
                f"What '{words[here]}' reads", labels[: here + 1],
                {"weight": row[..., : here + 1]}, low=0, high=1, y_label="weight",
            ),
            *loss["panels"],
        ],
        "readout": "T = {ratio:.3g} T₀ = {T:.3g}, with T₀ = √d_k = {T0:.3g}. In {head}, '{word}' "
        "reads mostly '{best}' ({weight:.0%}); the entropy of its row is {entropy:.2f} nats, of at "
        "most {most:.2f}." + loss["readout"],
        "values": {
            "ratio": ratios[:, None], "T": ratios[:, None] * shape.T0, "T0": shape.T0,
            "head": [heads], "word": words[here],
            "best": [[words[j] for j in line] for line in best],
            "weight": row.max(-1), "entropy": entropy(row), "most": float(np.log(here + 1)),
            **loss["values"],
        },
        "alt": f"Three pictures at the usual temperature: the mixing of one head over '{text}', "
        f"the weights with which '{words[here]}' reads{loss['alt']}.",
    }  # fmt: skip


def _loss_panel(model: Model, ratios: ndarray, curve: ndarray | None) -> dict:
    """How well the model expects what comes, at each temperature; nothing without a curve."""
    if curve is None:
        return {"panels": [], "readout": "", "values": {}, "alt": ""}
    name = "excess" if model.knows_truth else "loss"
    known = {
        "excess": ("Distance to the exact law", "is {loss:.3f} nats from the exact law"),
        "loss": ("Surprise at what comes", "meets each word with {loss:.3f} nats of surprise"),
    }
    title, said = known[name]
    lines = Lines(
        title, ratios, {name: curve}, x_label="T / T₀", y_label=f"{name} in nats", x_scale="log",
        y_scale="log", cursor=True,
    )  # fmt: skip
    return {
        "panels": [lines], "readout": f" At this temperature the model {said}.",
        "values": {"loss": curve[:, None]},
        "alt": f", and the {name} against temperature, lowest near T = T₀",
    }  # fmt: skip


def _telling(A, here) -> int:
    """The head whose row is sharpest on another word: there is something to see at the start."""
    return int((A[:, here, :here].max(-1) if here else A[:, 0, 0]).argmax())


@guarded
def matrix(
    ax: Axes, A: Float[ndarray, "N N"], words: Annotated[Sequence[str], "N"], title: str = ""
) -> None:
    """A matrix over positions as shaded cells, queries down and keys across."""
    ax.grid(False)  # seaborn and others would draw lines over it
    ax.imshow(A, cmap=shades(), vmin=0, vmax=max(1e-12, A.max()))
    words = [plain(w) for w in words]
    ax.set_xticks(range(len(words)), words, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(words)), words)
    ax.set(title=title, xlabel="key: who is read", ylabel="query: who reads")
    ax.spines[:].set_visible(False)


@guarded
def flips(ax: Axes, series: Mapping[str, Float[ndarray, "step"]], title: str = "") -> None:
    """How much of the prediction goes over when columns are exchanged after s steps."""
    for name, flipped in series.items():
        ax.plot(flipped, marker="o", label=name)
    steps = max(len(flipped) for flipped in series.values())
    names = ["label", *(f"{('attn', 'MLP')[s % 2]} {s // 2 + 1}" for s in range(steps - 1))]
    ax.set_xticks(range(steps), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set(title=title, xlabel="exchanged after", ylabel="share of the prediction that flips")
    ax.set_ylim(-0.08, 1.08)
    ax.legend(loc="center right")


@guarded
def spectrum(ax: Axes, eigenvalues: Inexact[ndarray, "n"], title: str = "") -> None:
    """Eigenvalues in the complex plane, with the unit circle: inside it a mode decays."""
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(turn), np.sin(turn), ":", color="0.5", linewidth=1)
    ax.plot(eigenvalues.real, eigenvalues.imag, ".", color=LIGHT["series"][0], ms=3)
    ax.set(title=title, xlabel="real part", ylabel="imaginary part", aspect="equal")


@guarded
def seeds(
    ax: Axes,
    results: Mapping[str, Float[ndarray, "seed"]],
    title: str = "",
    label: str = "excess in nats, one dot a seed",
) -> None:
    """One dot per seed (or text) for each row, the mean as a bar behind."""
    for i, found in enumerate(results.values()):
        ax.barh(i, found.mean(), height=0.6, alpha=0.3, color=LIGHT["series"][0])
        ax.plot(found, np.full(len(found), i), "o", color=LIGHT["series"][0], markersize=5)
    ax.set_yticks(range(len(results)), list(results))
    ax.invert_yaxis()
    ax.set(title=title, xlabel=label)

"""Pictures of notebook 09: the triangle of distributions, heat capacity, grokking, flat modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from .. import thermodynamics as td
from ..errors import LabError
from ..given import spectrum, whole
from ..guard import guarded
from ..model import Model
from .explorer import Bars, Choice, Explorer, Heatmap, Lines, Points, Slider
from .look import LIGHT, hue, line

SYMMETRY = 12  # directions in which the landscape's loss is flat
LEVELS = (0.02, 0.1, 0.3)  # of the free energy above its least, in units of the largest gap
COOLING = np.geomspace(0.05, 20, 31)  # temperatures of the triangle, in units of the largest gap
TURNED = np.geomspace(0.02, 50, 35)  # T/T0 of the maps, T0 among them
NAMES = {"shannon": "Shannon (softmax)", "tsallis": "Tsallis (sparsemax)"}


@guarded
def simplex(E: Sequence[float] = (0.0, 0.35, 1.0)) -> Explorer:
    """Every distribution over three levels as a point, and the one of least F = U - T S.

    The slider is the temperature in units of the largest gap, the choice the entropy.
    """
    E = spectrum(E)
    if E.shape != (3,):
        raise LabError(f"A triangle has three levels; got {len(E)} energies.")
    gap = np.ptp(E)
    states = np.stack([td.minimum(E, COOLING * gap, kind) for kind in td.ENTROPIES], axis=1)
    rings = np.stack([
        [np.concatenate([_seen(td.contour(E, T * gap, f * gap, kind)) for f in LEVELS])
         for kind in td.ENTROPIES]
        for T in COOLING
    ])  # fmt: skip
    path = np.broadcast_to(td.placed(states.swapaxes(0, 1)), (len(COOLING), 2, len(COOLING), 2))
    corners = np.broadcast_to(td.placed(np.eye(3)), (len(COOLING), 2, 3, 2))
    xy = np.concatenate([rings, path, td.placed(states)[:, :, None], corners], axis=2)
    ring = rings.shape[2] // len(LEVELS)
    groups = np.repeat(range(len(LEVELS) + 3), [ring] * len(LEVELS) + [len(COOLING), 1, 3])
    U = states @ E
    S = np.stack([td.entropy(states[:, j], kind) for j, kind in enumerate(td.ENTROPIES)], axis=1)
    T = COOLING[:, None] * gap
    return Explorer(
        title="Free energy",
        slider=Slider("T / largest gap", values=COOLING, scale="log", start=12,
                      said="{} times the largest gap"),
        choice=Choice("entropy", [NAMES[kind] for kind in td.ENTROPIES]),
        panels=[
            Points(
                "Every distribution is a point", xy, groups,
                [*(f"F {f:g} above least" for f in LEVELS), "all temperatures", "least F",
                 "one level alone"],
                x_label="left, right, top: levels 1, 2, 3",
            ),
            Bars(
                "Where F is least", [f"E = {e:g}" for e in E], {"weight": states}, low=0, high=1,
                y_label="weight",
            ),
            Lines(
                "Energy against entropy", COOLING, {"U": U.T, "T S": (T * S).T, "F": (U - T * S).T},
                x_label="T / largest gap", x_scale="log", cursor=True, y_label="energy",
                low=-2.0, high=2.0,
            ),
        ],
        readout="T = {T:.2f} gaps, {kind}: weights {a:.2f}, {b:.2f}, {c:.2f}, {used:.0f} of 3 in "
        "use; U = {U:.2f}, S = {S:.2f}, F = {F:.2f}.",
        values={
            "T": COOLING[:, None], "kind": [[NAMES[kind] for kind in td.ENTROPIES]],
            "a": states[..., 0], "b": states[..., 1], "c": states[..., 2],
            "used": (states > 0).sum(-1), "U": U, "S": S, "F": U - T * S,
        },
        alt="A triangle of distributions with rings of equal free energy around the least one, its "
        "weights as bars, and energy, T times entropy and free energy against temperature.",
    )  # fmt: skip


def _seen(p: ndarray) -> ndarray:
    """Points of a ring, gaps where it leaves the triangle."""
    inside = np.isfinite(p).all(-1, keepdims=True)
    return np.where(inside, td.placed(np.where(inside, p, 1 / 3)), np.nan)


@guarded
def heat(
    model: Model, sentence: str, ratios: Float[ndarray, "n"] = TURNED, start: float = 1.0
) -> Explorer:
    """One head's mixing at each temperature, its interaction held, and the heat capacity C(T).

    C of the last word's row beside the head's mean and the bound. In a live notebook another
    sentence can be typed. LabError for one the model cannot read or of one position.
    """

    def picture(text: str) -> dict:
        return _heat_picture(model, text, ratios)

    return Explorer(
        title="Heat capacity",
        slider=Slider("T / T₀", values=ratios, scale="log",
                      start=int(abs(np.log(ratios / start)).argmin()), said="{} times T0"),
        sentence=sentence,
        recompute=picture,
        **picture(sentence),
    )  # fmt: skip


def _heat_picture(model: Model, text: str, ratios: ndarray) -> dict:
    run = model.run(text)
    words, shape, N = run.words, run.shape, len(run.words)
    if N < 2:
        raise LabError("One position has one key and no heat capacity; give a longer sentence.")
    shown = max(1, min(shape.layers, 120_000 // (len(ratios) * shape.heads * N**2)))
    E = td.energies(run)[:shown].reshape(-1, N, N)
    states = td.equilibrium(E, ratios[:, None, None] * shape.T0)
    C = np.asarray(states.C)
    C, last = C[..., 1:].mean(-1), C[..., -1]
    heads = [f"layer {i // shape.heads + 1}, head {i % shape.heads + 1}" for i in range(len(E))]
    at = np.asarray(td.peaks(last, ratios))
    best = states.p[..., -1, :].argmax(-1)
    most = td.bound(N)
    return {
        "choice": Choice("head", heads, start=int(abs(np.log(at)).argmin())),
        "panels": [
            Heatmap(
                "Mixing A", states.p, words, words, row_label="query: who reads",
                column_label="key: who is read", mark=N - 1,
            ),
            Lines(
                "Heat capacity", ratios,
                {f"row of '{words[-1]}'": last.T, "mean of all rows": C.T,
                 f"bound, {N} keys": np.full(len(ratios), most)},
                x_label="T / T₀", x_scale="log", y_label="C", low=0.0, high=1.1 * most,
                cursor=True,
            ),
        ],
        "readout": "T = {ratio:.3g} T₀, {head}: '{word}' reads mostly '{best}' ({p:.0%}); C = "
        "{C:.2f}, at most {most:.2f}. Its peak stands at {at:.2g} T₀.",
        "values": {
            "ratio": ratios[:, None], "head": [heads], "word": words[-1],
            "best": [[words[j] for j in row] for row in best], "p": states.p[..., -1, :].max(-1),
            "C": last, "most": most, "at": at[None],
        },
        "alt": f"The mixing of one head over '{text}' at T₀, and the heat capacity of its last row "
        "against temperature, with a peak near T₀, below the bound.",
    }  # fmt: skip


@guarded
def lifted(
    strengths: Float[ndarray, "strength"],
    spectra: Mapping[str, Float[ndarray, "strength all"]],
    count: int = 16,
) -> Explorer:
    """The softest directions of a loss against the strength with which its symmetry is broken.

    `strengths` are in units of the largest, `spectra[name]` [strength, all] the eigenvalues of the
    Hessian, rising; the symmetry has 12 directions. One choice a breaking.
    """
    names, count = list(spectra), whole(count, "count", SYMMETRY + 1)
    for name, found in spectra.items():
        if found.shape[1] < count or (abs(found[:, count - 1]) < 1e-10).any():
            raise LabError(f"spectra[{name!r}] must have {count} curvatures, the last above 1e-10.")
    soft = np.stack([found[:, :count] for found in spectra.values()], axis=1)
    shown = np.log10(np.maximum(abs(soft), 1e-17))
    zero = abs(soft) < 1e-10
    flat = zero.sum(-1)
    ranks = np.broadcast_to(1.0 + np.arange(count), shown.shape)
    xy = [np.stack([ranks, np.where(mask, shown, np.nan)], axis=-1) for mask in (zero, ~zero)]
    low = np.take_along_axis(soft, flat[..., None], -1)[..., 0]
    high = soft[..., SYMMETRY - 1]
    return Explorer(
        title="Flat directions",
        slider=Slider(
            "strength of the breaking", values=strengths, scale="log", start=len(strengths) // 2,
            said="strength {}",
        ),
        choice=Choice("broken by", names),
        panels=[
            Points(
                "The softest directions", np.concatenate(xy, axis=2), np.repeat([0, 1], count),
                ["flat, to rounding", "curved"], x_label="rank", equal=False,
                y_label="log₁₀ of the curvature",
            ),
            Lines(
                "What is lifted", strengths, {"softest lifted": low.T, "stiffest lifted": high.T},
                x_scale="log", y_scale="log", x_label="strength of the breaking",
                y_label="curvature", cursor=True,
            ),
        ],
        readout="Broken by {name} at strength {s:.2g}: of 12 flat directions {flat:.0f} stay flat, "
        "{up:.0f} are lifted, to curvatures of {low:.2g} to {high:.2g}.",
        values={
            "name": [names], "s": strengths[:, None], "flat": flat, "up": 12 - flat, "low": low,
            "high": high,
        },
        alt="Curvatures of a loss along its softest directions: some at rounding, some lifted by "
        "the breaking, and these rise in proportion to it.",
    )  # fmt: skip


# ---- still figures -----------------------------------------------------------------------------


@guarded
def curves(
    ax: Axes,
    ratios: Float[ndarray, "n"],
    series: Mapping[str, Float[ndarray, "n"]],
    title: str = "",
) -> None:
    """Heat capacity against T/T0, a line at the operating temperature and a mark at each peak."""
    for i, (name, C) in enumerate(series.items()):
        ax.semilogx(ratios, C, label=name, **line(i, marker=""))
        ax.plot(ratios[C.argmax()], C.max(), line(i)["marker"], color=hue(i), ms=6)
    ax.axvline(1, color="0.5", linewidth=0.8, linestyle=":")
    ax.set(title=title, xlabel="T / T₀", ylabel="heat capacity, mean of all heads")
    ax.set_ylim(0, 1.1 * max(C.max() for C in series.values()))
    ax.legend()


@guarded
def landings(ax: Axes, found: Mapping[str, Float[ndarray, "seed"]], title: str = "") -> None:
    """Where the peak of C stands, one dot a seed, in units of T0; a bar at the model's own T."""
    for i, peaks in enumerate(found.values()):
        ax.plot(peaks, np.full(len(peaks), i), "o", color=LIGHT["series"][0], ms=5)
    ax.set_yticks(range(len(found)), list(found))
    ax.axvline(1, color="0.5", linewidth=0.8, linestyle=":")
    ax.invert_yaxis()
    ax.set(title=title, xlabel="T* / T₀", xscale="log")
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"], minor=False)
    ax.set_xticks([], minor=True)


@guarded
def grokking(top: Axes, middle: Axes, bottom: Axes, run: td.Grokked) -> None:
    """Answers, training loss and heat capacity of one run, slingshots as vertical lines."""
    top.plot(run.step, run.train_right, label="pairs shown", **line(0, marker=""))
    top.plot(run.step, run.test_right, label="pairs not shown", **line(1, marker=""))
    top.set(ylabel="share right", ylim=(-0.03, 1.05))
    top.legend(loc="center right")
    loss = run.loss
    middle.semilogy(np.arange(len(loss)), loss, color=LIGHT["series"][0], linewidth=0.8)
    middle.set(ylabel="training loss")
    bottom.plot(run.step, run.max_C, label="largest", **line(0, marker=""))
    bottom.plot(run.step, run.mean_C, label="mean", **line(1, marker=""))
    bottom.axhline(td.bound(3), color="0.5", linewidth=0.8, linestyle="--")
    bottom.text(run.step[-1], td.bound(3), "bound for three keys", ha="right", va="bottom", size=8)
    bottom.set(ylabel="heat capacity", xlabel="step", ylim=(0, 0.85))
    bottom.legend(loc="center right")
    for ax in (top, middle, bottom):
        for step in run.slingshots:
            ax.axvline(step, color=LIGHT["series"][3], linewidth=1, linestyle=":")

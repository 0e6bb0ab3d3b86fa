"""Pictures of pseudospectra: contours of the resolvent, transient growth, random laws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..given import keyed
from ..guard import guarded
from ..pseudospectra import Kreiss, Pseudospectrum
from .explorer import Choice, Explorer, Lines, Points, Slider
from .look import LIGHT, line

CORNERS = 72  # points of a contour as it is sent to the page
NAMES = ("contour of ε", "unit circle", "eigenvalues")


@guarded
def contour(
    found: Mapping[str, Pseudospectrum],
    growth: Mapping[str, Float[ndarray, "power"]],
    constants: Mapping[str, Kreiss],
    levels: Float[ndarray, "n"] | None = None,
) -> Explorer:
    """Where eigenvalues can go under a perturbation of size eps, and how far the powers grow.

    Per matrix its pseudospectrum, the norms of its powers and its Kreiss constant. The contour's
    reach gives a bound, (reach - 1) / eps, that some power must exceed.
    """
    levels = np.geomspace(1e-4, 1e-1, 31) if levels is None else np.asarray(levels)
    names, count = list(found), len(next(iter(growth.values())))
    keyed(growth, names, "growth")
    keyed(constants, names, "constants")
    circle = np.exp(2j * np.pi * np.arange(48) / 48)
    most = max(len(f.eigenvalues) for f in found.values())
    xy = np.full((len(levels), len(names), CORNERS + len(circle) + most, 2), np.nan)
    reach = np.full((len(levels), len(names)), np.nan)
    for j, f in enumerate(found.values()):
        z = np.concatenate([circle, f.eigenvalues])
        xy[:, j, CORNERS : CORNERS + len(z)] = np.stack([z.real, z.imag], axis=-1)
        for i, eps in enumerate(levels):
            xy[i, j, :CORNERS] = outline(f, eps)
            with np.errstate(invalid="ignore"):
                reach[i, j] = np.nanmax(np.append(np.hypot(*xy[i, j, :CORNERS].T), [f.radius]))
    bound = np.maximum((reach - 1) / levels[:, None], 0)
    top = np.array([g.max() for g in growth.values()])
    side = max(abs(np.array([f.x[[0, -1]], f.y[[0, -1]]])).max() for f in found.values())
    return Explorer(
        title="Pseudospectrum",
        slider=Slider(label="ε", values=levels, scale="log", start=2 * len(levels) // 3, digits=2,
                      said="epsilon {}"),
        choice=Choice("matrix", names),
        panels=[
            Points(
                "Where eigenvalues can go", xy,
                [0] * CORNERS + [1] * len(circle) + [2] * most, NAMES,
                x_label="Re z", y_label="Im z", within=float(side),
            ),
            Lines(
                "Norm of the powers", np.arange(float(count)),
                {
                    "norm": np.stack(list(growth.values())),
                    "some power exceeds": np.broadcast_to(
                        np.maximum(bound, 1e-3)[..., None], (*bound.shape, count)
                    ),
                },
                x_label="power", y_label="norm", y_scale="log", low=1e-3,
            ),
        ],
        readout="{matrix}: a perturbation of size {eps:.2g} can move an eigenvalue out to "
        "{reach:.3f}, the largest itself is {radius:.2f}. So some power has a norm of {bound:.3g} "
        "at least; the largest has {top:.3g}, the Kreiss constant is {kreiss:.3g}.",
        values={
            "matrix": [names], "eps": levels[:, None], "reach": reach,
            "radius": [[f.radius for f in found.values()]], "bound": bound, "top": top[None],
            "kreiss": [[constants[name].constant for name in names]],
        },
        alt="Left: the contour within which eigenvalues can lie after a perturbation of one in a "
        "hundred reaches beyond the unit circle, though all eigenvalues lie well inside. Right: "
        "the powers of the matrix grow before they fall.",
    )  # fmt: skip


@guarded
def outline(found: Pseudospectrum, eps: float) -> ndarray:
    """The contour sigma_min = eps as points, evenly along its length; all NaN if there is none."""
    lines = contour_generator(found.x, found.y, np.log(np.maximum(found.sigma, 1e-300))).lines(
        np.log(eps)
    )
    lines = [np.asarray(part) for part in lines]
    if not lines:
        return np.full((CORNERS, 2), np.nan)
    length = np.array([np.hypot(*np.diff(part, axis=0).T).sum() for part in lines])
    share = np.maximum(1, np.floor(CORNERS * length / length.sum())).astype(int)
    order = np.argsort(-length)
    points = np.full((CORNERS, 2), np.nan)
    start = 0
    for k in order:
        count = min(share[k], CORNERS - start)
        if count < 1:
            break
        way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(lines[k], axis=0).T))])
        at = np.linspace(0, way[-1], count, endpoint=False)
        points[start : start + count] = np.stack(
            [np.interp(at, way, lines[k][:, axis]) for axis in (0, 1)], axis=-1
        )
        start += count
    return points


@guarded
def resolvent(ax: Axes, found: Pseudospectrum, levels: list[float], title: str = "") -> None:
    """Contours of sigma_min(z - A), the eigenvalues, and the unit circle."""
    lines = ax.contour(
        found.x, found.y, np.log10(np.maximum(found.sigma, 1e-300)), np.log10(sorted(set(levels))),
        colors=[LIGHT["series"][0]], linewidths=np.linspace(1.8, 0.8, len(levels)),
        linestyles="solid",
    )  # fmt: skip
    ax.clabel(lines, fmt=lambda level: f"{10**level:.2g}", fontsize=7)
    ax.plot(*np.array([found.eigenvalues.real, found.eigenvalues.imag]), "^",
            color=LIGHT["series"][1], ms=4)  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(turn), np.sin(turn), ":", color="0.5", linewidth=1)
    ax.set(title=title, xlabel="Re z", ylabel="Im z", aspect="equal",
           xlim=found.x[[0, -1]], ylim=found.y[[0, -1]])  # fmt: skip


@guarded
def growth(
    ax: Axes,
    series: Mapping[str, Float[ndarray, "power"]],
    title: str = "",
    bound: float | None = None,
) -> None:
    """Norms of powers or products by number of factors, and a bound that they cannot pass."""
    for i, (name, found) in enumerate(series.items()):
        ax.plot(found, label=name, **line(i, marker=""))
    if bound is not None:
        ax.axhline(bound, color="0.5", linestyle=":", linewidth=1)
        ax.text(0, bound, "bound", va="bottom", fontsize=8)
    ax.set(title=title, xlabel="factors", ylabel="norm", yscale="log")
    ax.legend()


@guarded
def bulk(
    ax: Axes,
    values: Float[ndarray, "n"],
    at: Float[ndarray, "k"],
    density: Float[ndarray, "k"],
    reach: float,
    title: str = "",
) -> None:
    """A histogram of singular values, the law of random entries, and where chance ends."""
    ax.hist(values, 40, density=True, color=LIGHT["series"][0], alpha=0.5)
    ax.plot(at, density, color=LIGHT["series"][1])
    ax.axvline(reach, color="0.5", linestyle=":", linewidth=1)
    ax.text(reach, ax.get_ylim()[1], " chance ends", va="top", fontsize=8)
    ax.set(title=title, xlabel="singular value", ylabel="density")

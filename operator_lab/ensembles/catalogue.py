"""Which experiments are repeated over seeds: what is trained, and what is measured on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..continuum import as_an_ode
from ..model import Model
from ..training import Recipe
from .measures import (
    allowed,
    becoming,
    core,
    excess,
    exponentials,
    hops_in_time,
    orders,
    peaks,
    relaxation,
    settling,
    stream,
    two_hops,
)


@dataclass(frozen=True)
class Ensemble:
    """What is trained (one recipe per row, every row for every seed) and what is measured on it.

    `watch` is measured after each of the steps `looks` as well: lists, one entry a look.
    """

    rows: dict[str, Recipe]
    measure: Callable[[Model], dict]
    watch: Callable[[Model], dict] | None = None
    looks: tuple[int, ...] = ()


_DEEP = {"layers": 16, "features": 32, "hidden": 128}  # deep and thin, so that it trains in time
# The block, piece by piece (paper III.5): each rung has all that the rungs before it have.
_BARE: dict[str, Any] = {"norm": "none", "hidden": 0, "heads": 1, "values": False}
LADDER: dict[str, dict[str, Any]] = {
    "none": {"norm": "none", "layers": 0},
    "raw": _BARE | {"mixing": "raw"},
    "1/sqrt(d_k)": _BARE | {"mixing": "scaled"},
    "softmax": _BARE,
    "W_V, W_O": {"norm": "none", "hidden": 0, "heads": 1},
    "heads": {"norm": "none", "hidden": 0},
    "LayerNorm": {"hidden": 0},
    "MLP": {},
}
BECOMING = (0, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 600)
# What holds a stack in order, at which learning rate and depth: a map (paper IV.1).
REGULATORS = {
    "none": {"norm": "none", "damped": False},
    "none, damped": {"norm": "none", "damped": True},
    "pre": {"norm": "pre", "damped": False},
    "pre, damped": {"norm": "pre", "damped": True},
    "post": {"norm": "post", "damped": False},
}
MAP_RATES, MAP_DEPTHS = (5e-3, 1e-2, 2e-2, 5e-2), (4, 16)
RATES = {"raw": (5e-4, 1e-3, 2e-3, 5e-3, 1e-2)}
ENSEMBLES = {
    "couplings": Ensemble(
        {
            "free": Recipe(batch=32),
            "hermitian": Recipe(batch=32, shape={"coupling": "hermitian"}),
            "positive": Recipe(batch=32, shape={"coupling": "positive"}),
            "infinite temperature": Recipe(batch=32, shape={"tau": 1e6}),
        },
        excess,
    ),
    "orders": Ensemble({"trained": Recipe()}, orders),
    "core": Ensemble({"trained": Recipe(), "untrained": Recipe(steps=0)}, core),
    "shallow": Ensemble(
        {
            "one layer": Recipe(shape={"layers": 1}),
            "one layer, 2000 steps": Recipe(shape={"layers": 1}, steps=2000),
        },
        excess,
    ),
    "exponentials": Ensemble({"trained": Recipe(), "untrained": Recipe(steps=0)}, exponentials),
    "depth": Ensemble(
        {
            "one layer": Recipe("depth", {"layers": 1}, steps=4000, batch=32),
            "two layers": Recipe("depth", {"layers": 2}, steps=4000, batch=32),
        },
        two_hops,
        hops_in_time,
        (0, 50, 100, 200, 300, 400, 500, *range(600, 4001, 200)),
    ),
    "heat": Ensemble(
        {f"{steps} steps": Recipe(batch=32, steps=steps) for steps in (0, 50, 200, 600)}
        | {f"tau = {tau:g}": Recipe(batch=32, shape={"tau": tau}) for tau in (0.25, 4.0)},
        peaks,
    ),
    "continuum": Ensemble({"trained": Recipe()}, as_an_ode),
    "becoming": Ensemble({"trained": Recipe(batch=32)}, excess, becoming, BECOMING),
    "tied": Ensemble(
        {"tied": Recipe("compound", {"layers": 6, "tied": True}, steps=1000)}, relaxation
    ),
    "settling": Ensemble(
        {
            norm: Recipe(
                batch=32, steps=400, shape=_DEEP | {"layers": 6, "tied": True, "norm": norm}
            )
            for norm in ("pre", "post")
        },
        settling,
    ),
    "heads": Ensemble(
        {f"{heads} heads": Recipe(batch=32, shape={"heads": heads}) for heads in (1, 2, 4, 8, 16)},
        excess,
    ),
    "placements": Ensemble(
        {norm: Recipe(batch=32, shape={"norm": norm}) for norm in ("pre", "post", "none")}, stream
    ),
    "deep": Ensemble(
        {
            f"{norm}, {'damped' if damped else 'undamped'}": Recipe(
                batch=32, steps=200, shape=_DEEP | {"norm": norm, "damped": damped}
            )
            for norm in ("pre", "post", "none")
            for damped in (True, False)
        },
        excess,
    ),
    "regulators": Ensemble(
        {
            f"{name}, {layers} layers, rate {rate:g}": Recipe(
                batch=32, steps=200, rate=rate, shape=_DEEP | shape | {"layers": layers}
            )
            for name, shape in REGULATORS.items()
            for layers in MAP_DEPTHS
            for rate in MAP_RATES
        },
        excess,
    ),
    "ranks": Ensemble(
        {
            f"{name} {rank}": Recipe(batch=32, ranks={weight: rank})
            for name, weight in (("embedding", "W_E"), ("unembedding", "W_U.weight"))
            for rank in (1, 2, 3, 4, 8, 16, 32, 64)
        },
        excess,
    ),
    "ladder": Ensemble(
        {"raw, undamped": Recipe(batch=32, rate=5e-4, shape=LADDER["raw"] | {"damped": False})}
        | {
            f"{rung}, rate {rate:g}": Recipe(batch=32, rate=rate, shape=shape)
            for rung, shape in LADDER.items()
            for rate in RATES.get(rung, (5e-3, 1e-2, 2e-2, 4e-2))
        }  # as bare as "raw", but its weights are equal: what the update owes to q . k
        | {
            f"mean of the past, rate {rate:g}": Recipe(
                batch=32, rate=rate, shape=_BARE | {"tau": 1e6}
            )
            for rate in (5e-3, 1e-2, 2e-2, 4e-2)
        },
        excess,
    ),
    "readouts": Ensemble(
        {"softmax": Recipe(batch=32)}
        | {
            f"born, rate {rate:g}": Recipe(batch=32, rate=rate, shape={"readout": "born"})
            for rate in (5e-4, 1e-3, 2e-3, 5e-3)
        }
        | {
            f"{readout}, 128 features": Recipe(
                batch=32, rate=1e-3, shape={"readout": readout, "features": 128, "hidden": 512}
            )
            for readout in ("softmax", "born")
        },
        allowed,
    ),
}

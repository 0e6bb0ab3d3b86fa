"""Which experiments are repeated over seeds: what is trained, and what is measured on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..model import Model
from ..training import Recipe
from .measures import (
    allowed,
    core,
    excess,
    exponentials,
    orders,
    relaxation,
    stream,
    two_hops,
)


@dataclass(frozen=True)
class Ensemble:
    """What is trained (one recipe per row, every row for every seed) and what is measured on it."""

    rows: dict[str, Recipe]
    measure: Callable[[Model], dict]


_DEEP = {"layers": 16, "features": 32, "hidden": 128}  # deep and thin, so that it trains in time
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
    "exponentials": Ensemble(
        {"trained": Recipe(), "untrained": Recipe(steps=0)}, exponentials
    ),
    "depth": Ensemble(
        {
            "one layer": Recipe("depth", {"layers": 1}, steps=4000, batch=32),
            "two layers": Recipe("depth", {"layers": 2}, steps=4000, batch=32),
        },
        two_hops,
    ),
    "tied": Ensemble(
        {"tied": Recipe("compound", {"layers": 6, "tied": True}, steps=1000)}, relaxation
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
    "ranks": Ensemble(
        {
            f"{name} {rank}": Recipe(batch=32, ranks={weight: rank})
            for name, weight in (("embedding", "W_E"), ("unembedding", "W_U.weight"))
            for rank in (1, 2, 3, 4, 8, 16, 32, 64)
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

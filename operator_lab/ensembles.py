"""Ensembles: the same experiment over several seeds, shipped as small data with its recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy import ndarray
from tqdm.auto import tqdm

from . import dyson
from .errors import LabError, near
from .files import write_whole
from .model import Model
from .references import DATA
from .training import Diverged, Recipe, train


@dataclass(frozen=True)
class Ensemble:
    """What is trained (one recipe per row, every row for every seed) and what is measured on it."""

    rows: dict[str, Recipe]
    measure: Callable[[Model], dict]


def excess(model: Model) -> dict:
    """Distance to the exact law, over 512 texts."""
    return {"excess": model.excess(512)}


def stream(model: Model) -> dict:
    """Excess; size of the stream after each step and of each step against it, over 64 texts."""
    states = model.run_batch(model.language.sample(64, model.transformer.shape.context, 5)).states
    size = np.sqrt((states.astype(float) ** 2).mean((0, 2, 3)))
    change = np.sqrt((np.diff(states.astype(float), axis=1) ** 2).mean((0, 2, 3)))
    return excess(model) | {"size": size.tolist(), "update": (change / size[:-1]).tolist()}


def orders(model: Model) -> dict:
    """Two splits of the same states: shares and sizes of the orders, and the law read from them.

    `left` is the mean KL from the model's law to that of the orders summed so far, over 24 texts;
    `swapped` the excess with two neighbouring layers exchanged, `reversed` with all turned round.
    """
    model = model.to("float64")
    runs = model.run_batch(model.language.sample(24, model.transformer.shape.context, 11))
    found = excess(model)
    for split, options in (("layer", ("nothing", "layer")), ("hop", ("on_site",))):
        series = dyson.orders(runs, *options)
        found[f"{split} shares"] = dyson.projections(series).tolist()
        found[f"{split} sizes"] = dyson.sizes(series).tolist()
        found[f"{split} left"] = dyson.missing(runs, series).tolist()
    layers = list(range(model.transformer.shape.layers))
    swaps = [[*layers[:i], i + 1, i, *layers[i + 2 :]] for i in layers[:-1]]
    found["swapped"] = [dyson.reordered(model, order).excess(64) for order in swaps]
    found["reversed"] = dyson.reordered(model, layers[::-1]).excess(64)
    return found


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
}


def ensemble(name: str) -> Ensemble:
    """The ensemble of that name; LabError for an unknown one."""
    if name not in ENSEMBLES:
        known = ", ".join(ENSEMBLES)
        raise LabError(f"There is no ensemble {name!r}{near(name, ENSEMBLES)} There are {known}.")
    return ENSEMBLES[name]


def shipped(name: str, quantity: str = "excess") -> dict[str, ndarray]:
    """One measured quantity of every row of an ensemble, as shipped: an array [seed, ...] each.

    LabError for an unknown name or quantity, or for a file made with another recipe.
    """
    path = DATA / f"{name}.json"
    wanted = _stated(name)
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["recipes"] != wanted:
        raise LabError(
            f"{path.name} was made with another recipe than this version's; "
            f"run 'operator-lab ensemble {name}' to make it again."
        )
    found = {}
    for row, by_seed in content["found"].items():
        seeds = sorted(by_seed, key=int)
        known = by_seed[seeds[0]]
        if quantity not in known:
            raise LabError(f"{name} has no {quantity!r}; it has {', '.join(known)}.")
        found[row] = np.array([by_seed[seed][quantity] for seed in seeds])
    return found


def _stated(name: str) -> dict:
    """The recipes as they stand in a file."""
    return json.loads(json.dumps({row: asdict(r) for row, r in ensemble(name).rows.items()}))


def run(name: str, seeds: int = 5, folder: Path = DATA, progress: bool = True) -> Path:
    """Train and measure every row over `seeds` seeds; a run that was cut short is taken up."""
    path, rows = Path(folder) / f"{name}.json", ensemble(name).rows
    content = {"recipes": _stated(name), "found": {row: {} for row in rows}}
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        content = kept if kept["recipes"] == content["recipes"] else content
    todo = [(row, seed) for seed in range(seeds) for row in rows]
    todo = [(row, seed) for row, seed in todo if str(seed) not in content["found"][row]]
    for row, seed in tqdm(todo, disable=not progress, unit="model"):
        recipe = replace(rows[row], seed=seed)
        try:
            model = train(recipe, device="cpu", progress=False, every=recipe.steps).model
            measured = ensemble(name).measure(model)
        except Diverged:  # a result, too
            measured = {"excess": float("nan")}
        content["found"][row][str(seed)] = measured
        write_whole(path, json.dumps(content, indent=1).encode())
    return path

"""Ensembles: the same experiment over several seeds, shipped as small data with its recipe."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy import ndarray
from tqdm.auto import tqdm

from .errors import LabError
from .files import write_whole
from .references import DATA
from .training import Recipe, train

# What is trained for each ensemble; every row is repeated for every seed.
ENSEMBLES: dict[str, dict[str, Recipe]] = {
    "couplings": {
        "free": Recipe(batch=32),
        "hermitian": Recipe(batch=32, shape={"coupling": "hermitian"}),
        "positive": Recipe(batch=32, shape={"coupling": "positive"}),
        "infinite temperature": Recipe(batch=32, shape={"tau": 1e6}),
    },
}


def recipes(name: str) -> dict[str, Recipe]:
    """The recipes of one ensemble; LabError for an unknown name."""
    if name not in ENSEMBLES:
        raise LabError(f"There is no ensemble {name!r}; there are {', '.join(ENSEMBLES)}.")
    return ENSEMBLES[name]


def shipped(name: str) -> dict[str, ndarray]:
    """The excess of every row of an ensemble, one number per seed, as shipped.

    LabError for an unknown name, or for a file made with another recipe.
    """
    path, wanted = DATA / f"{name}.json", _stated(name)
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["recipes"] != wanted:
        raise LabError(
            f"{path.name} was made with another recipe than this version's; "
            f"run 'operator-lab ensemble {name}' to make it again."
        )
    return {row: np.array([e for _, e in sorted(found.items(), key=lambda x: int(x[0]))])
            for row, found in content["excess"].items()}  # fmt: skip


def _stated(name: str) -> dict:
    return json.loads(json.dumps({row: asdict(r) for row, r in recipes(name).items()}))


def run(name: str, seeds: int = 5, folder: Path = DATA, progress: bool = True) -> Path:
    """Train every row of an ensemble over `seeds` seeds; a run that was cut short is taken up."""
    path = Path(folder) / f"{name}.json"
    content = {"recipes": _stated(name), "excess": {row: {} for row in recipes(name)}}
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        content = kept if kept["recipes"] == content["recipes"] else content
    todo = [
        (row, seed)
        for seed in range(seeds)
        for row in recipes(name)
        if str(seed) not in content["excess"][row]
    ]
    for row, seed in tqdm(todo, disable=not progress, unit="model"):
        recipe = replace(recipes(name)[row], seed=seed)
        training = train(recipe, device="cpu", progress=False, every=recipe.steps)
        content["excess"][row][str(seed)] = training.model.excess()
        write_whole(path, json.dumps(content, indent=1).encode())
    return path

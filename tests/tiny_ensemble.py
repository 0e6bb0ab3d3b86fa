"""An ensemble of models small enough for a moment; another process imports its measurements."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from operator_lab.ensembles import ENSEMBLES, Ensemble, engine, file, jobs, run
from operator_lab.model import Model
from operator_lab.training import Recipe

SHAPE = {"features": 16, "heads": 2, "layers": 1, "hidden": 24}
ROWS = {  # not in alphabetical order
    name: Recipe(shape=SHAPE, steps=steps, batch=2, warmup=1)
    for name, steps in (("one", 1), ("another", 2))
}


def seed_of(model: Model) -> int:
    return model.card["recipe"]["seed"]


def size(model: Model) -> dict:
    """Something that rounding would show in: sums over all weights."""
    law = model.law(np.array([0, 5, 3]))[-1, :3]
    return {"sum": float(model.weights["W_E"].sum()), "law": law.tolist()}


def dies_once(model: Model) -> dict:
    """Kills the process that computes it, the first time for seed 1."""
    mark = Path(os.environ["TINY_MARK"])
    if seed_of(model) == 1 and not mark.exists():
        mark.touch()
        os._exit(1)
    return size(model)


def waits(model: Model) -> dict:
    """Takes its time after the first seed."""
    time.sleep(1.0 if seed_of(model) else 0)
    return size(model)


def fails(model: Model) -> dict:
    """Cannot be measured for seed 1 of one row."""
    if seed_of(model) == 1 and model.card["recipe"]["steps"] == 2:
        raise ZeroDivisionError("nothing to divide by.")
    return size(model)


TINY = Ensemble(ROWS, size)


def whole() -> bytes:
    """The text that every way of making the file has to end at: two rows, two seeds."""
    found = {
        (row, seed): jobs.work(replace(recipe, seed=seed), TINY).measured
        for row, recipe in ROWS.items()
        for seed in range(2)
    }
    return file.text(ROWS, found)


def alone(monkeypatch, folder: Path) -> Path:
    """The catalogue is one small ensemble, and what is shipped lies in a folder of its own."""
    for name in list(ENSEMBLES):
        monkeypatch.delitem(ENSEMBLES, name)
    monkeypatch.setitem(ENSEMBLES, "tiny", TINY)
    monkeypatch.setattr(engine, "DATA", folder)
    return folder


def made(folder, executor=None, measure=size, seeds=2):
    """Run it and return the text of the file."""
    ENSEMBLES["tiny"] = replace(TINY, measure=measure)
    return run("tiny", seeds, folder, progress=False, executor=executor).read_bytes()


def kept(folder):
    return file.read(folder / "tiny.json").found

"""Measurements that another process can import by name, on models small enough for a moment."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from operator_lab.ensembles import Ensemble
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

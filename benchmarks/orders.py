"""All orders of a run: the recursion against the sum over 2^L paths, and against one pass."""

from __future__ import annotations

import itertools

import numpy as np

from operator_lab import corpus, dyson
from operator_lab.model import Model
from operator_lab.run import Run
from operator_lab.transformer import Transformer

from .timing import Effort, Line, ratio, take_turns

TITLE = "All orders of a run"
SENTENCE = "the man paid the coin at the bank"


def interaction(run: Run, layer: int, y: np.ndarray, one: float) -> np.ndarray:
    """V y of one frozen layer."""
    z = y
    for step in run.steps[2 * layer : 2 * layer + 2]:
        z = z + step.apply(z, one)
    return z - y


def path_sum(run: Run, layers: int) -> np.ndarray:
    """The orders as they are written down: every path through depth by itself."""
    total = np.zeros((layers + 1, *run.states[0].shape))
    for path in itertools.product((False, True), repeat=layers):
        y, one = run.states[0], 1.0
        for layer, acts in enumerate(path):
            if acts:
                y, one = interaction(run, layer, y, one), 0.0
        total[sum(path)] += y
    return total


def tree_sum(run: Run, layers: int) -> np.ndarray:
    """The same with what paths have in common at their beginning walked once."""
    total = np.zeros((layers + 1, *run.states[0].shape))

    def walk(layer, count, y):
        if layer == layers:
            total[count] += y
            return
        walk(layer + 1, count, y)
        walk(layer + 1, count + 1, interaction(run, layer, y, float(count == 0)))

    walk(0, 0, run.states[0])
    return total


def stack(layers: int) -> Model:
    """A model of the compound language's shape, random and that deep, in float64."""
    return Model(Transformer(95, layers=layers).double(), corpus.compound())


def measure(effort: Effort) -> list[Line]:
    """12 layers against all paths, 96 layers against one pass."""
    shallow, deep = (3, 6) if effort.small else (12, 96)
    model = stack(deep)
    run, run_deep = stack(shallow).run(SENTENCE), model.run(SENTENCE)
    run.steps, run_deep.steps  # noqa: B018 - freezing is done once
    tokens = model.tokens(SENTENCE)
    paths = {
        "all orders": lambda: dyson.orders(run, by="layer"),
        "sum over paths": lambda: path_sum(run, shallow),
        "shared beginnings": lambda: tree_sum(run, shallow),
    }
    times = take_turns(paths, Effort(effort.threads, max(1, effort.rounds // 4), effort.small))
    passes = {
        "all orders": lambda: dyson.orders(run_deep, by="layer"),
        "one pass": lambda: model.law(tokens),
    }
    again = take_turns(passes, effort)
    few, many = f"L = {shallow}: ", f"L = {deep}: "
    return [
        ratio(f"{few}each of 2^{shallow} paths", effort, times, "sum over paths", "all orders",
              must=250),
        ratio(f"{few}paths with shared beginnings", effort, times, "shared beginnings",
              "all orders"),
        ratio(f"{many}in units of one pass", effort, again, "all orders", "one pass",
              must=25, aim=15, lower=True),
    ]  # fmt: skip

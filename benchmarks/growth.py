"""How cost grows with depth, length and width, against the power that counting operations gives.

Each axis is doubled three times from L = 4, N = 32, d = 64, the others held. A training step and a
pass are linear in L, between N and N^2, and reach d^2 where the matrices are large enough to be the
work; a record holds [N, N] weights and [N, d] states; all orders of L layers are up to L^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from operator_lab import corpus, dyson
from operator_lab.model import Model
from operator_lab.transformer import Transformer

from .step import stepping
from .timing import Effort, Line, middle, take_turns

TITLE = "How cost grows"
THREADS = (1,)
START = {"L": 4, "N": 32, "d": 64}
WORK = ("training step", "record", "all orders")
# Powers by counting: the leading one, and where two terms compete the two of them.
EXPECTED = {
    ("training step", "L"): (1, 1), ("training step", "N"): (1, 2), ("training step", "d"): (1, 2),
    ("record", "L"): (1, 1), ("record", "N"): (1, 2), ("record", "d"): (0, 1),
    ("all orders", "L"): (1, 2), ("all orders", "N"): (1, 2), ("all orders", "d"): (1, 2),
}  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Cost of one kind of work along one axis: medians in seconds, or bytes for the record."""

    work: str
    axis: str
    sizes: list[int]
    costs: list[float]
    low: int
    high: int

    @property
    def power(self) -> float:
        """Slope of the upper half in the log-log plane."""
        kept = max(2, (len(self.sizes) + 1) // 2 + 1)
        slope, _ = np.polyfit(np.log(self.sizes[-kept:]), np.log(self.costs[-kept:]), 1)
        return float(slope)


def model(L: int, N: int, d: int) -> Transformer:
    """A Transformer of that depth, context and width, four heads."""
    shape = dict(layers=L, context=N, features=d, hidden=4 * d, heads=min(4, d))
    return Transformer(len(corpus.compound().words), **shape)


def tasks(L: int, N: int, d: int) -> tuple[dict[str, Callable[[], object]], int]:
    """What is timed at one size, and the bytes of the record."""
    transformer = model(L, N, d)
    tokens = torch.randint(95, (8, N), generator=torch.Generator().manual_seed(0))
    run = Model(transformer.double(), corpus.compound()).run(tokens[0].numpy())
    run.steps  # noqa: B018 - freezing is done once
    size = sum(array.nbytes for array in run.kept.values())
    timed = {
        "training step": stepping(model(L, N, d), lambda z: z, tokens),
        "all orders": lambda: dyson.orders(run, by="layer"),
    }
    return timed, size


def curves(effort: Effort) -> list[Curve]:
    """All nine curves; at one size the two kinds of work take turns."""
    start, doublings = ({"L": 1, "N": 4, "d": 8}, 2) if effort.small else (START, 4)
    found = []
    for axis in start:
        sizes = [start[axis] * 2**k for k in range(doublings)]
        costs: dict[str, list[float]] = {work: [] for work in WORK}
        for size in sizes:
            timed, held = tasks(**(start | {axis: size}))
            times = take_turns(timed, Effort(effort.threads, max(1, effort.rounds // 4),
                                             effort.small))  # fmt: skip
            costs["record"].append(float(held))
            for work, seconds in times.items():
                costs[work].append(middle(seconds)[0])
        found += [Curve(w, axis, sizes, costs[w], *EXPECTED[w, axis]) for w in WORK]
    return found


def line(curve: Curve, effort: Effort) -> Line:
    """The measured power with the two it lies between by counting."""
    work = f"{curve.work} against {curve.axis}, between {curve.low} and {curve.high} by counting"
    return Line(work, effort.threads, curve.power, curve.power, curve.power, "power")

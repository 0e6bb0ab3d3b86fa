"""All orders of a run: the recursion against the sum over 2^L paths, and against one pass.

Contenders take turns in one process on one thread; medians of CPU time, and their ratios with
the spread over the rounds.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from operator_lab import corpus, dyson
from operator_lab.model import Model
from operator_lab.transformer import Transformer

SENTENCE = "the man paid the coin at the bank"


def path_sum(run, layers: int) -> np.ndarray:
    """The orders by walking every path through depth: what the recursion saves."""
    total = np.zeros((layers + 1, *run.states[0].shape))

    def walk(layer, count, y):
        if layer == layers:
            total[count] += y
            return
        walk(layer + 1, count, y)
        z = y
        for step in run.steps[2 * layer : 2 * layer + 2]:
            z = z + step.apply(z, float(count == 0))
        walk(layer + 1, count + 1, z - y)

    walk(0, 0, run.states[0])
    return total


def cpu(task) -> float:
    """Seconds of CPU time of one call."""
    start = time.process_time()
    task()
    return time.process_time() - start


def compare(name: str, first, second, rounds: int) -> str:
    """Time two tasks in turn; one line with both medians and the ratio second / first."""
    first(), second()
    pairs = [(cpu(first), cpu(second)) for _ in range(rounds)]
    a, b = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratios = sorted(q / p for p, q in pairs)
    middle = statistics.median(ratios)
    spread = f"({ratios[0]:.3g} to {ratios[-1]:.3g})"
    return f"{name:44} {1e3 * a:9.2f} ms {1e3 * b:9.2f} ms   ratio {middle:.3g} {spread}"


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    shallow, deep = (
        Model(Transformer(95, layers=L).double(), corpus.compound()) for L in (12, 96)
    )
    run, run_deep = shallow.run(SENTENCE), deep.run(SENTENCE)
    run.steps, run_deep.steps  # noqa: B018 - freezing is done once
    assert abs(path_sum(run, 12) - dyson.orders(run, by="layer")).max() < 1e-10
    by_layer = lambda r: dyson.orders(r, by="layer")  # noqa: E731
    print(compare("12 layers: recursion, then sum over paths",
                  lambda: by_layer(run), lambda: path_sum(run, 12), 5))  # fmt: skip
    tokens = deep.tokens(SENTENCE)
    print(compare("96 layers: one forward pass, then all orders",
                  lambda: deep.law(tokens), lambda: by_layer(run_deep), 9))  # fmt: skip


if __name__ == "__main__":
    main()

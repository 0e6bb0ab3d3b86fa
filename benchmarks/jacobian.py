"""The Jacobian of a whole run, 2048 x 2048, against `torch.func.jacrev` on the same layers."""

from __future__ import annotations

import torch

import operator_lab as lab
from operator_lab.dyson.tangent import jacobian
from operator_lab.model import Model

from .timing import Effort, Line, ratio, take_turns

TITLE = "The Jacobian of the whole model, 32 positions x 64 features"


def through(model: Model):
    """First state to last, as a function of tensors."""
    layers = model.transformer.layers

    def carry(x: torch.Tensor) -> torch.Tensor:
        for i, layer in enumerate(layers):
            x = layer(x, i)
        return x

    return carry


def measure(effort: Effort) -> list[Line]:
    """Against jacrev as it comes, and with the size of its chunks tuned."""
    model = lab.reference().to("float32")
    run = model.run(model.language.sample(1, 4 if effort.small else 32, seed=3)[0])
    carry, x = through(model), torch.tensor(run.states[0])
    contenders = {
        "ours": lambda: jacobian(run),
        "jacrev": lambda: torch.func.jacrev(carry)(x),
        "jacrev, chunks of 64": lambda: torch.func.jacrev(carry, chunk_size=64)(x),
    }
    times = take_turns(contenders, Effort(effort.threads, max(1, effort.rounds // 3), effort.small))
    return [
        ratio("torch.func.jacrev", effort, times, "jacrev", "ours", must=4, aim=8),
        ratio("the same in its best chunks", effort, times, "jacrev, chunks of 64", "ours"),
    ]

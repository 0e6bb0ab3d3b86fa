"""A run with its full record against the plain pass, with head writes against TransformerLens.

One prompt that fills the context of the reference model, in float32. Both records are complete:
ours keeps every intermediate as a read-only array, TransformerLens its whole cache.
"""

from __future__ import annotations

import torch

import operator_lab as lab

from . import peers
from .timing import Effort, Line, ratio, take_turns

TITLE = "A run with its full record, one prompt"


def measure(effort: Effort) -> list[Line]:
    """The record's cost; against TransformerLens where it is installed."""
    model = lab.reference().to("float32")
    tokens = model.language.sample(1, 6 if effort.small else 32, seed=3)[0]
    context, transformer = torch.as_tensor(tokens), model.transformer

    @torch.inference_mode()
    def plain():
        return transformer(context)

    contenders = {
        "plain pass": plain,
        "run": lambda: model.run(tokens),
        "run, head writes": lambda: model.run(tokens).head_writes,
    }
    try:
        contenders["TransformerLens"] = rival(transformer.shape, context)
        missing = None
    except peers.Missing as error:
        missing = error
    times = take_turns(contenders, effort)
    lines = [
        ratio("run, over the plain pass", effort, times, "run", "plain pass",
              must=1.15, aim=1.05, lower=True),
        ratio("with head writes, over the plain pass", effort, times, "run, head writes",
              "plain pass", lower=True),
    ]  # fmt: skip
    if missing:
        print(missing)
        return lines
    versus = ratio("TransformerLens, with head writes", effort, times, "TransformerLens",
                   "run, head writes", must=8, aim=12)  # fmt: skip
    return [*lines, versus]


def rival(shape, context: torch.Tensor):
    """The same by TransformerLens, in a model of the same shape, as a task."""
    config = dict(layers=shape.layers, features=shape.features, heads=shape.heads,
                  context=shape.context, vocabulary=shape.vocabulary)  # fmt: skip
    network = peers.hooked(config)

    @torch.inference_mode()
    def cached():
        _, cache = network.run_with_cache(context[None])
        return cache.stack_head_results(layer=-1)

    return cached

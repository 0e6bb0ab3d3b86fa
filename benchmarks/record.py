"""A run with its full record against the plain pass, with head writes against TransformerLens.

One prompt that fills the context of the reference model, in float32. Both records are complete:
ours keeps every intermediate as a read-only array, TransformerLens its whole cache.

The limit: a model as small as this spends its time on starting kernels, not in them. `kernels` are
those of the pass alone, called one after the other without a module around them; no record in
PyTorch can be faster than they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

import operator_lab as lab
from operator_lab.transformer import Transformer

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
        "kernels": kernels(transformer, context),
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
        ratio("with head writes, over the kernels alone", effort, times, "run, head writes",
              "kernels", lower=True),
    ]  # fmt: skip
    if missing:
        print(missing)
        return lines
    versus = ratio("TransformerLens, with head writes", effort, times, "TransformerLens",
                   "run, head writes", must=8, aim=12)  # fmt: skip
    return [*lines, versus]


def kernels(transformer: Transformer, tokens: torch.Tensor):
    """The plain pass of a pre-LN model without biases as bare calls, the mask made once."""
    T, heads = transformer.shape.T, transformer.shape.heads
    future = torch.full((len(tokens), len(tokens)), -torch.inf).triu(1)
    assert transformer.W_P is not None and transformer.W_U is not None

    def norm(x, layer):
        return F.layer_norm(x, x.shape[-1:], layer.gain, None, layer.eps)

    @torch.inference_mode()
    def flat():
        x = F.embedding(tokens, transformer.W_E) + transformer.W_P[: len(tokens)]
        for layer in transformer.layers:
            of, mlp = layer.attention, layer.mlp
            u = norm(x, layer.norm_1)
            q, k, v = (
                F.linear(u, W.weight).unflatten(-1, (heads, -1)).transpose(-2, -3)
                for W in (of.W_Q, of.W_K, of.W_V)
            )
            A = (q @ k.mT / T + future).softmax(-1)
            x = x + F.linear((A @ v).transpose(-2, -3).flatten(-2), of.W_O.weight)
            hidden = F.linear(norm(x, layer.norm_2), mlp.W_1.weight)
            x = x + F.linear(F.gelu(hidden), mlp.W_2.weight)
        return F.linear(norm(x, transformer.final_norm), transformer.W_U.weight)

    return flat


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

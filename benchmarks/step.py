"""One training step against a Hugging Face GPT-2 of the same shape, and against nanoGPT's network.

A step is the pass, the cross-entropy, its gradient, the clipping and the optimiser. GPT-2 is met
three times: without dropout (the headline: the same work), as its configuration comes (dropout
0.1), and with our exact GELU in place of the approximation written in Python.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from operator_lab.transformer import Transformer

from . import peers
from .timing import Effort, Line, ratio, take_turns

TITLE = "One training step against GPT-2 of the same shape"
RIVALS = {
    "GPT-2 without dropout": {},
    "GPT-2 as configured": {"dropout": 0.1},
    "GPT-2 with exact GELU": {"activation": "gelu"},
}


def ours(config: dict) -> Transformer:
    """Our Transformer of that shape."""
    shape = {k: v for k, v in config.items() if k not in ("batch", "vocabulary")}
    return Transformer(config["vocabulary"], hidden=4 * config["features"], **shape)


def stepping(network, logits, tokens):
    """One training step of a network as a task; `logits` reads them off what it returns."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)

    def step():
        loss = F.cross_entropy(logits(network(tokens)).flatten(0, 1), tokens.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    return step


def measure(effort: Effort) -> list[Line]:
    """Both configurations, each against all rivals that are there."""
    configs = {"small": peers.TINY} if effort.small else peers.CONFIGS
    peers.imported("transformers")
    return [line for name, config in configs.items() for line in compare(name, config, effort)]


def compare(name: str, config: dict, effort: Effort) -> list[Line]:
    """The lines of one configuration."""
    tokens = torch.randint(config["vocabulary"], (config["batch"], config["context"]))
    shape = {k: v for k, v in config.items() if k != "batch"}
    contenders = {
        "ours": stepping(ours(config), lambda z: z, tokens),
        "nanoGPT": stepping(peers.NanoGPT(**shape), lambda z: z, tokens),
    }
    for rival, options in RIVALS.items():
        contenders[rival] = stepping(peers.gpt2(config, **options), lambda z: z.logits, tokens)
    times = take_turns(contenders, effort)
    first, *others = RIVALS
    lines = [ratio(f"{name}: {first}", effort, times, first, "ours", must=1.2, aim=1.6)]
    lines += [ratio(f"{name}: {r}", effort, times, r, "ours") for r in (*others, "nanoGPT")]
    return lines

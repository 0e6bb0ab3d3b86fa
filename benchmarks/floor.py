"""Time to the floor: seconds of training until the excess over the exact law is below 0.02 nats.

Our Transformer with our training loop against nanoGPT's network with nanoGPT's optimiser settings:
AdamW (0.9, 0.99), weight decay 0.1 on matrices, clipping at 1, warm-up of 100 steps, then a cosine
to a tenth. It is given its own learning rate, 1e-3 over 2000 steps, and faster ones over fewer
steps; the best counts. Both see the same texts and look at the excess every 20 steps; looks are
timed with the training they belong to. A training that never gets there is endless.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from operator_lab import corpus, training
from operator_lab.model import divergence

from . import peers
from .timing import Effort, Line, Times, ratio

TITLE = "Time to an excess below 0.02 nats, compound language"
FLOOR = 0.02
LOOK = 20
OURS = training.Recipe(steps=260, batch=32, rate=2e-2, warmup=10, flat=0.0, optimiser="muon")
NANO = {1e-3: 2000, 3e-3: 1000, 1e-2: 500}  # steps of the schedule by learning rate


def ours(recipe: training.Recipe, floor: float, effort: Effort) -> float:
    """Seconds until our training is below the floor; inf if it never is."""
    start = effort.clock()
    seen = training.train(
        recipe, device="cpu", every=LOOK, progress=False,
        watch=lambda model: {"seconds": effort.clock() - start},
    )  # fmt: skip
    below = np.flatnonzero(seen.excess < floor)
    return float(seen.watched["seconds"][below[0]]) if len(below) else np.inf


def nano(rate: float, recipe: training.Recipe, floor: float, effort: Effort) -> float:
    """Seconds until nanoGPT's training of `recipe.steps` steps is below the floor, or inf."""
    start = effort.clock()
    language = corpus.language(recipe.language)
    held = language.sample(256, language.context, 10**6)
    exact = language.law(held)
    torch.manual_seed(recipe.seed)
    network = peers.NanoGPT(4, 64, 4, language.context, len(language.words))
    groups = peers.decayed(network, 0.1)
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True)
    for step, drawn in enumerate(training.texts(recipe, language, 0)):
        for group in optimiser.param_groups:
            group["lr"] = peers.cosine(step, recipe.steps, rate)
        tokens = torch.as_tensor(drawn)
        logits = network(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % LOOK == 0:
            with torch.inference_mode():
                law = network(torch.as_tensor(held)).double().softmax(-1).numpy()
            if divergence(exact, law) < floor:
                return effort.clock() - start
    return np.inf


def measure(effort: Effort) -> list[Line]:
    """One seed for every eight rounds, at most five; the best of nanoGPT's rates counts."""
    floor, recipe, schedules = FLOOR, OURS, NANO
    if effort.small:
        floor, schedules = 5.0, {1e-3: 20}
        recipe = replace(OURS, steps=20, batch=2)
    times = turns(floor, recipe, schedules, effort)
    best, *others = sorted((name for name in times if name != "ours"), key=lambda n: sum(times[n]))
    lines = [ratio(f"nanoGPT, {best} (its best)", effort, times, best, "ours", must=2, aim=4)]
    return lines + [ratio(f"nanoGPT, {name}", effort, times, name, "ours") for name in others]


def turns(floor: float, recipe, schedules, effort: Effort) -> Times:
    """Seconds to the floor by contender, which take turns, one seed a round."""
    times = {"ours": []}
    ours(replace(recipe, steps=1), floor, effort)  # what is loaded at the first use
    for seed in range(min(max(1, effort.rounds // 8), 5)):
        times["ours"].append(ours(replace(recipe, seed=seed), floor, effort))
        for rate, steps in schedules.items():
            name = f"rate {rate:g} over {steps} steps"
            other = training.Recipe(steps=steps, batch=2 if effort.small else 64, seed=seed)
            times.setdefault(name, []).append(nano(rate, other, floor, effort))
    return times

"""Which rule moves which weights: AdamW for all, or Muon for the matrices of the blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .recipe import Recipe


class Optimiser:
    """PyTorch's optimisers for one model: AdamW (decay on matrices alone), and Muon if asked for.

    Loshchilov & Hutter 2019 (arXiv 1711.05101); Jordan et al. 2024, Liu et al. 2025 (arXiv
    2502.16982) for Muon at AdamW's scale.
    """

    def __init__(self, model: nn.Module, recipe: Recipe):
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        muon = recipe.optimiser == "muon"
        inner = {n for n, p in named if muon and p.ndim == 2 and n.startswith("blocks")}
        matrices = [p for n, p in named if p.ndim > 1 and n not in inner]
        others = [p for _, p in named if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": recipe.decay}]
        groups += [{"params": others, "weight_decay": 0.0}] if others else []
        self.rules: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)
        ]
        if inner:
            self.rules.append(
                torch.optim.Muon(
                    [p for n, p in named if n in inner], lr=recipe.rate,
                    weight_decay=recipe.decay, adjust_lr_fn="match_rms_adamw",
                )
            )  # fmt: skip

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step, for all weights."""
        for rule in self.rules:
            for group in rule.param_groups:
                group["lr"] = rate

    def step(self) -> None:
        """Move every weight by its rule."""
        for rule in self.rules:
            rule.step()

    def state(self) -> dict[str, Tensor]:
        """Everything the rules remember, by rule, weight and name."""
        return {
            f"{r}.{i}.{name}": value
            for r, rule in enumerate(self.rules)
            for i, entry in rule.state_dict()["state"].items()
            for name, value in entry.items()
        }

    def restore(self, kept: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        for r, rule in enumerate(self.rules):
            state = rule.state_dict()
            weights = [p for group in rule.param_groups for p in group["params"]]
            for key, value in kept.items():
                of, i, name = key.split(".", 2)
                if int(of) != r:
                    continue
                if value.ndim:  # in its weight's order in memory: a fused step walks both together
                    value = torch.empty_like(weights[int(i)]).copy_(value)
                state["state"].setdefault(int(i), {})[name] = value
            rule.load_state_dict(state)

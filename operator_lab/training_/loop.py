"""Training: the operators are learned by lowering the cross-entropy towards the floor.

Every step draws fresh texts from the language, so the distance to the exact law, the excess, is
the only thing left to lose. A training can be interrupted and resumed: the texts depend on the
seed and the step alone, so a resumed training ends at the same weights.
"""

from __future__ import annotations

import json
import os
import platform
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils import parametrize
from tqdm.auto import tqdm

from . import corpus
from .errors import LabError, near
from .files import write_whole
from .model import Model
from .transformer import Transformer

CHUNK = 32  # steps whose texts are drawn together


class Diverged(LabError):
    """The gradient stopped being finite."""


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training: language, shape of the model, schedule, seed.

    AdamW at learning rate `rate`: linear warm-up, flat to 30 % of the steps, then linearly down
    to 2 % of the rate. `ranks` holds some weights at a low rank, such as {"W_E": 4}, at full width.
    """

    language: str = "compound"
    shape: dict[str, Any] = field(default_factory=dict)
    steps: int = 600
    batch: int = 64
    rate: float = 5e-3
    warmup: int = 50
    decay: float = 0.05
    seed: int = 0
    ranks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        if self.steps < 0 or self.batch < 1 or not 0 < self.rate < float("inf"):
            raise LabError(
                f"Cannot train {self.steps} steps of {self.batch} texts at rate {self.rate}; "
                "all three must be positive (0 steps: the initial weights)."
            )

    def rate_at(self, step: int) -> float:
        """The learning rate of one step, counted from 0."""
        flat = 0.3 * self.steps
        down = 1.0 if step < flat else 0.02 + 0.98 * (self.steps - step) / (self.steps - flat)
        return self.rate * min(1.0, (step + 1) / self.warmup) * down


@dataclass(frozen=True, eq=False)
class Training:
    """What a training gave: the model, and its excess (nats) after some of the steps."""

    model: Model
    recipe: Recipe
    steps: ndarray
    excess: ndarray
    seconds: float
    interrupted: bool

    def __repr__(self) -> str:
        last = f"excess {self.excess[-1]:.4f} nats" if len(self.excess) else "not yet measured"
        state = "interrupted at" if self.interrupted else "after"
        done = self.steps[-1] if len(self.steps) else 0
        return f"Training {state} step {done} of {self.recipe.steps}: {last}"


def pick_device(device: str = "auto") -> torch.device:
    """Return the device to train on: "auto" takes CUDA, else Apple's GPU, else the CPU."""
    if device != "auto":
        try:
            return torch.zeros(1, device=device).device
        except (RuntimeError, AssertionError) as error:
            raise LabError(
                f"The device {device!r} cannot be used here ({str(error).splitlines()[0]}); "
                "try 'auto' or 'cpu'."
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def texts(recipe: Recipe, language: corpus.Language, first: int) -> Iterator[Int[ndarray, "B N"]]:
    """The texts of each step from `first` on, the same whenever they are drawn."""
    for chunk in range(first // CHUNK, -(-recipe.steps // CHUNK)):
        drawn = language.sample(CHUNK * recipe.batch, seed=[recipe.seed, 7, chunk])
        for i in range(CHUNK):
            if first <= chunk * CHUNK + i < recipe.steps:
                yield drawn[i * recipe.batch : (i + 1) * recipe.batch]


def train(
    recipe: Recipe | None = None,
    *,
    device: str = "auto",
    folder: str | os.PathLike | None = None,
    every: int = 50,
    progress: bool = True,
) -> Training:
    """Train a Transformer from its initial weights and return it with its history.

    A bar shows the excess every `every` steps. With a `folder` the training is kept there and
    taken up again where it stopped; without one it lives in memory. Ctrl-C ends it early with
    the model as it is. LabError for a folder that holds another training or a device that is
    not there.
    """
    recipe = Recipe() if recipe is None else recipe
    language = corpus.language(recipe.language)
    target = pick_device(device)
    shape = {"context": language.context} | recipe.shape
    transformer = Transformer(len(language.words), seed=recipe.seed, **shape)
    hold_ranks(transformer, recipe.ranks)
    optimiser = _optimiser(transformer.to(target), recipe)
    store = None if folder is None else Path(folder) / "training.safetensors"
    history = _resume(store, recipe, transformer, optimiser) if store and store.exists() else []
    done = history[-1][0] if history else 0
    started, interrupted = time.perf_counter(), False

    bar = tqdm(total=recipe.steps, initial=done, disable=not progress, unit="step")
    try:
        for step, drawn in enumerate(texts(recipe, language, done), start=done):
            _update(transformer, optimiser, torch.as_tensor(drawn, device=target), recipe, step)
            done = step + 1
            bar.update()
            if done % every == 0 or done == recipe.steps:
                now = _model(transformer, language).excess(256)
                history.append((done, now))
                bar.set_postfix_str(f"excess {now:.4f} nats")
                store = _keep(store, recipe, transformer, optimiser, history)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()

    steps, measured = np.array(history).T if history else (np.zeros(0), np.zeros(0))
    seconds = time.perf_counter() - started
    card = {
        "recipe": asdict(recipe),
        "excess": float(measured[-1]) if len(measured) else None,
        "steps_done": done,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    model = _model(transformer, language, card)
    return Training(model, recipe, steps.astype(int), measured, seconds, interrupted)


class Factorised(nn.Module):
    """A weight held at a low rank: the product of two thin factors, both of them learned."""

    def __init__(self, rank: int):
        super().__init__()
        self.rank = rank

    def forward(self, left: Float[Tensor, "V r"], right: Float[Tensor, "r d"]):
        return left @ right

    def right_inverse(self, weight: Float[Tensor, "V d"]):
        """The best factors of a weight (Eckart-Young), scaled to keep its Frobenius norm."""
        U, sizes, Vh = torch.linalg.svd(weight, full_matrices=False)
        kept = sizes[: self.rank]
        root = (kept * (sizes.norm() / kept.norm())).sqrt()
        return U[:, : self.rank] * root, root[:, None] * Vh[: self.rank]


def hold_ranks(transformer: Transformer, ranks: Mapping[str, int]) -> None:
    """Let training move these weights only among matrices of the given rank (low-rank factors).

    LabError for a name that is no matrix of the model, or a rank of 0 or beyond its smaller side.
    """
    matrices = {name: p for name, p in transformer.named_parameters() if p.ndim == 2}
    for name, rank in ranks.items():
        if name not in matrices:
            raise LabError(f"There is no weight matrix {name!r} to hold{near(name, matrices)}")
        most = min(matrices[name].shape)
        if not (isinstance(rank, int) and 1 <= rank <= most):
            raise LabError(f"The rank of {name} is a whole number from 1 to {most}, not {rank!r}.")
        *path, last = name.split(".")
        owner = transformer.get_submodule(".".join(path))
        parametrize.register_parametrization(owner, last, Factorised(rank))


def _model(transformer: Transformer, language, card: Mapping | None = None) -> Model:
    """The model as it is now, on the CPU, its held weights written out as plain ones."""
    arguments = transformer.arguments()
    plain = Transformer(arguments.pop("vocabulary"), **arguments)
    state = {name: attrgetter(name)(transformer).detach().cpu() for name in plain.state_dict()}
    plain.load_state_dict(state)
    return Model(plain, language, card or {})


def _optimiser(transformer, recipe):
    matrices = [p for p in transformer.parameters() if p.ndim > 1]
    others = [p for p in transformer.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.decay}]
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)


def _update(transformer, optimiser, drawn, recipe, step):
    """One step down the gradient of the cross-entropy."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.rate_at(step)
    logits = transformer(drawn[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), drawn[:, 1:].flatten())
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(transformer.parameters(), 1.0)
    if not torch.isfinite(norm):
        raise Diverged(
            f"The training diverged at step {step + 1} (the gradient is not finite); "
            f"try a smaller rate than {recipe.rate:g}."
        )
    optimiser.step()


def _keep(store, recipe, transformer, optimiser, history):
    """Write the checkpoint; where the disk refuses, say so once and go on in memory."""
    if store is None:
        return None
    tensors = {f"weight.{k}": v for k, v in transformer.state_dict().items()}
    for i, entry in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v for k, v in entry.items()}
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    header = {"recipe": json.dumps(asdict(recipe)), "history": json.dumps(history)}
    try:
        write_whole(store, save(tensors, metadata=header))
    except OSError as error:
        warnings.warn(
            f"The training goes on but cannot be kept in {str(store.parent)!r} ({error.strerror}); "
            "call model.save with another path at its end.",
            stacklevel=3,
        )
        return None
    return store


def _resume(store, recipe, transformer, optimiser):
    """Put weights and optimiser back where the kept training stood; return its history."""
    try:
        with safe_open(store, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise LabError(
            f"{str(store)!r} is not a whole training ({error}); remove it to start again."
        ) from None
    if header.get("recipe") != json.dumps(asdict(recipe)):
        raise LabError(
            f"The folder {str(store.parent)!r} holds a training with another recipe; choose "
            "another folder, or the same recipe to go on with it."
        )
    transformer.load_state_dict(
        {k.removeprefix("weight."): v for k, v in tensors.items() if k.startswith("weight.")}
    )
    state = optimiser.state_dict()
    weights = [p for group in optimiser.param_groups for p in group["params"]]
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, i, name = key.split(".", 2)
            if value.ndim:  # in its weight's order in memory: a fused step walks both together
                value = torch.empty_like(weights[int(i)]).copy_(value)
            state["state"].setdefault(int(i), {})[name] = value
    optimiser.load_state_dict(state)
    return [tuple(entry) for entry in json.loads(header["history"])]

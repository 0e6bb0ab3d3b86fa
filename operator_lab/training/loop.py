"""The loop itself: draw texts, step down the gradient, look now and then, keep what there is."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from tqdm.auto import tqdm

from .. import corpus
from ..corpus import Text
from ..device import pick_device
from ..errors import LabError
from ..files import alone, writable
from ..given import shown, whole
from ..guard import guarded
from ..model import Model
from ..transformer import Transformer
from .checkpoint import Look, keep, resume
from .optimiser import Optimiser
from .ranks import hold_ranks, written_out
from .recipe import Recipe
from .slope import Slope

CHUNK = 32  # steps whose texts are drawn together


class Diverged(LabError):
    """The gradient stopped being finite; `training` has the last finite weights and the curve."""

    def __init__(self, message: str, training: Training | None = None):
        super().__init__(message)
        self.training = training


@dataclass(frozen=True, eq=False)
class Training:
    """What a training gave: the model, and what was seen after some of the steps.

    `loss` is in nats per word: above the floor ("excess") where the exact law is known, else the
    cross-entropy of the held-out part of the text. `watched` has an array [look, ...] for each
    quantity that was watched at every look.
    """

    model: Model
    recipe: Recipe
    steps: Int[ndarray, "look"]
    loss: ndarray
    watched: Mapping[str, ndarray]
    seconds: float
    interrupted: bool

    @property
    def quantity(self) -> str:
        """What `loss` is, in words."""
        return "cross-entropy" if isinstance(self.model.language, Text) else "excess"

    @property
    def excess(self) -> ndarray:
        """The distance to the floor at every look, in nats; LabError where no floor is known."""
        if self.quantity != "excess":
            raise LabError(
                "Nobody knows the floor of this text, so there is no excess; `loss` has the "
                "cross-entropy of its held-out part."
            )
        return self.loss

    def __repr__(self) -> str:
        last = f"{self.quantity} {self.loss[-1]:.4f} nats" if len(self.loss) else "not yet measured"
        state = "interrupted at" if self.interrupted else "after"
        done = self.steps[-1] if len(self.steps) else 0
        return f"Training {state} step {done} of {self.recipe.steps}: {last}"


@guarded
def texts(
    recipe: Recipe, language: corpus.Language | Text, first: int
) -> Iterator[Int[ndarray, "B N"]]:
    """The texts of each step from `first` on, the same whenever they are drawn.

    As long as the language's context, or the model's where that is shorter, and the word after.
    """
    length = min(language.context, recipe.shape.get("context", language.context)) + 1
    for chunk in range(first // CHUNK, -(-recipe.steps // CHUNK)):
        drawn = language.sample(CHUNK * recipe.batch, length, [recipe.seed, 7, chunk])
        for i in range(CHUNK):
            if first <= chunk * CHUNK + i < recipe.steps:
                yield drawn[i * recipe.batch : (i + 1) * recipe.batch]


@guarded
def train(
    recipe: Recipe | None = None,
    *,
    device: str = "auto",
    folder: str | os.PathLike | None = None,
    every: int | Collection[int] = 50,
    watch: Callable[[Model], Mapping[str, Any]] | None = None,
    progress: bool = True,
) -> Training:
    """Train a Transformer from its initial weights and return it with its history.

    After every `every` steps (or after the steps listed there, 0 for the initial weights) the bar
    shows the loss, and `watch(model)` may measure anything: numbers or lists by name. With a
    `folder` the training is kept there at every look and taken up again where it stopped; without
    one it lives in memory. Ctrl-C ends it early with the model as it is.

    Raises `Diverged` with the last finite weights when the gradient stops being finite; LabError
    for a folder that holds another training or is in use, a device that is not there, or one
    without memory for so much.
    """
    recipe = Recipe() if recipe is None else recipe
    store = None if folder is None else Path(folder) / "training.safetensors"
    if store is not None:
        writable(store.parent)
    with _held(store), _in_memory(recipe):
        return _train(recipe, pick_device(device), store, _looks(every, recipe), watch, progress)


def _train(recipe, device, store, looks, watch, progress) -> Training:
    language = _language(recipe)
    shape = {"context": language.context} | recipe.shape
    transformer = Transformer(len(language.words), seed=recipe.seed, **shape)
    hold_ranks(transformer, recipe.ranks)
    optimiser = Optimiser(transformer.to(device), recipe)
    slope = Slope(transformer)
    history = resume(store, recipe, transformer, optimiser) if store and store.exists() else []
    done = history[-1][0] if history else 0
    started, interrupted = time.perf_counter(), False
    last = _model(transformer, language)

    def result() -> Training:
        model = _model(transformer, language, _card(recipe, history, done))
        model = model if _finite(model) else last
        seconds = time.perf_counter() - started
        return _training(model, recipe, history, seconds, interrupted)

    bar = tqdm(total=recipe.steps, initial=done, disable=not progress, unit="step")

    def look():
        nonlocal last
        last = _model(transformer, language)
        history.append((done, _loss(last, device), _seen(watch, last)))
        bar.set_postfix_str(f"{_name(language)} {history[-1][1]:.4f} nats")
        return keep(store, recipe, transformer, optimiser, history)

    try:
        if done == 0 and 0 in looks and not history:
            store = look()
        for step, drawn in enumerate(texts(recipe, language, done), start=done):
            if not _update(slope, optimiser, torch.as_tensor(drawn, device=device), recipe, step):
                raise Diverged(_diverged(recipe, step, store), result())
            done = step + 1
            bar.update()
            if done in looks:
                store = look()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()
    return result()


def _seen(watch, model: Model) -> dict[str, Any]:
    """What `watch` measured, by name; LabError for what is no dict."""
    found = {} if watch is None else watch(model)
    if not isinstance(found, Mapping):
        raise LabError(f"watch(model) gives a dict of what it measured, not {shown(found)}.")
    return dict(found)


def _training(model, recipe, history: list[Look], seconds, interrupted) -> Training:
    steps, loss, seen = zip(*history, strict=True) if history else ((), (), ())
    shared = set.intersection(*map(set, seen)) if seen else set()
    watched = {k: np.array([s[k] for s in seen]) for k in (seen[0] if seen else ()) if k in shared}
    return Training(
        model, recipe, np.array(steps, int), np.array(loss), watched, seconds, interrupted
    )


def _language(recipe: Recipe) -> corpus.Language | Text:
    if isinstance(recipe.language, Text):
        return recipe.language
    return corpus.copies() if recipe.language == "copies" else corpus.language(recipe.language)


def _looks(every: int | Collection[int], recipe: Recipe) -> frozenset[int]:
    """After which steps one looks; the last one always."""
    if not isinstance(every, Collection) or isinstance(every, str):
        every = whole(every, "every")
        every = range(every, recipe.steps + 1, every)
    return frozenset(whole(step, "A step to look after", 0) for step in every) | (
        {recipe.steps} if recipe.steps else set()
    )


def _name(language) -> str:
    return "cross-entropy" if isinstance(language, Text) else "excess"


def _loss(model: Model, device: torch.device) -> float:
    """Excess where the exact law is known, else the cross-entropy of what was held out."""
    return (model if device.type == "cpu" else model.to(device=str(device))).loss()


def _model(transformer: Transformer, language, card: Mapping | None = None) -> Model:
    """The model as it is now, on the CPU, its held weights written out as plain ones."""
    return Model(written_out(transformer), language, card or {})


def _finite(model: Model) -> bool:
    return all(np.isfinite(w).all() for w in model.weights.values())


def _card(recipe: Recipe, history: list[Look], done: int) -> dict:
    return {
        "recipe": recipe.stated(),
        _name(recipe.language): history[-1][1] if history else None,
        "steps_done": done,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def _update(slope: Slope, optimiser, drawn, recipe, step) -> bool:
    """One step down the gradient of the cross-entropy; False, and no step, if it is not finite."""
    optimiser.set_rate(recipe.rate_at(step))
    if not torch.isfinite(slope(drawn)):
        return False
    optimiser.step()
    return True


def _diverged(recipe: Recipe, step: int, store: Path | None) -> str:
    where = f", and the last look in {str(store.parent)!r}" if store and store.exists() else ""
    return (
        f"The training diverged at step {step + 1} (the gradient is not finite); try a smaller "
        f"rate than {recipe.rate:g}. The weights before that step are in error.training.model"
        f"{where}."
    )


@contextmanager
def _held(store: Path | None) -> Iterator[None]:
    """Hold the folder against other trainings; where the disk refuses, `keep` will say so."""
    with ExitStack() as stack:
        if store is not None:
            with suppress(OSError):
                stack.enter_context(alone(store))
        yield


@contextmanager
def _in_memory(recipe: Recipe) -> Iterator[None]:
    """Turn the many ways of running out of memory into one sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # of torch a plain RuntimeError; a CPU's names its allocator, a GPU's says it in words
        words = "DefaultCPUAllocator", "out of memory"
        if not isinstance(error, MemoryError) and not any(w in str(error) for w in words):
            raise
        size = {"features": 64, "layers": 4} | recipe.shape
        raise LabError(
            f"There is not enough memory to train {recipe.batch} texts at a time with "
            f"{size['features']} features and {size['layers']} layers; take a smaller batch first "
            f"(batch={max(1, recipe.batch // 2)}), then fewer features, or a shorter context."
        ) from error

"""What is kept of a training on disk, so that it can be taken up again."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..errors import LabError, brief
from ..files import write_whole
from .recipe import Recipe

Look = tuple[int, float, dict[str, Any]]
"""One look at a training: after how many steps, what was measured, what was watched."""


def keep(store: Path | None, recipe: Recipe, transformer, optimiser, history: list[Look]):
    """Write the checkpoint; where the disk refuses, say so once and go on in memory."""
    if store is None:
        return None
    tensors = {f"weight.{k}": v for k, v in transformer.state_dict().items()}
    tensors |= {f"optimiser.{k}": v for k, v in optimiser.state().items()}
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    try:
        told = json.dumps(history, default=_as_lists)
    except TypeError as error:
        warnings.warn(
            f"The training goes on but cannot be kept: what watch measured cannot be written "
            f"({error}); let it give numbers, strings, lists or arrays.",
            stacklevel=3,
        )
        return None
    header = {"recipe": json.dumps(recipe.stated()), "history": told}
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


def resume(store: Path, recipe: Recipe, transformer, optimiser) -> list[Look]:
    """Put weights and optimiser back where the kept training stood; return its history."""
    try:
        with safe_open(store, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise LabError(
            f"{str(store)!r} is not a whole training ({brief(error)}); remove it to start again."
        ) from None
    if header.get("recipe") != json.dumps(recipe.stated()):
        raise LabError(
            f"The folder {str(store.parent)!r} holds a training with another recipe; choose "
            "another folder, or the same recipe to go on with it."
        )
    try:
        if not all(v.isfinite().all() for v in tensors.values()):
            raise ValueError("numbers that are not finite")
        history = json.loads(header["history"], object_hook=_as_complex)
        looks = [_look(*look) for look in history]
        transformer.load_state_dict(_named("weight.", tensors))
        optimiser.restore(_named("optimiser.", tensors))
    except (ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabError(
            f"{str(store)!r} is not a whole training ({why}); remove it to start again."
        ) from None
    return looks


def _look(step: int, loss: float, watched: dict[str, Any] | None = None) -> Look:
    """One look as a file states it; what an older version kept has nothing watched."""
    return int(step), float(loss), dict(watched or {})


def _named(kind: str, tensors: dict) -> dict:
    return {k.removeprefix(kind): v for k, v in tensors.items() if k.startswith(kind)}


def _as_lists(value: object) -> object:
    """What JSON has no word for: arrays and NumPy's numbers as lists, a complex as its parts."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, complex):
        return {"real": value.real, "imag": value.imag}
    raise TypeError(f"{type(value).__name__} is neither a number nor an array")


def _as_complex(value: dict) -> object:
    return complex(value["real"], value["imag"]) if set(value) == {"real", "imag"} else value

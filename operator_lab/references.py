"""The reference models that ship with the package: fixed weights, known recipes.

A shipped file never changes (its hash is checked at every load); a better recipe gets a new name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from . import corpus, results
from .errors import LabError
from .files import writable, write_whole
from .given import shown
from .guard import guarded
from .model import Model
from .training import Recipe, train
from .transformer import Transformer

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Reference:
    """A shipped model: its recipe, and whether it was trained or left at its initial weights."""

    recipe: Recipe
    trained: bool = True

    @property
    def layers(self) -> int:
        return self.recipe.shape.get("layers", 4)

    @guarded
    def make(self, progress: bool = True) -> Model:
        """Train it again by its recipe (or draw its initial weights)."""
        if self.trained:
            return train(self.recipe, device="cpu", progress=progress, every=200).model
        language = corpus.language(str(self.recipe.language))
        shape = {"context": language.context} | self.recipe.shape
        transformer = Transformer(len(language.words), seed=self.recipe.seed, **shape)
        return Model(transformer, language, {"recipe": "initial weights", "seed": self.recipe.seed})


_COMPOUND = Recipe("compound", steps=2000)
_DEPTH = Recipe("depth", {"layers": 2}, steps=4000)
_ROTATION = (1.0, 0.56, 0.32, 0.18, 0.1, 0.056, 0.032, 0.018)
_ATTENTION = {"layers": 2, "heads": 2, "features": 32, "hidden": 0, "rotation": _ROTATION}
REFERENCES = {
    "compound": Reference(_COMPOUND),
    "compound-untrained": Reference(_COMPOUND, trained=False),
    "depth": Reference(_DEPTH),
    "depth-untrained": Reference(_DEPTH, trained=False),
    "compound-tied": Reference(Recipe("compound", {"layers": 6, "tied": True}, steps=1000)),
    "depth-one-layer": Reference(Recipe("depth", {"layers": 1}, steps=2000)),
    "copies": Reference(Recipe("copies", _ATTENTION, steps=450, seed=1, flat=0.6)),
}


@guarded
def reference(
    language: str = "compound",
    trained: bool = True,
    layers: int | None = None,
    tied: bool = False,
) -> Model:
    """Return a model that ships with the package, in float64 on the CPU.

    `layers` picks another depth where one is shipped, `tied` the one whose six layers are one
    layer. "copies" is one of attention alone, trained on lists that are said again
    (`corpus.copies`). LabError for an unknown language or depth, or when the file on disk is not
    the one that was shipped.
    """
    if language != "copies":
        corpus.language(language)
    fitting = {
        name: r
        for name, r in REFERENCES.items()
        if r.recipe.language == language
        and r.trained == trained
        and r.recipe.shape.get("tied", False) == tied
    }
    name = next((n for n, r in fitting.items() if layers in (None, r.layers)), None)
    if name is None:
        kind = f"{'trained' if trained else 'untrained'}{' tied' if tied else ''} {language}"
        depths = ", ".join(str(d) for d in sorted({r.layers for r in fitting.values()})) or "none"
        wanted = "" if layers is None else f" with {layers} layers"
        raise LabError(f"No {kind} model{wanted} is shipped; depths shipped: {depths}.")
    path = DATA / f"{name}.safetensors"
    if not path.is_file() or fingerprint(path) != _index().get(name, {}).get("sha256"):
        raise LabError(
            f"The reference model {path.name} is missing or is not the one that was shipped; "
            "install the package again."
        )
    return Model.load(path).to("float64")


@guarded
def fingerprint(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _index() -> dict[str, dict]:
    """What is known of the shipped models, their fingerprints; LabError for a damaged file."""
    with results.shipped(DATA / "models.json") as index:
        for name, entry in index.items():
            found = results.table(entry, repr(name))["sha256"]
            if not isinstance(found, str):
                raise ValueError(f"the sha256 of {name!r} is {shown(found)}, no text")
        return dict(index)


@guarded
def compare(folder: Path, progress: bool = True) -> list[str]:
    """Train every reference model again into `folder` and say how it compares with the shipped."""
    folder = writable(folder)
    head = f"{'model':20} {'shipped':>10} {'candidate':>10}   excess in nats, 2048 texts"
    lines = [f"{head} (copies: cross-entropy)"]
    for name, entry in REFERENCES.items():
        path = Path(folder) / f"{name}.safetensors"
        candidate = Model.load(path) if path.exists() else entry.make(progress)
        candidate.save(path)
        shipped = DATA / path.name
        known = f"{_loss(Model.load(shipped)):10.4f}" if shipped.exists() else "      none"
        lines.append(f"{name:20} {known} {_loss(candidate):10.4f}")
    return lines


def _loss(model: Model) -> float:
    """Excess in nats per word; of a text, which no file holds, the cross-entropy."""
    if model.knows_truth:
        return model.excess(2048)
    return model.cross_entropy(corpus.copies().held_out(2048))


@guarded
def ship(folder: Path) -> list[Path]:
    """Put candidates among the shipped models; LabError rather than touch one that is there."""
    index = _index() if (DATA / "models.json").exists() else {}
    done = []
    for name in REFERENCES:
        source, target = Path(folder) / f"{name}.safetensors", DATA / f"{name}.safetensors"
        if not source.is_file():
            continue
        if name in index:
            raise LabError(
                f"{name} is shipped already and never changes; give the better recipe a new name."
            )
        write_whole(target, source.read_bytes())
        model = Model.load(target)
        index[name] = {
            "sha256": fingerprint(target),
            ("excess" if model.knows_truth else "loss"): round(_loss(model), 5),
        } | {"card": dict(model.card)}
        done.append(target)
    write_whole(DATA / "models.json", (json.dumps(index, indent=1) + "\n").encode())
    return done

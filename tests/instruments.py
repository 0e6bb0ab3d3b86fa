"""Every instrument on every kind of model: a walk over all public functions, and its table.

An instrument is a public function, method or property that takes a model, a run, a layer, a step or
a language. It is called with arguments chosen by the names of its parameters; what it gives, or the
sentence in which it says why not, is a cell of course/real_models.md.

    python tests/instruments.py       writes that page anew
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from model_kinds import Kind, kinds

import operator_lab as lab
from operator_lab.errors import LabError
from operator_lab.model import Model
from operator_lab.run import LayerRun, Run, Runs

PAGE = Path(__file__).resolve().parent.parent / "course" / "real_models.md"
MARK = "<!-- below: python tests/instruments.py -->"
# What is not asked of a model: training and ensembles make them, exercises and judges have none.
APART = {"ensembles", "corpus", "training", "standard"}


# --- which instruments there are ------------------------------------------------------------------

ASKED = re.compile(r"\b(Model|Run|LayerRun|Step|AttentionStep|Language|Lexicon|Text)\b")


def instruments() -> dict[str, Callable[[Kind], Any]]:
    """All of them by name, each as a function of a kind."""
    found: dict[str, Callable[[Kind], Any]] = {}
    for module in _modules():
        short = module.__name__.removeprefix("operator_lab.")
        names = getattr(module, "__all__", None) or dir(module)
        for name in sorted(names):
            f = getattr(module, name)
            if name.startswith("_") or not inspect.isfunction(f):
                continue
            own = f.__module__.startswith(module.__name__)
            if own and any(ASKED.search(str(a)) for a in _annotations(f)):
                found[f"{short}.{name}"] = _called(f)
    return (
        found
        | dict(_methods(Model, lambda k: k.model))
        | dict(_methods(Run, lambda k: k.run))
        | (dict(_methods(LayerRun, _layer)) | dict(_steps()))
    )


def _modules() -> Iterator:
    for name in sorted(lab._MODULES - APART):
        module = getattr(lab, name)
        if name != "figures":
            yield module
        for part in pkgutil.iter_modules(getattr(module, "__path__", [])):
            shown = name == "figures" and part.name not in APART
            if shown or part.name == "bare":  # whose names stand behind it
                yield importlib.import_module(f"operator_lab.{name}.{part.name}")


def _annotations(f) -> list:
    return [p.annotation for p in inspect.signature(f).parameters.values()]


def _methods(owner: type, of: Callable[[Kind], Any]) -> Iterator[tuple[str, Callable]]:
    """Public methods and properties of a class, as instruments."""
    for name, thing in sorted(vars(owner).items()):
        if name.startswith("_") or isinstance(thing, classmethod):
            continue
        if inspect.isfunction(thing):
            yield f"{owner.__name__}.{name}", lambda k, n=name: _called(getattr(of(k), n))(k)
        elif isinstance(thing, cached_property | property):
            yield f"{owner.__name__}.{name}", lambda k, n=name: getattr(of(k), n)


def _steps() -> Iterator[tuple[str, Callable]]:
    yield "Step.V(x)", lambda k: [V(k.run.states[0]) for V in k.run.steps]
    yield "Step.V @ x", lambda k: [V @ k.run.states[0] for V in k.run.steps]
    yield "Step.dense", lambda k: [V.dense() for V in k.run.steps]


# --- what each is called with ---------------------------------------------------------------------

Given = Callable[[Kind], Any]


def _layer(k: Kind) -> LayerRun:
    """The second layer, or the only one; without layers the sentence of whoever asks for states."""
    return k.run.layers[min(1, k.model.shape.layers - 1)] if k.run.layers else k.run.mixing


def _figure(_: Kind):
    return Figure().add_subplot()


def _square(size: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]


# By the annotation first, then by the name; a default is kept unless the name stands in `ALWAYS`.
BY_TYPE: dict[str, Given] = {
    "Model": lambda k: k.model,
    "Run": lambda k: k.run,
    "LayerRun": lambda k: _layer(k),
    "Step": lambda k: k.run.steps[0],
    "Language": lambda k: k.model.language,
    "Axes": _figure,
    "Mapping[str, Run]": lambda k: {"run": k.run},
    "Mapping[str, Model]": lambda k: {"a": k.model},
}
BY_NAME: dict[str, Given] = {
    "sentence": lambda k: k.first,
    "text": lambda k: k.first,
    "texts": lambda k: k.tokens,
    "tokens": lambda k: k.tokens,
    "sentences": lambda k: [k.first, k.second],
    "word": lambda k: k.words[0],
    "other": lambda k: k.words[1],
    "token": lambda k: 1,
    "layer": lambda k: 1,
    "head": lambda k: 1,
    "heads": lambda k: [1],
    "which": lambda k: "key",
    "step": lambda k: 2,
    "where": lambda k: -1,
    "reader": lambda k: 2,
    "writer": lambda k: 0,
    "route": lambda k: "key",
    "rank": lambda k: 1,
    "count": lambda k: 2,
    "order": lambda k: 1,
    "x": lambda k: k.run.states[-1],
    "strengths": lambda k: [0.1],
    "radius": lambda k: 0.01,
    "reach": lambda k: 0.1,
    "rate": lambda k: 0.1,
    "ratios": lambda k: np.array([0.5, 1.0, 2.0]),
    "words": lambda k: k.words,
    "linear": lambda k: True,
    "position": lambda k: -1,
    "times": lambda k: 2,
    "gain": lambda k: 0.5,
    "columns": lambda k: [1, 2],
    "gate": lambda k: "secant",
    "M": lambda k: _square(k.model.shape.d_k),
    "R": lambda k: _square(k.model.shape.features),
    "X": lambda k: k.model.weights["W_E"],
    "p": lambda k: np.arange(len(k.model.language.words)),
    "depth": lambda k: 2,
    "layers": lambda k: 2,
    "precision": lambda k: "float32",
    "lengths": lambda k: [0, 1],
    "held": lambda k: defaultdict(lambda: np.ones(2), any=np.ones(2)),
    "ranks": lambda k: [1],
    "start": lambda k: k.first,
    "length": lambda k: len(k.tokens[0]) + 2,
    "coarse": lambda k: k.model,
    "fine": lambda k: k.model,
    "belief": lambda k: np.ones((2, 9, 5)) / 5,
    "place": lambda k: np.full((2, 9), "a"),
    "name": lambda k: "W_O.weight",
    "shift": lambda k: np.zeros((2 * k.model.shape.layers, len(k.run.words))),
    "change": lambda k: lambda w: 2 * w,
    "weights": lambda k: {},
    "transformer": lambda k: k.model.transformer,
    "path": lambda k: Path(tempfile.mkdtemp()) / "model",
    "picture": lambda k: lab.pretrained.truncation(k.model, k.first),
    "index": lambda k: 1,
    "readout": lambda k: _readout(k),
    "point": lambda k: "neuron",
    "signs": lambda k: lab.mixing.contrast(k.model, k.first, k.second),
    "first": lambda k: k.first,
    "second": lambda k: k.second,
}
ALWAYS = {"count", "texts", "lengths", "words", "length", "linear"}
# Where one name means different things.
ALONE: dict[str, Mapping[str, Given]] = {
    "edits.put": {"states": lambda k: k.run.states[..., 0, -1, :]},
    "edits.swap": {"second": lambda k: k.model.run(k.second)},
    "dyson.reordered": {"order": lambda k: [2, 1, 0]},
    "dyson.missing": {"series": lambda k: lab.dyson.orders(k.run)},
    "dyson.bare.singularities": {"grid": lambda k: 8},
    "measurement.mixed": {n: (lambda k: k.tokens) for n in ("first", "second", "into")},
    "measurement.replaced": {
        "position": lambda k: np.array([1, 2]),
        "state": lambda k: k.model.run_batch(k.tokens).states[:, 0, -1],
    },
    "measurement.rewritten": {"states": lambda k: k.model.run_batch(k.tokens).states[:, 0]},
    "measurement.translated": {"lens": lambda k: _lens(k)},
    "measurement.affine_lens": {"run": lambda k: _many(k)},
    "figures.resummation.plane": {
        "layers": lambda k: [1, 2],
        "count": lambda k: 18,
        "words": lambda k: 3,
    },
    "resummation.expansion": {"count": lambda k: 8},
    "measurement.generate": {"start": lambda k: k.first},
    "figures.living.first_frame": {"head": lambda k: (1, 1)},
    "figures.resummation.law_of": {"x": lambda k: k.run.states[-1, -1:]},
    "Model.mapped": {"change": lambda k: lambda w: 2 * w},
    "resummation.tail": {"layers": lambda k: 2},
    "one_hot.window_law": {"tokens": lambda k: k.tokens[:, :2]},
    "pretrained.reading": {"states": lambda k: k.run.states},
}


def _readout(k: Kind):
    """Two words, or of an encoder any direction."""
    return np.ones(k.model.shape.features) if k.model.shape.readout == "none" else k.words


def _many(k: Kind) -> Runs:
    rng = np.random.default_rng(0)
    return k.model.run_batch(rng.integers(0, k.model.shape.vocabulary, (4, 8)))


def _lens(k: Kind) -> list:
    return lab.measurement.affine_lens(_many(k))


def _called(f: Callable) -> Callable[[Kind], Any]:
    short = f"{f.__module__.removeprefix('operator_lab.')}.{f.__qualname__}"

    def call(kind: Kind):
        own = next((a for n, a in ALONE.items() if _same(n, short, f)), {})
        given = {}
        for name, p in inspect.signature(f).parameters.items():
            if p.kind == p.VAR_KEYWORD:
                continue
            make = own.get(name)
            if make is None and p.default is not p.empty and name not in ALWAYS:
                continue
            if make is None:
                kind_of = str(p.annotation).removeprefix("corpus.").split(" |")[0]
                make = BY_TYPE.get(kind_of) or BY_NAME[name]
            given[name] = make(kind)
        return f(**given)

    return call


def _same(name: str, short: str, f: Callable) -> bool:
    """Whether a name of the surface means this function of some module."""
    first, _, last = name.rpartition(".")
    return f.__qualname__ in (name, last) and (short.startswith(first) or f.__qualname__ == name)


# --- what comes of it -----------------------------------------------------------------------------


def outcome(call: Callable[[Kind], Any], kind: Kind) -> str:
    """ "works", or the one sentence in which it is said why not; another error by its name."""
    try:
        found = call(kind)
    except LabError as error:
        return str(error)
    except (AttributeError, TypeError, KeyError, ValueError, IndexError, RuntimeError,
            AssertionError, NotImplementedError, ArithmeticError) as error:  # fmt: skip
        return f"{type(error).__name__}: {error}"
    return "works" if all(map(_sound, _arrays(found))) else "gives NaN"


def _arrays(found: Any) -> Iterator[np.ndarray]:
    """All numbers in what an instrument gave."""
    if isinstance(found, np.ndarray | float | np.floating):
        yield np.asarray(found)
    elif isinstance(found, Mapping):
        for value in found.values():
            yield from _arrays(value)
    elif isinstance(found, tuple | list):
        for value in found:
            yield from _arrays(value)
    elif is_dataclass(found) and not isinstance(found, type | Model | Run | LayerRun):
        yield from _arrays(vars(found))


def _sound(array: np.ndarray) -> bool:
    return array.dtype.kind not in "fc" or not np.isnan(array).any()


def walk() -> dict[str, dict[str, str]]:
    """Outcome of every instrument [name][kind]."""
    with tempfile.TemporaryDirectory() as folder:
        known = kinds(Path(folder))
        return {
            name: {k: outcome(call, kind) for k, kind in known.items()}
            for name, call in instruments().items()
        }


# --- the page -------------------------------------------------------------------------------------


def page(found: Mapping[str, Mapping[str, str]]) -> str:
    """The page of the book: one row an instrument, one column a kind, the sentences below."""
    sentences: dict[str, int] = {}
    columns = list(next(iter(found.values())))
    head = ["", *columns]
    parts, chapter = [], ""
    for name, row in found.items():
        owner, _, short = name.rpartition(".")
        if owner != chapter:
            chapter = owner
            parts += [f"\n## {owner}\n", _line(head), _line(["---"] * len(head))]
        cells = []
        for said in row.values():
            if said == "works":
                cells.append("yes")
                continue
            number = sentences.setdefault(said, len(sentences) + 1)
            cells.append(f"[{number}](#instruments-why-not)")
        parts.append(_line([f"`{short}`", *cells]))
    yes = sum(said == "works" for row in found.values() for said in row.values())
    whole = sum(map(len, found.values()))
    count = f"{len(found)} instruments on {len(columns)} kinds of model: {yes} of {whole} measure."
    below = [f"{n}. {said}" for said, n in sentences.items()]
    return "\n".join([count, *parts, "", "(instruments-why-not)=", "## Why not", "", *below, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(found: Mapping[str, Mapping[str, str]]) -> str:
    """The page with its written head kept and its tables made anew."""
    return f"{PAGE.read_text(encoding='utf-8').partition(MARK)[0]}{MARK}\n\n{page(found)}"


if __name__ == "__main__":
    PAGE.write_text(written(walk()), encoding="utf-8")

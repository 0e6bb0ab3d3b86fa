"""Operator Lab: the mechanics of Transformers in the language of many-body physics.

What a learner or a researcher needs at hand is listed below, once; nothing heavy is loaded until a
name is used. Names behind a module (`lab.mixing.coupling`) are in that module's own `__all__` or
docstrings, and on the pages of the book's reference.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import channels as channels
    from . import continuum as continuum
    from . import corpus as corpus
    from . import dyson as dyson
    from . import edits as edits
    from . import embedding as embedding
    from . import ensembles as ensembles
    from . import figures as figures
    from . import layernorm as layernorm
    from . import measurement as measurement
    from . import mixing as mixing
    from . import one_hot as one_hot
    from . import pretrained as pretrained
    from . import pseudospectra as pseudospectra
    from . import resummation as resummation
    from . import thermodynamics as thermodynamics
    from . import training as training
    from .course.claims import claim as claim
    from .course.progress import progress as progress
    from .errors import LabError as LabError
    from .exercises import TODO as TODO
    from .exercises import check as check
    from .exercises import hint as hint
    from .exercises import solution as solution
    from .figures import Heatmap as Heatmap
    from .model import Model as Model
    from .model import divergence as divergence
    from .pretrained import load as load
    from .references import reference as reference
    from .run import Run as Run
    from .training import Recipe as Recipe
    from .training import train as train
    from .transformer import Transformer as Transformer

__version__ = "0.1.0"

_MODULES = {
    "channels", "continuum", "corpus", "dyson", "edits", "embedding", "ensembles", "figures",
    "layernorm", "measurement", "mixing", "one_hot", "pretrained", "pseudospectra", "resummation",
    "thermodynamics", "training",
}  # fmt: skip
_NAMES = {
    "Heatmap": "figures",
    "LabError": "errors",
    "Model": "model",
    "Recipe": "training",
    "Run": "run",
    "TODO": "exercises",
    "Transformer": "transformer",
    "check": "exercises",
    "divergence": "model",
    "hint": "exercises",
    "load": "pretrained",
    "progress": "course.progress",
    "reference": "references",
    "solution": "exercises",
    "train": "training",
}
_AUTHORS = {"claim": "course.claims"}  # for who writes the course: there, and not listed
__all__ = sorted(_MODULES | set(_NAMES))


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    home = _NAMES.get(name) or _AUTHORS.get(name)
    if home:
        return getattr(importlib.import_module(f".{home}", __name__), name)
    raise AttributeError(f"module 'operator_lab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Operator Lab: the mechanics of Transformers in the language of many-body physics.

Every public name is listed below. Nothing heavy is loaded until a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import channels as channels
    from . import continuum as continuum
    from . import corpus as corpus
    from . import dyson as dyson
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
    from .exercises import TODO as TODO
    from .exercises import check as check
    from .exercises import hint as hint
    from .exercises import solution as solution
    from .model import Model as Model
    from .pretrained import load as load
    from .references import reference as reference
    from .run import Run as Run
    from .transformer import Transformer as Transformer

__version__ = "0.1.0"

_MODULES = {
    "channels", "continuum", "corpus", "dyson", "embedding", "ensembles", "figures", "layernorm",
    "measurement", "mixing", "one_hot", "pretrained", "pseudospectra", "resummation",
    "thermodynamics", "training",
}  # fmt: skip
_NAMES = {
    "Model": "model",
    "Run": "run",
    "TODO": "exercises",
    "Transformer": "transformer",
    "check": "exercises",
    "claim": "course.claims",
    "hint": "exercises",
    "load": "pretrained",
    "reference": "references",
    "solution": "exercises",
}
__all__ = sorted(_MODULES | set(_NAMES))


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    raise AttributeError(f"module 'operator_lab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Pictures: plain functions of arrays, and `Explorer`, a picture with a slider."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import channels as channels
    from . import continuum as continuum
    from . import dyson as dyson
    from . import embedding as embedding
    from . import layernorm as layernorm
    from . import measurement as measurement
    from . import mixing as mixing
    from . import one_hot as one_hot
    from . import pretrained as pretrained
    from . import pseudospectra as pseudospectra
    from . import resummation as resummation
    from . import thermodynamics as thermodynamics
    from . import training as training
    from .explorer import Explorer as Explorer
    from .living import live as live
    from .look import style as style
    from .panels import Bars as Bars
    from .panels import Choice as Choice
    from .panels import Heatmap as Heatmap
    from .panels import Lines as Lines
    from .panels import Points as Points
    from .panels import Slider as Slider

_NAMES = {"Explorer": "explorer", "live": "living", "style": "look"} | dict.fromkeys(
    ("Bars", "Choice", "Heatmap", "Lines", "Points", "Slider"), "panels"
)
_MODULES = {
    "channels", "continuum", "dyson", "embedding", "layernorm", "measurement", "mixing", "one_hot",
    "pretrained", "pseudospectra", "resummation", "thermodynamics", "training",
}  # fmt: skip
__all__ = sorted(_MODULES | set(_NAMES))


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    raise AttributeError(f"module 'operator_lab.figures' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Pretrained: real models brought into the same `Run` as the course's own."""

from .form import Form
from .measures import (
    Couplings,
    Reading,
    by_gate,
    couplings,
    damping,
    massive,
    onsite_energies,
    raw_and_centred,
    reading,
    sizes,
)
from .model import Pretrained, pooled
from .packages import PACKAGES, installed, load, try_load
from .record import GATES, PretrainedRun
from .trip import census, difference, pictures, shipped, silenced, summed, truncation

__all__ = [
    "GATES", "PACKAGES", "Couplings", "Form", "Pretrained", "PretrainedRun", "Reading",
    "by_gate", "census", "couplings", "damping", "difference", "installed", "load", "massive",
    "onsite_energies", "pictures", "pooled", "raw_and_centred", "reading", "shipped",
    "silenced", "sizes", "summed", "truncation", "try_load",
]  # fmt: skip

"""Pretrained: reading real models into the course's own `Model`, and measuring them."""

from .controls import initial, shuffled
from .measures import (
    Couplings,
    Reading,
    by_gate,
    couplings,
    damping,
    massive,
    onsite_energies,
    pooled,
    raw_and_centred,
    reading,
    sizes,
)
from .packages import PACKAGES, installed, load, try_load
from .trip import difference, falls, pictures, shipped, truncation

__all__ = [
    "PACKAGES", "Couplings", "Reading", "by_gate", "couplings", "damping", "difference", "initial",
    "installed", "load", "massive", "onsite_energies", "pictures", "pooled", "raw_and_centred",
    "reading", "shipped", "shuffled", "falls", "sizes", "truncation", "try_load",
]  # fmt: skip

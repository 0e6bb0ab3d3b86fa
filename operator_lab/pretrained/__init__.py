"""Pretrained: reading real models into the course's own `Model`, and measuring them."""

from .controls import initial, random_signs, shuffled
from .families import FAMILIES, Family, Kept
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
from .repetition import repeated
from .trip import census, difference, extrapolated, falls, pictures, shipped, summed, truncation

__all__ = [
    "FAMILIES", "PACKAGES", "Couplings", "Family", "Kept", "Reading", "by_gate", "census",
    "couplings", "damping", "difference", "extrapolated", "falls", "initial", "installed", "load",
    "massive", "onsite_energies", "pictures", "pooled",
    "random_signs", "raw_and_centred", "reading", "repeated", "shipped", "shuffled", "sizes",
    "summed",
    "truncation", "try_load",
]  # fmt: skip

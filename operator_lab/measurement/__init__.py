"""Measurement: how a state becomes a law, a word, a text, and what it knows (paper V)."""

from .beliefs import (
    Probe,
    Rewritten,
    at_stake,
    explained,
    found_by_place,
    probe,
    replaced,
    rewritten,
)
from .generation import Cache, advance, boundary, cut, generate, read, tempered
from .lenses import affine_lens, mixed, translated
from .readout import born, effects, lens

__all__ = [
    "Cache", "Probe", "Rewritten", "advance", "affine_lens", "at_stake", "born", "boundary",
    "cut", "effects", "explained", "found_by_place", "generate", "lens", "mixed", "probe",
    "read", "replaced", "rewritten", "tempered", "translated",
]  # fmt: skip

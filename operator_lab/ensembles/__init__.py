"""Ensembles: the same experiment over several seeds, shipped as small data with its recipe."""

from .catalogue import BECOMING, ENSEMBLES, LADDER, Ensemble
from .engine import ensemble, run, run_all, shipped, spread
from .measures import RATIOS, becoming

__all__ = [
    "BECOMING", "ENSEMBLES", "LADDER", "RATIOS", "Ensemble", "becoming", "ensemble", "run",
    "run_all", "shipped", "spread",
]  # fmt: skip

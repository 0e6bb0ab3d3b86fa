"""Ensembles: the same experiment over several seeds, shipped as small data with its recipe."""

from .catalogue import (
    BECOMING,
    ENSEMBLES,
    LADDER,
    MAP_DEPTHS,
    MAP_RATES,
    REGULATORS,
    Ensemble,
)
from .engine import ensemble, run, run_all, shipped, spread
from .measures import RATIOS, becoming

__all__ = [
    "BECOMING", "ENSEMBLES", "LADDER", "MAP_DEPTHS", "MAP_RATES", "RATIOS", "REGULATORS",
    "Ensemble", "becoming", "ensemble", "run", "run_all", "shipped", "spread",
]  # fmt: skip

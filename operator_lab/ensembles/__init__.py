"""Ensembles: the same experiment over several seeds, shipped as small data with its recipe."""

from .catalogue import ENSEMBLES, Ensemble
from .engine import ensemble, run, run_all, shipped, spread

__all__ = ["ENSEMBLES", "Ensemble", "ensemble", "run", "run_all", "shipped", "spread"]

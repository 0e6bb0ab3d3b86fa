"""Thermodynamics of attention: free energy, heat capacity, geometry, work, grokking, rotations.

What arXiv 2602.08216 claims, as instruments: arrays in, arrays out, k_B = 1.
"""

from .equilibrium import (
    ENTROPIES,
    Equilibrium,
    boltzmann,
    entropy,
    equilibrium,
    free_energy,
    minimised,
    minimum,
    mirror_step,
    relative_entropy,
    sparsemax,
)
from .freezing import partition_zeros
from .geometry import cooled, distance, fisher, geodesic, length, natural_gradient
from .grokking import Echoes, Grokked, Task, grok, grokking_log, grokking_sweep, slingshots
from .heat import RATIOS, bound, energies, heat, heat_capacity, heat_curves, peak, peaks, schottky
from .landscape import BREAKINGS, Layer, flat_directions, lifted
from .rotary import frequencies, interaction, rotated, twist_cost, twisted
from .simplex import contour, placed
from .work import Balance, Quench, balance, quench, straight

__all__ = [
    "BREAKINGS", "ENTROPIES", "RATIOS", "Balance", "Echoes", "Equilibrium", "Grokked", "Layer",
    "Quench", "Task", "balance", "boltzmann", "bound", "contour", "cooled", "distance",
    "energies", "entropy", "equilibrium", "fisher", "flat_directions", "free_energy",
    "frequencies", "geodesic", "grok", "grokking_log", "grokking_sweep", "heat",
    "heat_capacity", "heat_curves", "interaction", "length", "lifted", "minimised", "minimum",
    "mirror_step", "natural_gradient", "partition_zeros", "peak", "peaks", "placed", "quench",
    "relative_entropy", "rotated", "schottky", "slingshots", "sparsemax", "straight",
    "twist_cost", "twisted",
]  # fmt: skip

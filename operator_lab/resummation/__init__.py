"""Resummation: limits of sequences and sums of series from their first terms (paper VI).

Fixed points (`fixed_points`: plain iteration, Anderson's mixing alias DIIS), sequences
(`sequences`: vector epsilon, reduced rank), power series (`series`: Padé, Borel), the bare
series of a network's last layers (`expansion`), its layers as maps (`maps`). Arrays in, arrays out.
"""

from .expansion import Expansion, expansion, felt, tail
from .fixed_points import Iteration, anderson, picard
from .maps import layer_map, scaled
from .sequences import epsilon, reduced_rank
from .series import Pade, borel, pade

__all__ = [
    "Expansion", "Iteration", "Pade", "anderson", "borel", "expansion", "epsilon", "felt",
    "layer_map", "pade", "picard", "reduced_rank", "scaled", "tail",
]  # fmt: skip

"""Dyson: depth as an ordered product (`series`), and the Taylor series in the strength (`bare`)."""

from . import bare
from .series import (
    SPLITS,
    Attribution,
    Exponentials,
    attribute,
    commutator,
    exponentials,
    law_of,
    missing,
    orders,
    projections,
    propagator,
    reordered,
    sizes,
    truncated,
)
from .tangent import jacobian

__all__ = [
    "SPLITS", "Attribution", "Exponentials", "attribute", "bare", "commutator",
    "exponentials", "jacobian", "missing", "orders", "projections", "propagator", "law_of",
    "reordered", "sizes", "truncated",
]  # fmt: skip

"""Dyson: depth as an ordered product (`series`), and the Taylor series in the coupling (`bare`)."""

from . import bare
from .series import (
    SPLITS,
    Attribution,
    Exponentials,
    attribute,
    blinded,
    commutator,
    exponentials,
    missing,
    orders,
    projections,
    propagator,
    readout,
    reordered,
    sizes,
    truncated,
)
from .tangent import jacobian

__all__ = [
    "SPLITS", "Attribution", "Exponentials", "attribute", "bare", "blinded", "commutator",
    "exponentials", "jacobian", "missing", "orders", "projections", "propagator", "readout",
    "reordered", "sizes", "truncated",
]  # fmt: skip

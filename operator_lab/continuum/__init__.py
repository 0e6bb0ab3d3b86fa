"""Continuum: positions as an interval, depth as time, norms as projections (arXiv 2510.03989)."""

from .depth import SCHEMES, exact, integrate, off, order
from .positions import (
    RULES,
    Integral,
    Rule,
    attend,
    causal_error,
    quadrature_error,
    rule,
    smooth_field,
)
from .projection import distance, onto_orthant, onto_sphere, onto_tangent, stretch
from .splitting import SPLITTINGS, lie_error, split, strang_euler_error
from .stack import displacement, smooth_layers, start
from .trained import as_an_ode, gap, likeness, refined, roughness, velocities

__all__ = [
    "RULES", "SCHEMES", "SPLITTINGS", "Integral", "Rule", "as_an_ode", "attend", "causal_error",
    "displacement", "distance", "exact", "gap", "integrate", "lie_error", "likeness", "off",
    "onto_orthant", "onto_sphere", "onto_tangent", "order", "quadrature_error", "refined",
    "roughness", "rule", "smooth_field", "smooth_layers", "split", "start", "strang_euler_error",
    "stretch", "velocities",
]  # fmt: skip

"""What scales with its input scales at every size of it: no square that vanishes or overflows.

A function that is homogeneous of degree p in some arguments gives, for arguments 2^k as large, the
same number 2^(p k) times; multiplying by a power of two is exact. Where that is no number, or where
the function says that it cannot do it, a LabError says so.
"""

from __future__ import annotations

import numpy as np
import pytest
from hard_calls import call_of, surface
from hard_results import same
from test_hard_use import result

from operator_lab.errors import LabError

SURFACE = surface()
DEGREES: list[tuple[str, str, int]] = [
    ("channels.effective_count", "sizes", 0),
    ("channels.off_block", "M", 0),
    ("channels.schmidt", "M", 0),
    ("continuum.depth.off", "x exact", 0),
    ("continuum.positions.attend", "v", 1),
    ("continuum.positions.attend", "weights", 0),
    ("continuum.projection.onto_orthant", "x", 1),
    ("continuum.projection.onto_sphere", "x", 0),
    ("continuum.projection.onto_tangent", "x", 0),
    ("continuum.projection.onto_tangent", "velocity", 1),
    ("continuum.splitting.lie_error", "A", 1),
    ("continuum.splitting.lie_error", "B", 1),
    ("continuum.trained.roughness", "x", 0),
    ("dyson.bare.radius_of_convergence", "c", 0),
    ("dyson.series.commutator", "A", 0),
    ("dyson.series.commutator", "B", 0),
    ("dyson.series.projections", "series", 0),
    ("dyson.series.sizes", "series", 0),
    ("embedding.between_senses", "X", 0),
    ("embedding.centroids", "X", 1),
    ("embedding.cosines", "X", 0),
    ("embedding.downfolded", "W", 1),
    ("embedding.effective_rank", "X", 0),
    ("embedding.likeness", "X", 0),
    ("measurement.beliefs.explained", "y found", 0),
    ("mixing.antisymmetric_share", "M", 0),
    ("mixing.centred", "S", 1),
    ("mixing.departure_from_normality", "M", 0),
    ("mixing.mixing", "S T", 0),
    ("mixing.told_apart", "signs", 1),
    ("one_hot.distances", "X", 1),
    ("pretrained.measures.pooled", "x", 0),
    ("pretrained.measures.sizes", "series", 0),
    ("pseudospectra.growth.radius", "A", 1),
    ("pseudospectra.random_matrices.distance", "A", 0),
    ("pseudospectra.random_matrices.misfit", "W", 0),
    ("pseudospectra.resolvent.sigma_min", "A z", 1),
    ("resummation.sequences.epsilon", "sequence", 1),
    ("resummation.sequences.reduced_rank", "sequence", 1),
    ("resummation.series.borel", "c", 1),
    ("thermodynamics.equilibrium.boltzmann", "E T", 0),
    ("thermodynamics.equilibrium.free_energy", "E T", 1),
    ("thermodynamics.equilibrium.minimum", "E T", 0),
    ("thermodynamics.heat.heat_capacity", "E T", 0),
    ("thermodynamics.geometry.natural_gradient", "slope", 1),
    ("thermodynamics.rotary.interaction", "q", 1),
    ("thermodynamics.rotary.interaction", "k", 1),
    ("thermodynamics.rotary.rotated", "x", 1),
    ("thermodynamics.rotary.twisted", "x", 1),
]
POWERS = (-990, -530, 530, 990)


def times(value, factor: float):
    return value * factor if isinstance(value, float | np.ndarray) else value


@pytest.mark.parametrize("name, arguments, degree", DEGREES)
def test_a_result_scales_with_what_it_is_made_of(name, arguments, degree):
    call, wrong = call_of(name, SURFACE[name]), []
    plain = result(SURFACE[name], call)
    for power in POWERS:
        factor = np.ldexp(1.0, power)
        scaled = call | {key: times(call[key], factor) for key in arguments.split()}
        got = result(SURFACE[name], scaled)
        if isinstance(got, LabError):
            continue
        with np.errstate(all="ignore"):
            if not same(got, times(plain, factor**degree), 1e-9):
                wrong.append(f"2^{power}: {got!s:.200}, not {times(plain, factor**degree)!s:.200}")
    assert not wrong

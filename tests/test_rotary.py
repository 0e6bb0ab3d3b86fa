"""Queries and keys turned by their place: RoPE, twists, and what stays a symmetry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import MONEY, random_model
from random_spectra import normal, seeds

from operator_lab import thermodynamics as td
from operator_lab.errors import LabError


@given(st.floats(-1000, 1000), seeds)
def test_rotary_scores_depend_on_the_distance_alone(shift, seed):
    q, k = normal(2, 6, 8, seed=seed)
    places = np.arange(6.0)
    S, moved = td.interaction(q, k), td.interaction(q, k, places + shift)
    assert moved == pytest.approx(S, abs=1e-10)
    same = td.interaction(q[[0] * 6], k[[0] * 6])
    assert all(np.ptp(np.diag(same, n)) < 1e-12 for n in range(-5, 6))


def test_rotary_is_a_product_of_plane_rotations():
    x, f = normal(5, 6), td.frequencies(6, base=50.0)
    z = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(1j * np.outer(np.arange(5), f))
    turned = td.rotated(x, base=50.0)
    assert turned[:, 0::2] == pytest.approx(z.real) and turned[:, 1::2] == pytest.approx(z.imag)
    assert f[0] == 1 and f[-1] == pytest.approx(50 ** (-2 / 3))


def test_a_twist_of_all_pairs_is_what_rope_is():
    x, f = normal(5, 6), td.frequencies(6)
    assert td.rotated(x) == pytest.approx(td.twisted(x, f))
    z = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(0.3j * np.arange(5))[:, None]
    assert td.twisted(x, 0.3)[:, 1::2] == pytest.approx(z.imag)


def test_a_twist_has_a_stiffness_and_a_turn_costs_nothing():
    """Gapless: the cost is quadratic in the rate; at rate 0 it is the run's own row."""
    run = random_model().run(MONEY)
    assert abs(td.twist_cost(run, 0.0)).max() < 1e-12
    small, twice = (td.twist_cost(run, rate) for rate in (1e-3, 2e-3))
    assert (small > 0).all() and twice == pytest.approx(4 * small, rel=1e-2)
    q, k = normal(2, 7, 8)
    turned = td.twisted(q, 0.7, np.ones(7)) @ td.twisted(k, 0.7, np.ones(7)).T
    assert turned == pytest.approx(q @ k.T)  # one angle for all places


def test_the_control_of_a_twist_turns_one_side_alone():
    """Turned by one side the angle is kappa m, or kappa n: not their difference."""
    run = random_model().run(MONEY)
    layer, x = run.layers[0], run.states[0]
    n = layer.attend().before(x, 1.0)
    q, k = (np.einsum("hkd,nd->hnk", W, n) for W in (layer.W_Q, layer.W_K))
    before = td.energies(run)[0]
    for turned, S in (
        ("queries", td.twisted(q, 0.1) @ k.swapaxes(1, 2)),
        ("keys", q @ td.twisted(k, 0.1).swapaxes(1, 2)),
    ):
        after = np.where(np.isfinite(before), -S, np.inf)
        p, moved = (td.boltzmann(E, run.temperature) for E in (before, after))
        cost = td.relative_entropy(p, moved)[:, 1:].mean(-1)
        assert td.twist_cost(run, 0.1, turned)[0] == pytest.approx(cost)
    with pytest.raises(LabError, match="choice of what is turned"):
        td.twist_cost(run, 0.1, "values")


def test_what_is_a_symmetry_without_rotary_is_none_with_it():
    q, k = normal(2, 7, 8)
    R = np.linalg.qr(normal(8, 8))[0]
    assert abs((q @ R.T) @ (k @ R.T).T - q @ k.T).max() < 1e-12
    assert abs(td.interaction(q @ R.T, k @ R.T) - td.interaction(q, k)).max() > 0.5
    blocks = np.zeros((8, 8))
    for i, a in enumerate((0.3, 2.0, -1.0, 0.7)):
        c, s = np.cos(a), np.sin(a)
        blocks[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, -s], [s, c]]
    kept = td.interaction(q @ blocks.T, k @ blocks.T)
    assert abs(kept - td.interaction(q, k)).max() < 1e-12

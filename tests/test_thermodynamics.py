"""Thermodynamics of attention: identities, closed forms, independent oracles, honest limits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_models import MONEY, random_model
from random_spectra import drawn, normal, seeds, sizes, temperatures
from scipy.integrate import solve_ivp
from scipy.special import softmax

from operator_lab import thermodynamics as td
from operator_lab.errors import LabError

# ---- equilibrium --------------------------------------------------------------------------------


@given(seeds, sizes, temperatures)
def test_the_boltzmann_distribution_is_the_softmax(seed, n, T):
    E, _ = drawn(seed, n, (3,))
    state = td.equilibrium(E, T)
    assert state.p == pytest.approx(softmax(-E / T, axis=-1), abs=1e-12)
    assert state.F == pytest.approx(-T * torch.logsumexp(-torch.tensor(E) / T, -1).numpy())
    assert state.F == pytest.approx(state.U - T * state.S)
    assert state.S == pytest.approx(td.entropy(state.p), abs=1e-10)


@given(seeds, sizes, temperatures)
def test_the_excess_free_energy_is_T_times_the_divergence(seed, n, T):
    E, p = drawn(seed, n)
    best = td.boltzmann(E, T)
    gap = td.free_energy(p, E, T) - td.free_energy(best, E, T)
    scale = max(1.0, abs(E).max(), T)
    assert gap == pytest.approx(T * td.relative_entropy(p, best), abs=1e-12 * scale)
    assert gap >= -1e-12 * scale


@pytest.mark.parametrize("kind", td.ENTROPIES)
@pytest.mark.parametrize("T", [0.3, 0.8, 3.0])
def test_a_constrained_optimiser_finds_the_minimum(kind, T):
    E, start = drawn(3, 12)
    found = td.minimised(E, T, kind, start)
    assert abs(found - td.minimum(E, T, kind)).max() < 1e-6


@given(seeds, sizes, temperatures)
def test_mirror_descent_with_rate_one_over_T_arrives_at_once(seed, n, T):
    E, p = drawn(seed, n)
    p = (p + 1e-3) / (p + 1e-3).sum()
    assert abs(td.mirror_step(p, E, T, 1 / T) - td.boltzmann(E, T)).max() < 1e-12
    slow, best = td.mirror_step(p, E, T, 0.3 / T), td.boltzmann(E, T)
    logs = [np.log(q / best) - np.log(q / best)[0] for q in (p, slow)]
    assert logs[1] == pytest.approx(0.7 * logs[0], abs=1e-9 * (1 + abs(logs[0]).max()))


@given(seeds, sizes, temperatures)
def test_sparsemax_is_the_minimum_for_another_entropy(seed, n, T):
    E, p = drawn(seed, n)
    best = td.minimum(E, T, "tsallis")
    assert best.sum() == pytest.approx(1) and (best >= 0).all()
    least = td.free_energy(best, E, T, "tsallis")
    assert td.free_energy(p, E, T, "tsallis") >= least - 1e-10
    assert td.free_energy(0.99 * best + 0.01 * p, E, T, "tsallis") >= least - 1e-10


def test_sparsemax_leaves_levels_empty_where_softmax_does_not():
    E = np.array([0.0, 1.0, 2.0, 5.0])
    assert (td.minimum(E, 1.5, "tsallis") == 0).sum() == 2 and (td.boltzmann(E, 1.5) > 0).all()


def test_a_forbidden_level_takes_no_part():
    E = np.array([[0.3, np.inf, 1.0], [0.0, 2.0, np.inf]])
    for kind in td.ENTROPIES:
        assert td.minimum(E, 0.7, kind)[0, [0, 2]] == pytest.approx(
            td.minimum(E[0, [0, 2]], 0.7, kind)
        )
    states, alone = td.equilibrium(E, 0.7), td.equilibrium(np.array([0.3, 1.0]), 0.7)
    for name in ("U", "S", "F", "C"):
        assert getattr(states, name)[0] == pytest.approx(getattr(alone, name))
    assert td.free_energy(np.array([0.5, 0.5, 0.0]), E[0], 0.7) == np.inf
    assert td.free_energy(np.array([0.5, 0.0, 0.5]), E[0], 0.7) < np.inf


# ---- geometry -----------------------------------------------------------------------------------


@given(seeds, sizes)
def test_one_matrix_four_ways(seed, n):
    z = torch.tensor(np.random.default_rng(seed).normal(size=n))
    p = torch.softmax(z, 0)
    scores = torch.autograd.functional.jacobian(lambda z: torch.log_softmax(z, 0), z)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), z)
    hessian = torch.autograd.functional.hessian(lambda z: torch.logsumexp(z, 0), z)
    g = td.fisher(p.numpy())
    for other in (torch.einsum("k,ki,kj->ij", p, scores, scores), jacobian, hessian):
        assert abs(g - other.numpy()).max() < 1e-13


@given(seeds, sizes, temperatures)
def test_fisher_along_the_temperature_is_the_heat_capacity(seed, n, T):
    E, _ = drawn(seed, n)
    assert E @ td.fisher(td.boltzmann(E, T)) @ E / T**2 == pytest.approx(
        float(td.heat_capacity(E, T)), abs=1e-10
    )


@given(seeds, sizes)
def test_the_natural_gradient_of_the_energy_is_the_energy(seed, n):
    E, p = drawn(seed, n)
    p = (p + 1e-2) / (p + 1e-2).sum()
    natural = td.natural_gradient(p, td.fisher(p) @ E)
    assert natural == pytest.approx(E - E.mean(), abs=1e-9)
    slope = np.random.default_rng(seed).normal(size=n)
    slope -= slope.mean()  # no function of p changes when all logits do
    by_inverse = np.linalg.pinv(td.fisher(p), rcond=1e-9) @ slope
    assert td.natural_gradient(p, slope) == pytest.approx(by_inverse, rel=1e-6, abs=1e-6)


@given(seeds, sizes, st.floats(0.1, 3), temperatures)
def test_natural_descent_of_the_energy_is_cooling(seed, n, t, T):
    E, _ = drawn(seed, n)
    start = td.boltzmann(E, T)
    assert td.cooled(start, E, t) == pytest.approx(td.boltzmann(E, T / (1 + t * T)), abs=1e-12)


def test_natural_descent_integrated_numerically_ends_where_cooling_says():
    E, p = drawn(1, 5)
    flow = solve_ivp(lambda _, q: -td.fisher(q / q.sum()) @ E, (0, 1.5), p, rtol=1e-10, atol=1e-12)
    assert abs(flow.y[:, -1] - td.cooled(p, E, 1.5)).max() < 1e-8
    other = td.cooled(p, E, 1.5)  # p is not Gibbs in E, so this is no temperature of E
    fits = [abs(td.boltzmann(E, T) - other).max() for T in np.geomspace(0.01, 100, 400)]
    assert min(fits) > 0.01


def test_cooling_is_longer_than_the_geodesic_but_straight_in_the_logits():
    E = np.random.default_rng(0).normal(size=10)
    path = td.cooled(np.full(10, 0.1), E, np.linspace(0.1, 10, 4001))
    long, short = td.length(path), td.distance(path[0], path[-1])
    assert short < 0.95 * long and long < np.pi * 2
    lnT = np.linspace(np.log(10), np.log(0.1), 4001)
    C = td.heat_capacity(np.tile(E, (4001, 1)), np.exp(lnT))
    assert long == pytest.approx(np.trapezoid(np.sqrt(C), -lnT), rel=1e-5)
    geodesic = td.geodesic(path[0], path[-1], np.linspace(0, 1, 4001))
    assert geodesic[[0, -1]] == pytest.approx(path[[0, -1]], abs=1e-12)
    assert td.length(geodesic) == pytest.approx(short, rel=1e-9)
    logs = np.log(path)
    straight = np.diff(logs - logs.mean(1, keepdims=True), n=2, axis=0)
    assert abs(straight).max() < 1e-10


def test_distances_at_their_limits():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert td.distance(p, q) == pytest.approx(np.pi) and td.distance(p, p) == 0
    r = np.array([0.5, 0.5])
    near = td.distance(r, r + [1e-9, -1e-9])
    assert near == pytest.approx(2e-9, rel=1e-5)  # sqrt(dp g dp), g = 1/p
    assert td.geodesic(p, p, 0.3) == pytest.approx(p)


# ---- work ---------------------------------------------------------------------------------------


@given(seeds, sizes, st.floats(0.2, 5), st.integers(2, 6))
def test_the_first_law_closes_exactly(seed, n, T, steps):
    E = np.random.default_rng(seed).normal(size=(steps, 3, n))
    b = td.balance(E, T)
    assert b.dU == pytest.approx(b.Q + b.W, abs=1e-12)
    moved = td.balance(E + np.arange(steps)[:, None, None], T)  # a new zero of energy at each step
    assert moved.Q == pytest.approx(b.Q, abs=1e-10)
    assert moved.TdS == pytest.approx(b.TdS, abs=1e-10)
    assert moved.W == pytest.approx(b.W + steps - 1, abs=1e-10)


def test_clausius_is_reached_at_second_order():
    E0, E1 = np.random.default_rng(4).normal(size=(2, 50, 6))
    gaps = []
    for steps in (8, 16, 32, 64):
        b = td.balance(td.straight(E0, E1, steps), 0.7)
        gaps.append([abs(b.Q - b.TdS).max(), abs(b.W - b.dF).max()])
    orders = np.log2(np.array(gaps)[:-1] / np.array(gaps)[1:])
    assert orders == pytest.approx(2.0, abs=0.05)


@given(seeds, sizes, st.floats(0.2, 5))
def test_a_quench_loses_T_times_the_divergence_and_jarzynski_holds(seed, n, T):
    E0, E1 = np.random.default_rng(seed).normal(size=(2, 4, n))
    q = td.quench(E0, E1, T)
    assert q.W - q.dF == pytest.approx(q.lost, abs=1e-12) and (q.lost >= 0).all()
    assert q.average == pytest.approx(np.exp(-q.dF / T), rel=1e-12)


def test_forbidden_levels_do_no_work():
    E = np.array([[0.0, np.inf, 1.0], [0.5, np.inf, 0.2]])
    path = td.straight(*E, 4)
    assert (np.isinf(path) == np.isinf(E[0])).all() and path[1, 0] == pytest.approx(0.125)
    open_ = E[:, [0, 2]]
    assert td.balance(E, 1.0) == pytest.approx(td.balance(open_, 1.0))
    assert td.quench(*E, 1.0) == pytest.approx(td.quench(*open_, 1.0))


# ---- zeros --------------------------------------------------------------------------------------


def test_zeros_of_a_partition_function():
    """1 + g e^-b vanishes at ln g + i pi, and again 2 pi higher; none is real."""
    found = td.partition_zeros(np.array([0.0, 1.0, 1.0, 1.0]), reach=3, height=10)
    assert found == pytest.approx(np.log(3) + 1j * np.pi * np.array([1, 3]), abs=1e-6)
    E = normal(40)
    zeros = td.partition_zeros(E, reach=4)
    assert len(zeros) and (zeros.imag > 0.1).all()
    assert abs(np.exp(-zeros[:, None] * (E - E.min())).sum(1)).max() < 1e-4


# ---- the triangle -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", td.ENTROPIES)
def test_a_contour_lies_where_it_says(kind):
    E, T = np.array([0.0, 0.4, 1.0]), 0.6
    ring = td.contour(E, T, 0.1, kind)
    on = ring[np.isfinite(ring).all(1)]
    assert len(on) > 10
    above = td.free_energy(on, E, T, kind) - td.free_energy(td.minimum(E, T, kind), E, T, kind)
    assert above == pytest.approx(0.1, abs=1e-8)
    best, places = td.placed(td.minimum(E, T, kind)), td.placed(on)
    assert (np.linalg.norm(places - best, axis=1) > 0.01).all()
    assert np.isnan(td.contour(E, T, 50.0, kind)).all()  # nothing in the triangle is so high


# ---- mistakes -----------------------------------------------------------------------------------

P, E = np.array([0.5, 0.5]), np.array([0.0, 1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: td.boltzmann(E, 0.0), "The temperature 0 is not a positive, finite number"),
        (lambda: td.heat_capacity(E, -1), "The temperature -1 is not a positive"),
        (lambda: td.equilibrium(E, np.nan), "The temperature nan is not"),
        (lambda: td.equilibrium(E, "warm"), "The temperature 'warm' is not a number"),
        (lambda: td.boltzmann([], 1.0), "The spectrum is empty .shape .0,.."),
        (lambda: td.boltzmann(3.0, 1.0), "The spectrum is empty"),
        (lambda: td.heat_capacity([0.0, np.nan], 1.0), "The spectrum holds NaN or -inf"),
        (lambda: td.heat_capacity([np.inf, np.inf], 1.0), "no finite energy"),
        (lambda: td.boltzmann([[0.0], [1.0, 2.0]], 1.0), "regular array of numbers"),
        (lambda: td.free_energy([0.5, 0.6], E, 1.0), "sums to 1.1, not to 1"),
        (lambda: td.free_energy([1.5, -0.5], E, 1.0), "A probability is negative"),
        (
            lambda: td.free_energy([0.2, 0.3, 0.5], E, 1.0),
            "Probabilities and energies do not match",
        ),
        (lambda: td.entropy(P, "shanon"), "'shanon' is no entropy; near: 'shannon'"),
        (lambda: td.entropy([]), "The distribution is empty"),
        (lambda: td.entropy("half"), "A distribution is a regular array"),
        (lambda: td.minimised(np.ones((2, 2)), 1.0), "one row of finite energies"),
        (lambda: td.mirror_step([1.0, 0.0], E, 1.0, 0.1), "every probability must be above 0"),
        (lambda: td.schottky(1.0, gap=0.0), "gap must be one finite number above 0"),
        (lambda: td.schottky(1.0, levels=1), "levels must be a whole number from 2 on; got 1"),
        (lambda: td.bound(0), "levels must be a whole number from 2 on; got 0"),
        (lambda: td.heat_curves(random_model().run(MONEY), [1.0], first=9), "no position 9"),
        (lambda: td.heat_curves(random_model().run(MONEY), [0.0]), "The temperature 0 is not"),
        (lambda: td.peaks(np.ones((4, 2)), [1.0, 2.0]), "4 points of a curve and 2 temperatures"),
        (lambda: td.natural_gradient(P, np.ones(3)), "one slope a level"),
        (lambda: td.natural_gradient([1.0, 0.0], E), "every probability must be above 0"),
        (lambda: td.length(P), "at least two distributions"),
        (lambda: td.balance(E, 1.0), "at least two spectra"),
        (lambda: td.balance([[0, np.inf], [0, 1.0]], 1.0), "forbidden at one end"),
        (lambda: td.quench(E, np.ones(3), 1.0), "do not match"),
        (lambda: td.straight(E, E + 1, 0), "steps must be a whole number from 1 on; got 0"),
        (lambda: td.straight(E, [0.0, np.inf], 2), "forbidden at one end"),
        (lambda: td.frequencies(7), "7 cannot be paired, take an even number"),
        (lambda: td.rotated(np.ones((3, 5))), "5 cannot be paired"),
        (lambda: td.rotated(np.ones(4)), "x must be an array .*N, k"),
        (lambda: td.rotated(np.full((2, 4), np.nan)), "x holds NaN or infinity"),
        (lambda: td.rotated(np.ones((3, 4)), np.arange(2)), "its N must be 3, as in x"),
        (lambda: td.frequencies(4, base=0), "base of the frequencies must be one"),
        (lambda: td.twisted(np.ones((3, 5)), 1.0), "5 is not an even number"),
        (lambda: td.twisted(np.ones((3, 4)), np.ones(3)), "one for each of the 2 pairs"),
        (lambda: td.partition_zeros(np.ones(3), 1.0), "two different energies"),
        (lambda: td.partition_zeros(E, 0.0), "A region has positive sides"),
        (lambda: td.Layer(d_k=3), "3 cannot be paired"),
        (lambda: td.Layer(heads=0), "heads must be a whole number from 1 on; got 0"),
        (lambda: td.lifted("wind", np.ones(1)), "'wind' is no way to break it"),
        (lambda: td.lifted("decay", np.array([1.0, 0.5])), "above 0 that rise"),
        (lambda: td.Task(p=2), "The modulus p must be a whole number from 3 on; got 2"),
        (lambda: td.Task(share=1.0), "between 0 and 1, not 1.0"),
        (lambda: td.Task(steps=-1), "steps must be a whole number from 0 on; got -1"),
        (lambda: td.placed(np.array([0.5, 0.5])), "A triangle shows three levels"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call()

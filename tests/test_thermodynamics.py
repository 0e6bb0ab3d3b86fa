"""Thermodynamics of attention: identities, closed forms, independent oracles, honest limits."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_models import MONEY, random_model
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import softmax

import operator_lab as lab
from operator_lab import thermodynamics as td
from operator_lab.errors import LabError
from operator_lab.thermodynamics import grokking
from operator_lab.training import Recipe, train

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 9)
temperatures = st.floats(0.05, 20)


def drawn(seed, n, rows=()):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*rows, n)) * rng.uniform(0.2, 3), rng.dirichlet(np.ones(n), size=rows)


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


# ---- heat capacity ------------------------------------------------------------------------------


def test_the_two_level_system_in_closed_form():
    T = np.geomspace(0.05, 5, 40)
    x = 1.7 / T
    closed = (x / 2) ** 2 / np.cosh(x / 2) ** 2
    assert td.schottky(T, gap=1.7) == pytest.approx(closed)
    E = np.array([0.4, 2.1])
    assert td.heat_capacity(np.tile(E, (40, 1)), T) == pytest.approx(closed, abs=1e-12)
    assert td.bound(2) == pytest.approx(0.4392, abs=5e-5)
    assert 1 / td.peak(2) == pytest.approx(0.417, abs=5e-4)


@given(seeds, sizes, temperatures)
def test_heat_capacity_is_a_derivative_and_knows_no_zero_of_energy(seed, n, T):
    E, _ = drawn(seed, n)
    h = 1e-4 * T
    up, down, here = td.equilibrium(E, T + h), td.equilibrium(E, T - h), td.equilibrium(E, T)
    assert (up.U - down.U) / (2 * h) == pytest.approx(float(here.C), abs=2e-6)
    assert T * (up.S - down.S) / (2 * h) == pytest.approx(float(here.C), abs=2e-6)
    assert td.heat_capacity(E + 300.0, T) == pytest.approx(float(here.C), rel=1e-6, abs=1e-10)
    logs = np.log(np.maximum(here.p, 1e-300))
    assert (here.p * (logs + here.S) ** 2).sum() == pytest.approx(float(here.C), abs=1e-9)


@given(seeds, st.integers(2, 70), temperatures)
def test_no_spectrum_passes_the_bound(seed, n, T):
    E, _ = drawn(seed, n, (20,))
    assert (td.heat_capacity(E, T) <= td.bound(n) * (1 + 1e-12)).all()


@pytest.mark.parametrize(("n", "value"), [(2, 0.4392), (3, 0.7618), (64, 5.230)])
def test_the_bound_is_reached_by_one_level_below_all_others(n, value):
    assert td.bound(n) == pytest.approx(value, abs=5e-4)
    E = np.r_[0.0, np.full(n - 1, 1.0)]
    assert td.heat_capacity(E, 1 / td.peak(n)) == pytest.approx(td.bound(n), rel=1e-12)
    T = np.geomspace(0.02, 3, 400)
    assert td.schottky(T, levels=n).max() == pytest.approx(td.bound(n), rel=1e-3)


@pytest.mark.parametrize("n", [3, 6])
def test_an_optimiser_finds_no_more_than_the_bound(n):
    rng = np.random.default_rng(n)
    best = max(
        -minimize(lambda E: -td.heat_capacity(E, 1.0), 2 * rng.normal(size=n), method="BFGS").fun
        for _ in range(8)
    )
    assert best == pytest.approx(td.bound(n), abs=1e-6)


def test_the_bound_grows_as_the_square_of_a_logarithm():
    assert td.bound(1) == 0.0
    n = 10**6
    assert td.bound(n) / (np.log(n) ** 2 / 4) == pytest.approx(1.04, abs=0.05)
    assert td.bound(n) <= np.log(n - 1) ** 2 / 4 + 1  # Reeb and Wolf's own form


def test_a_masked_row_is_the_row_of_its_keys():
    run = random_model().run(MONEY)
    E = td.energies(run)
    assert td.boltzmann(E, run.temperature) == pytest.approx(run.mixing, abs=1e-12)
    curves = td.heat_curves(run, [0.5, 1.0])
    assert curves.shape == (2, 3, 4)
    by_hand = [
        td.heat_capacity(-run.interaction[1, 2, i, : i + 1].astype(float), run.shape.T0)
        for i in range(4, 9)
    ]
    assert curves[1, 1, 2] == pytest.approx(np.mean(by_hand))


@given(st.floats(0.2, 5))
def test_the_peak_of_the_heat_capacity_is_a_measure_of_the_scores_alone(factor):
    """Scores twice as large have their peak at twice the temperature: no criticality in it."""
    ratios = np.geomspace(0.01, 100, 161)
    E = np.random.default_rng(0).normal(size=(5, 8))
    curve = lambda E: td.heat_capacity(E, ratios[:, None]).mean(-1)  # noqa: E731
    first, scaled = (td.peaks(curve(e), ratios) for e in (E, factor * E))
    assert scaled == pytest.approx(factor * first, rel=2e-3)


@pytest.mark.parametrize("language", ["compound", "depth"])
def test_training_drags_the_schottky_peak_up_to_the_usual_temperature(language):
    # Measured: 0.10 to 0.72 (compound), 0.09 to 1.26 (depth).
    before, after = (
        td.heat(lab.reference(language, trained), count=4)["median peak"]
        for trained in (False, True)
    )
    assert after > 3 * before and 0.5 < after < 3


def test_the_peak_rises_while_a_model_is_trained():
    # Measured over five seeds: 0.10 at the start, 0.17-0.20 after 50 steps of the full size.
    shape = {"layers": 2, "features": 32, "hidden": 64}
    recipe = Recipe(batch=16, steps=150, shape=shape)
    trained = train(recipe, device="cpu", progress=False, every=10**6).model
    start = train(dataclasses.replace(recipe, steps=0), device="cpu", progress=False).model
    assert td.heat(trained, 4)["median peak"] > 1.5 * td.heat(start, 4)["median peak"]


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


# ---- grokking -----------------------------------------------------------------------------------

SHORT = td.Task(p=7, steps=60, features=16, heads=2, hidden=16, every=20)


def test_a_grokking_run_is_the_same_again_and_keeps_the_bound():
    first, again = td.grok(SHORT, progress=False), td.grok(SHORT, progress=False)
    assert np.array_equal(first.loss, again.loss) and np.array_equal(first.max_C, again.max_C)
    assert first.step.tolist() == [0, 20, 40, 60] and len(first.loss) == 60
    assert first.train_loss[0] == pytest.approx(first.loss[0], rel=1e-5)
    assert (first.max_C <= td.bound(3) + 1e-12).all() and (first.mean_C <= first.max_C).all()
    other = td.grok(dataclasses.replace(SHORT, seed=1), progress=False)
    assert not np.array_equal(first.loss, other.loss)


def test_the_pairs_are_all_there_once():
    tokens, answers, known = grokking.pairs(td.Task(p=11, share=0.4))
    assert len({tuple(t) for t in tokens}) == 121 and (tokens[:, 2] == 11).all()
    assert (answers == tokens[:, :2].sum(1) % 11).all()
    assert len(set(known.tolist())) == len(known) == 48


def test_an_interrupted_run_gives_what_it_has(monkeypatch):
    calls = []

    def look(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return (1.0,) * 6

    monkeypatch.setattr(grokking, "_look", look)
    run = td.grok(SHORT, progress=False)
    assert run.interrupted and len(run.loss) == 40 and run.step.tolist() == [0, 20]
    assert "40 steps, seed 0: 100% right, interrupted" in repr(run)


def test_slingshots_are_climbs_out_of_a_valley():
    falling = np.geomspace(3, 1e-4, 60)
    assert td.slingshots(falling).tolist() == []
    shot = np.r_[falling, 0.5, np.geomspace(0.5, 1e-5, 30), 0.01]
    assert td.slingshots(shot).tolist() == [60, 91]
    assert td.slingshots(np.r_[falling, [0.5] * 9]).tolist() == [60]  # one climb, however long
    assert td.slingshots(np.array([3.0, 0.2, 3.0])).tolist() == []  # it had not learned yet


def test_the_shipped_log_is_todays_recipe_and_tells_the_story():
    runs = td.grokking_log()
    assert [run.task.seed for run in runs] == list(range(len(runs))) and len(runs) >= 2
    for run in runs:
        assert run.train_right[-1] > 0.9 and run.reached(0.99, "train_right") < 500
        assert (run.max_C < td.bound(3)).all() and run.max_C.max() > 0.95 * td.bound(3)
        assert run.mean_C.max() < 0.6 * td.bound(3) and len(run.slingshots) >= 2
    first = runs[0]
    assert first.reached(0.99) > 10 * first.reached(0.99, "train_right")  # by heart, long before
    assert first.slingshots[0] < first.reached(0.5)


def test_echoes_are_spikes_behind_slingshots():
    """A made run: learned at 100, slingshots at 400, 800; a spike behind the first, one alone."""
    step = np.arange(0, 1201, 25)
    C, loss = np.full(len(step), 0.2), np.full(1200, 1e-3)
    C[step == 450], C[step == 650] = 0.4, 0.4
    loss[:90], loss[400:403], loss[800:803] = 1.0, 0.5, 0.5
    right = np.where(step >= 100, 1.0, 0.0)
    run = td.Grokked(td.Task(), step, right, right, right, right, C, C, loss)
    assert run.slingshots.tolist() == [400, 800]
    assert run.echoes() == (2, 1, 1)


def test_the_shipped_sweep_is_todays_recipe():
    tasks, rows = grokking.sweep_tasks(), td.grokking_sweep()
    named = {(t.p, t.rate, t.seed) for t in tasks}
    assert {(r["p"], r["rate"], r["seed"]) for r in rows} == named and len(rows) == len(named)
    for row in rows:
        assert 0 <= row["followed"] <= row["slingshots"] and row["largest"] <= td.bound(3) + 1e-4
    short = dataclasses.replace(tasks[0], steps=50)
    assert set(grokking.summary(td.grok(short, progress=False))) == set(rows[0])


def test_a_broken_sweep_says_so(tmp_path, as_a_learner):
    with pytest.raises(LabError, match="none.json is missing or broken .FileNotFoundError"):
        td.grokking_sweep(tmp_path / "none.json")


def test_the_shipped_log_begins_as_a_run_of_today_does():
    first = td.grokking_log()[0]
    run = td.grok(dataclasses.replace(first.task, steps=20), progress=False)
    assert first.loss[:20] == pytest.approx(run.loss, rel=2e-3)
    assert first.mean_C[0] == pytest.approx(run.mean_C[0], rel=1e-3)


def test_a_log_is_written_and_read_and_refused(tmp_path, as_a_learner):
    path = tmp_path / "log.json"
    run = td.grok(SHORT, progress=False)
    grokking.save([run], path)
    with pytest.raises(LabError, match="made with another p than today's recipe"):
        td.grokking_log(path)
    text = json.loads(path.read_text())
    text["runs"][0]["task"] = dataclasses.asdict(td.Task())
    path.write_text(json.dumps(text))
    (read,) = td.grokking_log(path)
    assert read.loss == pytest.approx(run.loss, rel=1e-4)
    text["runs"][0]["mean_C"].pop()
    path.write_text(json.dumps(text))
    with pytest.raises(LabError, match="broken .ValueError: curves of different length"):
        td.grokking_log(path)
    with pytest.raises(LabError, match="none.json is missing or broken .FileNotFoundError"):
        td.grokking_log(tmp_path / "none.json")


# ---- rotations and flat directions --------------------------------------------------------------


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


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


def test_zeros_of_a_partition_function():
    """1 + g e^-b vanishes at ln g + i pi, and again 2 pi higher; none is real."""
    found = td.partition_zeros(np.array([0.0, 1.0, 1.0, 1.0]), reach=3, height=10)
    assert found == pytest.approx(np.log(3) + 1j * np.pi * np.array([1, 3]), abs=1e-6)
    E = normal(40)
    zeros = td.partition_zeros(E, reach=4)
    assert len(zeros) and (zeros.imag > 0.1).all()
    assert abs(np.exp(-zeros[:, None] * (E - E.min())).sum(1)).max() < 1e-4


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


@pytest.mark.parametrize(("features", "d_k", "heads"), [(6, 4, 1), (8, 4, 2), (5, 2, 2)])
@pytest.mark.parametrize("rotary", [0.0, 1.0])
def test_flat_directions_are_counted(features, d_k, heads, rotary):
    layer = td.Layer(features, d_k, heads, rotary)
    count, values = td.flat_directions(layer)
    coupling = d_k if rotary else d_k**2
    assert count == heads * (coupling + d_k**2)
    values = np.sort(values)
    assert values[count - 1] < 1e-13 and values[count] > 1e-5  # no doubt where zero ends


def test_a_breaking_lifts_in_proportion_to_its_strength():
    for kind, strengths, up in (("decay", [1e-5, 2e-5], 6), ("rotary", [1e-3, 2e-3], 4)):
        spectra = td.lifted(kind, np.array(strengths), seed=2)
        flat = 12 - up  # O(4) for the coupling and O(4) for the values: six directions each
        assert abs(spectra[:, :flat]).max() < 1e-10 and (spectra[:, flat] > 1e-7).all()
        ratio = spectra[1, flat:12] / spectra[0, flat:12]
        assert ratio == pytest.approx(2.0, rel=0.05)
        assert spectra[1, 13:] == pytest.approx(spectra[0, 13:], rel=0.05)  # the others stay


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
        (lambda: td.free_energy([0.2, 0.3, 0.5], E, 1.0), "3 probabilities and 2 energies"),
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

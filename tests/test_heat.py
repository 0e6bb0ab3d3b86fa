"""Heat capacity: closed forms, the bound, and the peak that training moves."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import MONEY, random_model
from random_spectra import drawn, seeds, sizes, temperatures
from scipy.optimize import minimize

import operator_lab as lab
from operator_lab import thermodynamics as td
from operator_lab.training import Recipe, train


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


@pytest.mark.thorough
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


@pytest.mark.thorough
@given(st.floats(0.2, 5))
def test_the_peak_of_the_heat_capacity_is_a_measure_of_the_scores_alone(factor):
    """Scores twice as large have their peak at twice the temperature: no criticality in it."""
    ratios = np.geomspace(0.01, 100, 161)
    E = np.random.default_rng(0).normal(size=(5, 8))
    curve = lambda E: td.heat_capacity(E, ratios[:, None]).mean(-1)  # noqa: E731
    first, scaled = (td.peaks(curve(e), ratios) for e in (E, factor * E))
    assert scaled == pytest.approx(factor * first, rel=2e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("language", ["compound", "depth"])
def test_training_drags_the_schottky_peak_up_to_the_usual_temperature(language):
    # Measured: 0.10 to 0.72 (compound), 0.09 to 1.26 (depth).
    before, after = (
        td.heat(lab.reference(language, trained), count=4)["median peak"]
        for trained in (False, True)
    )
    assert after > 3 * before and 0.5 < after < 3


@pytest.mark.thorough
def test_the_peak_rises_while_a_model_is_trained():
    # Measured over five seeds: 0.10 at the start, 0.17-0.20 after 50 steps of the full size.
    shape = {"layers": 2, "features": 32, "hidden": 64}
    recipe = Recipe(batch=16, steps=150, shape=shape)
    trained = train(recipe, device="cpu", progress=False, every=10**6).model
    start = train(dataclasses.replace(recipe, steps=0), device="cpu", progress=False).model
    assert td.heat(trained, 4)["median peak"] > 1.5 * td.heat(start, 4)["median peak"]

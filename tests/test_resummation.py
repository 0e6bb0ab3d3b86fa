"""Fixed points, sequences, series: closed forms, theorems, and the network's strength."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import MONEY, RIVER, random_model
from scipy.interpolate import pade as scipy_pade
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import exp1

import operator_lab as lab
from operator_lab import resummation as rs
from operator_lab.dyson import bare
from operator_lab.errors import LabError

seeds = st.integers(0, 10**6)


def linear(n, seed, radius=0.9):
    """A contraction x -> A x + b and its fixed point."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    A *= radius / abs(np.linalg.eigvals(A)).max()
    b = rng.normal(size=n)
    return A, b, np.linalg.solve(np.eye(n) - A, b)


# ---- fixed points -------------------------------------------------------------------------------


@given(st.integers(1, 7), seeds)
def test_anderson_on_a_linear_problem_ends_after_as_many_steps_as_unknowns(n, seed):
    A, b, solution = linear(n, seed)
    found = rs.anderson(lambda x: A @ x + b, np.zeros(n), memory=n, tolerance=1e-10, most=60)
    assert found.converged and found.solution == pytest.approx(solution, rel=1e-5, abs=1e-6)
    # n steps in exact arithmetic, the evaluation that sees it, and what rounding takes
    assert len(found.residuals) <= n + 4


@pytest.mark.parametrize("seed", range(5))
def test_anderson_on_a_linear_problem_is_gmres(seed):
    """Walker & Ni 2011: f of the k-th combination is A x_k + b with x_k the k-th GMRES iterate."""
    n = 12
    A, b, _ = linear(n, seed)
    tried = []

    def f(x):
        tried.append(x.copy())
        return A @ x + b

    rs.anderson(f, np.zeros(n), memory=n, tolerance=1e-14, most=7)
    one = np.eye(n)
    for k in range(1, 6):
        operator = LinearOperator((n, n), matvec=lambda x: (one - A) @ x)
        x, _ = gmres(operator, b, restart=k, maxiter=1, rtol=1e-14)
        # the first evaluation is made twice, to see whether chance is in it
        assert tried[k + 2] == pytest.approx(A @ x + b, rel=1e-6, abs=1e-8)


def test_anderson_reaches_a_fixed_point_that_repels():
    A, b, solution = linear(6, 3, radius=3.0)
    found = rs.anderson(lambda x: A @ x + b, np.zeros(6), memory=6)
    assert found.solution == pytest.approx(solution, abs=1e-6)


def test_plain_iteration_has_the_rate_of_the_spectrum():
    A, b, solution = linear(5, 1, radius=0.8)
    found = rs.picard(lambda x: A @ x + b, np.zeros(5), tolerance=1e-11)
    assert found.solution == pytest.approx(solution, abs=1e-9)
    rate = (found.residuals[-1] / found.residuals[-41]) ** (1 / 40)
    assert rate == pytest.approx(0.8, abs=0.02)


def test_a_non_linear_map_keeps_its_shape_and_counts_evaluations():
    calls = []

    def f(x):
        calls.append(1)
        return np.cos(x)

    found = rs.anderson(f, np.ones((2, 3)))
    assert found.last.shape == (2, 3) and found.last == pytest.approx(0.7390851332151607)
    assert len(calls) == len(found.residuals) + 1


def test_what_has_no_fixed_point_is_not_called_one():
    found = rs.anderson(lambda x: x + 1.0, np.zeros(3), most=20)
    assert not found.converged and len(found.residuals) == 20
    with pytest.raises(LabError, match="No fixed point within 20 evaluations: the residual is"):
        _ = found.solution
    circling = rs.picard(lambda x: np.array([-x[1], x[0]]), [1.0, 0.0], most=50)
    assert not circling.converged


def fed(seed, gain, **shape):
    shape = dict(norm="post", tied=True, layers=1, features=32, hidden=64) | shape
    model = lab.Model(lab.Transformer(95, seed=seed, **shape), lab.corpus.compound()).to("float64")
    return rs.layer_map(rs.scaled(model, gain), MONEY, fed=1.0)


def test_anderson_saves_evaluations_on_a_tied_post_ln_layer():
    for seed in range(4):
        f, start = fed(seed, 1.0)
        plain, mixed = rs.picard(f, start), rs.anderson(f, start)
        assert np.linalg.norm(plain.solution - mixed.solution) < 1e-4
        # 52 to 71 evaluations against 22 to 28
        assert len(mixed.residuals) < 0.75 * len(plain.residuals)


def test_a_trained_pre_ln_layer_has_no_fixed_point():
    f, start = rs.layer_map(lab.reference(tied=True), MONEY)
    found = rs.picard(f, start, most=200)
    late = found.residuals[[49, 99, 199]] * np.array([50, 100, 200])
    assert late == pytest.approx(1.1, abs=0.15)  # the state grows by the same each time
    assert not rs.anderson(f, start, most=200).converged


def test_the_map_of_a_layer_is_the_layer():
    model = random_model(norm="post")
    states = model.run(MONEY).states[::2]
    f, start = rs.layer_map(model, MONEY, layer=1)
    assert (start == states[0]).all() and abs(f(states[1]) - states[2]).max() < 1e-12
    g, _ = rs.layer_map(model, MONEY, layer=1, fed=0.5)
    assert abs(g(states[1] - 0.5 * start) - states[2]).max() < 1e-12


# ---- sequences ----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(1, 3), st.integers(1, 4), seeds)
def test_epsilon_is_exact_for_sums_of_geometric_terms(m, extra, seed):
    rng = np.random.default_rng(seed)
    rates = np.linspace(-1.7, 1.6, m) + 0.1 * rng.random(m)  # growing ones as well
    limit, parts = rng.normal(size=m + extra), rng.normal(size=(m, m + extra))
    S = np.array([limit + (rates**k) @ parts for k in range(2 * m + 2)])
    assert rs.epsilon(S)[2 * m] == pytest.approx(limit, abs=1e-4)


@given(seeds)
def test_epsilon_of_three_terms_is_aitkens_formula(seed):
    a, b, c = S = np.random.default_rng(seed).normal(size=3)
    assert rs.epsilon(S)[2] == pytest.approx((a * c - b * b) / (a + c - 2 * b), rel=1e-8)
    assert rs.epsilon(S)[:2] == pytest.approx(S[:2], rel=1e-14)


def test_epsilon_of_partial_sums_is_the_diagonal_of_pades_table():
    c = np.array([0, *[(-1.0) ** (n + 1) / n for n in range(1, 9)]])  # log(1 + x)
    x = 0.8
    found = rs.epsilon(np.cumsum(c * x ** np.arange(9)))
    for n in (1, 2, 3, 4):
        p, q = scipy_pade(list(c[: 2 * n + 1]), n)
        assert found[2 * n] == pytest.approx(p(x) / q(x), rel=1e-9)


def test_sequences_that_stand_still_or_are_huge():
    assert rs.epsilon(np.ones((6, 3))) == pytest.approx(1.0)
    converged = np.array([[1.0, 2.0], [1.5, 2.0], [1.5, 2.0], [1.5, 2.0], [1.5, 2.0]])
    assert rs.epsilon(converged)[-1] == pytest.approx([1.5, 2.0])
    huge = 1e200 * np.array([1.0, 1.5, 1.75, 1.875])
    assert rs.epsilon(huge)[-1] == pytest.approx(2e200)
    assert rs.epsilon(np.zeros((4, 2))) == pytest.approx(0)


@given(st.integers(1, 4), seeds)
def test_reduced_rank_is_exact_for_linear_sequences(n, seed):
    A, b, solution = linear(n, seed)
    x = [np.zeros(n)]
    for _ in range(n + 1):
        x.append(A @ x[-1] + b)
    assert rs.reduced_rank(np.array(x)) == pytest.approx(solution, rel=1e-4, abs=1e-5)


# ---- series -------------------------------------------------------------------------------------


def logarithm(count):
    return np.array([0, *[(-1.0) ** (n + 1) / n for n in range(1, count)]])


@given(seeds, st.integers(0, 4), st.integers(1, 4))
def test_pade_agrees_with_scipy_and_with_the_series(seed, poles, more):
    c = np.random.default_rng(seed).normal(size=poles + poles + more)
    found = rs.pade(c, poles)
    p, q = scipy_pade(list(c), poles)
    assert found(0.3) == pytest.approx(p(0.3) / q(0.3), rel=1e-5)
    # its Taylor coefficients are those given
    product = np.convolve(found.denominator, c)[: len(c)]
    rest = product - np.pad(found.numerator, (0, len(c) - len(found.numerator)))
    assert abs(rest).max() < 1e-8 * abs(product).max()


def test_pade_of_the_logarithm_and_its_cut():
    found = rs.pade(logarithm(21), 10)
    for x in (1.0, 5.0, -0.9, 2j):
        assert found(x) == pytest.approx(np.log1p(complex(x)), rel=1e-5)
    assert (found.poles.real < -1).all() and abs(found.poles.imag).max() < 1e-4


def test_pade_of_a_stieltjes_series_lies_between_its_neighbours():
    """Euler's series sum n! (-x)^n: approximants [n/n] fall, [n-1/n] rise, the sum in between."""
    c = np.cumprod(np.append(1.0, -np.arange(1.0, 22)))
    for x in (0.1, 1.0, 3.0):
        exact = np.exp(1 / x) * exp1(1 / x) / x
        above = [rs.pade(c[: 2 * n + 1], n)(x) for n in (2, 3, 4, 5)]
        below = [rs.pade(c[: 2 * n], n)(x) for n in (2, 3, 4, 5)]
        assert (np.diff(above) < 0).all() and (np.diff(below) > 0).all()
        assert below[-1] < exact < above[-1]
        assert (rs.pade(c[:12], 6).poles.real < 0).all()


@given(st.integers(1, 3), st.integers(1, 4), seeds)
def test_a_vector_shares_its_poles(count, components, seed):
    rng = np.random.default_rng(seed)
    poles = 1.0 + np.arange(count) + 0.5 * rng.random(count)
    residues = rng.normal(size=(count, components)) + 0.1
    c = np.array([(residues / poles[:, None] ** (n + 1)).sum(0) for n in range(3 * count + 3)])
    found = rs.pade(c, count + 1)  # one too many: none is invented
    assert len(found.poles) == count and found.poles.real == pytest.approx(poles, rel=1e-4)
    exact = (residues / (poles[:, None] - 20.0)).sum(0)
    assert found(20.0) == pytest.approx(exact, rel=1e-3, abs=1e-6)
    assert found(np.array([0.1, 20.0])).shape == (2, components)


def test_tables_with_blocks():
    assert rs.pade([1.0, 0, 0, 0, 0], 2)(7.0) == 1
    assert rs.pade([0.0, 0, 0], 1)(7.0) == 0
    geometric = rs.pade(0.5 ** np.arange(9.0), 4)
    assert len(geometric.denominator) == 2 and geometric(1.0) == pytest.approx(2)
    even = rs.pade([1.0, 0, 0.25, 0, 0.0625], 2)  # 1 / (1 - x^2 / 4)
    assert even(1.0) == pytest.approx(4 / 3)


@given(st.floats(0.05, 20))
def test_borel_sums_eulers_series(x):
    c = np.cumprod(np.append(1.0, -np.arange(1.0, 15)))
    assert rs.borel(c, x) == pytest.approx(np.exp(1 / x) * exp1(1 / x) / x, rel=1e-7)


def test_borel_reaches_where_taylor_does_not():
    c = (-1.0) ** np.arange(12)  # 1 / (1 + x): Borel transform e^-t
    assert rs.borel(c, 3.0, 5) == pytest.approx(0.25, abs=0.02)
    assert rs.borel(np.stack([c, 2 * c], axis=1), 0.5, 5) == pytest.approx([2 / 3, 4 / 3], rel=1e-4)


# ---- the strength of a network ------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [{}, dict(bias=True), dict(tied=True), dict(norm="none")], ids=str
)
def test_a_tail_is_the_end_of_its_run(shape):
    run = random_model(**shape).run(MONEY)
    for layers in (1, 2, 3):
        end = rs.tail(run, layers)
        first = 2 * (3 - layers)
        assert (end.states == run.states[first:]).all() and end.shape.layers == layers
        assert abs(bare.at(end, 1.0).x[0] - run.states[-1]).max() < 1e-10
        assert (bare.at(end, 0.0).x[0] == run.states[first]).all()
    whole = rs.tail(run, 3)
    assert (whole.mixing == run.mixing).all()


def test_the_bare_series_is_the_taylor_series():
    run = rs.tail(random_model().run("the man paid"), 2)
    series = rs.expansion(run, 16, position=2)
    h = 1e-4
    x = bare.at(run, [h, -h, 0.0]).x.real[:, 2]
    assert series.coefficients[1] == pytest.approx((x[0] - x[1]) / (2 * h), rel=1e-5, abs=1e-7)
    lam = 0.3 * series.radius
    assert series.sums(lam)[-1] == pytest.approx(series.exact(lam), abs=1e-5)
    assert series.exact([0.0, lam]).shape == (2, 16)


@pytest.fixture(scope="module")
def half():
    """The last two of four layers of the trained model, at the last word."""
    return rs.expansion(rs.tail(lab.reference().run(MONEY), 2))


def test_taylor_explodes_and_resummation_holds(half):
    """Over ten other sentences: R 0.08 to 0.28, Taylor 1e14 to 1e32, epsilon 1e-6 to 4e-3."""
    x = half.exact(1.0)
    off = lambda y: np.linalg.norm(y - x, axis=-1) / np.linalg.norm(x)  # noqa: E731
    assert half.radius < 0.5 and off(half.sums()[-1]) > 1e6
    assert off(rs.epsilon(half.sums())[-1]) < 0.02
    assert off(rs.pade(half.coefficients, 16)(1.0)) < 0.02
    assert off(half.coefficients[0]) > 0.3  # the layers do something


@pytest.mark.thorough
def test_poles_of_the_fraction_are_zeros_that_the_state_feels(half):
    found = bare.singularities(half.run, 1.5 * half.radius, grid=20, keep=8)
    felt = rs.felt(half, found)
    assert 0 < len(felt) < len(found) and felt[0].kind == "partition function"
    assert abs(felt[0].strength) == pytest.approx(half.radius, rel=0.1)
    # others lie nearer to 0 and are zeros of rows that the last word never meets
    assert abs(found[0].strength) < 0.5 * abs(felt[0].strength)
    poles = rs.pade(half.coefficients, 12).poles
    assert abs(poles - felt[0].strength).min() < 0.005 * abs(felt[0].strength)


def test_resumming_eq_7_is_worse_than_stopping():
    model = lab.reference()
    run = model.run(RIVER)
    sums = np.cumsum(lab.dyson.orders(run, by="layer"), 0)[:, -1]
    x = run.states[-1, -1]
    off = lambda y: np.linalg.norm(y - x, axis=-1) / np.linalg.norm(x)  # noqa: E731
    assert off(sums[3]) < 0.3 < 0.5 < off(rs.epsilon(sums[:4])[-1])
    depth = run.states[::2, -1]
    assert off(rs.reduced_rank(depth[:4])) > 1.5 * off(depth[3])


# ---- mistakes -----------------------------------------------------------------------------------


class Chance:
    """A map with dice in it."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        return 0.5 * x + self.rng.normal(size=x.shape)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rs.picard(lambda x: x * x, [2.0]), "diverges: after .* no longer finite"),
        (lambda: rs.picard(lambda x: x * np.nan, [2.0]), "The iteration diverges"),
        (lambda: rs.anderson(Chance(), [2.0]), "two answers at one state, so chance is in it"),
        (lambda: rs.anderson(lambda x: x[:1], [2.0, 1.0]), r"shape: \(2,\) became \(1,\)"),
        (lambda: rs.anderson(np.cos, []), "start is empty"),
        (lambda: rs.anderson(np.cos, [np.inf]), "finite array that is not empty"),
        (lambda: rs.anderson(np.cos, [1.0], memory=-1), "memory must be a whole number from 0 on"),
        (lambda: rs.anderson(np.cos, [1.0], most=0), "most must be a whole number from 1 on"),
        (lambda: rs.picard(np.cos, [1.0], tolerance=0.0), "tolerance must be .* above 0"),
        (lambda: rs.epsilon([]), "At least 1 terms are needed.*got 0"),
        (lambda: rs.epsilon(3.0), r"sequence must be an array \[n, ...\]; got shape \(\)"),
        (lambda: rs.epsilon([1.0, np.nan]), "The sequence holds NaN or infinity"),
        (lambda: rs.reduced_rank([[1.0], [2.0]]), "At least 3 terms are needed.*got 2"),
        (lambda: rs.pade([1.0, 2.0], 2), "At least 3 terms are needed"),
        (lambda: rs.pade([1.0, 2.0], -1), "whole number from 0 on; got -1"),
        (lambda: rs.pade([1.0, 2.0], 0.5), "whole number from 0 on; got 0.5"),
        (lambda: rs.borel(np.cumprod(np.arange(1.0, 12)), 0.5), "pole at .*on the way of its"),
        (lambda: rs.borel([1.0, 1.0], np.nan), "must be one finite number"),
        (lambda: rs.borel([1.0, 1.0], "one"), "must be one finite number"),
        (lambda: rs.tail(random_model().run(MONEY), 4), "layers must be a whole .* from 1 to 3"),
        (lambda: rs.expansion(random_model(norm="post").run(MONEY)), "GELU, .*LayerNorm before"),
        (lambda: rs.expansion(random_model().run(MONEY), 2), "whole number from 4 to 200"),
        (lambda: rs.expansion(random_model().run(MONEY), 8, 9), "There is no position 9"),
        (lambda: rs.layer_map(random_model(), MONEY, layer=3), "There is no layer 3; .* 0 to 2"),
        (lambda: rs.layer_map(random_model(), "the dog"), "'dog' is not one of the 95 words"),
        (lambda: rs.layer_map(random_model(), MONEY, fed=np.nan), "share fed must be one"),
        (lambda: rs.scaled(random_model(), 0.0), "A gain is a positive number"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message), np.errstate(all="ignore"):
        call()

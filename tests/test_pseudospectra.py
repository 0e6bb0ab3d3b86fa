"""Pseudospectra, growth and random matrices: closed forms, decompositions, theorems."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import MONEY, random_model
from scipy.linalg import toeplitz
from scipy.optimize import minimize_scalar

import operator_lab as lab
from operator_lab import pseudospectra as ps
from operator_lab.errors import LabError

resolvent = importlib.import_module("operator_lab.pseudospectra.resolvent")

SHORT, LONG = "the man paid", MONEY + " and it was old . the man saw the box"


def grcar(n):
    """Grcar's matrix: -1 below the diagonal, 1 on it and on three above (Trefethen & Embree)."""
    return toeplitz([1, -1] + [0] * (n - 2), [1, 1, 1, 1] + [0] * (n - 4)).astype(float)


def chain(n=16, kept=0.7, handed=0.45):
    """Each site keeps a part and hands another to its right."""
    return np.diag(np.full(n, kept)) + np.diag(np.full(n - 1, handed), -1)


def by_decomposition(A, z):
    z = np.asarray(z)
    shifted = z[..., None, None] * np.eye(len(A)) - A
    return np.linalg.svd(shifted, compute_uv=False)[..., -1]


def random_matrix(n, seed, complex_too=False):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n)) / n**0.5 + 2 * np.triu(rng.normal(size=(n, n)), 1) / n**0.5
    return A + 1j * rng.normal(size=(n, n)) / n**0.5 if complex_too else A


# ---- the resolvent ------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
def test_sigma_min_agrees_with_a_decomposition_at_each_point(n, seed, complex_too):
    A = random_matrix(n, seed, complex_too)
    z = np.random.default_rng(seed).normal(size=(3, 4, 2)) @ np.array([1.5, 1.5j])
    assert ps.sigma_min(A, z) == pytest.approx(by_decomposition(A, z), rel=1e-3)


KNOWN = [grcar(32), chain(), random_matrix(96, 0), random_matrix(40, 1, True)]


@pytest.mark.parametrize("A", KNOWN)
def test_the_grid_is_right_to_three_in_a_thousand(A):
    found = ps.pseudospectrum(A, 24)
    z = found.x + 1j * found.y[:, None]
    exact = by_decomposition(A, z)
    clear = exact > 1e-10 * np.linalg.norm(A, 2)  # below, rounding decides in either way
    assert (abs(found.sigma - exact)[clear] <= 3e-3 * exact[clear]).all()
    assert (found.sigma[~clear] <= 2e-10 * np.linalg.norm(A, 2)).all()


def test_the_default_window_holds_the_numerical_range():
    for A in (grcar(20), random_matrix(20, 3, True)):
        found, rng = ps.pseudospectrum(A, 8), np.random.default_rng(0)
        v = rng.normal(size=(200, 20, 2)) @ np.array([1, 1j])
        values = np.einsum("ki,ij,kj->k", v.conj(), A, v) / (abs(v) ** 2).sum(1)
        for z in (values, np.linalg.eigvals(A)):
            assert found.x[0] < z.real.min() and z.real.max() < found.x[-1]
            assert found.y[0] < z.imag.min() and z.imag.max() < found.y[-1]


def test_a_normal_matrix_is_its_distance_to_the_spectrum():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))[0]
    values = np.linspace(-1, 1, 9)
    A = (Q * values) @ Q.T
    found = ps.pseudospectrum(A, 12, (-2, 2, -1, 1))
    z = found.x + 1j * found.y[:, None]
    # two distances a hundredth apart may be taken for one another
    assert found.sigma == pytest.approx(abs(z[..., None] - values).min(-1), rel=2e-2)
    assert found.radius == pytest.approx(1) and found.reach(0.3) <= 1.3


def test_half_a_grid_is_computed_for_real_matrices_only(monkeypatch):
    counted, plain = [], resolvent._lanczos
    monkeypatch.setattr(
        resolvent, "_lanczos", lambda T, z, tol: counted.append(len(z)) or plain(T, z, tol)
    )
    ps.pseudospectrum(random_matrix(12, 0), 20, (-3, 3, -2, 2))
    ps.pseudospectrum(random_matrix(12, 0), 20, (-3, 3, -2, 2.5))
    ps.pseudospectrum(random_matrix(12, 0, True), 20, (-3, 3, -2, 2))
    assert counted[0] == 200 and max(counted[2:4]) == 400 and counted[-2] == 400


def test_inside_the_symbol_the_resolvent_grows_exponentially_and_outside_not():
    """Grcar's symbol -w + 1 + 1/w + 1/w^2 + 1/w^3: what winds round z decides (T & E, ch. 7)."""
    w = np.exp(2j * np.pi * np.arange(2001) / 2000)
    symbol = -w + 1 + 1 / w + 1 / w**2 + 1 / w**3

    def winding(z):
        return round(np.diff(np.unwrap(np.angle(symbol - z))).sum() / (2 * np.pi))

    inside, outside = 2.0 + 0.0j, 3.5 + 0.0j
    assert winding(inside) != 0 and winding(outside) == 0
    sizes = [20, 40, 80]
    near = [ps.sigma_min(grcar(n), [inside, outside]) for n in sizes]
    falls = np.log([s[0] for s in near])
    assert falls[1] - falls[0] < -2 and falls[2] - falls[1] < -4
    distance = abs(symbol - outside).min()
    assert distance < near[2][1] < 1.2 * distance  # 0.556 for 0.5 at n = 80


def test_at_an_eigenvalue_and_where_numbers_end():
    A = np.diag([1.0, 2.0, 3.0])
    assert ps.sigma_min(A, 2.0) < 1e-14
    nilpotent = np.diag(np.ones(199), 1)
    deep = ps.sigma_min(nilpotent, np.array([1e-3, 0.5, 2.0]))
    assert (deep[:2] < 1e-16).all() and np.isfinite(deep).all()
    assert deep[2] == pytest.approx(by_decomposition(nilpotent, 2.0), rel=1e-4)
    assert ps.sigma_min(np.zeros((3, 3)), 2j) == pytest.approx(2)


def test_perturbations_stay_within_the_contour():
    A, eps, rng = chain(), 1e-3, np.random.default_rng(1)
    for _ in range(20):
        E = rng.normal(size=A.shape)
        moved = np.linalg.eigvals(A + eps * E / np.linalg.norm(E, 2))
        assert (by_decomposition(A, moved) <= eps * (1 + 1e-6)).all()
    # far beyond the spectrum, which is 0.7 and nothing else
    assert abs(moved).max() > 0.85


# ---- growth and Kreiss --------------------------------------------------------------------------


def test_a_chain_grows_though_its_spectrum_says_it_falls():
    norms = ps.powers(chain(), 200)
    assert ps.radius(chain()) == pytest.approx(0.7)
    assert norms.argmax() == 45 and norms.max() == pytest.approx(91.3, abs=0.1)
    K = ps.kreiss(chain())
    # the resolvent of a chain in closed form; positive, so its norm is largest on the real axis
    i = np.arange(16)

    def height(x):
        column = 0.45**i / (x - 0.7) ** (i + 1)
        return (x - 1) * np.linalg.norm(toeplitz(column, np.zeros(16)), 2)

    best = minimize_scalar(lambda x: -height(x), bounds=(1.0, 1.5), method="bounded")
    assert K.constant == pytest.approx(-best.fun, rel=1e-6) and K.at == pytest.approx(best.x, 1e-3)
    assert K.constant == pytest.approx(21.2, abs=0.1)
    assert K.constant <= norms.max() <= K.upper == pytest.approx(np.e * 16 * K.constant)


@settings(max_examples=12)
@given(st.floats(0.5, 50))
def test_the_kreiss_constant_of_two_by_two(c):
    """A = [[0, c], [0, 0]]: |(z - A)^-1| in closed form, one variable left."""

    def height(r):
        s = c / r
        return (r - 1) / r * (s + np.sqrt(s * s + 4)) / 2

    r = 1 + np.geomspace(1e-4, 1e4, 20000)
    found = ps.kreiss(np.array([[0, c], [0, 0]])).constant
    assert found == pytest.approx(max(1.0, height(r).max()), rel=2e-4)


@pytest.mark.parametrize("A", [np.diag([0.5, -0.9, 1.0]), np.eye(4), -0.3 * np.eye(2)])
def test_a_normal_contraction_has_kreiss_constant_one(A):
    assert ps.kreiss(A).constant == pytest.approx(1, abs=1e-5)


def test_everybody_reads_the_first_position():
    A = np.zeros((48, 48))
    A[:, 0] = 1
    assert ps.powers(A, 5)[1:] == pytest.approx(np.sqrt(48))
    assert ps.kreiss(A).constant == pytest.approx(np.sqrt(48), rel=1e-5)


def test_no_point_beyond_the_circle_lies_above_the_kreiss_constant():
    """Two chains that grow about different points: the larger ratio counts."""
    A = np.zeros((24, 24))
    A[:12, :12], A[12:, 12:] = chain(12), -0.9 * chain(12)
    radii, angles = 1 + np.geomspace(1e-4, 3, 40), np.linspace(0, np.pi, 41)
    z = (radii[:, None] * np.exp(1j * angles)).ravel()
    ratio = (abs(z) - 1) / ps.sigma_min(A, z)
    assert ps.kreiss(A).constant >= ratio.max() > 2


@settings(max_examples=10)
@given(st.integers(2, 10), st.integers(0, 10**6))
def test_the_kreiss_matrix_theorem(n, seed):
    A = random_matrix(n, seed)
    A = A / (1.001 * ps.radius(A))
    K = ps.kreiss(A)
    assert K.constant >= 1 and K.at == np.inf or abs(K.at) > 1
    top = ps.powers(A, 3000).max()
    assert K.constant <= 1.001 * top and top <= K.upper


def test_a_reach_beyond_the_circle_bounds_the_powers():
    found = ps.pseudospectrum(chain(), 120, (-2, 2, -2, 2))
    for eps in (1e-4, 1e-3, 1e-2):
        assert (found.reach(eps) - 1) / eps <= ps.powers(chain(), 200).max()
        assert (found.reach(eps) - 1) / eps <= ps.kreiss(chain()).constant


@given(st.integers(2, 30), st.integers(1, 8), st.integers(0, 10**6), st.floats(0.01, 10))
def test_softmax_bounds_every_product_by_the_root_of_the_length(N, count, seed, T):
    rng = np.random.default_rng(seed)
    mixings = [lab.mixing.mixing(3 * rng.normal(size=(N, N)), T) for _ in range(count)]
    assert ps.products(mixings).max() <= np.sqrt(N) * (1 + 1e-12)


def test_raw_interactions_are_not_bounded():
    model = lab.reference()
    runs = model.run(model.language.sample(1, 32, 5)[0])
    raw = ps.raw(runs).reshape(-1, 32, 32)
    assert np.diagonal(raw, axis1=1, axis2=2).__abs__().max(-1) == pytest.approx(1)
    # 3.6e5 in this text, 1e4 to 1e6 in five others
    assert max(ps.powers(S, 60).max() for S in raw) > 1e3
    mixed = runs.mixing.reshape(-1, 32, 32)
    assert max(ps.powers(A, 60).max() for A in mixed) <= np.sqrt(32) * (1 + 1e-12)
    constants = [ps.kreiss(A).constant for A in mixed[::8]]
    assert max(constants) <= np.sqrt(32) * (1 + 1e-6)


def test_products_act_in_order_and_flows_exponentiate():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 5, 5))
    expected = [1, np.linalg.norm(A, 2), np.linalg.norm(B @ A, 2)]
    assert ps.products([A, B]) == pytest.approx(expected)
    assert ps.powers(A, 2)[2] == pytest.approx(np.linalg.norm(A @ A, 2))
    assert ps.powers(A, 0) == pytest.approx([1])
    t = np.array([0.0, 0.3, 2.0])
    nilpotent = np.array([[0.0, 5.0], [0.0, 0.0]])  # exp(tA) = 1 + tA
    flows = [np.linalg.norm(np.eye(2) + s * nilpotent, 2) for s in t]
    assert ps.exponentials(nilpotent, t) == pytest.approx(flows)


def test_conditions_of_eigenvalues():
    assert ps.conditions(np.diag([1.0, 2.0])).condition == pytest.approx([1, 1])
    c = 7.0  # [[1, c], [0, 0]]: 1 / |y . x| = sqrt(1 + c^2)
    assert ps.conditions(np.array([[1, c], [0, 0]])).condition == pytest.approx([50**0.5] * 2)
    assert ps.conditions(np.array([[1.0, 1.0], [0.0, 1.0]])).condition.min() > 1e7


def test_the_sensitivity_of_a_normal_matrix_is_one_and_tends_to_the_condition():
    assert ps.sensitivity(np.diag([1.0, 2.0, 2.001]), 0.01) == pytest.approx([1, 1, 1])
    c, d = 7.0, 0.01  # z - A = [[z - 1, -c], [0, z]], whose least singular value is known
    least = [np.linalg.svd([[z - 1, -c], [0, z]])[1][-1] for z in (1 + d, d)]
    A = np.array([[1, c], [0, 0]])
    assert ps.sensitivity(A, d) == pytest.approx(d / np.array(least), rel=1e-3)
    assert ps.sensitivity(A, 1e-5) == pytest.approx(ps.conditions(A).condition, rel=1e-3)


def test_rounding_moves_conditions_where_eigenvalues_nearly_coincide_and_no_sensitivity():
    rng = np.random.default_rng(0)
    block = rng.normal(size=(8, 8))
    A = np.kron(np.eye(3), block) + np.kron(np.eye(3, k=-1), rng.normal(size=(8, 8)))
    B = A * (1 + 1e-13 * rng.normal(size=A.shape))
    before, after = (np.median(ps.conditions(M).condition) for M in (A, B))
    assert abs(after / before - 1) > 0.1
    before, after = (np.median(ps.sensitivity(M, 0.1)) for M in (A, B))
    assert after == pytest.approx(before, rel=1e-3)  # threefold: known to the root of rounding


# ---- the operators of a Transformer -------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [{}, dict(norm="post"), dict(bias=True), dict(tied=True)], ids=str
)
def test_tangents_are_derivatives(shape):
    model = random_model(**shape)
    states = model.run(SHORT).states[::2]
    found = ps.jacobians(model, SHORT)
    assert found.shape == (3, 64, 64)
    v, h = np.random.default_rng(0).normal(size=states[0].shape), 1e-6

    def after(layer, x):
        return model.run(SHORT, edits={("state", 2 * layer): lambda _: x}).states[2 * layer + 2]

    for layer, J in enumerate(found):
        x = states[layer]
        change = (after(layer, x + h * v) - after(layer, x - h * v)) / (2 * h)
        assert abs(J @ v.ravel() - change.ravel()).max() < 1e-6 * abs(change).max()


def test_the_spectrum_does_not_notice_when_positions_stop_talking():
    model = lab.reference()
    for J in ps.jacobians(model, SHORT):
        alone = ps.on_site(J, 4)
        blocks = J.reshape(4, 64, 4, 64)
        assert not np.triu(abs(blocks).sum((1, 3)), 1).any()  # causal
        own = np.concatenate([np.linalg.eigvals(blocks[i, :, i]) for i in range(4)])
        for found in (J, alone):
            # to 3e-11 in this model; eigenvalue conditions are up to 1e6
            values = np.linalg.eigvals(found)
            assert abs(values[:, None] - own).min(0).max() < 1e-7
        assert np.linalg.norm(J, 2) > 1.0001 * np.linalg.norm(alone, 2)
    quiet = {("mixing", i): (lambda A: A * np.eye(A.shape[-1])) for i in range(4)}
    assert model.excess(64, edits=quiet) > 100 * model.excess(64)


# ---- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ps.pseudospectrum(np.ones((2, 3))), r"square, \[n, n\]; got shape \(2, 3\)"),
        (lambda: ps.pseudospectrum(np.ones(3)), "must be square"),
        (lambda: ps.powers([[1.0, np.nan], [0, 1]], 3), "holds NaN or infinity"),
        (lambda: ps.sigma_min(np.zeros((0, 0)), 1.0), "is empty, of shape"),
        (lambda: ps.kreiss("a matrix"), "must be an array of numbers"),
        (lambda: ps.kreiss([[1.0], [1.0, 2.0]]), "must be an array of numbers"),
        (lambda: ps.sigma_min(np.eye(2), [np.nan]), "z .*finite"),
        (lambda: ps.pseudospectrum(np.eye(2), 1), "whole number from 2 to 1000; got 1"),
        (lambda: ps.pseudospectrum(np.eye(2), 2.5), "whole number from 2 to 1000; got 2.5"),
        (lambda: ps.pseudospectrum(np.eye(2), 9, (1, -1, 0, 1)), "with left < right and bottom"),
        (lambda: ps.pseudospectrum(np.eye(2), 9, (0, np.inf, 0, 1)), "with left < right"),
        (lambda: ps.pseudospectrum(np.eye(2), 9, "wide"), "A window is four numbers"),
        (lambda: ps.pseudospectrum(np.eye(2), 9).reach(-1), "must be positive"),
        (lambda: ps.pseudospectrum(np.eye(2), 2, (5, 6, 5, 6)).reach(0.1), "the nearest: 6.4"),
        (lambda: ps.sensitivity(np.eye(2), 0), "distance from the spectrum must be positive"),
        (lambda: ps.kreiss(1.5 * np.eye(2)), "spectral radius is 1.5: beyond 1 all powers grow"),
        (lambda: ps.kreiss([[1.0, 1.0], [0.0, 1.0]]), "eigenvalue 1.* unit circle is defective"),
        (lambda: ps.kreiss(np.kron([[1, 1], [0, 1]], [[0, -1], [1, 0]])), "is defective"),
        (lambda: ps.powers(1e200 * np.eye(2), 3), "overflows after 2 factors"),
        (lambda: ps.powers(np.eye(2), -1), "number of powers must be a whole number from 0 to"),
        (lambda: ps.products([]), "one or more square matrices of one size"),
        (lambda: ps.products([np.eye(2), np.eye(3)]), "one or more square matrices of one size"),
        (lambda: ps.exponentials(np.eye(2), [1e4]), "exponential overflows"),
        (lambda: ps.exponentials(np.eye(2), [-1.0]), "not negative"),
        (lambda: ps.on_site(np.eye(5), 2), "5 rows is not made of 2 positions"),
        (lambda: ps.distance(np.zeros((3, 3))), "the matrix is nilpotent"),
        (lambda: ps.product_law(0.5, 2, 0.0), "ratio k/d lies above 0"),
        (lambda: ps.product_law(0.5, 3, 0.5), "product of two factors, not 3"),
        (lambda: ps.edges(0, 3), "rows must be a whole number from 1 on"),
        (lambda: ps.edges(3, 3, -1.0), "scale of the entries must be positive"),
        (lambda: ps.edges(3, 3, 1.0, 0.5), "chance is one of 0.95, 0.99, 0.999"),
        (lambda: ps.outliers(np.zeros((2, 2))), "All entries are 0"),
        (lambda: ps.outliers(np.ones(3)), r"W must be .*\[rows, columns\]; got shape \(3,\)"),
        (lambda: ps.jacobians(random_model(), "the dog"), "'dog' is not one of the 95 words"),
        (lambda: ps.jacobians(lab.reference(), LONG), "at most 1024"),
        (lambda: ps.raw(random_model(causal=False).run(MONEY)), "Only a causal run"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call()

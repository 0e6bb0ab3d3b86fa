"""The continuum in depth: orders, splitting, projections, and a model as a scheme.

Orders are asserted to 0.1 on fixed draws; over five draws of weights they lay within 0.05 of the
theory from 32 layers on.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_models import MONEY, random_model
from scipy.linalg import expm
from scipy.optimize import minimize

from operator_lab import continuum as co
from operator_lab import layernorm
from operator_lab.errors import LabError

seeds = st.integers(0, 2**32 - 1)
LAYERS = [32, 64, 128]


@pytest.fixture(scope="module")
def stack():
    """Attention and MLP smooth in depth, a start, and where it leads."""
    parts, x = co.smooth_layers(seed=0), co.start()
    return parts, x, co.exact(lambda y, t: sum(f(y, t) for f in parts), x, 0.0, 1.0)


# ---- depth: orders of schemes -----------------------------------------------------------------


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2), ("rk4", 4)])
def test_order_of_a_scheme(stack, method, order):
    parts, x, end = stack
    errors = [co.off(co.split(parts, x, n, "parallel", method)[-1], end) for n in LAYERS]
    assert co.order(LAYERS, errors) == pytest.approx(order, abs=0.1)


@given(st.integers(1, 12), st.floats(-2, 2), st.floats(0.2, 2))
def test_schemes_on_the_exponential_are_its_truncated_series(layers, rate, time):
    z = rate * time / layers
    growth = {"euler": 1 + z, "heun": 1 + z + z**2 / 2,
              "rk4": 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24}  # fmt: skip
    for method, factor in growth.items():
        states = co.integrate(lambda x, t: rate * x, np.ones(2), layers, method, time)
        assert states[:, 0] == pytest.approx(factor ** np.arange(layers + 1), rel=1e-9)
    end = co.exact(lambda x, t: rate * x, np.ones(2), 0.0, time)
    assert end == pytest.approx(np.exp(rate * time), rel=1e-9)


@given(st.integers(1, 9))
def test_schemes_integrate_polynomials_in_time_as_quadratures_do(layers):
    for method, degree in (("euler", 0), ("heun", 1), ("rk4", 3)):
        end = co.integrate(lambda x, t, k=degree: 0 * x + t**k, np.zeros(1), layers, method)[-1]
        assert end == pytest.approx(1 / (degree + 1))


def test_the_velocities_are_the_layers_they_say_and_smooth_in_depth():
    attention, mlp = co.smooth_layers(seed=3)
    x = co.start()
    changed = x.copy()
    changed[4:] += 1
    assert attention(changed, 0.3)[:4] == pytest.approx(attention(x, 0.3)[:4], abs=1e-14)
    alone = mlp(x[3:4], 0.3)
    assert mlp(x, 0.3)[3:4] == pytest.approx(alone, abs=1e-14)
    for f in (attention, mlp):
        slope = [(f(x, 0.5 + h) - f(x, 0.5 - h)) / (2 * h) for h in (1e-2, 5e-3, 2.5e-3)]
        ratio = abs(slope[0] - slope[1]).max() / abs(slope[1] - slope[2]).max()
        assert ratio == pytest.approx(4, abs=0.2)


def test_weights_drawn_anew_have_no_continuum():
    # over 8 seeds: 0.18 and 0.048 at 32 and 512 layers; 1.02 and 1.07 at scale 1/sqrt(L)
    mean = lambda *a, **k: np.mean([co.displacement(*a, seed=s, **k) for s in range(8)])  # noqa: E731
    still = [mean(n, 1.0) for n in (8, 32, 128, 512)]
    assert co.order([8, 32, 128, 512], still) == pytest.approx(0.5, abs=0.1)
    assert all(0.8 < mean(n, 0.5) < 1.3 for n in (8, 128, 512))
    smooth = [mean(n, 1.0, smooth=True) for n in (64, 512)]
    assert smooth[1] == pytest.approx(smooth[0], rel=0.01) and smooth[1] > 0.5


# ---- splitting --------------------------------------------------------------------------------

SPLIT_ORDERS = [
    ("parallel", "euler", 1), ("lie", "euler", 1), ("lie", "heun", 1), ("lie", "rk4", 1),
    ("strang", "euler", 1), ("strang", "heun", 2), ("strang", "rk4", 2),
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(("splitting", "method", "order"), SPLIT_ORDERS)
def test_order_of_a_splitting_is_the_smaller_of_the_two(stack, splitting, method, order):
    parts, x, end = stack
    errors = [co.off(co.split(parts, x, n, splitting, method)[-1], end) for n in LAYERS]
    assert co.order(LAYERS, errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("splitting", "order"), [("lie", 1), ("strang", 2)])
def test_order_with_exact_sub_flows(stack, splitting, order):
    parts, x, end = stack
    errors = [co.off(co.split(parts, x, n, splitting, "exact")[-1], end) for n in (8, 16, 32)]
    assert co.order([8, 16, 32], errors) == pytest.approx(order, abs=0.1)


@given(seeds, st.floats(0.05, 0.5))
@settings(max_examples=20)
def test_exact_splittings_of_matrices_are_products_of_exponentials(seed, h):
    A, B = np.random.default_rng(seed).normal(size=(2, 3, 3))
    parts, x = (lambda x, t: A @ x, lambda x, t: B @ x), np.eye(3)
    lie = co.split(parts, x, 1, "lie", "exact", h)[-1]
    strang = co.split(parts, x, 1, "strang", "exact", h)[-1]
    assert lie == pytest.approx(expm(h * B) @ expm(h * A), abs=1e-9)
    half = expm(h / 2 * A)
    assert strang == pytest.approx(half @ expm(h * B) @ half, abs=1e-9)
    commuting = co.split((parts[0], parts[0]), x, 1, "lie", "exact", h)[-1]
    assert commuting == pytest.approx(expm(2 * h * A), abs=1e-8)


@given(seeds)
def test_leading_errors_are_what_is_left_as_the_step_shrinks(seed):
    A, B = np.random.default_rng(seed).normal(size=(2, 4, 4))
    one, h = np.eye(4), 1e-4
    exact = expm(h * (A + B))
    lie = expm(h * B) @ expm(h * A) - exact
    strang = (one + h / 2 * A) @ (one + h * B) @ (one + h / 2 * A) - exact
    assert np.linalg.norm(lie - co.lie_error(A, B, h)) < 0.02 * np.linalg.norm(lie)
    assert np.linalg.norm(strang - co.strang_euler_error(A, B, h)) < 0.02 * np.linalg.norm(strang)
    assert abs(co.lie_error(A, A @ A, h)).max() < 1e-12  # commuting parts: no splitting error


def test_strang_begins_and_ends_with_every_part_but_the_last(stack):
    calls = []
    parts = [lambda x, t, n=n: calls.append((n, t)) or 0 * x for n in "abc"]
    co.split(parts, np.zeros(1), 1, "strang", "euler", time=2.0)
    assert calls == [("a", 0.0), ("b", 0.0), ("c", 0.0), ("b", 1.0), ("a", 1.0)]


# ---- projections ------------------------------------------------------------------------------

states = arrays(float, 7, elements=st.floats(-10, 10)).filter(lambda x: x.std() > 1e-2)


@given(states, st.floats(-3, 3), st.floats(0.1, 9))
def test_mean_variance_and_distance(x, mean, variance):
    y = co.onto_sphere(x, mean, variance)
    assert y.mean() == pytest.approx(mean, abs=1e-9) and y.var() == pytest.approx(variance)
    assert np.linalg.norm(y - x) == pytest.approx(co.distance(x, mean, variance), abs=1e-9)
    assert co.onto_sphere(y, mean, variance) == pytest.approx(y, abs=1e-8)
    plain = (co.onto_sphere(x) * np.sqrt(variance)) + mean  # one gain, one bias
    assert y == pytest.approx(plain, abs=1e-9)
    assert co.onto_sphere(x) == pytest.approx(layernorm.normalise(x, eps=0), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_layernorm_is_the_nearest_point_that_an_optimiser_finds(seed):
    rng = np.random.default_rng(seed)
    x, mean, variance = 2 * rng.normal(size=8) + 1, rng.normal(), rng.uniform(0.5, 3)
    constraints = [
        {"type": "eq", "fun": lambda y: y.mean() - mean, "jac": lambda y: np.ones(8) / 8},
        {"type": "eq", "fun": lambda y: ((y - mean) ** 2).mean() - variance,
         "jac": lambda y: (y - mean) / 4},
    ]  # fmt: skip
    best = min(
        (
            minimize(lambda y: ((y - x) ** 2).sum(), rng.normal(size=8),
                     jac=lambda y: 2 * (y - x), constraints=constraints, method="SLSQP",
                     options={"ftol": 1e-16, "maxiter": 1000})
            for _ in range(4)
        ),
        key=lambda r: r.fun if r.success else np.inf,
    )  # fmt: skip
    assert best.x == pytest.approx(co.onto_sphere(x, mean, variance), abs=1e-7)


@given(arrays(float, (2, 6), elements=st.floats(-5, 5)))
def test_relu_is_a_projection_on_a_convex_cone(pair):
    x, y = pair
    P = co.onto_orthant
    assert (P(P(x)) == P(x)).all() and P(2 * x) == pytest.approx(2 * P(x))
    assert np.linalg.norm(P(x) - P(y)) <= np.linalg.norm(x - y) + 1e-12
    assert (x - P(x)) @ (np.abs(y) - P(x)) <= 1e-9  # Kolmogorov: no point of the cone is nearer


def test_relu_is_the_nearest_point_that_an_optimiser_finds():
    x = np.random.default_rng(0).normal(size=6)
    best = minimize(lambda y: ((y - x) ** 2).sum(), np.ones(6), bounds=[(0, None)] * 6)
    assert best.x == pytest.approx(co.onto_orthant(x), abs=1e-5)


def test_only_the_convex_projection_never_moves_points_apart():
    # the sphere's: 5.8 to 7.0 over five seeds; the orthant's at most 0.94
    assert all(co.stretch(co.onto_sphere, seed=s) > 3 for s in range(2))
    assert all(co.stretch(co.onto_orthant, seed=s) <= 1 for s in range(2))
    near = np.array([0.1, -0.1, 0.0])  # two near states on either side of the constant ones
    assert np.linalg.norm(co.onto_sphere(near) - co.onto_sphere(-near)) > 12 * np.linalg.norm(near)


@given(states, seeds)
def test_the_tangent_is_the_derivative_of_the_projection(x, seed):
    v = np.random.default_rng(seed).normal(size=7)
    n = co.onto_sphere(x)
    flow = co.onto_tangent(n, v)
    assert abs(flow.mean()) < 1e-9 and abs(flow @ n) < 1e-8
    assert layernorm.jacobian(n, eps=0.0) @ v == pytest.approx(flow, abs=1e-8)
    h = 1e-6
    assert (co.onto_sphere(n + h * v) - n) / h == pytest.approx(flow, abs=1e-4)


@pytest.mark.thorough
@pytest.mark.parametrize("splitting", co.SPLITTINGS)
@pytest.mark.parametrize("method", ["euler", "heun"])
def test_thin_post_ln_layers_flow_along_the_sphere_at_first_order(stack, splitting, method):
    parts, x, _ = stack
    x = co.onto_sphere(x)
    end = co.exact(lambda y, t: co.onto_tangent(y, sum(f(y, t) for f in parts)), x, 0.0, 1.0)
    assert end.mean(-1) == pytest.approx(0, abs=1e-10) and end.var(-1) == pytest.approx(1)
    errors = [
        co.off(co.split(parts, x, n, splitting, method, constrain=co.onto_sphere)[-1], end)
        for n in LAYERS
    ]
    assert co.order(LAYERS, errors) == pytest.approx(1, abs=0.1)


# ---- a model as a scheme ----------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["pre", "none"])
@pytest.mark.parametrize("bias", [False, True])
def test_a_model_is_lie_splitting_with_euler_and_step_one(norm, bias):
    model = random_model(norm=norm, bias=bias)
    run, L = model.run(MONEY), model.transformer.shape.layers
    states = co.split(co.velocities(model), run.states[0], L, "lie", "euler", time=float(L))
    assert abs(states - run.states[::2]).max() < 1e-12


def test_a_post_ln_relu_model_is_the_split_and_projected_step():
    model = random_model(norm="post", activation="relu")
    plain = model.with_weights({n: np.ones(16) for n in model.weights if n.endswith("gain")})
    run, L = plain.run(MONEY), plain.transformer.shape.layers
    attention, mlp = co.velocities(plain)
    go = lambda c: co.split([attention, mlp], run.states[0], L, time=float(L), constrain=c)  # noqa: E731
    assert abs(go(layernorm.normalise) - run.states[::2]).max() < 1e-12
    assert 1e-12 < abs(go(co.onto_sphere) - run.states[::2]).max() < 1e-2  # eps = 0
    W_1, W_2 = (plain.weights[f"blocks.1.mlp.W_{i}.weight"] for i in (1, 2))
    x = run.states[3]
    assert mlp(x, 1.7) == pytest.approx(co.onto_orthant(x @ W_1.T) @ W_2.T, abs=1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize("shape", [{}, {"bias": True}, {"tied": True}, {"norm": "none"}])
def test_a_refined_model_takes_smaller_steps_of_the_same_velocities(shape):
    model = random_model(**shape)
    L, start = model.transformer.shape.layers, model.run(MONEY).states[0]
    assert abs(co.refined(model, 1).run(MONEY).logits - model.run(MONEY).logits).max() == 0
    finer = co.refined(model, 4)
    if not shape.get("tied"):
        steps = co.split(co.velocities(model), start, 4 * L, time=float(L))
        assert abs(finer.run(MONEY).states[::2] - steps).max() < 1e-12
        uneven = co.refined(model, [1, 3, 1])
        assert uneven.transformer.shape.layers == 5
        first = uneven.run(MONEY).states[:3] - model.run(MONEY).states[:3]
        assert abs(first).max() == 0
    texts = model.language.sample(4, 12, 0)
    limit = co.refined(model, 24)
    coarse, fine = (co.gap(co.refined(model, m), limit, texts) for m in (2, 4))
    # first order, to its own limit: (1/2 - 1/24) / (1/4 - 1/24) = 2.2 in the linear regime
    assert 1.7 < coarse / fine < 2.8


def test_likeness_of_adjacent_layers():
    model = random_model()
    chance = co.likeness(model)
    assert set(chance) == {"W_Q", "W_K", "W_V", "W_O", "W_1", "W_2"}
    assert all(c.shape == (2,) and abs(c).max() < 0.3 for c in chance.values())
    twice = co.refined(model, [2, 2, 1])
    alike = co.likeness(twice)["W_1"]
    assert alike[[0, 2]] == pytest.approx(1) and abs(alike[[1, 3]]).max() < 0.3
    assert "W_Q" not in co.likeness(random_model(coupling="hermitian"))


def test_roughness_of_noise_and_of_a_field():
    noise = np.random.default_rng(0).normal(size=(20, 64, 8))
    assert co.roughness(noise) == pytest.approx(1, abs=0.05)
    u = co.smooth_field(seed=1)
    coarse, fine = (co.roughness(u(np.arange(n) / n)) for n in (64, 128))
    assert coarse / fine == pytest.approx(4, abs=0.1) and coarse < 0.01


def test_a_trained_model_and_an_untrained_one_as_odes():
    import operator_lab as lab

    plain = {"excess", "times", "moved", "refined", "likeness", "reversed", "roughness", "distance"}
    trained, fresh = (
        co.as_an_ode(lab.reference(trained=t), times=(2, 4), count=12) for t in (True, False)
    )
    assert set(trained) == plain
    # of the reference model; five seeds lie in the same ranges
    assert trained["moved"][1] > trained["moved"][0] > 0.05 > fresh["moved"][1]
    assert trained["refined"][1] > 10 * trained["excess"]
    assert abs(trained["likeness"]) < 0.1 and trained["reversed"] - trained["excess"] > 0.5
    assert trained["roughness"] > 0.7 and trained["distance"] > 5


# ---- mistakes ---------------------------------------------------------------------------------

UP = np.array([[1.0, 2.0, 4.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: co.attend([[1.0]], [[1.0, 2.0]], [[1.0]]), r"Queries \[n, k\], keys \[m, k\]"),
        (lambda: co.attend([[np.nan]], [[1.0]], [[1.0]]), "queries holds NaN or infinity"),
        (lambda: co.attend([["a"]], [[1.0]], [[1.0]]), "queries must be an array of numbers"),
        (lambda: co.attend([[1.0]], [[1.0]], [[1.0]], [-1.0]), "one a key, none below 0"),
        (lambda: co.attend([[1.0]], [[1.0]], [[1.0]], [0.0]), "no key of positive weight"),
        (lambda: co.attend([[1.0]], [[1.0]], [[1.0]], T=0), "temperature T must be one"),
        (lambda: co.attend([[1.0]], [[1.0]], [[1.0]], visible=[True]), "visible must be an array"),
        (lambda: co.rule("simpson", 5), "'simpson' is no quadrature rule"),
        (lambda: co.rule("gauss", 0), "points must be a whole number from 1 on; got 0"),
        (lambda: co.rule("trapezoid", 1), "at least 2 points"),
        (lambda: co.causal_error(co.Integral.random(), co.smooth_field(), [25]), "multiples of 10"),
        (lambda: co.integrate(lambda x, t: x, UP, 0), "layers must be .* got 0"),
        (lambda: co.integrate(lambda x, t: x, UP, 2.0), "layers must be .* got 2.0"),
        (lambda: co.integrate(lambda x, t: x, UP, 2, "rk5"), "'rk5' is no scheme; near: 'rk4'"),
        (lambda: co.integrate(lambda x, t: x, UP, 2, time=-1), "time must be .* above 0"),
        (lambda: co.integrate(lambda x, t: x, UP * np.inf, 2), "start holds NaN or infinity"),
        (lambda: co.integrate(lambda x, t: x, [], 2), "start is empty"),
        (lambda: co.integrate(lambda x, t: x.T, UP, 2), "A velocity has the shape"),
        (lambda: co.integrate(lambda x, t: x * 1e200, UP, 3), "no longer finite after layer 2"),
        (lambda: co.exact(lambda x, t: x**3, 9 * UP, 0.0, 1.0), "does not reach time 1"),
        (lambda: co.split([], UP, 2), "parts is empty; give at least one"),
        (lambda: co.split(lambda x, t: x, UP, 2), "parts must be a list; got"),
        (lambda: co.split([lambda x, t: x], UP, 2, "strong"), "'strong' is no splitting; near"),
        (lambda: co.order([4], [0.1]), "at least two numbers of layers"),
        (lambda: co.order([4, 8], [0.1, 0.0]), "each with an error above 0"),
        (lambda: co.lie_error(np.eye(2), np.eye(3), 0.1), "its n must be 2, as in A"),
        (lambda: co.onto_sphere([1.0, 1.0, 1.0]), "all features equal has no nearest point"),
        (lambda: co.onto_sphere(UP, variance=0), "target variance must be one"),
        (lambda: co.onto_sphere(UP, variance=-2.0), "target variance must be one"),
        (lambda: co.onto_sphere(UP, mean=np.nan), "target mean must be one"),
        (lambda: co.onto_sphere([1.0]), "at least 2 features"),
        (lambda: co.onto_sphere([1.0, np.nan]), "state holds NaN"),
        (lambda: co.onto_sphere("abc"), "must be an array of numbers; got"),
        (lambda: co.onto_orthant([np.inf]), "state holds NaN or infinity"),
        (lambda: co.onto_tangent(UP, UP[0]), "State and velocity have one shape"),
        (lambda: co.stretch(co.onto_sphere, pairs=0), "pairs must be"),
        (lambda: co.refined(random_model(), 0), "thinner layers a layer must be .* got 0"),
        (lambda: co.refined(random_model(), [1, 2]), "This model has 3 layers; give one number"),
        (lambda: co.refined(random_model(tied=True), [1, 2, 2]), "3 tied layers"),
        (lambda: co.refined(random_model(norm="post"), 2), "has no step size"),
        (lambda: co.velocities(random_model())[0](UP, 0.0), r"has shape \[position, 16\]"),
        (lambda: co.likeness(random_model(layers=1)), "two or more untied layers"),
        (lambda: co.likeness(random_model(tied=True)), "two or more untied layers"),
        (lambda: co.roughness(UP), "N >= 3 positions"),
        (lambda: co.roughness(np.ones((4, 3))), "All positions have the same state"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call()

"""LayerNorm as geometry and as regulator: closed forms, autograd, known theorems."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from random_models import MONEY, random_model
from scipy.optimize import minimize

from operator_lab import layernorm as ln
from operator_lab.ensembles import MAP_RATES, REGULATORS, shipped
from operator_lab.errors import LabError
from operator_lab.figures import layernorm as pictures

states = arrays(float, 7, elements=st.floats(-10, 10)).filter(lambda x: x.std() > 1e-2)


@given(states)
def test_mean_zero_variance_one_and_invariances(x):
    n = ln.normalise(x, eps=0)
    assert abs(n.mean()) < 1e-9 and n.var() == pytest.approx(1)
    assert ln.normalise(3.0 * x + 5.0, eps=0) == pytest.approx(n, abs=1e-8)
    assert ln.normalise(n, eps=0) == pytest.approx(n, abs=1e-9)


def test_it_is_the_nearest_point_of_the_sphere():
    x = np.random.default_rng(0).normal(size=6) * 3 + 1
    constraints = [
        {"type": "eq", "fun": lambda y: y.mean()},
        {"type": "eq", "fun": lambda y: (y**2).mean() - 1},
    ]
    best = minimize(
        lambda y: ((y - x) ** 2).sum(), np.array([1.0, -1, 1, -1, 1, -1]), constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert best.x == pytest.approx(ln.normalise(x, eps=0), abs=1e-5)


@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
def test_jacobian_agrees_with_autograd_and_its_kernel(eps):
    x = np.random.default_rng(1).normal(size=9) * 0.7 + 2
    J = ln.jacobian(x, eps)

    def f(z):
        c = z - z.mean()
        return c / ((c**2).mean() + eps).sqrt()

    by_autograd = torch.autograd.functional.jacobian(f, torch.tensor(x)).numpy()
    assert abs(J - by_autograd).max() < 1e-12
    assert abs(J - J.T).max() < 1e-14 and abs(J @ np.ones(9)).max() < 1e-12
    sigma = np.sqrt(x.var() + eps)
    if eps == 0:  # a projector off {1, x}, over sigma
        assert abs(J @ x).max() < 1e-12 and np.linalg.matrix_rank(J, tol=1e-9) == 7
        assert abs(J @ J * sigma - J).max() < 1e-12
    else:  # with eps only 1 is in the kernel
        assert np.linalg.matrix_rank(J, tol=1e-9) == 8


def test_growth_of_the_three_placements():
    none, pre, post = (ln.growth(24, norm) for norm in ("none", "pre", "post"))
    assert none.size[-1] > 1e4 and post.size[-1] == pytest.approx(1, abs=1e-3)
    steps = np.arange(8, 49)
    power = np.polyfit(np.log(steps), np.log(pre.size[steps]), 1)[0]
    assert 0.4 < power < 0.7  # a random walk: the square root
    assert pre.update[-1] < 0.3 * pre.update[1]
    assert np.isfinite(pre.gradient).all() and len(pre.gradient) == 24


@pytest.mark.thorough
def test_a_stack_that_overflows_ends_with_inf():
    stack = ln.growth(1000, "none", features=8, positions=2)
    ended = np.isinf(stack.size)
    first = ended.argmax()
    assert 0 < first < len(ended) and ended[first:].all() and not np.isnan(stack.size).any()
    assert stack.size[first - 1] > 1e150  # where overlaps of two states overflow, no earlier
    assert np.isfinite(stack.update[: first - 1]).all() and np.isfinite(stack.spread[:first]).all()


@pytest.mark.thorough
def test_damping_calms_every_placement_alike():
    """No norm is not what does it: the three damped rows lie together, below the undamped ones."""
    small = dict(features=32, positions=16)

    def gradients(norm, damped):
        stacks = (ln.growth(16, norm, damped=damped, seed=seed, **small) for seed in range(3))
        return [stack.gradient[0] for stack in stacks]

    calm = [g for norm in ln.PLACEMENTS for g in gradients(norm, True)]
    wild = [g for norm in ln.PLACEMENTS for g in gradients(norm, False)]
    assert 1 < min(calm) and max(calm) < 3.5 < min(wild)


def test_rank_collapses_without_residual_and_doubly_exponentially():
    bare = dict(norm="none", residual=False, mlp=False, causal=False)
    spread = ln.growth(5, **bare).spread
    assert spread[4] < 1e-12
    ratio = np.log(spread[2:5]) / np.log(spread[1:4])
    assert (ratio > 1.8).all()  # each layer about squares (here: cubes) what is left
    assert ln.growth(5, norm="none", mlp=False, causal=False).spread[5] > 0.3


def test_the_map_says_where_trainings_diverged():
    ax = Figure().subplots()
    excess = np.array([[[0.1, 0.2], [np.nan, 0.3]], [[2.4, 2.4], [np.nan, np.nan]]])
    pictures.regulated(ax, excess, (0.005, 0.05), ("pre", "none"))
    said = [text.get_text() for text in ax.texts]
    assert said == ["0.15", "1 of 2 diverged", "2.40", "2 of 2 diverged"]
    shade = ax.images[0].get_array()
    assert shade[0, 0] > shade[0, 1] > shade[1, 0] == shade[1, 1] == 0


def test_the_map_and_what_the_notebook_reads_off_it():
    """No norm learns best at a small rate and not at all at a large one; pre-LN learns at all."""
    found = shipped("regulators")
    excess = {
        (name, rate): found[f"{name}, 16 layers, rate {rate:g}"]
        for name in REGULATORS
        for rate in MAP_RATES
    }
    assert all(v.shape == (2,) for v in excess.values())
    low, *_, high = MAP_RATES
    for bare, normed in (("none", "pre"), ("none, damped", "pre, damped")):
        assert excess[bare, low].max() < 0.7 * excess[normed, low].min()
        assert np.isnan(excess[bare, high]).all()
        assert max(excess[normed, rate].max() for rate in MAP_RATES) < 0.25
    assert excess["post", high].min() > 2


def test_a_tied_layer_settles_exponentially_in_post_ln_only_and_at_a_wrong_answer():
    moves, sizes = shipped("settling", "moves"), shipped("settling", "size")
    passes = np.arange(1, 301)
    for pre, size in zip(moves["pre"], sizes["pre"], strict=True):
        assert (pre[50:] * passes[50:] == pytest.approx(1.1, abs=0.25)) and size[-1] > 100
    turns = shipped("settling", "turns")  # in pre-LN the direction settles too, by a power alone
    assert (turns["pre"][:, 50:] < moves["pre"][:, 50:]).all() and turns["pre"][:, -1].min() > 1e-4
    assert turns["post"][:, -1].max() < 1e-6
    for post, size in zip(moves["post"], sizes["post"], strict=True):
        assert post[-1] < 1e-6 and np.ptp(size[10:]) < 0.05
    for answers in shipped("settling", "at depth").values():
        assert answers[:, 0].max() < 0.1 and answers[:, 2].min() > 3


def test_iterating_a_tied_layer():
    model = random_model(tied=True)
    states = ln.iterated(model, MONEY, 5)
    assert states.shape == (6, 9, 16)
    assert abs(states[:4] - model.run(MONEY).states[::2]).max() < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ln.normalise(np.ones(4), 0.0), "all features equal has no direction"),
        (lambda: ln.jacobian(np.ones((2, 3))), r"x must be an array \[d\]; got shape \(2, 3\)"),
        (lambda: ln.growth(4, "batch"), "norm = 'batch'; it is one of 'pre', 'post', 'none'"),
        (lambda: ln.growth(0), "layers must be a whole number from 1 on; got 0"),
        (lambda: ln.iterated(random_model(), MONEY, 3), "Only a tied model"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call()

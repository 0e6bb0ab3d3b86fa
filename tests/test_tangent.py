"""The Jacobian of a whole run against automatic differentiation, and the laws it obeys."""

import numpy as np
import pytest
import torch
from random_models import MONEY, SHAPES, random_model

from operator_lab import dyson
from operator_lab.dyson import tangent
from operator_lab.errors import LabError

MORE = [
    dict(mixing="scaled"), dict(mixing="raw"), dict(mixing="raw", causal=False), dict(hidden=0),
    dict(layers=0), dict(values=False), dict(coupling="positive", bias=True),
    dict(norm="post", tied=True, bias=True), dict(causal=False, norm="post"),
]  # fmt: skip


def through(model):
    """First state to last by the model's own layers."""
    layers = model.transformer.layers

    def carry(x):
        for i, layer in enumerate(layers):
            x = layer(x, i)
        return x

    return carry


def differentiated(model, run) -> np.ndarray:
    x = torch.tensor(run.states[0])
    return torch.func.jacrev(through(model))(x).reshape(x.numel(), x.numel()).numpy()


@pytest.mark.parametrize("shape", SHAPES + MORE, ids=str)
def test_agrees_with_automatic_differentiation(shape):
    model = random_model(**shape)
    run = model.run(MONEY)
    assert abs(dyson.jacobian(run) - differentiated(model, run)).max() < 1e-10


@pytest.mark.parametrize("together", [1, 2, 4, 5, 9, 16])
def test_how_many_are_followed_together_changes_nothing(together, monkeypatch):
    run = random_model(bias=True).run(MONEY)
    whole = dyson.jacobian(run)
    monkeypatch.setattr(tangent, "CHUNK", together)
    assert abs(dyson.jacobian(run) - whole).max() < 1e-13


def test_nothing_reaches_back():
    run = random_model().run(MONEY)
    N, d = run.states.shape[1:]
    J = dyson.jacobian(run).reshape(N, d, N, d)
    for i in range(N):
        assert not J[i, :, i + 1 :].any()
        assert J[i, :, : i + 1].any()


def test_a_small_change_moves_the_last_state_as_it_says():
    model = random_model(norm="post")
    run = model.run(MONEY)
    change = np.random.default_rng(0).normal(size=run.states[0].shape)

    def last(size):
        return model.run(MONEY, {("state", 0): lambda x: x + size * change}).states[-1]

    slope = (last(1e-5) - last(-1e-5)) / 2e-5
    assert abs(slope.ravel() - dyson.jacobian(run) @ change.ravel()).max() < 1e-7


def test_without_what_depends_on_the_state_it_is_the_product_of_the_frozen_steps():
    fixed = dict(norm="none", activation="relu", tau=1e8)  # hot: the mixing no longer moves
    run = random_model(**fixed).run(MONEY)
    assert abs(dyson.jacobian(run) - dyson.propagator(run)).max() < 1e-6
    run = random_model().run(MONEY)
    assert abs(dyson.jacobian(run) - dyson.propagator(run)).max() > 0.1


def test_keeps_the_precision_of_the_run():
    model = random_model()
    single = dyson.jacobian(model.to("float32").run(MONEY))
    assert single.dtype == np.float32
    assert abs(single - dyson.jacobian(model.run(MONEY))).max() < 1e-4


def test_a_batch_is_refused():
    model = random_model()
    with pytest.raises(LabError, match=r"one Jacobian per sentence; take one run, runs\[i\]"):
        dyson.jacobian(model.run_batch([MONEY, MONEY]))

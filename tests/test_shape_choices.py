"""Every choice of a shape: right in each instrument, or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from random_models import MONEY, TURNS, derivative, random_model

import operator_lab as lab
from operator_lab import continuum, dyson, measurement, mixing, thermodynamics
from operator_lab.dyson import bare
from operator_lab.errors import LabError
from operator_lab.shape import Shape

MIXED = [
    dict(rotation=TURNS), dict(key_heads=1), dict(key_heads=2, rotation=TURNS, causal=False),
    dict(gated=True, activation="silu"), dict(gated=True, rms=True, bias=True, norm="post"),
    dict(head_size=6, key_heads=2), dict(coupling="hermitian", rotation=TURNS, mixing="scaled"),
    dict(eps=0.3, rms=True), dict(activation="gelu_tanh", start_norm=True),
    dict(rotation=(0.9,)), dict(rotation=[TURNS, (), (0.3,)], layers=3), dict(first_norm=False),
    dict(windows=(2, 0), layers=2), dict(windows=(1, 2), layers=2, causal=False),
]  # fmt: skip


STRANGE = [
    dict(norm="write"), dict(norm="both"), dict(parallel=True), dict(qk_norm="head"),
    dict(qk_norm="all", key_heads=2), dict(score_cap=2.0), dict(logit_cap=2.0),
    dict(relative=8, causal=False), dict(head=True, causal=False), dict(windows=(2, 0), layers=2),
    dict(rotation=[TURNS, ()], layers=2), dict(first_norm=False),
]  # fmt: skip


@pytest.mark.parametrize("shape", STRANGE, ids=str)
def test_a_choice_that_an_instrument_does_not_know_is_refused(shape):
    """What is not refused agrees with the network itself."""
    model = random_model(**shape)
    run, said = model.run("the man paid"), set()

    def told(check):
        try:
            check()
        except LabError as error:
            assert "\n" not in str(error)
            said.add(str(error))

    def series():
        assert abs(dyson.orders(run).sum(0) - run.states[-1]).max() < 1e-10

    def tangent():
        expected = derivative(model, run)
        assert abs(dyson.jacobian(run) - expected).max() < 1e-10 * abs(expected).max()

    def weights():
        T, E = run.temperature, thermodynamics.energies(run)
        assert abs(thermodynamics.boltzmann(E, T) - run.mixing).max() < 1e-12

    def form():
        layer = run.layers[0]
        n = layer.attend().before
        x = run.states[0] if n is None else n(run.states[0], 1.0) / n.gain
        at_home = np.einsum("nd,de,ne->n", x, mixing.coupling(layer, 0), x)
        assert abs(np.diagonal(layer.interaction(0)) - at_home).max() < 1e-10

    def reading():
        assert abs(measurement.lens(run)[-1] - run.law).max() < 1e-12

    def bare_series():
        assert abs(bare.at(run, [1.0]).x[0].real - run.states[-1]).max() < 1e-10

    def other_order():
        other = dyson.reordered(model, range(model.shape.layers))
        assert abs(other.run("the man paid").states - run.states).max() == 0

    def split():
        word = run.vocabulary[5]
        logit = run.logits[-1, 5] - run.logits[-1].mean()
        assert abs(dyson.attribute(run, word).total - logit) < 1e-10

    def velocity():
        f, x = continuum.velocities(model)[0], run.states[0]
        assert abs(f(x, 0.0) - run.step_writes[0]).max() < 1e-12

    for check in (series, tangent, weights, form, reading, bare_series, other_order, split,
                  velocity):  # fmt: skip
        told(check)
    assert said  # each of these choices is beyond some instrument


def test_a_record_of_every_choice_is_saved_and_read_again(tmp_path):
    for i, shape in enumerate(STRANGE):
        model = random_model(**shape)
        again = lab.load(model.save(tmp_path / f"{i}.safetensors"))
        assert again.shape == model.shape
        assert (again.run(MONEY).states == model.run(MONEY).states).all()


@pytest.mark.parametrize("shape", MIXED, ids=str)
def test_every_choice_of_a_shape_is_differentiated_and_frozen(shape):
    model = random_model(**shape)
    run = model.run("the man paid")
    expected = derivative(model, run)
    assert abs(dyson.jacobian(run) - expected).max() < 1e-10 * abs(expected).max()
    x = run.states[0]
    for V in run.steps:
        x = x + V(x)
    assert abs(x - run.states[-1]).max() < 1e-10
    assert abs(dyson.orders(run, "on_site").sum(0) - run.states[-1]).max() < 1e-10


def test_what_is_turned_together_has_one_sign():
    """So the constrained couplings stay symmetric with RoPE."""
    for kind in ("hermitian", "positive"):
        S = random_model(coupling=kind, rotation=TURNS, causal=False).run(MONEY).interaction
        first = S[0, 0]
        assert abs(first - first.T).max() < 1e-12 < abs(first).max()


@pytest.mark.parametrize("shape", [dict(eps=0.3), dict(rotation=TURNS), dict(key_heads=2),
                                   dict(coupling="hermitian", bias=True)], ids=str)  # fmt: skip
def test_the_bare_series_is_of_the_network_itself(shape):
    """At lambda = 1 it is the run: with the run's own eps, rotation, heads and biases."""
    run = random_model(**shape).run("the man paid")
    assert abs(bare.at(run, [1.0]).x[0].real - run.states[-1]).max() < 1e-10


# --- shapes that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(key_heads=3), "4 heads of queries cannot share 3 heads"),
        (dict(rotation=(1.0,) * 3), "3 pairs are more than the 4 features of a head"),
        (dict(head_size=0), "head_size = 0; it is a whole number of at least 1"),
        (dict(eps=-1.0), "eps = -1.0; it is a number of at least 0"),
        (dict(eps="a"), "eps = 'a'"),
        (dict(bias=("W_X",)), "no bias of 'W_X'; there is norm, W_Q"),
        (dict(coupling="positive", key_heads=2), "W_Q of their own: coupling='free'"),
        (dict(values=False, key_heads=2), "hold just the features"),
        (dict(readout="words"), "'softmax', 'born', 'none'"),
    ],
    ids=str,
)
def test_a_shape_that_cannot_be_is_refused(change, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        Shape(95, features=16, heads=4, **change)


def test_whole_numbers_of_numpy_are_whole_numbers(as_a_learner):
    assert type(Shape(np.int64(5), features=np.int32(8), heads=2).features) is int

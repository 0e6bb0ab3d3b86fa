"""Lenses of a depth's own: what they must say where the answer is known."""

import numpy as np
import pytest
from random_models import MONEY, RIVER, random_model

from operator_lab import measurement as me
from operator_lab.edits import put
from operator_lab.errors import LabError
from operator_lab.model import divergence


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def tokens(model):
    return model.language.sample(64, 24, seed=1)


@pytest.fixture(scope="module")
def runs(model, tokens):
    return model.run_batch(tokens)


def test_the_last_lens_is_the_identity(runs):
    last = me.affine_lens(runs)[-1]
    assert abs(last.weights - np.eye(len(last.weights))).max() < 1e-8
    assert abs(last.offset).max() < 1e-8
    laws = me.translated(runs, me.affine_lens(runs))
    assert abs(laws[..., -1, :, :] - runs.law).max() < 1e-8


def test_a_lens_undoes_an_affine_change_that_the_logit_lens_does_not(model, runs, tokens):
    """Steps that write an affine map of the state leave nothing for an affine lens to miss."""
    d = runs.states.shape[-1]
    turn = np.random.default_rng(0).normal(size=(d, d)) / d**0.5
    silent = {("step_write", s): lambda w: 0.0 * w for s in range(2 * model.shape.layers)}
    still = model.run_batch(tokens, edits=silent).states[:, 0]
    edits = silent | put(model, 2 * model.shape.layers, np.s_[...], still @ turn + 1.5)
    moved = model.run_batch(tokens, edits=edits)
    fitted = me.translated(moved, me.affine_lens(moved))
    assert abs(fitted[:, 0] - moved.law).max() < 1e-6
    assert divergence(moved.law, me.lens(moved)[:, 0]) > 1e-3


def test_lenses_must_be_one_for_each_step(runs):
    with pytest.raises(LabError, match="states in depth; 1 lenses were given"):
        me.translated(runs, me.affine_lens(runs)[:1])


def test_a_blend_of_all_one_text_is_that_text(model):
    first, second = (np.stack([model.tokens(t)]) for t in (MONEY, RIVER))
    last = 2 * model.shape.layers
    a, b = (model.law(t)[:, -1] for t in (first, second))
    assert abs(me.mixed(model, first, second, second, last, share=0.0) - a).max() < 1e-12
    assert abs(me.mixed(model, first, second, first, last, share=1.0) - b).max() < 1e-12
    for step in range(last + 1):
        assert abs(me.mixed(model, first, first, first, step) - a).max() < 1e-12


def test_after_the_last_step_the_blend_meets_the_read_out_alone(model):
    first, second = (np.stack([model.tokens(t)]) for t in (MONEY, RIVER))
    last = 2 * model.shape.layers
    runs = [model.run_batch(t) for t in (first, second)]
    half = sum(r.states[:, last] for r in runs) / 2
    wanted = me.lens(model.run_batch(first, edits=put(model, last, np.s_[...], half)))[:, -1, -1]
    assert abs(me.mixed(model, first, second, first, last) - wanted).max() < 1e-12


def test_texts_and_steps_that_do_not_fit_are_refused(model):
    one = np.stack([model.tokens(MONEY)])
    with pytest.raises(LabError, match="must have one shape"):
        me.mixed(model, one, one[:, 1:], one, 0)
    with pytest.raises(LabError):
        me.mixed(model, one, one, one, 2 * model.shape.layers + 1)

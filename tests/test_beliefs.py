"""What a state knows: probes read it, and what they write is used."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import random_model
from scipy.stats import entropy

import operator_lab as lab
from operator_lab import measurement as me
from operator_lab.corpus import compound, depth


def affine(seed, d=5, k=3, n=60):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    return x, x @ rng.normal(size=(d, k)) + rng.normal(size=k), rng


@pytest.mark.thorough
@given(st.integers(0, 10**6))
def test_a_probe_recovers_an_affine_map_and_what_it_writes_is_read(seed):
    x, y, rng = affine(seed)
    read = me.probe(x, y)
    assert read(x) == pytest.approx(y, abs=1e-7) and me.explained(y, read(x)) == pytest.approx(1)
    shaped = me.probe(x.reshape(6, 10, 5), y.reshape(6, 10, 3))
    assert shaped.weights == pytest.approx(read.weights)
    target = rng.normal(size=(60, 3))
    assert read(read.write(x, target)) == pytest.approx(target, abs=1e-6)
    assert read.write(x, read(x)) == pytest.approx(x, abs=1e-9)


@given(st.integers(0, 10**6))
def test_what_is_written_is_nearest_in_the_states_own_spread(seed):
    """In units of their covariance, and so whatever axes the states are given in."""
    x, y, rng = affine(seed)
    read = me.probe(x, y)
    target = y[::-1]
    moved = read.write(x, target) - x
    inverse = np.linalg.inv(np.cov(x.T))
    silent = np.linalg.svd(read.weights.T)[2][3:]  # directions that the read-out cannot see
    assert abs(moved @ inverse @ silent.T).max() < 1e-6 * abs(moved @ inverse).max()
    axes = np.linalg.qr(rng.normal(size=(5, 5)))[0] * [1, 2, 3, 0.5, 0.2]
    other = me.probe(x @ axes, y)
    assert other.write(x @ axes, target) == pytest.approx((x + moved) @ axes, abs=1e-6)


def test_beliefs_that_sum_to_one_are_read_and_written():
    """Their read-out has one direction less than there are senses."""
    rng = np.random.default_rng(0)
    belief = rng.dirichlet(np.ones(5), size=200)
    x = belief @ rng.normal(size=(5, 12)) + 0.1 * rng.normal(size=(200, 12))
    read = me.probe(x, belief)
    assert np.linalg.matrix_rank(read.weights, tol=1e-9) == 4
    assert read(x).sum(-1) == pytest.approx(1)
    assert read(read.write(x, belief[::-1])) == pytest.approx(belief[::-1], abs=1e-9)


def test_a_probe_is_the_nearest_affine_map():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 4)), rng.normal(size=(80, 2))
    read = me.probe(x, y)
    off = ((y - read(x)) ** 2).sum()
    for _ in range(20):
        weights = read.weights + 0.01 * rng.normal(size=(4, 2))
        near = read._replace(weights=weights, offset=read.offset + 0.01 * rng.normal(size=2))
        assert ((y - near(x)) ** 2).sum() > off


def test_explained():
    y = np.random.default_rng(0).normal(size=(4, 50, 3))
    mean = np.broadcast_to(y.mean((0, 1)), y.shape)
    assert me.explained(y, y) == 1 and me.explained(y, mean) == pytest.approx(0)
    assert me.explained(y, 0.5 * (y + mean)) == pytest.approx(0.75)
    assert me.explained(y, 2 * mean - y) == pytest.approx(-3)


def test_what_is_found_at_each_place():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(40, 30, 4))
    place = rng.choice(
        ["exact", "noise", "broken", "rare"], p=[0.4, 0.4, 0.19, 0.01], size=(40, 30)
    )
    y = x @ rng.normal(size=(4, 2)) + 1
    noise, broken = place == "noise", place == "broken"
    y[noise] = rng.normal(size=(noise.sum(), 2))
    y[:20][broken[:20]] = x[:20][broken[:20]][:, :2]
    y[20:][broken[20:]] = -x[20:][broken[20:]][
        :, :2
    ]  # right in the first half, wrong in the second
    found = me.found_by_place(x, y, place)
    assert set(found) == {"exact", "noise", "broken"}  # too few of "rare" to fix a read-out
    assert found["exact"] == pytest.approx(1) and abs(found["noise"]) < 0.1
    assert found["broken"] == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize("language", [compound(), depth()], ids=lambda x: x.name)
def test_at_stake_is_the_mutual_information_and_zero_where_nothing_is_told(language):
    found = me.at_stake(language)
    assert list(found) == list(language.nodes)
    for node, nats in found.items():
        joint = language.after(node) / 5
        expected = entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint.ravel())
        assert nats == pytest.approx(expected, abs=1e-12) and nats >= 0
        nexts = [language.nodes[n] for n in language.nodes[node].then]
        silent = all(n.says[s] == n.says["money"] for n in nexts for s in language.senses)
        assert (nats == 0) == silent, node
    certain = max(found.values())
    assert certain < math.log(5)


def test_a_state_replaced_by_itself_changes_nothing_and_by_anothers_everything():
    model = random_model()
    texts = model.language.sample(4, 10, seed=5)
    runs, rows = model.run_batch(texts), np.arange(4)
    at = np.array([3, 9, 0, 5])
    for step in (0, 4, 6):
        own = runs.states[rows, step, at]
        assert abs(me.replaced(model, texts, at, step, own) - runs.law[rows, at]).max() < 1e-13
    other = runs.states[rows[::-1], 6, at[::-1]]  # the last state is all that the read-out sees
    assert abs(
        me.replaced(model, texts, at, 6, other) - runs.law[rows[::-1], at[::-1]]
    ).max() < 1e-13  # fmt: skip
    earlier = me.replaced(model, texts, at, 2, runs.states[rows[::-1], 2, at[::-1]])
    assert abs(earlier - runs.law[rows, at]).max() > 1e-3


@pytest.mark.thorough
def test_what_is_written_into_the_trained_model_it_uses():
    """Its next law moves to that of the written beliefs, as no random change of that size does."""
    model = lab.reference().to("float32")
    texts = model.language.sample(384, 20, seed=6)
    belief, place = model.language.posterior(texts), model.language.place(texts)
    states = model.run_batch(texts).states[:, 4]
    found = me.rewritten(model, texts, states, belief, place, "article")
    assert found == me.rewritten(model, texts, states, belief, place, "article")
    assert found.after < 0.5 * found.before < found.before < found.control
    assert 0.05 < found.size < 1.5

"""Orders: sums to the state, agreement with the naive path sum, hops that end, attributions."""

import itertools

import numpy as np
import pytest
from random_models import MONEY, SHAPES, random_model
from scipy.linalg import expm, logm

from operator_lab import dyson, edits
from operator_lab.errors import LabError
from operator_lab.references import reference
from operator_lab.steps import Step

SPLITS = [(free, by) for free in dyson.SPLITS for by in ("step", "layer")]


@pytest.mark.thorough
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("free", "by"), SPLITS)
def test_the_orders_sum_to_the_state(shape, free, by):
    run = random_model(**shape).run(MONEY)
    series = dyson.orders(run, free, by)
    assert abs(series.sum(0) - run.states[-1]).max() < 1e-10


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_freezings_have_the_same_sum_and_other_orders(shape):
    run = random_model(**shape).run(MONEY)
    secant, tangent = (dyson.orders(run, gate=gate) for gate in ("secant", "tangent"))
    assert abs(tangent.sum(0) - run.states[-1]).max() < 1e-10
    same = abs(secant - tangent).max() < 1e-12
    assert same == (run.shape.activation == "relu")


@pytest.mark.parametrize("shape", [dict(), dict(norm="post"), dict(norm="none", rms=True)], ids=str)
@pytest.mark.parametrize("by", ["step", "layer"])
def test_orders_agree_with_the_sum_over_all_paths(shape, by):
    run = random_model(**shape).run(MONEY)
    V = [s.dense() for s in run.steps]
    if by == "layer":
        eye = np.eye(len(V[0]))
        V = [(eye + m) @ (eye + a) - eye for a, m in zip(V[::2], V[1::2], strict=True)]
    x0 = run.states[0].ravel()
    expected = np.zeros((len(V) + 1, x0.size))
    for path in itertools.product((0, 1), repeat=len(V)):
        y = x0
        for acts, v in zip(path, V, strict=True):
            y = v @ y if acts else y
        expected[sum(path)] += y
    series = dyson.orders(run, "nothing", by).reshape(len(V) + 1, -1)
    assert abs(series - expected).max() < 1e-10


@pytest.mark.parametrize("shape", [dict(), dict(norm="post", bias=True), dict(bias=True)], ids=str)
def test_orders_of_hops_agree_with_the_sum_over_all_paths(shape):
    run = random_model(**shape).run("the man paid")
    expected = np.zeros((4, *run.states[0].shape))
    for path in itertools.product((0, 1), repeat=3):  # which attention hops
        y, one, hops = run.states[0], 1.0, iter(path)
        for step in run.steps:
            if step.between(y, one).any() or step.layer * 2 == run.steps.index(step):
                hop = next(hops)
                after = step.between(y, one) if hop else y + step.on_site(y, one)
                # a hop leaves order 0 behind, and with it the constants that act on-site
                one = 0.0 if hop else one
                y = step.renormed(after, one)
            else:
                y = step.renormed(y + step.on_site(y, one), one)
        expected[sum(path)] += y
    series = dyson.orders(run, "on_site")
    assert abs(series - expected[: len(series)]).max() < 1e-10
    assert abs(expected[len(series) :]).max(initial=0) < 1e-10


def test_hops_end_and_the_first_position_never_hops():
    model = random_model(layers=3)
    assert len(dyson.orders(model.run("the man"), "on_site")) == 3  # N - 1 = 2 hops at most
    series = dyson.orders(model.run(MONEY), "on_site")
    assert len(series) == 4  # as many hops as layers
    for n, y in enumerate(series):
        assert abs(y[:n]).max(initial=0) == 0  # the n-th position needs n predecessors
    assert abs(series[1:, 0]).max() == 0


def test_a_batch_is_split_like_its_runs():
    model = random_model(bias=True)
    runs = model.run_batch(model.language.sample(3, 9, 1))
    for free, by in SPLITS:
        series = dyson.orders(runs, free, by)
        for i in range(3):
            assert abs(series[:, i] - dyson.orders(runs[i], free, by)).max() < 1e-10


def test_few_operator_applications(monkeypatch):
    """All orders of 96 layers cost at most what 25 forward passes do (the top ones are zero)."""
    model = random_model(layers=96, features=16)
    run = model.run(MONEY)
    applied = []
    apply = Step.apply
    monkeypatch.setattr(
        Step, "apply", lambda self, y, one: (applied.append(len(y)), apply(self, y, one))[1]
    )
    series = dyson.orders(run, "nothing", by="layer")
    assert abs(series.sum(0) - run.states[-1]).max() < 1e-10
    assert len(applied) == 192 and sum(applied) <= 25 * 192
    assert len(series) == 97


def test_what_is_missing_in_either_precision():
    for precision in ("float32", "float64"):
        model = reference().to(precision)
        runs = model.run_batch(model.language.sample(4, 32, 1))
        for free in dyson.SPLITS:
            left = dyson.missing(runs, dyson.orders(runs, free))
            assert abs(left[-1]) < 1e-4 < left[0]


def test_readouts():
    run = random_model().run(MONEY)
    series = dyson.orders(run, "on_site")
    for norm in ("renormalised", "frozen"):
        assert abs(dyson.law_of(run, series.sum(0), norm) - run.law).max() < 1e-10
        last = len(series) - 1
        assert abs(dyson.truncated(run, last, norm=norm) - run.law).max() < 1e-10
    assert dyson.projections(series).sum() == pytest.approx(1)
    post = random_model(norm="post").run(MONEY)
    assert abs(dyson.law_of(post, post.states[-1]) - post.law).max() < 1e-12


def test_the_propagator_is_the_product():
    run = random_model().run("the man paid")
    U = dyson.propagator(run)
    assert abs(U @ run.states[0].ravel() - run.states[-1].ravel()).max() < 1e-10


def test_the_product_is_the_ordered_exponential_of_logarithms():
    run = random_model(features=8, heads=2, hidden=12).run("the man paid")
    U = np.eye(run.states[0].size)
    for V in run.steps:
        U = expm(logm(np.eye(len(U)) + V.dense())) @ U
    assert abs(U - dyson.propagator(run)).max() < 1e-9


def test_commutators_of_known_matrices():
    x, z = np.array([[0.0, 1], [1, 0]]), np.diag([1.0, -1])
    assert dyson.commutator(x, z) == pytest.approx(1) and dyson.commutator(x, x) == 0
    A, B = np.random.default_rng(0).normal(size=(2, 200, 200))
    assert dyson.commutator(A, B) == pytest.approx(2**-0.5, abs=0.02)


def test_reordered_layers():
    model = random_model()
    assert (dyson.reordered(model, [0, 1, 2]).run(MONEY).logits == model.run(MONEY).logits).all()
    back = dyson.reordered(dyson.reordered(model, [2, 0, 1]), [1, 2, 0])
    assert (back.run(MONEY).logits == model.run(MONEY).logits).all()
    changed = dyson.reordered(model, [1, 0, 2]).run(MONEY)
    assert abs(changed.logits - model.run(MONEY).logits).max() > 1e-6


def test_blinding_hides_one_write_from_one_input():
    model = random_model()
    run = model.run(MONEY)
    for route in ("query", "key", "value"):
        blind = model.run(MONEY, edits=edits.blind(run, route, reader=2, writer=0))
        assert (blind.states[:4] == run.states[:4]).all()
        assert abs(blind.logits - run.logits).max() > 1e-9
        same = blind.interaction[2] == run.interaction[2]
        assert same.all() == (route == "value")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_attribution_sums_to_the_logit(shape):
    run = random_model(**shape).run(MONEY)
    found = dyson.attribute(run, "clerk", "reeds", position=-2)
    clerk, reeds = (run.vocabulary.index(w) for w in ("clerk", "reeds"))
    assert found.total == pytest.approx(run.logits[-2, clerk] - run.logits[-2, reeds], abs=1e-9)
    mean = dyson.attribute(run, "clerk").total
    assert mean == pytest.approx(run.logits[-1, clerk] - run.logits[-1].mean(), abs=1e-9)


def test_an_attribution_agrees_with_the_orders():
    run = random_model().run(MONEY)
    found = dyson.attribute(run, "clerk")
    W_U = run.weights["W_U.weight"]
    bra = W_U[run.vocabulary.index("clerk")] - W_U.mean(0)
    series = dyson.orders(run, "on_site")
    x = run.states[-1]
    sigma = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    bra = run.weights["final_norm.gain"] * bra
    shares = (series - series.mean(-1, keepdims=True)) / sigma @ bra
    assert found.free == pytest.approx(shares[0, -1])
    assert found.hops.sum((1, 2, 3)) == pytest.approx(shares[1:, -1])
    share, order, layer, head, source = found.largest(1)[0]
    assert abs(share) == abs(found.hops).max()
    assert found.hops[order - 1, layer, head, source] == share


# --- the reference models -----------------------------------------------------------------------


def divergences(model, texts, free, by="step"):
    runs = model.run_batch(texts)
    laws = dyson.law_of(runs, np.cumsum(dyson.orders(runs, free, by), 0))
    return [float((runs.law * np.log(runs.law / law)).sum(-1).mean()) for law in laws]


def test_the_split_decides_which_order_leads():
    model, untrained = reference(), reference(trained=False)
    texts = model.language.sample(16, 32, seed=11)
    share = dyson.projections(dyson.orders(model.run_batch(texts), "nothing", "layer"))
    assert share[0] < 0.1 and share.argmax() in (2, 3)
    share = dyson.projections(dyson.orders(untrained.run_batch(texts), "nothing", "layer"))
    assert share[0] > 0.9
    assert divergences(model, texts, "nothing", "layer")[3] < 0.01
    assert divergences(model, texts, "on_site")[1] < 0.02


def test_the_depth_language_needs_two_hops():
    model = reference("depth")
    left = divergences(model, model.language.sample(16, 64, seed=12), "on_site")
    assert left[1] > 0.1 and left[2] < 1e-10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, r: dyson.orders(r, "all"), "'all' is not a split.*one of nothing, mlp, on_site"),
        (lambda m, r: dyson.orders(r, by="head"), "counted by 'step' or 'layer', not 'head'"),
        (lambda m, r: dyson.truncated(r, 9), "Order 9 does not exist; .* orders 0 to 3"),
        (lambda m, r: dyson.law_of(r, r.states[0], "none"), "'renormalised' or 'frozen'"),
        (lambda m, r: dyson.orders(r, gate="half"), "'secant' or 'tangent', not 'half'"),
        (lambda m, r: dyson.law_of(r, np.zeros((9, 8))), r"got \(9, 8\), perhaps from another"),
        (lambda m, r: dyson.missing(r, dyson.orders(random_model(1).run(MONEY))), "another run's"),
        (lambda m, r: dyson.reordered(m, [0, 0, 1]), "a permutation of 0 to 2"),
        (lambda m, r: dyson.reordered(random_model(tied=True), [1, 0, 2]), "nothing to reorder"),
        (lambda m, r: edits.blind(r, "gate", 1, 0), "'gate' is no route"),
        (lambda m, r: edits.blind(r, "key", 0, 1), "writers come first"),
        (lambda m, r: dyson.attribute(r, "dog"), "'dog' is not a word of this model"),
        (lambda m, r: dyson.propagator(random_model(bias=True).run(MONEY)), "adds a constant"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    model = random_model()
    with pytest.raises(LabError, match=message):
        call(model, model.run(MONEY))


@pytest.mark.parametrize("causal", [True, False])
def test_nothing_returns_to_the_last_position_behind_a_mask(causal):
    # The last position's block of the propagator is the product of its own blocks: what went out
    # to other positions cannot come back (self-energy 0). Without the mask some does.
    run = random_model(causal=causal).run("the man paid the coin")
    d, own = run.shape.features, np.eye(run.shape.features)
    for step in run.steps:
        own = own + step.dense()[-d:, -d:] @ own
    returned = abs(dyson.propagator(run)[-d:, -d:] - own).max()
    assert returned < 1e-12 if causal else returned > 1e-3

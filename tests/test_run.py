"""Runs: frozen steps are identities, the record is the plain pass, edits intervene."""

from collections import Counter

import numpy as np
import pytest
import torch
from random_models import MONEY, RIVER, SHAPES, random_model
from torch.utils._python_dispatch import TorchDispatchMode

from operator_lab.corpus import compound
from operator_lab.errors import LabError
from operator_lab.model import Model
from operator_lab.run import LayerRun
from operator_lab.transformer import Transformer


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_frozen_steps_reproduce_the_run(shape):
    run = random_model(**shape).run(MONEY)
    x = run.states[0]
    for s, V in enumerate(run.steps):
        x = x + V(x)
        assert abs(x - run.states[s + 1]).max() < 1e-10
        whole = V.renormed(x + V.on_site(x, 1.0) + V.between(x, 1.0), 1.0) - x
        assert abs(whole - V(x)).max() < 1e-10


@pytest.mark.parametrize("placement", ["pre", "post", "none"])
def test_a_step_without_biases_is_a_matrix(placement):
    run = random_model(norm=placement).run(MONEY)
    for V in run.steps:
        y = np.random.default_rng(0).normal(size=run.states[0].shape)
        assert abs(V.dense() @ y.ravel() - (V @ y).ravel()).max() < 1e-10
        assert abs(V(y) - V @ y).max() < 1e-12


def test_a_step_with_biases_is_affine():
    V = random_model(bias=True).run(MONEY).steps[0]
    with pytest.raises(LabError, match="adds a constant"):
        V @ np.zeros((9, 16))
    with pytest.raises(LabError, match="adds a constant"):
        V.dense()
    x, y = np.random.default_rng(0).normal(size=(2, 9, 16))
    assert abs(V(x) - V(y) - V.apply(x - y, 0.0)).max() < 1e-10
    with pytest.raises(LabError, match=r"shape \(9, 16\) \[position, feature\]; got \(9, 15\)"):
        V(np.zeros((9, 15)))


def test_the_mlp_acts_on_site_and_hops_are_strictly_causal():
    run = random_model().run(MONEY)
    y = np.random.default_rng(1).normal(size=(9, 16))
    for s, V in enumerate(run.steps):
        hop = V.between(y, 1.0)
        assert abs(hop).max() == 0 if s % 2 else abs(hop[1:]).max() > 0
        assert abs(hop[0]).max() == 0  # the first position has nobody to its left


@pytest.mark.parametrize("shape", [{}, dict(norm="post", bias=True)], ids=str)
def test_the_future_changes_nothing(shape):
    endings = "the man paid the coin near the bank", "the man paid the coin at a den"
    a, b = (random_model(**shape).run(sentence) for sentence in endings)
    assert (a.states[:, :6] == b.states[:, :6]).all()
    assert (a.law[:6] == b.law[:6]).all()


class Counted(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls[function.overloadpacket.__name__] += 1
        return function(*args, **(kwargs or {}))


def test_the_record_costs_no_second_pass(monkeypatch):
    model = random_model()
    passes = Counter()
    forward = Transformer.forward
    monkeypatch.setattr(
        Transformer,
        "forward",
        lambda self, *a, **k: (passes.update(["pass"]), forward(self, *a, **k))[1],
    )
    products = []
    for call in (lambda: model.law(model.tokens(MONEY)), lambda: model.run(MONEY)):
        with Counted() as counted:
            call()
        products.append({k: counted.calls[k] for k in ("linear", "matmul", "softmax", "gelu")})
    assert products[0] == products[1] and min(products[0].values()) >= 3
    assert passes["pass"] == 2
    run = model.run(MONEY)
    assert passes["pass"] == 3
    assert len(run.steps) == 6 and run.head_writes.shape == (3, 4, 9, 16)
    assert passes["pass"] == 3  # steps, layers and head writes come from the record


def test_record_and_plain_pass_agree():
    model = random_model(bias=True)
    run = model.run(MONEY)
    assert abs(run.law - model.law(model.tokens(MONEY))).max() < 1e-14
    assert run.words == tuple(f". {MONEY}".split())
    assert repr(run) == "Run: 9 positions, 16 features, 3 layers x 4 heads"
    heads = run.head_writes.sum(1) + [layer.weight("attention.W_O.bias") for layer in run.layers][0]
    assert abs(heads[0] - run.step_writes[0]).max() < 1e-12


def test_arrays_are_read_only_and_a_model_is_a_copy():
    transformer = Transformer(95, features=16)
    model = Model(transformer, compound())
    before = model.run(MONEY)
    with torch.no_grad():
        transformer.W_E.zero_()
    assert (model.run(MONEY).logits == before.logits).all()
    for array in (before.states, before.mixing, before.logits, before.law, before.kept["value", 0]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_batch_is_its_runs():
    model = random_model()
    runs = model.run_batch([MONEY, RIVER])
    for i, sentence in enumerate((MONEY, RIVER)):
        one, many = model.run(sentence), runs[i]
        assert one.words == many.words == runs.words[i]
        for name in ("states", "mixing", "interaction", "head_writes", "law", "step_writes"):
            assert abs(getattr(one, name) - getattr(many, name)).max() < 1e-12
            assert abs(getattr(one, name) - getattr(runs, name)[i]).max() < 1e-12
    x = runs.states[:, 0]
    for V in runs.steps:
        x = x + V(x)
    assert abs(x - runs.states[:, -1]).max() < 1e-10
    assert len(runs) == 2 and repr(runs).startswith("Runs: 2 x Run: 9 positions")
    with pytest.raises(IndexError, match="run 2 does not exist"):
        runs[2]
    with pytest.raises(LabError, match="one matrix per sentence"):
        runs.steps[0].dense()


POINTS = [
    ("state", 6), ("query_input", 2), ("key_input", 0), ("value_input", 1),
    ("interaction", 0), ("mixing", 2), ("head_write", 1), ("step_write", 5),
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_an_edit_intervenes_where_it_says(point):
    model = random_model()
    plain = model.run(MONEY)
    same = model.run(MONEY, edits={point: lambda x: x})
    assert abs(same.logits - plain.logits).max() < 1e-12
    changed = model.run(MONEY, edits={point: lambda x: x * 0.5})
    assert abs(changed.logits - plain.logits).max() > 1e-6
    kept = plain.head_writes[1] if point[0] == "head_write" else plain.kept[point]
    assert abs(changed.kept[point] - 0.5 * kept).max() < 1e-12


def test_switching_a_head_off_takes_its_write_away():
    model = random_model()
    plain = model.run(MONEY)

    def off(x):
        x[2] = 0
        return x

    cut = model.run(MONEY, edits={("head_write", 2): off})
    expected = plain.step_writes[4] - plain.head_writes[2, 2]
    assert abs(cut.step_writes[4] - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({("queries", 0): abs}, r"'queries' is not a point.*near: 'query'.*The points are state"),
        ({("state", 7): abs}, "state is counted from 0 to 6 in this model; got 7"),
        ({("mixing", 3): abs}, "mixing is counted from 0 to 2 in this model; got 3"),
        ({"state": abs}, r'a pair such as \("key_input", 1\)'),
        ({("mixing", 0): lambda x: x[0]}, r"mixing 0 must give back .*same shape \(4, 9, 9\)"),
        ({("mixing", 0): lambda x: None}, "mixing 0 must give back"),
    ],
)
def test_bad_edits_get_one_sentence(edits, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        random_model().run(MONEY, edits=edits)


def test_heads_that_do_not_exist(as_a_learner):
    layer = random_model().run(MONEY).layers[0]
    assert isinstance(layer, LayerRun)
    with pytest.raises(LabError, match="Head 4 does not exist; this layer has heads 0 to 3"):
        layer.mixing(head=4)
    with pytest.raises(LabError, match="Head -1 does not exist"):
        layer.interaction(head=-1)

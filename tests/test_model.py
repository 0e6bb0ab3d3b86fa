"""Models: saved and loaded whole, changed by copy, refused with one sentence."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from operator_lab.corpus import compound
from operator_lab.errors import LabError
from operator_lab.model import Model, divergence
from operator_lab.transformer import Transformer

MONEY = "the man paid the coin at the bank"


def make(**shape):
    return Model(Transformer(95, features=16, hidden=24, **shape), compound(), {"seed": 0})


def test_saved_and_loaded_models_agree(tmp_path):
    model = make(norm="post", bias=True, tau=0.5)
    path = model.save(tmp_path / "ä model.safetensors")
    other = Model.load(path)
    assert (other.run(MONEY).logits == model.run(MONEY).logits).all()
    assert other.card == {"seed": 0} and other.language.name == "compound"
    assert [p.name for p in tmp_path.iterdir()] == ["ä model.safetensors"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = make().save(tmp_path / "m.safetensors")
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError):
        make(seed=1).save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_the_same_weights_but():
    model = make()
    hot = model.replace(tau=float("inf"))
    A = hot.run(MONEY).mixing
    assert abs(A - np.tril(np.ones((9, 9))) / np.arange(1, 10)[:, None]).max() < 1e-6
    assert (model.run(MONEY).logits != hot.run(MONEY).logits).any()
    W = np.zeros_like(model.weights["W_U.weight"])
    flat = model.with_weights({"W_U.weight": W}).law(model.tokens(MONEY))
    assert flat == pytest.approx(1 / 95) and model.weights["W_U.weight"].any()
    assert model.to("float64").run(MONEY).logits.dtype == np.float64


def test_excess_is_the_mean_divergence_from_the_exact_law():
    model = make()
    tokens = compound().sample(16, 32, seed=10**6)
    exact, p = compound().law(tokens), model.law(tokens)
    by_hand = np.where(exact > 0, exact * (np.log(np.maximum(exact, 1e-300)) - np.log(p)), 0)
    assert model.excess(16) == pytest.approx(by_hand.sum(-1).mean())
    assert divergence(exact, exact) == pytest.approx(0, abs=1e-12)
    same = model.excess(16, edits={("mixing", 0): lambda A: A})
    assert same == pytest.approx(model.excess(16), rel=1e-6)


def test_mistakes_get_one_sentence(tmp_path, as_a_learner):
    model = make()
    whole = model.save(tmp_path / "whole.safetensors")
    torn, foreign = tmp_path / "torn.safetensors", tmp_path / "foreign.safetensors"
    torn.write_bytes(whole.read_bytes()[:-100])
    save_file({"w": torch.zeros(2)}, foreign)
    cases = [
        (lambda: Model.load(tmp_path / "none"), "There is no model file"),
        (lambda: Model.load(torn), "is not a whole safetensors file"),
        (lambda: Model.load(foreign), "holds weights of another program"),
        (lambda: model.run("the dog"), "'dog' is not one of the 95 words"),
        (lambda: model.run(""), "The sentence is empty"),
        (lambda: model.run("the " * 40), "has 41 positions .* reads at most 32"),
        (lambda: model.run_batch([]), "non-empty list"),
        (lambda: model.run_batch("the bank"), "for one use model.run"),
        (lambda: model.run_batch(["the bank", "the"]), "2 to 3 positions"),
        (lambda: model.replace(colour=1), "A model has no 'colour'; what can change is vocabulary"),
        (lambda: model.replace(tau=0), "T/T0 = 0 is not positive"),
        (lambda: model.replace(layers=2), "These weights do not fit this shape"),
        (lambda: model.with_weights({"W_X": 1}), "no weight 'W_X'; near: "),
        (lambda: model.to("half"), "'float32' or 'float64', not 'half'"),
    ]
    for call, message in cases:
        with pytest.raises(LabError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)

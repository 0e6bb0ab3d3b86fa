"""Ensembles: resumable, refused when the recipe differs, and what the course says of them."""

import json

import numpy as np
import pytest

from operator_lab import ensembles
from operator_lab.ensembles import Ensemble, excess, run, shipped
from operator_lab.errors import LabError
from operator_lab.training import Recipe

TINY = dict(features=16, heads=2, layers=1, hidden=24)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    rows = {n: Recipe(shape=TINY, steps=s, batch=2, warmup=1) for n, s in (("one", 1), ("two", 2))}
    monkeypatch.setitem(ensembles.ENSEMBLES, "tiny", Ensemble(rows, excess))
    monkeypatch.setattr(ensembles, "DATA", tmp_path)
    return tmp_path


def test_a_run_that_was_cut_short_is_taken_up(tiny, monkeypatch):
    run("tiny", seeds=1, folder=tiny, progress=False)
    first = json.loads((tiny / "tiny.json").read_text())
    trained, train = [], ensembles.train
    monkeypatch.setattr(
        ensembles, "train", lambda recipe, **o: (trained.append(recipe), train(recipe, **o))[1]
    )
    run("tiny", seeds=2, folder=tiny, progress=False)
    assert [r.seed for r in trained] == [1, 1]
    after = json.loads((tiny / "tiny.json").read_text())
    assert after["found"]["one"]["0"] == first["found"]["one"]["0"]
    found = shipped("tiny")
    assert set(found) == {"one", "two"} and all(v.shape == (2,) for v in found.values())


def test_another_recipe_is_refused(tiny, monkeypatch):
    run("tiny", seeds=1, folder=tiny, progress=False)
    other = {"one": Recipe(shape=TINY, steps=5)}
    monkeypatch.setitem(ensembles.ENSEMBLES, "tiny", Ensemble(other, excess))
    with pytest.raises(LabError, match="another recipe .* run 'operator-lab ensemble tiny'"):
        shipped("tiny")


def test_mistakes_get_one_sentence():
    with pytest.raises(LabError, match="no ensemble 'coupling'; near: 'couplings'.*There are"):
        shipped("coupling")
    with pytest.raises(LabError, match="couplings has no 'shares'; it has excess"):
        shipped("couplings", "shares")


def test_a_hermitian_coupling_costs_little_and_no_interaction_more():
    found = shipped("couplings")
    assert all(len(v) == 5 for v in found.values())
    free, spread = found["free"].mean(), found["free"].std(ddof=1)
    assert abs(found["hermitian"].mean() - free) < 2 * spread
    assert found["positive"].mean() > free + 2 * spread
    assert found["infinite temperature"].mean() > 1.4 * free


def test_which_order_leads_depends_on_what_is_free():
    layers = shipped("orders", "layer shares")["trained"]
    assert layers.shape == (5, 5) and (layers[:, 0] < 0.1).all()
    assert (layers.argmax(1) == 2).all()
    assert (shipped("orders", "layer left")["trained"][:, 3] < 0.01).all()
    hops = shipped("orders", "hop sizes")["trained"]
    assert (hops.argmax(1) == 0).all() and (np.diff(hops, axis=1) < 0).all()
    assert (shipped("orders", "hop left")["trained"][:, 1] < 0.02).all()

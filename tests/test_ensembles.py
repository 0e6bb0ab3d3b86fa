"""Ensembles: resumable, refused when the recipe differs, and what the course says of them."""

import json

import numpy as np
import pytest

from operator_lab.ensembles import ENSEMBLES, Ensemble, engine, jobs, run, shipped
from operator_lab.ensembles.measures import excess
from operator_lab.errors import LabError
from operator_lab.training import Recipe

pytestmark = pytest.mark.thorough

TINY = dict(features=16, heads=2, layers=1, hidden=24)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    rows = {n: Recipe(shape=TINY, steps=s, batch=2, warmup=1) for n, s in (("one", 1), ("two", 2))}
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble(rows, excess))
    monkeypatch.setattr(engine, "DATA", tmp_path)
    return tmp_path


def test_a_run_that_was_cut_short_is_taken_up(tiny, monkeypatch):
    run("tiny", seeds=1, folder=tiny, progress=False)
    first = json.loads((tiny / "tiny.json").read_text())
    trained, train = [], jobs.train
    monkeypatch.setattr(
        jobs, "train", lambda recipe, **o: (trained.append(recipe), train(recipe, **o))[1]
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
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble(other, excess))
    with pytest.raises(LabError, match="another recipe .* run 'operator-lab ensemble tiny "):
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


# ---- recipes are compared as recipes, row by row ------------------------------------------------


def test_a_file_that_does_not_state_todays_default_still_holds(tiny):
    path = run("tiny", seeds=1, folder=tiny, progress=False)
    before, content = shipped("tiny"), json.loads(path.read_text())
    for stated in content["recipes"].values():
        del stated["ranks"], stated["decay"]
    path.write_text(json.dumps(content))
    assert shipped("tiny") == before
    content["recipes"]["one"]["temperament"] = "well"
    path.write_text(json.dumps(content))
    with pytest.raises(LabError, match="another recipe .* run 'operator-lab ensemble tiny "):
        shipped("tiny")


def test_rows_with_an_unchanged_recipe_are_kept(tiny, monkeypatch):
    path = run("tiny", seeds=2, folder=tiny, progress=False)
    before = json.loads(path.read_text())["found"]
    one = ENSEMBLES["tiny"].rows["one"]
    held = Recipe(shape=TINY, steps=2, batch=2, warmup=1, ranks={"W_E": 1})
    rows = {"held": held, "two": Recipe(shape=TINY, steps=3, batch=2, warmup=1), "one": one}
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble(rows, excess))
    trained, train = [], jobs.train
    monkeypatch.setattr(
        jobs, "train", lambda recipe, **o: (trained.append(recipe), train(recipe, **o))[1]
    )
    after = json.loads(run("tiny", seeds=2, folder=tiny, progress=False).read_text())["found"]
    assert list(after) == ["held", "two", "one"] and after["one"] == before["one"]
    assert {(r.steps, r.seed) for r in trained} == {(2, 0), (3, 0), (2, 1), (3, 1)}
    assert all(after["two"][s] != before["two"][s] for s in "01")
    run("tiny", seeds=2, folder=tiny, progress=False)
    assert len(trained) == 4  # nothing is left to do


# ---- what notebooks 02 and 07 say ----------------------------------------------------------------


def test_a_low_rank_held_in_training_costs_little_and_the_unembedding_needs_more():
    found = shipped("ranks")
    assert len(found) == 16 and all(v.shape == (5,) for v in found.values())
    names = ("embedding", "unembedding")
    low, high = ({k: f(v) for k, v in found.items()} for f in (np.min, np.max))
    for name in names:  # every seed of the lower rank is worse than every seed of the higher
        for less, more in ((1, 2), (2, 8), (8, 64)):
            assert low[f"{name} {less}"] > 1.2 * high[f"{name} {more}"]
        assert high[f"{name} 16"] < 1.35 * found[f"{name} 64"].mean()
    for rank in (1, 2, 3, 4):
        assert low[f"unembedding {rank}"] > 1.3 * high[f"embedding {rank}"]
    assert found["embedding 2"].mean() < 0.05 and found["unembedding 2"].mean() > 0.3


def test_borns_rule_can_be_trained_and_forbids_words_less_well():
    found, outside = shipped("readouts"), shipped("readouts", "outside")
    assert len(found) == 7 and all(v.shape == (5,) for v in (*found.values(), *outside.values()))
    softmax = ("softmax", "softmax, 128 features")
    born = [name for name in found if name not in softmax]
    assert max(found[n].max() for n in softmax) < 0.02
    for name in born:
        assert 0.045 < found[name].min() and found[name].max() < 0.25
        own = softmax["128" in name]
        assert outside[name].min() > 1.8 * outside[own].max()
    at = [found[f"born, rate {rate}"] for rate in ("0.0005", "0.001", "0.002", "0.005")]
    assert at[0].min() > at[1].max() > at[1].min() > at[2].max()  # too slow a rate
    assert at[3].mean() > at[2].mean() and at[3].std() > at[2].std()  # and too fast a one
    assert found["born, 128 features"].mean() < at[2].mean() - at[2].std(ddof=1)


def test_what_is_watched_in_time_is_kept_with_the_rest(tiny, monkeypatch):
    largest = lambda model: {"largest": float(model.weights["W_E"].max())}  # noqa: E731
    plan = Ensemble(ENSEMBLES["tiny"].rows, largest, watch=largest, looks=(0,))
    monkeypatch.setitem(ENSEMBLES, "tiny", plan)
    run("tiny", 2, tiny, progress=False)
    assert shipped("tiny", "steps")["two"].tolist() == [[0, 2]] * 2  # the last step always
    seen = shipped("tiny", "largest in time")
    assert (seen["one"][:, -1] == shipped("tiny", "largest")["one"]).all()
    assert (seen["one"][:, 0] == seen["two"][:, 0]).all()  # the same initial weights
    assert shipped("tiny", "excess in time")["one"].shape == (2, 2)


def test_operators_appear_in_one_order():
    """Half-way steps over five seeds: 17-18, 77-90, 114-124 and 177-192 (measured)."""
    steps = shipped("becoming", "steps")["trained"][0]
    curve = lambda name: shipped("becoming", f"{name} in time")["trained"]  # noqa: E731
    curves = [
        curve("excess"), curve("hop left")[..., 0], curve("likeness W_U"), curve("likeness W_E"),
    ]  # fmt: skip
    half = []
    for c in curves:
        way = (c - c[:, :1]) / (c[:, -1:] - c[:, :1])
        half.append([np.interp(0.5, np.maximum.accumulate(w), steps) for w in way])
    assert (np.diff(half, axis=0) > 0).all()

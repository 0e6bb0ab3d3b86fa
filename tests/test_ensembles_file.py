"""The file of an ensemble: one text whatever the order, nothing broken read, spreads in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_ensemble as tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_ensemble import ROWS, made

from operator_lab.ensembles import ENSEMBLES, Ensemble, file, jobs, run, shipped, spread
from operator_lab.errors import LabError
from operator_lab.training import Diverged, Recipe


@pytest.fixture(scope="module")
def whole():
    return tiny.whole()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    return tiny.alone(monkeypatch, tmp_path / "kept")


def rewrite(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@settings(max_examples=30)
@given(st.permutations([(row, seed) for row in ROWS for seed in (0, 2, 9, 10, 11)]))
def test_the_text_forgets_the_order(order):
    found = {key: {"sum": key[1] / 3} for key in order}
    text = file.text(ROWS, found)
    assert text == file.text(ROWS, dict(sorted(found.items())))
    content = json.loads(text)
    assert list(content["found"]) == list(content["recipes"]) == ["one", "another"]
    assert list(content["found"]["one"]) == ["0", "2", "9", "10", "11"]


numbers = st.floats() | st.integers() | st.none()


@settings(max_examples=30)
@given(st.dictionaries(st.text(), st.recursive(numbers, st.lists, max_leaves=6)))
def test_a_measurement_is_kept_as_valid_json(measured):
    kept = file.plain(measured)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept == file.plain(kept)
    assert file.plain({"a": np.array([1, np.inf]), "b": np.float32(2)}) == {"a": [1, None], "b": 2}


@pytest.fixture
def two_seeds(folder, whole):
    folder.mkdir()
    (folder / "tiny.json").write_bytes(whole)
    return folder / "tiny.json"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"\xff\xfe", b"{}", b'{"recipes": {}}', b'{"recipes": 1, "found": {}}']
    + [b'{"recipes": {}, "found": {"one": {"first": {}}}}', b'{"recipes": {"one": 3}, "found": {}}']
    + ["half"],
    ids=range(10),
)
def test_a_broken_file_is_refused_and_left_alone(two_seeds, whole, content):
    content = whole[: len(whole) // 2] if content == "half" else content
    two_seeds.write_bytes(content)
    sentence = "tiny.json is not the whole file .*remove it, then run 'operator-lab ensemble tiny "
    with pytest.raises(LabError, match=sentence):
        shipped("tiny", "sum")
    with pytest.raises(LabError, match=sentence):
        run("tiny", 2, two_seeds.parent, progress=False)
    assert two_seeds.read_bytes() == content
    assert list(two_seeds.parent.iterdir()) == [two_seeds]


def test_a_missing_file_and_a_missing_row(folder, whole):
    with pytest.raises(LabError, match="There is no tiny.json yet; run 'operator-lab ensemble"):
        shipped("tiny", "sum")
    made(folder, seeds=1)
    rewrite(folder / "tiny.json", lambda content: content["found"]["another"].clear())
    with pytest.raises(LabError, match="nothing of row 'another' yet; run 'operator-lab ensemble"):
        shipped("tiny", "sum")
    assert made(folder) == whole


def test_a_quantity_that_one_seed_lacks(two_seeds):
    rewrite(two_seeds, lambda content: content["found"]["one"]["1"].pop("law"))
    assert set(shipped("tiny", "sum")) == {"one", "another"}
    with pytest.raises(LabError, match="row 'one' does not have 'law' alike .*; remove it"):
        shipped("tiny", "law")
    rewrite(two_seeds, lambda content: content["found"]["one"]["0"].pop("law"))
    assert set(shipped("tiny", "law")) == {"another"}


@pytest.mark.parametrize(
    "rows, sentence",
    [
        ({"one": replace(ROWS["one"], rate=0.01)}, "in row 'one', rate is 0.005 there and 0.01 h"),
        (
            {"one": Recipe(shape=tiny.SHAPE | {"tau": 2.0}, steps=1, batch=2, warmup=1)},
            "in row 'one', shape tau is not stated there and 2.0 here",
        ),
        ({"third": ROWS["one"]}, "row 'third' is missing"),
    ],
)
def test_the_row_and_the_term_that_differ_are_named(two_seeds, monkeypatch, rows, sentence):
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble(ROWS | rows, tiny.size))
    with pytest.raises(LabError, match=sentence + ".*; run 'operator-lab ensemble tiny --to "):
        shipped("tiny", "sum")
    run("tiny", 2, two_seeds.parent, progress=False)
    assert set(shipped("tiny", "sum")) == set(ROWS | rows)


def test_files_of_other_versions(two_seeds, monkeypatch):
    rewrite(two_seeds, lambda content: content["recipes"]["one"].pop("ranks"))
    assert len(shipped("tiny", "sum")["one"]) == 2  # older than a term: it stood at its default
    rewrite(two_seeds, lambda content: content["recipes"]["one"].update(colour="red"))
    with pytest.raises(LabError, match="colour is 'red' there and not stated here"):
        shipped("tiny", "sum")
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble({"another": ROWS["another"]}, tiny.size))
    with pytest.raises(LabError, match="row 'one' is not in this version"):
        shipped("tiny", "sum")
    run("tiny", 2, two_seeds.parent, progress=False)  # nothing to train, and the row is gone
    assert set(shipped("tiny", "sum")) == {"another"}


def test_a_training_that_diverged_is_a_result(folder, monkeypatch):
    def diverging(recipe, **options):
        if recipe.seed == 1 or recipe.steps == 2:
            raise Diverged("The training diverged.")
        return train(recipe, **options)

    train = jobs.train
    monkeypatch.setattr(jobs, "train", diverging)
    text = made(folder)
    assert b"NaN" not in text and json.loads(text)["found"]["another"] == {"0": None, "1": None}
    law = shipped("tiny", "law")
    assert law["one"].shape == law["another"].shape == (2, 3)
    assert np.isnan(law["one"]).all(1).tolist() == [False, True]
    assert np.isnan(law["another"]).all()
    assert spread("tiny", "law", "one", at=1).endswith(", 1 of 2 seeds")
    assert spread("tiny", "sum", "another") == "no value, 0 of 2 seeds"


def test_the_spread_in_words(two_seeds, as_a_learner):
    def change(content):
        content["found"]["one"] = {
            str(seed): {"sum": value, "law": [0.5, -value], "table": [[1, 2], [3, value]]}
            for seed, value in enumerate((0.0126, 0.0114, 0.0131))
        }
        content["found"]["another"] = {"0": {"sum": 1 / 3, "only here": -1e-9}}

    rewrite(two_seeds, change)
    assert spread("tiny", "sum", "one") == "0.011-0.013, 3 seeds"
    assert spread("tiny", "sum", "one", digits=1) == "0.0, 3 seeds"
    assert spread("tiny", "sum", "another", 2) == "0.33, 1 seed"
    assert spread("tiny", "only here") == "0.000, 1 seed"
    assert spread("tiny", "law", at=0) == "0.500, 3 seeds"
    assert spread("tiny", "law", at=-1, digits=4) == "-0.0131 to -0.0114, 3 seeds"
    assert spread("tiny", "table", at=(1, 1)) == "0.011-0.013, 3 seeds"
    for arguments, sentence in (
        (("sum",), "the rows 'one', 'another'; choose one of them with row=, not None"),
        (("sum", "on"), "choose one of them with row=, not 'on'"),
        (("sum", "one", 3, 0), "'sum' of tiny is one number; leave at=0 out"),
        (("law",), "'law' of tiny is 2 numbers, counted from 0; at=None is none of them"),
        (("law", "one", 3, 2), "at=2 is none"),
        (("law", "one", 3, 0.5), "at must be a whole number"),
        (("table", "one", 3, 0), "is 2 x 2 numbers"),
        (("tabel",), "tiny has no 'tabel'; it has sum, law, table, only here"),
    ):
        with pytest.raises(LabError, match=sentence):
            spread("tiny", *arguments)

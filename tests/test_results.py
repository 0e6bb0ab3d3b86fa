"""Shipped results: what is no number where a number stands is told with its file and its key."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tiny_ensemble as tiny

from operator_lab import pretrained, references, results
from operator_lab import thermodynamics as td
from operator_lab.ensembles import shipped
from operator_lab.errors import LabError
from operator_lab.pretrained import repetition, trip
from operator_lab.thermodynamics import grokking

WRONG = {
    "text": '"0.5"', "True": "true", "a list": "[1.0]", "a table": '{"a": 1}', "NaN": "NaN",
    "infinity": "-Infinity", "beyond all floats": "1e999", "an endless number": "9" * 400,
}  # fmt: skip


def spoiled(path, key: str, text: str) -> None:
    """Put a text in place of the number that stands behind a key."""
    content = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    before, after = content.split(f'"{key}": ', 1)
    end = min(after.index(sign) for sign in ",}]" if sign in after)
    begin = len(after) - len(after.lstrip("["))
    path.write_text(f'{before}"{key}": {after[:begin]}{text}{after[end:]}', encoding="utf-8")


@pytest.fixture
def ensemble(monkeypatch, tmp_path):
    folder = tiny.alone(monkeypatch, tmp_path / "kept")
    folder.mkdir()
    (folder / "tiny.json").write_bytes(tiny.whole())
    return folder / "tiny.json"


@pytest.mark.parametrize("name", WRONG)
def test_an_ensemble_names_what_is_no_number(name, ensemble, as_a_learner):
    spoiled(ensemble, "sum", WRONG[name])
    with pytest.raises(LabError, match=r"tiny.json is not the whole file") as said:
        shipped("tiny", "sum")
    if name not in ("NaN", "infinity"):  # no JSON at all: the whole file is refused
        assert "'sum'" in str(said.value) and "'one'" in str(said.value)


def test_a_recipe_of_another_type_is_another_recipe(ensemble, as_a_learner):
    spoiled(ensemble, "steps", "true")  # equal to 1 in Python
    with pytest.raises(LabError, match="steps is True there and 1 here"):
        shipped("tiny", "sum")


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(
    "home, read",
    [(trip, pretrained.shipped), (trip, pretrained.census), (trip, pretrained.summed),
     (repetition, pretrained.repeated), (trip, pretrained.pictures)],
    ids=["shipped", "census", "summed", "repeated", "pictures"],
)  # fmt: skip
def test_the_field_trip_names_what_is_no_number(
    home, read, name, tmp_path, monkeypatch, as_a_learner
):
    content = json.loads(home.FILE.read_text(encoding="utf-8"))
    part = {"shipped": "results", "repeated": "results", "pictures": "truncations"}.get(
        read.__name__, read.__name__
    )
    inner = content[part][0] if part == "truncations" else next(iter(content[part].values()))
    key = "left" if part == "truncations" else next(iter(inner))
    inner[key] = ["here"]
    text = json.dumps(content).replace('"here"', WRONG[name])
    (tmp_path / home.FILE.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(home, "FILE", tmp_path / home.FILE.name)
    if name == "a list":
        return  # there, a list is numbers as well
    with pytest.raises(LabError, match=f"{home.FILE.name} is missing or damaged") as said:
        read()
    assert name in ("NaN", "infinity") or repr(key) in str(said.value)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(
    "file, read, key",
    [(grokking.LOG, td.grokking_log, "max_C"), (grokking.LOG, td.grokking_log, "step"),
     (grokking.LOG, td.grokking_log, "seed"), (grokking.SWEEP, td.grokking_sweep, "largest")],
)  # fmt: skip
def test_the_runs_of_grokking_name_what_is_no_number(file, read, key, name, tmp_path, as_a_learner):
    path = tmp_path / file.name
    path.write_bytes(file.read_bytes())
    spoiled(path, key, WRONG[name])
    with pytest.raises(LabError, match=f"{file.name} is missing or broken"):
        read(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"compound": 3}', '{"compound": {}}', "null"])
def test_a_damaged_index_of_models_is_told(text, tmp_path, monkeypatch, as_a_learner):
    (tmp_path / "compound.safetensors").write_bytes(
        (references.DATA / "compound.safetensors").read_bytes()
    )
    monkeypatch.setattr(references, "DATA", tmp_path)
    (tmp_path / "models.json").write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match="models.json is missing or damaged"):
        references.reference("compound")


def test_numbers_are_read_as_they_stand():
    assert results.numbers([[1, 2.5], [None, -3]], "x") == pytest.approx(
        np.array([[1, 2.5], [math.nan, -3]]), nan_ok=True
    )
    for wrong in ([1, [2]], [True], "1", {"a": 1}, 10**400):
        with pytest.raises(ValueError, match="^x holds"):
            results.numbers(wrong, "x")

"""Files that were damaged: each reader tells it in one sentence, or reads what is still whole.

Bytes are flipped, cut off and put in at places drawn from a fixed seed; values of the JSON inside
become what they should not be. A file whose weights alone have other bits is a file of other
weights: no checksum is kept, so it may be read.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from random_models import SMALL, random_model
from safetensors import safe_open
from safetensors.torch import save_file

from operator_lab.course import notebooks
from operator_lab.ensembles import file
from operator_lab.errors import LabError
from operator_lab.model import Model
from operator_lab.one_hot import forgetful
from operator_lab.thermodynamics import Grokked, Task, grok, grokking
from operator_lab.training import Recipe, train

WRONG = (None, -1, 10**30, 1e308, "x", "", [], {}, [[None]], {"a": 1}, True, "\ud800", [1] * 50)
RECIPE = Recipe(shape=SMALL | {"layers": 1}, steps=1, batch=2, warmup=1)


def a_model(path: Path) -> Path:
    model = random_model(**SMALL | {"layers": 1, "features": 8, "hidden": 8})
    return Model(model.transformer, forgetful(model.language)).save(path / "a.safetensors")


def a_training(path: Path) -> Path:
    train(RECIPE, folder=path, every=1, progress=False, device="cpu")
    return path / "training.safetensors"


def an_ensemble(path: Path) -> Path:
    target = path / "tiny.json"
    target.write_bytes(file.text({"one": RECIPE}, {("one", 0): {"excess": 1.0}, ("one", 1): None}))
    return target


def a_log(path: Path) -> Path:
    run = grok(Task(p=3, steps=2, features=4, heads=2, hidden=4, every=1), progress=False)
    assert isinstance(run, Grokked)
    return grokking.save([run], path / "log.json")


def a_notebook(path: Path) -> Path:
    cells = [{"cell_type": "code", "source": "1 + 1", "metadata": {}, "outputs": []}]
    target = path / "a.ipynb"
    target.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    return target


def taken_up(path: Path) -> None:
    train(RECIPE, folder=path.parent, every=1, progress=False, device="cpu")


READERS = {
    "model": (a_model, Model.load),
    "training": (a_training, taken_up),
    "ensemble": (an_ensemble, file.read),
    "grokking": (a_log, grokking.grokking_log),
    "notebook": (a_notebook, lambda path: notebooks.clean(notebooks.read(path))),
}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The same bytes with a few flipped, a piece gone, or a piece put in; mostly near the front."""
    at = rng.randrange(min(len(content), rng.choice((64, 600, len(content)))))
    kind = rng.randrange(4)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
    if kind == 2:
        return content[:at] + rng.randbytes(rng.randrange(1, 9)) + content[at:]
    return content[:at] + content[at + rng.randrange(1, 40) :]


def places(value, here=()):
    """Where every value of a JSON text stands."""
    yield here
    listed = enumerate(value[:3]) if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else listed:
        yield from places(part, (*here, key))


def changed(value, place, new):
    """The JSON text with one value replaced."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(value[place[0]], place[1:], new)
    return copy


def faults(read, path: Path, contents) -> list[str]:
    found = []
    for label, content in contents:
        path.write_bytes(content)
        try:
            read(path)
        except LabError as error:
            if len(str(error)) > 700:
                found.append(f"{label}: a sentence of {len(str(error))} characters")
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            found.append(f"{label}: {type(error).__name__}: {str(error)[:80]}")
    return found


@pytest.mark.parametrize("name", READERS)
def test_flipped_and_missing_bytes_are_told(name, tmp_path, count=150):
    make, read = READERS[name]
    path = make(tmp_path)
    content, rng = path.read_bytes(), random.Random(name)
    assert not faults(read, path, [(i, damaged(content, rng)) for i in range(count)])


@pytest.mark.parametrize("name", ["ensemble", "grokking", "notebook"])
def test_values_that_cannot_be_are_told(name, tmp_path):
    make, read = READERS[name]
    path = make(tmp_path)
    good = json.loads(path.read_text())
    cases = [(place, wrong) for place in places(good) for wrong in WRONG]
    cases = random.Random(0).sample(cases, min(len(cases), 400))
    contents = [
        ((place, wrong), json.dumps(changed(good, place, wrong)).encode()) for place, wrong in cases
    ]
    assert not faults(read, path, contents)


@pytest.mark.parametrize("name", ["model", "training"])
def test_headers_that_cannot_be_are_told(name, tmp_path):
    make, read = READERS[name]
    path = make(tmp_path)
    with safe_open(path, framework="pt") as opened:
        header, weights = opened.metadata(), {k: opened.get_tensor(k) for k in opened.keys()}  # noqa: SIM118
    rng, contents, spoiled = random.Random(1), [], tmp_path / "spoiled"
    for key, text in header.items():
        good = json.loads(text)
        cases = [(place, wrong) for place in places(good) for wrong in WRONG if wrong != "\ud800"]
        for place, wrong in rng.sample(cases, min(len(cases), 150)):
            changed_header = header | {key: json.dumps(changed(good, place, wrong))}
            save_file(weights, spoiled, metadata=changed_header)
            contents.append(((key, place, wrong), spoiled.read_bytes()))
    assert not faults(read, path, contents)

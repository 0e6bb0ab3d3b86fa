"""What travels to the page of a living Transformer, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import operator_lab as lab
from operator_lab.figures import tour
from operator_lab.figures.living import ENGINE, MOST, PAGE, packed
from operator_lab.figures.modules import joined
from operator_lab.figures.views import VIEWS
from operator_lab.model import Model
from operator_lab.transformer import Transformer


def small(**shape) -> Model:
    return Model(Transformer(95, **{"hidden": 8, "layers": 1} | shape), lab.corpus.language())


def test_every_weight_travels_as_float32():
    model = lab.reference()
    header, data = packed(model)
    json.dumps(header, allow_nan=False)
    for entry in header["weights"]:
        count = int(np.prod(entry["shape"]))
        found = np.frombuffer(data, "<f4", count, entry["offset"]).reshape(entry["shape"])
        np.testing.assert_array_equal(found, model.weights[entry["name"]])
    assert {entry["name"] for entry in header["weights"]} == set(model.weights)
    assert len(data) == 4 * sum(w.size for w in model.weights.values())


def test_the_grammar_travels_whole():
    language = lab.corpus.language("depth")
    header, _ = packed(Model(Transformer(len(language.words), layers=1), language))
    told = json.loads(json.dumps(header["grammar"]))
    assert told["words"] == list(language.words) and told["holders"] == list(language.holders)
    assert told["stay"] == language.stay and set(told["nodes"]) == set(language.nodes)
    for name, node in language.nodes.items():
        assert told["nodes"][name] == {
            "says": {sense: dict(node.says[sense]) for sense in language.senses},
            "then": dict(node.then),
        }


def test_scripts_are_joined_without_their_imports():
    names = [f"live/{name}.js" for name in (*ENGINE, *PAGE)]
    whole = joined("drawing.js", *names)
    assert not re.search(r"^import\b", whole, re.MULTILINE)
    assert whole.count("export default") == 1
    declared = re.findall(r"^(?:export )?(?:const|let|function) (\w+)", whole, re.MULTILINE)
    assert sorted(declared) == sorted(set(declared))  # one module: no name twice


def test_the_engine_stays_small():
    """The model, the hops, the exact law and the words, in files of one concept."""
    lines = [joined(f"live/{name}.js").count("\n") for name in (*ENGINE, *PAGE)]
    assert sum(lines[: len(ENGINE)]) < 400 and max(lines) < 400


def test_the_first_frame_says_the_excess():
    shown = lab.figures.live(lab.reference(), "the man crossed the water at the bank", head=(1, 3))
    law = lab.reference().run("the man crossed the water at the bank").law[-1]
    exact = lab.corpus.language().law("the man crossed the water at the bank")[-1]
    assert f"{lab.divergence(exact, law):.3f} nats" in shown._still()
    assert shown.header["start"]["head"] == "2.4"
    assert repr(shown).startswith("Living: Model of the compound language")


def test_the_tour_is_told_where_it_is_true():
    assert len(tour.steps(lab.reference())) == 6
    for other in (lab.reference(trained=False), lab.reference("depth"), small()):
        assert tour.steps(other) == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_its_parts_and_its_own_still(view):
    """What is not shown is not sent: neither the tour nor a read-out of the belief."""
    shown = lab.figures.live(lab.reference(), view=view)
    parts = VIEWS[view].parts
    assert "law" in parts and tuple(shown.header["parts"]) == parts
    assert bool(shown.header["tour"]) == ("tour" in parts)
    assert bool(shown.header["belief"]) == ("belief" in parts)
    title = {"hops": "Counted by hops", "lens": "As if the model stopped"}.get(view, "Head 2.3")
    assert shown._first.panels[1].title.startswith(title)


def test_the_belief_is_read_by_one_affine_map_on_other_texts():
    """What travels is a read-out of the last state that holds on texts it has never seen."""
    model, language = lab.reference(), lab.corpus.language()
    read = lab.figures.live(model).header["belief"]
    tokens = language.sample(64, 32, seed=11)
    known = np.isin(language.place(tokens), read["nodes"])
    x, belief = model.run_batch(tokens).states[:, -1][known], language.posterior(tokens)[known]
    found = x @ np.array(read["weights"]) + np.array(read["offset"])
    assert lab.measurement.explained(belief, found) == pytest.approx(read["share"], abs=0.02)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    assert set(read["nodes"]) == {n for n, x in lab.measurement.at_stake(language).items() if x > 0}


def test_where_texts_are_too_few_for_a_state_no_belief_is_read():
    """Two positions a text: fewer places than twice the features."""
    model = small(features=160, context=2)
    assert lab.figures.live(model, "the").header["belief"] is None
    assert lab.figures.live(small(features=16, context=2), "the").header["belief"] is not None


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(model=None), "Give a model, such as lab.reference"),
        (dict(sentence="the dog"), "'dog' is not one of the 95 words"),
        (dict(sentence=7), "A sentence is a string of words, not int"),
        (dict(sentence="coin coin"), "never says 'coin'"),
        (dict(sentence="the man " * 30), "reads at most 32"),
        (dict(head=3), "a pair .layer, head., such as .1, 2.; got 3"),
        (dict(head=(4, 0)), "There is no layer 4; they are counted from 0 to 3"),
        (dict(head=(0, 1.5)), "There is no head 1.5"),
        (dict(view="heat"), "'heat' is no view; near: 'heads'.* There are 'all', 'temperature'"),
        (dict(view=2), "2 is no view"),
        (dict(model=small(layers=0)), "without layers has no head"),
        (dict(model=small(features=512, hidden=1024)), f"a page holds at most {MOST}"),
        (dict(model=small(readout="none")), "encoder"),
        (dict(model=small(parallel=True)), "cannot run this model's parallel"),
        (dict(model=small(norm="both")), "cannot run this model's norm"),
        (dict(model=small(rotation=[0.1])), "cannot run this model's rotation"),
    ],
)
def test_what_is_refused(as_a_learner, given, message):
    arguments = {"model": lab.reference(), "sentence": "the man"} | given
    with pytest.raises(lab.LabError, match=message):
        lab.figures.live(**arguments)


def test_a_text_has_no_exact_law(tmp_path):
    (tmp_path / "own.txt").write_text("to be or not to be " * 200, encoding="utf-8")
    text = lab.corpus.text(tmp_path / "own.txt", unit="words", context=8)
    model = Model(Transformer(len(text.words), context=8, layers=1), text)
    with pytest.raises(lab.LabError, match="Nobody knows the exact law of own"):
        lab.figures.live(model, "to be")

"""Every instrument on every kind of model measures, or says in one sentence why not."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

import operator_lab as lab
from operator_lab import channels, dyson, embedding, mixing, thermodynamics
from operator_lab.errors import LabError
from operator_lab.measurement import generate
from operator_lab.model import Model

pytest.importorskip("tokenizers")
import instruments  # noqa: E402
import model_kinds  # noqa: E402
from model_kinds import FIRST, SECOND  # noqa: E402

FOREIGN = re.compile(r"\w+Error: |gives NaN")


@contextmanager
def as_learners_do():
    """Annotations are not enforced: the walk hears the sentence that a learner hears."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def found():
    with as_learners_do():
        return instruments.walk()


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return model_kinds.kinds(tmp_path_factory.mktemp("kinds"))


@pytest.fixture(params=["GPT-2", "Llama", "own text, words"])
def model(request, known):
    return known[request.param].model


@pytest.mark.thorough
def test_each_measures_or_says_why_not_in_one_sentence(found):
    assert len(found) > 150
    for name, row in found.items():
        for kind, said in row.items():
            assert not FOREIGN.match(said), (name, kind, said)
            assert said == "works" or (said.endswith(".") and "\n" not in said), (name, kind, said)


@pytest.mark.thorough
def test_the_page_is_current(found):
    assert instruments.PAGE.read_text(encoding="utf-8") == instruments.written(found)


def test_another_error_would_be_seen(known):
    """The walk tells a foreign error and a NaN from a sentence."""
    kind = known["GPT-2"]
    assert FOREIGN.match(instruments.outcome(lambda k: k.model.nothing, kind))
    assert FOREIGN.match(instruments.outcome(lambda k: {"a": [np.array([np.nan])]}, kind))
    assert instruments.outcome(lambda k: k.model.run(""), kind).endswith(".")


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["GPT-2", "Llama", "BERT", "BERT, no words", "own text, words"])
def test_a_batch_in_place_of_a_run_is_measured_or_refused(known, kind, as_a_learner):
    kind = replace(known[kind])
    object.__setattr__(kind, "run", kind.model.run_batch(kind.tokens))
    for name, call in instruments.instruments().items():
        said = instruments.outcome(call, kind)
        assert not FOREIGN.match(said), (name, said)


ODD = {
    "one layer": dict(layers=1), "no norm": dict(norm="none"),
    "Born's rule, grouped": dict(readout="born", heads=4, key_heads=2, head_size=4),
    "held together": dict(coupling="hermitian", tied=True, hidden=0, mixing="scaled"),
    "post, RMS": dict(norm="post", rms=True, bias=("W_Q", "W_K"), rotation=(1.0, 0.5, 0.2)),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", ODD)
def test_shapes_that_nobody_has_listed_are_measured_or_refused(name, as_a_learner):
    made = model_kinds.drawn(len(model_kinds.WORDS), **(model_kinds.SIZE | ODD[name]))
    kind = model_kinds.Kind(name, Model(made, model_kinds.tokenizer("your model")))
    for instrument, call in instruments.instruments().items():
        said = instruments.outcome(call, kind)
        assert not FOREIGN.match(said), (instrument, said)


MISPLACED = [
    lambda m: m.run(FIRST, lab.edits.put(m, 2, 99, np.zeros(12))),
    lambda m: m.run(FIRST, lab.edits.put(m, 2, -1, np.zeros(5))),
    lambda m: m.run(FIRST, lab.edits.silence(m, 1, [0], position=99)),
    lambda m: m.run("the dog", lab.edits.swap(m.run(FIRST), m.run(SECOND), 1, [0])),
    lambda m: m.run("the dog", lab.edits.blind(m.run(FIRST), "key", 2, 0)),
    lambda m: channels.said(m, 7, 0),
    lambda m: channels.sought(m, 0, 7),
    lambda m: mixing.temperature_scan(m, ["a"], texts=[FIRST]),
    lambda m: m.loss(5),
    lambda m: m.loss([]),
]


@pytest.mark.parametrize("number", range(len(MISPLACED)))
def test_what_has_no_place_is_one_sentence(number, model, as_a_learner):
    with pytest.raises(LabError) as caught:
        MISPLACED[number](model)
    assert "\n" not in str(caught.value)


def test_texts_may_be_sentences_or_tokens_of_any_length(model):
    tokens = [model.tokens(FIRST), model.tokens("the dog saw")]
    assert model.loss(tokens) == pytest.approx(model.loss([FIRST, "the dog saw"]))
    assert model.loss([list(t) for t in tokens]) == pytest.approx(model.loss(tokens))


# --- what they measure where nobody knows the exact law -------------------------------------------


@pytest.mark.parametrize("words", [None, ("coin", "river"), (["coin", "man"], "dog")])
def test_all_columns_exchanged_are_the_other_sentence(model, words):
    """In units of the model's own difference everything exchanged flips by exactly 1."""
    all_of_them = mixing.exchange(model, FIRST, SECOND, range(8), words)
    assert abs(all_of_them - 1).max() < 1e-9
    last = mixing.exchange(model, FIRST, SECOND, words=words)
    assert abs(last[0]) < 1e-9 and abs(last[-1] - 1) < 1e-9  # both end on the same word


def test_what_is_carried_is_the_change_of_the_words_named(model):
    found = channels.carried(model, FIRST, SECOND, words=("coin", "river"))
    a, b = (model.run(s) for s in (FIRST, SECOND))
    up, down = (model.language.index(w) for w in ("coin", "river"))

    def says(law):
        return law[-1, up] - law[-1, down]

    after = model.run(FIRST, edits=lab.edits.swap(a, b, 1, [1]))
    expected = (says(a.law) - says(after.law)) / (says(a.law) - says(b.law))
    assert found[1, 1] == pytest.approx(expected)


def test_the_loss_is_the_excess_where_it_is_known_and_else_the_cross_entropy(model):
    own = lab.reference()
    assert own.loss(count=8) == own.excess(8)
    texts = [FIRST, "the dog saw"]
    missed = [-np.log(np.diagonal(model.law(t)[:-1, model.tokens(t)[1:]])) for t in texts]
    assert model.loss(texts) == pytest.approx(np.concatenate(missed).mean())
    scan = mixing.temperature_scan(model, [1.0, 2.0], texts=texts)
    assert scan[0] == pytest.approx(model.loss(texts)) != scan[1]
    silent = lab.edits.silence(model, 2, [0])
    assert channels.costs(model, texts=texts)[2, 0] == pytest.approx(
        model.loss(texts, edits=silent)
    )


def test_texts_of_unlike_length_are_cut_for_the_heat(model):
    texts = [FIRST, "the dog saw the man"]
    cut = np.stack([model.tokens(t)[:5] for t in texts])
    assert thermodynamics.heat(model, texts=texts) == thermodynamics.heat(model, texts=cut)


def test_biases_have_a_linear_part(known):
    model = known["GPT-2"].model
    run = model.run("the dog saw")
    x, y = np.random.default_rng(0).normal(size=(2, *run.states[0].shape))
    for V in run.steps:
        assert (
            abs(V(x) - V(y) - (V.dense(linear=True) @ (x - y).ravel()).reshape(x.shape)).max()
            < 1e-9
        )
    carried = run.states[0].ravel()
    for V in run.steps:
        carried = carried + V(carried.reshape(x.shape)).ravel()
    assert abs(carried - run.states[-1].ravel()).max() < 1e-9
    U = dyson.propagator(run, linear=True)
    by_hand = np.eye(x.size)
    for V in run.steps:
        by_hand = by_hand + V.dense(linear=True) @ by_hand
    assert abs(U - by_hand).max() < 1e-12
    assert dyson.exponentials(run).second < dyson.exponentials(run).plain


def test_a_rotated_basis_changes_nothing_where_biases_stand(known):
    model = known["GPT-2"].model
    R = embedding.rotation(12, seed=1, keep=np.ones(12))
    turned = embedding.rotated(model, R)
    assert abs(turned.run(FIRST).logits - model.run(FIRST).logits).max() < 1e-10
    assert abs(turned.run(FIRST).states - model.run(FIRST).states @ R.T).max() < 1e-10


def test_a_text_is_drawn_from_words_or_tokens(model):
    begun = model.tokens("the dog")
    drawn = generate(model, "the dog", 6, temperature=0)
    assert (drawn == generate(model, begun, 6, temperature=0)).all()
    with pytest.raises(LabError, match="say how a text of .* begins"):
        generate(model, length=4)


REFUSED = [
    (lambda m: mixing.contrast(m, FIRST, FIRST), "the same words are possible"),
    (lambda m: mixing.exchange(m, FIRST, FIRST, words=("coin", "dog")), "as likely after both"),
    (lambda m: mixing.contrast(m, FIRST, SECOND, "coin"), "for each sentence: words="),
    (lambda m: mixing.contrast(m, FIRST, SECOND, ("coin", "coin")), "the same words; nothing"),
    (lambda m: mixing.contrast(m, FIRST, SECOND, ("coin", "quark")), "'quark' is n"),
    (lambda m: m.rows("the dog"), "Give several texts in a list"),
    (lambda m: m.rows([]), "Give several texts in a list"),
    (lambda m: m.cross_entropy(["dog"]), "at least two words"),
    (lambda m: m.law(np.zeros(99, int)), "has 99 positions"),
    (lambda m: m.law(np.array([-1])), "Token -1 does not exist"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_cannot_be_is_one_sentence(number, model, as_a_learner):
    call, message = REFUSED[number]
    with pytest.raises(LabError, match=message):
        call(model)


def test_a_model_that_sees_both_ways_expects_nothing(known, as_a_learner):
    with pytest.raises(LabError, match="sees both ways"):
        known["BERT"].model.loss([FIRST])
    with pytest.raises(LabError, match="brings words and no texts"):
        known["Llama"].model.loss()

"""The course's instruments on real shapes: right, or refused in one sentence.

Grouped queries, turned by their place, gated, with RMSNorm (Llama); learned positions with biases
(GPT-2); an encoder (BERT). Random weights, read from checkpoints on disk.
"""

from __future__ import annotations

import numpy as np
import pytest
from random_checkpoints import CONFIGS, TEXT, WORDS, checkpoint
from random_models import MONEY, TURNS, derivative, random_model

import operator_lab as lab
from operator_lab import (
    channels,
    continuum,
    dyson,
    edits,
    embedding,
    layernorm,
    measurement,
    mixing,
    one_hot,
    pretrained,
    pseudospectra,
    resummation,
    thermodynamics,
)
from operator_lab.corpus import Language, Lexicon, Text, compound
from operator_lab.dyson import bare
from operator_lab.errors import LabError
from operator_lab.model import Model
from operator_lab.shape import Shape
from operator_lab.transformer import Transformer

pytest.importorskip("tokenizers")
KINDS = tuple(CONFIGS)
SHORT = " ".join(TEXT.split()[:5])


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return {k: lab.load(checkpoint(folder / k, k, seed=1), "float64") for k in KINDS}


@pytest.fixture(params=KINDS)
def model(request, models):
    return models[request.param]


# --- the whole Jacobian ---------------------------------------------------------------------------


def test_the_jacobian_of_a_real_model_is_its_derivative(model):
    run = model.run(SHORT)
    expected = derivative(model, run)
    assert abs(dyson.jacobian(run) - expected).max() < 1e-10 * abs(expected).max()


# --- eps, choices, precision ----------------------------------------------------------------------


def test_the_bare_series_of_gpt2_has_its_eps(tmp_path):
    folder = checkpoint(tmp_path, "gpt2", activation_function="gelu", layer_norm_epsilon=0.1)
    run = lab.load(folder, "float64").run(SHORT)
    assert abs(bare.at(run, [1.0]).x[0].real - run.states[-1]).max() < 1e-10


CHANGES = [
    dict(mixing="scaled"), dict(mixing="raw"), dict(coupling="hermitian"), dict(tied=True),
    dict(values=False), dict(readout="born"), dict(readout="none"), dict(readout="softmax"),
    dict(norm="post"), dict(norm="none"), dict(norm="pre"), dict(rms=False), dict(rms=True),
    dict(gated=False), dict(gated=True), dict(rotation=()), dict(causal=False), dict(causal=True),
    dict(key_heads=1), dict(key_heads=None), dict(heads=1), dict(head_size=None), dict(tau=2.0),
    dict(eps=0.5), dict(bias=False), dict(activation="relu"), dict(start_norm=False),
    dict(start_norm=True), dict(damped=False),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_takes_effect_or_is_refused(change, model):
    (name, value), same = next(iter(change.items())), model.run(TEXT)
    as_before = getattr(model.shape, name) == value
    try:
        other = model.replace(**change)
    except LabError as error:
        assert not as_before and "\n" not in str(error)
        return
    run, moved = other.run(TEXT), as_before or name in ("key_heads", "head_size")
    changed = abs(run.states - same.states).max() > 1e-6
    changed = changed or (run.logits.size > 0 and abs(run.logits - same.logits).max() > 1e-6)
    assert changed or moved


def test_nothing_widens_single_precision(model):
    run = model.to("float32").run(SHORT)
    step, layer = run.steps[0], run.layers[0]
    made = {
        "states": run.states, "heads": run.head_writes, "between": step.between(run.states[0], 1.0),
        "on site": step.on_site(run.states[0], 1.0), "orders": dyson.orders(run),
        "jacobian": dyson.jacobian(run), "coupling": mixing.coupling(layer, 0),
        "transfer": mixing.transfer(layer, 0), "W_Q": layer.W_Q,
        "MLP": run.steps[1](run.states[1]), "tangent": run.frozen("tangent")[1](run.states[1]),
    }  # fmt: skip
    if model.shape.readout != "none":
        made |= {"lens": measurement.lens(run), "law": run.law}
    if not step.constants():
        made |= {"dense": step.dense(), "propagator": dyson.propagator(run)}
    assert {name: a.dtype for name, a in made.items() if a.dtype != np.float32} == {}


# --- Model ----------------------------------------------------------------------------------------


def test_a_real_model_is_saved_with_its_tokenizer(model, tmp_path):
    again = lab.load(model.save(tmp_path / "mine.safetensors"))
    assert isinstance(again, Model) and again.shape == model.shape
    assert abs(again.run(TEXT).states - model.run(TEXT).states).max() == 0
    assert again.language.words == model.language.words and again.card == model.card
    assert repr(again) == repr(model)


def test_shared_embeddings_stay_shared_on_disk_and_in_memory(tmp_path):
    shape = Shape(95, features=8, heads=2, hidden=8, layers=1)
    made = Transformer(95, features=8, heads=2, hidden=8, layers=1)
    weights = made.weights() | {"W_U.weight": made.weights()["W_E"]}
    model = Model(Transformer.holding(shape, weights), compound())
    path = model.save(tmp_path / "tied")
    for one in (model, Model.load(path), model.to("float64"), model.replace(tau=0.5)):
        assert np.shares_memory(one.weights["W_E"], one.weights["W_U.weight"])
    apart = model.with_weights({"W_E": np.zeros((95, 8))})
    assert apart.weights["W_U.weight"].any() and not apart.weights["W_E"].any()


def test_a_batch_is_its_runs(model):
    tokens = np.array([[3, 4, 5, 6], [7, 8, 9, 10]])
    runs = model.run_batch(tokens)
    for i, row in enumerate(tokens):
        assert abs(runs[i].states - model.run(row).states).max() < 1e-12


def test_every_language_is_a_lexicon(models):
    text = Text("a", "words", ("x", "y"), 4, np.zeros(9, int))
    for language in (compound(), text, models["llama"].language):
        assert isinstance(language, Lexicon)
    assert isinstance(compound(), Language)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_word_by_word_is_the_whole_text(kind, models):
    model = models[kind]
    tokens = model.tokens(TEXT)
    law, cache = measurement.read(model, tokens)
    assert abs(law - model.run(tokens).law[-1]).max() < 1e-12
    assert cache.position == len(tokens)
    s = model.shape  # shared heads of keys are carried once
    assert cache.numbers == 2 * s.layers * len(tokens) * s.d_k * s.heads // s.group
    drawn = measurement.generate(model, "the man", 9, temperature=0)
    assert (drawn[0, 2:] == model.law(drawn[0])[1:-1].argmax(-1)).all()


def test_a_gauge_moves_the_heads_that_share_it_and_their_biases():
    rng = np.random.default_rng(0)
    for shape in (dict(key_heads=2), dict(bias=True), dict(key_heads=1, bias=True)):
        model = random_model(**shape)
        M = rng.normal(size=(4, 4))
        other = mixing.regauged(model, 1, 2, M)
        assert abs(other.run(MONEY).states - model.run(MONEY).states).max() < 1e-9
    with pytest.raises(LabError, match="W_Q and W_K of their own"):
        mixing.regauged(random_model(rotation=TURNS), 0, 0, np.eye(4))


def test_a_rotated_basis_changes_nothing_in_a_gated_model():
    model = random_model(rms=True, gated=True, rotation=TURNS, key_heads=2)
    turned = embedding.rotated(model, embedding.rotation(16, seed=1))
    assert abs(turned.run(MONEY).logits - model.run(MONEY).logits).max() < 1e-10


# --- every instrument -----------------------------------------------------------------------------

INSTRUMENTS = {
    "mixing.couplings": lambda m, r: mixing.couplings(r),
    "mixing.update_sizes": lambda m, r: mixing.update_sizes(r),
    "mixing.between_share": lambda m, r: mixing.between_share(r.steps[0]),
    "edits.symmetrise": lambda m, r: m.run(TEXT, edits.symmetrise(m)).states,
    "mixing.exchange": lambda m, r: mixing.exchange(m, "the man", "the dog"),
    "mixing.contrast": lambda m, r: mixing.contrast(m, "the man", "the dog"),
    "mixing.temperature_scan": lambda m, r: mixing.temperature_scan(m, [1.0], 2),
    "mixing.regauged": lambda m, r: mixing.regauged(m, 0, 0, np.eye(m.shape.d_k)).weights["W_E"],
    "channels.subspace": lambda m, r: channels.subspace(r.layers[1], 1, "key"),
    "channels.overlaps": lambda m, r: channels.overlaps(r.layers[1], "write"),
    "channels.operator": lambda m, r: channels.operator(r.layers[1]),
    "edits.flatten": lambda m, r: m.run(TEXT, edits.flatten(m, 1)).states,
    "channels.costs": lambda m, r: channels.costs(m, 2),
    "channels.carried": lambda m, r: channels.carried(m, "the man", "the dog"),
    "dyson.propagator": lambda m, r: dyson.propagator(r),
    "dyson.exponentials": lambda m, r: dyson.exponentials(r).second,
    "dyson.missing": lambda m, r: dyson.missing(r, dyson.orders(r)),
    "dyson.truncated": lambda m, r: dyson.truncated(r, 1),
    "dyson.attribute": lambda m, r: dyson.attribute(r, "dog").total,
    "edits.blind": lambda m, r: m.run(TEXT, edits.blind(r, "key", 2, 0)).states,
    "dyson.reordered": lambda m, r: dyson.reordered(m, [2, 1, 0]).run(TEXT).states,
    "bare.at": lambda m, r: bare.at(r, [0.1]).x.real,
    "measurement.lens": lambda m, r: measurement.lens(r),
    "measurement.generate": lambda m, r: measurement.generate(m, "the man", 5),
    "measurement.generate default": lambda m, r: measurement.generate(m, length=5),
    "measurement.boundary": lambda m, r: measurement.boundary(m, m.tokens(TEXT)[None], [1, 2])[1],
    "thermodynamics.energies": lambda m, r: thermodynamics.heat_curves(r),
    "thermodynamics.heat": lambda m, r: thermodynamics.heat(m, 2),
    "layernorm.iterated": lambda m, r: layernorm.iterated(m, TEXT, 2),
    "pseudospectra.jacobians": lambda m, r: pseudospectra.jacobians(m, TEXT),
    "pseudospectra.raw": lambda m, r: pseudospectra.raw(r),
    "continuum.velocities": lambda m, r: continuum.velocities(m)[0](r.states[0], 0.0),
    "continuum.refined": lambda m, r: continuum.refined(m, 2).run(TEXT).states,
    "continuum.likeness": lambda m, r: continuum.likeness(m)["W_1"],
    "continuum.as_an_ode": lambda m, r: continuum.as_an_ode(m),
    "resummation.layer_map": lambda m, r: resummation.layer_map(m, TEXT)[1],
    "resummation.scaled": lambda m, r: resummation.scaled(m, 0.5).weights["W_E"],
    "resummation.expansion": lambda m, r: resummation.expansion(r).coefficients,
    "embedding.vectors": lambda m, r: embedding.vectors(m),
    "embedding.bras": lambda m, r: embedding.bras(m),
    "embedding.rotated": lambda m, r: embedding.rotated(m, np.eye(12)).weights["W_E"],
    "one_hot.relabelled": lambda m, r: one_hot.relabelled(m, np.arange(14)).weights["W_E"],
    "excess": lambda m, r: m.excess(2),
    "cross_entropy": lambda m, r: m.cross_entropy(TEXT),
    "couplings": lambda m, r: pretrained.couplings(m).departure,
    "raw_and_centred": lambda m, r: pretrained.raw_and_centred(r),
    "damping": lambda m, r: pretrained.damping(r),
    "onsite": lambda m, r: pretrained.onsite_energies(r),
    "reading": lambda m, r: pretrained.reading(r, r.states).left,
    "truncation": lambda m, r: pretrained.truncation(m, TEXT)["laws"],
    "silenced": lambda m, r: pretrained.falls(m, TEXT, "man", "dog"),
}


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_an_instrument_measures_or_says_why_not(name, model):
    try:
        found = INSTRUMENTS[name](model, model.run(TEXT))
    except LabError as error:
        assert str(error) and "\n" not in str(error)
        return
    for part in found.values() if isinstance(found, dict) else [found]:
        assert np.isfinite(np.asarray(part, dtype=float)).all()


# --- the door -------------------------------------------------------------------------------------


def test_one_door_for_files_folders_and_names(tmp_path, as_a_learner):
    folder = checkpoint(tmp_path / "folder", "bert")
    saved = lab.reference("depth").save(tmp_path / "mine")
    assert lab.load(saved).language.name == "depth"
    for place in (folder, str(folder), folder / "model.safetensors"):
        assert lab.load(place).run(TEXT).states.dtype == np.float32
    assert lab.load is pretrained.load
    for given, message in (
        (
            "smolm2",
            "neither 'smollm2', 'minilm' nor a file or folder here; near: 'smollm2', .* lab.ref",
        ),
        (tmp_path / "none.safetensors", "There is no folder"),
    ):
        with pytest.raises(LabError, match=message):
            lab.load(given)


def test_words_are_not_tokens_of_another_model(models, as_a_learner):
    with pytest.raises(LabError, match="Token 14 does not exist; this model has tokens 0 to 13"):
        models["llama"].run(np.array([WORDS.index("the"), 14]))

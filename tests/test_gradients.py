"""Gradients of a read-out at every point: against finite differences and exact patching."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from random_models import MONEY, RIVER, random_model

import operator_lab as lab
from operator_lab.errors import LabError
from operator_lab.transformer import POINTS, places
from operator_lab.transformer import note as points

KINDS = {
    "the course's": {},
    "GPT-2": dict(bias=True, activation="gelu_tanh"),
    "Llama": dict(rms=True, gated=True, activation="silu", key_heads=2, rotation=(0.9, 0.2)),
    "BERT": dict(norm="post", bias=True, causal=False, start_norm=True, readout="none"),
    "tied, no norm": dict(tied=True, norm="none"),
}


@pytest.fixture(params=KINDS)
def model(request):
    return random_model(**KINDS[request.param])


def readout(model):
    """Any weights of what is read."""
    s = model.shape
    count = s.features if s.readout == "none" else s.vocabulary
    return np.random.default_rng(5).normal(size=count)


def read(model, edits, position=-1):
    run = model.run(MONEY, edits)
    what = run.states[-1] if model.shape.readout == "none" else run.logits
    return what[position] @ readout(model)


@pytest.mark.parametrize("name", POINTS)
def test_the_slope_is_that_of_finite_differences(model, name):
    if not places(name, model.shape):
        with pytest.raises(LabError, match=f"has no {name}; its points are state, "):
            model.gradients(MONEY, readout(model), name)
        return
    every = model.gradients(MONEY, readout(model), name)
    assert len(every) == places(name, model.shape)
    rng, index = np.random.default_rng(1), len(every) // 2
    slope = model.gradients(MONEY, readout(model), (name, index))
    assert np.array_equal(slope, every[index])
    way = rng.normal(size=slope.shape) * (
        np.tri(9) if name == "mixing" and model.shape.causal else 1
    )
    step = 1e-5
    up, down = (read(model, {(name, index): lambda x, h=h: x + h * way}) for h in (step, -step))
    expected = (up - down) / (2 * step)
    assert (slope * way).sum() == pytest.approx(expected, rel=1e-6, abs=1e-7)
    assert abs(slope).max() > 1e-6


def test_every_point_is_kept_and_may_be_changed(model):
    """One rule: what has a name can be read, edited and differentiated."""
    plain = model.run(MONEY)
    for name in POINTS:
        for index in range(places(name, model.shape)):
            seen = []
            edit = {(name, index): lambda x, seen=seen: seen.append(x.shape) or 0.5 * x}
            changed = model.run(MONEY, edits=edit)
            assert (name, index) in changed.kept and len(seen) == 1
            if name != "head_write":  # which is made on demand
                assert abs(changed.kept[name, index] - 0.5 * plain.kept[name, index]).max() < 1e-12
            # an interaction matters unless a query has one key; a last point is read out itself
            last = name == "state" and index == 2 * model.shape.layers
            assert (
                last
                or abs(changed.states[-1] - plain.states[-1]).max() > 1e-9
                or (name == "readout_input")
            )


def test_the_names_of_a_models_points_are_those_of_the_rule():
    told = re.findall(r"^    (\w+)  .*\[", points.__doc__, flags=re.MULTILINE)
    assert tuple(told) == POINTS


@pytest.mark.parametrize("kind", ["the course's", "GPT-2", "Llama"])
def test_attribution_patching_is_patching_to_first_order(kind):
    """Three lines; and for a small part of the change it is what patching does."""
    model = random_model(**KINDS[kind])
    slope = model.gradients(MONEY, ("vault", "reeds"), "head_write")
    change = model.run(RIVER).head_writes - model.run(MONEY).head_writes
    share = (slope * change).sum((-1, -2))  # [layer, head]

    def exact(layer, head, part):
        def moved(writes):
            writes[head] += part * change[layer, head]
            return writes

        logits = model.run(MONEY, {("head_write", layer): moved}).logits[-1]
        vault, reeds = (model.language.index(w) for w in ("vault", "reeds"))
        return logits[vault] - logits[reeds]

    for layer, head in np.ndindex(share.shape):
        found = [(exact(layer, head, h) - exact(layer, head, 0.0)) / h for h in (1e-4, 2e-4)]
        assert 2 * found[0] - found[1] == pytest.approx(share[layer, head], rel=1e-5, abs=1e-8)


def test_a_word_alone_is_held_against_the_mean_and_a_run_has_its_shares():
    model = random_model()
    alone = model.gradients(MONEY, "vault", ("readout_input", 0))
    W_U = model.weights["W_U.weight"]
    assert np.allclose(alone[-1], W_U[model.language.index("vault")] - W_U.mean(0))
    assert not alone[:-1].any()
    early = model.gradients(MONEY, "vault", "state", position=3)
    assert not early[:, 4:].any() and early[0, :4].any()  # nothing later is seen


def test_what_is_patched_is_neurons_too():
    """Silencing one neuron, foretold: exact where only the last layer's writes follow linearly."""
    model = random_model(norm="none")
    slope = model.gradients(MONEY, ("vault", "reeds"), ("neuron", 2))
    run = model.run(MONEY)

    def silent(neurons):
        neurons[-1, 3] = 0.0
        return neurons

    up, down = (model.language.index(w) for w in ("vault", "reeds"))
    after = model.run(MONEY, {("neuron", 2): silent}).logits[-1]
    lost = (run.logits[-1, up] - run.logits[-1, down]) - (after[up] - after[down])
    assert lost == pytest.approx(slope[-1, 3] * run.kept["neuron", 2][-1, 3], rel=1e-9)


REFUSED = [
    (("dog", "state"), "'dog' is not one of the 95 words"),
    ((("vault", "the", "a"), "state"), "a word, two words, or the weights of the 95 logits"),
    ((np.ones(3), "state"), r"of the 95 logits; got an array of shape \(3,\)"),
    ((3, "state"), "weights of the 95 logits; got 3"),
    ((["vault", 2], "state"), "weights of the 95 logits; got"),
    (("vault", "stat"), "'stat' is not a point .* near: 'state'"),
    (("vault", ("state", 7)), "state is counted from 0 to 6"),
    (("vault", 3), "named by a pair"),
    (("vault", "gate"), "This model has no gate; its points are state"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=str)
def test_what_has_no_slope_is_one_sentence(given, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        random_model().gradients(MONEY, *given)
    with pytest.raises(LabError, match="There is no position 9"):
        random_model().gradients(MONEY, "vault", "state", position=9)


def test_an_encoder_is_read_from_its_last_state(as_a_learner):
    model = random_model(**KINDS["BERT"])
    with pytest.raises(LabError, match="model is the weights of the 16 numbers of the last"):
        model.gradients(MONEY, np.ones(95), "state")
    with pytest.raises(LabError, match="model is the weights of the 16 numbers of the last"):
        model.gradients(MONEY, "vault", "state")
    last = model.gradients(MONEY, np.arange(16.0), ("state", 6), position=2)
    assert np.array_equal(last[2], np.arange(16.0)) and not np.delete(last, 2, 0).any()


def test_the_page_for_ml_engineers_has_the_three_lines():
    page = Path(__file__).resolve().parent.parent / "course" / "for_ml_engineers.md"
    assert "model.gradients(money, " in page.read_text(encoding="utf-8")
    assert lab.Model.gradients.__doc__

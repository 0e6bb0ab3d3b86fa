"""Heads as channels: the operator is the step, Schmidt ranks, overlaps, silencing and exchange."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import MONEY, RIVER, SHAPES, random_model
from scipy.linalg import subspace_angles

import operator_lab as lab
from operator_lab import channels, edits
from operator_lab.errors import LabError
from operator_lab.figures import channels as pictures

REFERENCE = lab.reference()


@pytest.mark.parametrize("norm", ["pre", "none"])
def test_the_operator_is_what_the_attention_writes(norm):
    run = random_model(norm=norm).run(MONEY)
    for layer in run.layers:
        step = 2 * layer.index
        write = channels.operator(layer) @ run.states[step].ravel()
        assert np.allclose(write, run.step_writes[step].ravel(), atol=1e-10)
        parts = sum(channels.operator(layer, [h]) for h in range(run.shape.heads))
        assert np.allclose(parts, channels.operator(layer), atol=1e-10)


def test_a_layer_has_at_most_as_many_schmidt_channels_as_heads():
    run = random_model().run(MONEY)
    heads, N = run.shape.heads, len(run.words)
    for layer in run.layers:
        sizes = channels.schmidt(channels.operator(layer), N)
        assert np.isclose((sizes**2).sum(), 1)
        assert sizes[heads:].max() < 1e-12 < sizes[heads - 1]
        assert 1 <= channels.effective_count(sizes) <= heads
        (one, *rest) = channels.schmidt(channels.operator(layer, [0]), N)
        assert np.isclose(one, 1) and max(rest) < 1e-12


def test_schmidt_values_of_a_known_sum():
    rng = np.random.default_rng(0)
    a = np.linalg.qr(rng.normal(size=(9, 2)))[0].T.reshape(2, 3, 3)  # orthonormal matrices
    w = np.linalg.qr(rng.normal(size=(16, 2)))[0].T.reshape(2, 4, 4)
    M = 3 * np.kron(a[0], w[0]) + 4 * np.kron(a[1], w[1])
    assert np.allclose(channels.schmidt(M, 3)[:3], [0.8, 0.6, 0], atol=1e-12)
    assert np.isclose(channels.effective_count(np.array([1.0, 1.0, 0.0])), 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 7), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_overlap_is_the_mean_squared_cosine_of_the_principal_angles(extra, k, m, seed):
    rng = np.random.default_rng(seed)
    d = max(k, m) + extra
    A, B = (np.linalg.qr(rng.normal(size=(d, n)))[0] for n in (k, m))
    found = channels.overlap(A, B)
    assert np.isclose(found, (np.cos(subspace_angles(A, B)) ** 2).mean(), atol=1e-8)
    assert np.isclose(found, channels.overlap(B, A)) and np.isclose(channels.overlap(A, A), 1)


def test_random_spaces_overlap_by_their_dimension_and_trained_ones_more():
    rng = np.random.default_rng(1)
    bases = [np.linalg.qr(rng.normal(size=(64, 16)))[0] for _ in range(60)]
    found = [channels.overlap(a, b) for a, b in zip(bases[::2], bases[1::2], strict=True)]
    assert abs(np.mean(found) - 0.25) < 0.02
    written = lab.ensembles.shipped("core", "overlap write")
    assert (written["trained"] > 0.32).all() and (abs(written["untrained"] - 0.25) < 0.01).all()


def test_blocks():
    inside = np.kron(np.eye(4), np.ones((3, 3)))
    assert channels.off_block(inside, 4) == 0 and channels.off_block(np.ones((12, 12)), 4) == 0.75
    off = lab.ensembles.shipped("core", "off block")["trained"]
    assert (abs(off - 0.75) < 0.02).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_silencing_every_head_takes_the_whole_write_away(shape):
    model = random_model(**shape)
    heads = range(model.transformer.shape.heads)
    mute = model.run(MONEY, edits=edits.silence(model, 0, heads))
    bias = mute.layers[0].weight("attention.W_O.bias")  # what is left where there is one
    assert np.allclose(mute.kept["step_write", 0], 0.0 if bias is None else bias, atol=1e-10)
    mean = model.run(RIVER).head_writes[0]
    other = model.run(MONEY, edits=edits.silence(model, 0, [1], mean))
    assert np.allclose(other.head_writes[0, 1], mean[1])
    assert np.allclose(other.head_writes[0, 0], model.run(MONEY).head_writes[0, 0])


def test_exchanging_with_oneself_changes_nothing_and_with_another_gives_its_write():
    model = random_model()
    one, other = model.run(MONEY), model.run(RIVER)
    same = model.run(MONEY, edits=edits.swap(one, one, 0, [0, 1]))
    assert np.allclose(same.logits, one.logits, atol=1e-10)
    moved = model.run(MONEY, edits=edits.swap(one, other, 0, [1]))
    assert np.allclose(moved.head_writes[0, 1], other.head_writes[0, 1])


def test_the_costliest_head_carries_nothing_of_the_sense():
    costs = lab.ensembles.shipped("core", "silenced")["trained"]
    carries = lab.ensembles.shipped("core", "carried")["trained"]
    seeds = range(len(costs))
    assert len(costs) == 5
    assert (abs(carries[seeds, costs.argmax(1)]) < 0.05).all() and (carries.max(1) > 0.1).all()
    quick = REFERENCE.to("float32")
    silenced, carried = channels.costs(quick, 48), channels.carried(quick, MONEY, RIVER)
    costliest = np.unravel_index(silenced.argmax(), silenced.shape)
    assert abs(carried[costliest]) < 0.02 < 0.3 < carried.max()


def test_one_head_does_as_well_as_sixteen():
    found = lab.ensembles.shipped("heads")
    means = [values.mean() for values in found.values()]
    spread = max(values.std(ddof=1) for values in found.values())
    assert max(means) - min(means) < 2 * spread


def test_a_pattern_of_full_rank_is_left_alone():
    model = random_model()
    one = model.run(MONEY)
    cut = model.run(MONEY, edits=edits.flatten(model, len(one.words)))
    assert np.allclose(cut.logits, one.logits, atol=1e-9)
    low = model.run(MONEY, edits=edits.flatten(model, 2)).mixing
    assert np.linalg.matrix_rank(low[0, 0], tol=1e-9) == 2


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_few_products_are_the_nearest_sum_of_so_many(norm):
    model = random_model(norm=norm)
    run = model.run(MONEY)
    heads, W = run.shape.heads, channels.messages(run.layers[0])
    M = np.einsum("hij,hab->ijab", run.mixing[0], W).reshape(run.mixing.shape[-1] ** 2, -1)
    for count in range(1, heads + 1):
        kept = model.run(MONEY, edits=channels.few_products(model, count, layers=[0])).mixing[0]
        found = np.einsum("hij,hab->ijab", kept, W).reshape(M.shape)
        U, sizes, Vh = np.linalg.svd(M, full_matrices=False)
        assert np.allclose(found, (U[:, :count] * sizes[:count]) @ Vh[:count], atol=1e-9)
    assert np.allclose(kept, run.mixing[0], atol=1e-9)  # all of them: nothing is changed


def test_a_null_chooses_by_other_patterns():
    model = random_model()
    A = model.run(MONEY).mixing[0]
    mixed = channels.scrambled(A)
    assert np.allclose(np.sort(mixed, -1), np.sort(A, -1)) and not np.triu(mixed, 1).any()
    assert not np.allclose(mixed, A) and (channels.scrambled(A) == mixed).all()
    by_others = channels.few_products(model, 2, patterns=channels.scrambled, layers=[0])
    own = channels.few_products(model, 2, layers=[0])
    first, second = (edits["mixing", 0](A) for edits in (by_others, own))
    assert not np.allclose(first, second)
    W = channels.messages(model.run(MONEY).layers[0])
    products = np.einsum("hij,hab->ijab", first, W).reshape(A.shape[-1] ** 2, -1)
    assert np.linalg.matrix_rank(products, tol=1e-9) == 2


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_heads_through_the_vocabulary_are_what_one_layer_does_to_bare_words(norm):
    model = random_model(norm=norm, hidden=0, layers=1)
    flat = model.with_weights({"W_P": np.zeros_like(model.weights["W_P"])})
    tokens = np.arange(9)
    run, T = flat.run(tokens), flat.transformer.shape.T0
    bras = lab.embedding.bras(flat)
    for head in range(run.shape.heads):
        expected = run.interaction[0, head] / T
        assert np.allclose(channels.sought(flat, 0, head)[:9, :9], expected, atol=1e-10)
        for word in (3, 7):  # position 0 reads itself alone
            write = bras @ flat.run(np.array([word])).head_writes[0, head, 0]
            said = channels.said(flat, 0, head)[:, word]
            assert np.allclose(said, write - write.mean(), atol=1e-10)


@pytest.mark.thorough
def test_the_switches_say_what_the_arrays_say():
    picture = pictures.switches(REFERENCE, MONEY)
    assert picture.nbytes < 300_000 and "Layer 2, head 4 silenced" in picture.text
    picture.index = 0
    assert "no head silenced: the law here moves by 0.00 nats" in picture.text
    picture.ask(RIVER)
    assert "no head silenced" in picture.text
    before = picture.text
    with pytest.raises(LabError, match="not one of the 95 words"):
        picture.ask("the dog")
    assert picture.text == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, r: edits.silence(m, 0, []), "Name each head once, at least one; .* 0 to 3"),
        (lambda m, r: edits.silence(m, 0, [4]), "There is no head 4; .* 0 to 3"),
        (lambda m, r: channels.operator(r.layers[0], [0, 0]), "Name each head once"),
        (lambda m, r: channels.subspace(r.layers[0], 5, "write"), "Head 5 does not exist"),
        (lambda m, r: channels.subspace(r.layers[0], 0, "output"), "query, key, value, write"),
        (
            lambda m, r: channels.overlap(np.ones((3, 1)), np.ones((4, 1))),
            "its d must be 3, as in A",
        ),
        (lambda m, r: channels.overlap(np.ones((3, 1)), np.ones((3, 1))), "orthonormal columns"),
        (lambda m, r: channels.off_block(np.ones((4, 4)), 3), "3 blocks divide"),
        (lambda m, r: channels.schmidt(np.ones((4, 4)), 3), r"\(N d\) x \(N d\)"),
        (lambda m, r: edits.flatten(m, 0), "from 1 to .*; got 0"),
        (lambda m, r: edits.swap(r, m.run("the man"), 0, [0]), "same number of positions"),
        (lambda m, r: channels.few_products(m, 0), "products must be .* from 1 to 4; got 0"),
        (lambda m, r: channels.said(m, 0, 4), "Head 4 does not exist"),
        (lambda m, r: channels.sought(m, 0, 9), "Head 9 does not exist"),
        (
            lambda m, r: channels.operator(random_model(norm="post").run(MONEY).layers[0]),
            "norm before the attention",
        ),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    model = random_model()
    with pytest.raises(LabError, match=message):
        call(model, model.run(MONEY))

"""Measurement: laws, words and texts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_models import MONEY, RIVER, SHAPES, random_model
from scipy.stats import chisquare

import operator_lab as lab
from operator_lab import measurement as me
from operator_lab.arrays import softmax
from operator_lab.errors import LabError
from operator_lab.one_hot import relabelled
from operator_lab.transformer import TINY

CAUSAL = [s for s in SHAPES if s.get("causal", True)] + [
    dict(coupling="positive"), dict(readout="born"), dict(norm="post", tied=True)
]  # fmt: skip


def laws(words=6, rows=()):
    """Laws with every word possible."""
    weights = arrays(float, (*rows, words), elements=st.floats(0.01, 1))
    return weights.map(lambda w: w / w.sum(-1, keepdims=True))


temperatures = st.floats(0.1, 10)


# ---- a state becomes a law ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES + [dict(readout="born")], ids=str)
def test_the_lens_ends_at_the_models_own_law(shape):
    model = random_model(**shape)
    run = model.run(MONEY)
    found = me.lens(run)
    assert found.shape == (7, 9, 95) and abs(found.sum(-1) - 1).max() < 1e-12
    assert abs(found[-1] - run.law).max() < 1e-12
    for s in (0, 3):  # as if the run ended there: the state written over the last one
        ended = model.run(MONEY, edits={("state", 6): lambda x, s=s: run.states[s]})
        assert abs(found[s] - ended.law).max() < 1e-12


def test_the_lens_of_a_batch():
    model = random_model()
    found = me.lens(model.run_batch([MONEY, RIVER]))
    assert found.shape == (2, 7, 9, 95)
    assert abs(found[1] - me.lens(model.run(RIVER))).max() < 1e-14


amplitudes = arrays(float, (3, 5), elements=st.floats(-20, 20)).filter(
    lambda z: (abs(z).max(-1) > 0.1).all()
)


@given(amplitudes, st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3))
def test_born_knows_neither_sign_nor_size(z, c):
    law = me.born(z)
    assert (law >= 0).all() and law.sum(-1) == pytest.approx(1)
    assert me.born(c * z) == pytest.approx(law) and me.born(abs(z)) == pytest.approx(law)
    assert law == pytest.approx(z**2 / (z**2).sum(-1, keepdims=True))


def test_born_stands_amplitudes_of_any_size():
    assert me.born(np.array([[3e200, -4e200], [3e-200, 4e-200]])) == pytest.approx(
        np.array([[0.36, 0.64]] * 2)
    )


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 10**6))
def test_effects_are_a_measurement_and_reproduce_born(d, more, seed):
    rng = np.random.default_rng(seed)
    bras, x = rng.normal(size=(d + more, d)), rng.normal(size=d)
    E = me.effects(bras)
    assert E.shape == (d + more, d, d) and abs(E - E.mT).max() < 1e-9
    assert abs(E.sum(0) - np.eye(d)).max() < 1e-9
    assert np.linalg.eigvalsh(E).min() > -1e-9
    sizes, U = np.linalg.eigh(bras.T @ bras)
    state = (U * np.sqrt(sizes)) @ U.T @ x
    p = np.einsum("i,kij,j->k", state, E, state) / (state @ state)
    assert p == pytest.approx(me.born(bras @ x), abs=1e-7)


def test_effects_of_an_orthonormal_basis_are_its_projectors():
    U = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    assert me.effects(3 * U) == pytest.approx(np.einsum("ki,kj->kij", U, U))


def test_a_model_read_by_borns_rule():
    """The readout "born": the softmax of its logits is z^2 / sum z^2 of the bare overlaps z."""
    model = random_model(readout="born")
    z = model.replace(readout="softmax").run(MONEY).logits
    law = model.run(MONEY).law
    floored = z**2 + TINY
    assert abs(law - floored / floored.sum(-1, keepdims=True)).max() < 1e-12
    assert abs(law - me.born(z)).max() < 1e-7  # the floor keeps logarithms finite, no more
    assert abs(law - softmax(z)).max() > 0.01


# ---- a law becomes a word -----------------------------------------------------------------------


@given(laws(rows=(3,)), temperatures, temperatures)
def test_temperatures_multiply(law, a, b):
    assert me.tempered(law) == pytest.approx(law)
    assert me.tempered(law, a).sum(-1) == pytest.approx(1)
    twice = me.tempered(me.tempered(law, a), b)
    assert twice == pytest.approx(me.tempered(law, a * b), abs=1e-12)
    assert me.tempered(law, a) == pytest.approx(softmax(np.log(law) / a))


@given(laws(), st.integers(1, 6))
def test_the_two_ends_of_temperature(law, k):
    cold, hot = me.tempered(law, 0.0), me.tempered(law, math.inf)
    assert cold[law.argmax()] == 1 and cold.sum() == 1
    assert hot == pytest.approx(1 / 6)
    kept = me.tempered(law, math.inf, top_k=k)
    assert kept.max() == pytest.approx(1 / k) and (kept > 0).sum() == k
    assert (me.tempered(law, 0.0, top_k=k) == cold).all()


@given(laws(), st.integers(1, 6), temperatures)
def test_top_k_keeps_the_likeliest_in_their_proportions(law, k, T):
    found = me.tempered(law, T, top_k=k)
    kept = found > 0
    assert kept.sum() == k and found.sum() == pytest.approx(1)
    assert law[kept].min() >= law[~kept].max(initial=0)
    assert found[kept] == pytest.approx(law[kept] ** (1 / T) / (law[kept] ** (1 / T)).sum())


def test_what_is_impossible_stays_so():
    law = np.array([0.0, 0.75, 0.0, 0.25])
    for T in (0.0, 0.3, 1.0, 7.0, math.inf):
        for k in (None, 1, 3, 4):
            found = me.tempered(law, T, k)
            assert (found[law == 0] == 0).all() and found.sum() == pytest.approx(1)


@pytest.mark.parametrize("T", [1e-3, 1e-30, 1e-300, 5e-324])
def test_very_cold_is_cold(T):
    assert me.tempered(np.array([0.2, 0.5, 0.3]), T) == pytest.approx([0, 1, 0])


@given(arrays(float, 5, elements=st.just(0.0) | st.floats(0.01, 1)).filter(lambda w: w.any()))
def test_a_cut_takes_each_word_as_often_as_its_law_says(weights):
    law = weights / weights.sum()
    n = 500
    words = me.cut(np.broadcast_to(law, (n, 5)), (np.arange(n) + 0.5) / n)
    assert (np.diff(words) >= 0).all()  # the inverse of a growing function grows
    assert abs(np.bincount(words, minlength=5) / n - law).max() <= 1 / n + 1e-12


@given(arrays(float, 6, elements=st.just(0.0) | st.floats(1e-300, 1e-3) | st.floats(0.1, 1))
       .filter(lambda w: w.any()), st.floats(0, 1, exclude_max=True))  # fmt: skip
def test_a_cut_never_takes_a_word_of_probability_zero(weights, u):
    last = np.nextafter(1.0, 0.0)
    words = me.cut(np.broadcast_to(weights / weights.sum(), (3, 6)), np.array([0.0, u, last]))
    assert (words < 6).all() and (weights[words] > 0).all()
    assert words[0] == np.flatnonzero(weights)[0]


def test_one_law_may_be_cut_many_times_or_once():
    law = np.array([0.2, 0.0, 0.8])
    assert me.cut(law, np.array([0.0, 0.19, 0.21, 0.99])).tolist() == [0, 0, 2, 2]
    assert me.cut(law, 0.5) == 2


# ---- words become a text ------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("shape", CAUSAL, ids=str)
def test_word_by_word_is_all_at_once(shape):
    model = random_model(seed=1, **shape)
    texts = model.language.sample(3, 12, seed=2)
    expected, cache, single = model.law(texts), None, None
    for t in range(12):
        law, cache = me.advance(model, texts[:, t], cache)
        assert abs(law - expected[:, t]).max() < 1e-10
        alone, single = me.advance(model, int(texts[1, t]), single)
        assert alone.shape == (95,) and abs(alone - expected[1, t]).max() < 1e-10
    assert cache.position == single.position == 12
    assert single.numbers == 2 * 3 * 12 * 16 and cache.numbers == 3 * single.numbers


def test_word_by_word_in_single_precision_and_in_other_labels():
    model = random_model()
    quick = model.to("float32")
    texts = model.language.sample(4, 32, seed=3)
    law, cache = me.read(quick, texts)
    assert abs(law - quick.law(texts)[:, -1]).max() < 1e-5
    assert cache.keys[0].dtype == quick.transformer.W_E.dtype
    other = relabelled(model, np.random.default_rng(0).permutation(95))
    assert abs(me.read(other, MONEY)[0] - other.run(MONEY).law[-1]).max() < 1e-12


def test_read_takes_a_sentence_or_its_tokens():
    model = random_model()
    by_words, cache = me.read(model, MONEY)
    by_tokens, _ = me.read(model, model.language.encode(MONEY))
    assert (by_words == by_tokens).all() and cache.position == 9
    assert abs(by_words - model.run(MONEY).law[-1]).max() < 1e-12


def test_advance_leaves_the_cache_as_it_was():
    model = random_model()
    _, cache = me.read(model, MONEY)
    before = [k.clone() for k in cache.keys]
    first, _ = me.advance(model, 7, cache)
    me.advance(model, 8, cache)
    assert cache.position == 9 and all(
        (a == b).all() for a, b in zip(before, cache.keys, strict=True)
    )
    assert (me.advance(model, 7, cache)[0] == first).all()


def test_the_last_columns_of_the_last_columns():
    model = random_model()
    _, cache = me.read(model, MONEY)
    for c, kept in ((0, 0), (4, 4), (9, 9), (50, 9)):
        cut = cache.last(c)
        assert cut.position == 9 and {k.shape[-2] for k in (*cut.keys, *cut.values)} == {kept}
        assert all((a == b[:, 9 - kept :]).all() for a, b in zip(cut.keys, cache.keys, strict=True))
    twice, once = cache.last(6).last(2), cache.last(2)
    assert all((a == b).all() for a, b in zip(twice.keys, once.keys, strict=True))
    _, longer = me.advance(model, 7, cache.last(2))
    assert longer.position == 10 and longer.last(2).keys[0].shape[-2] == 2


@pytest.mark.parametrize("shape", [dict(), dict(norm="post", bias=True), dict(tied=True)], ids=str)
def test_the_boundary_is_the_last_row_of_attention_cut(shape):
    model = random_model(**shape)
    tokens = model.language.sample(5, 12, seed=4)
    columns = [0, 1, 4, 11, 40]
    found = me.boundary(model, tokens, columns)
    assert all(abs(law - model.law(tokens)[:, -1]).max() < 1e-10 for law in found[3:])
    for c, law in zip(columns[:3], found, strict=False):

        def blind(S, c=c):
            S[..., -1, : 11 - c] = -1e30
            return S

        edits = {("interaction", layer): blind for layer in range(3)}
        assert abs(law - model.run_batch(tokens, edits).law[:, -1]).max() < 1e-10


# ---- generation -------------------------------------------------------------------------------


def test_generation_depends_on_its_seed_alone():
    model = random_model()
    first, again, other = (me.generate(model, length=12, count=5, seed=s) for s in (3, 3, 4))
    assert first.shape == (5, 12) and (first == again).all() and (first != other).any()
    assert (first[:, 0] == model.language.index(".")).all()
    assert len(np.unique(first, axis=0)) == 5


@pytest.mark.parametrize("shape", [dict(), dict(norm="post"), dict(readout="born")], ids=str)
def test_greedy_texts_follow_the_likeliest_words(shape):
    model = random_model(**shape)
    texts = me.generate(model, start="the man", length=14, temperature=0.0, count=3, seed=1)
    path = model.language.encode("the man")
    while len(path) < 14:
        path = np.append(path, model.law(path)[-1].argmax())
    assert (texts == path).all()


def test_texts_begin_as_told():
    model = random_model()
    begun = model.language.encode(MONEY)
    texts = me.generate(model, start=MONEY, length=12, count=4)
    assert (texts[:, :9] == begun).all() and texts.shape == (4, 12)
    assert (me.generate(model, start=MONEY, length=9, count=2) == begun).all()
    other = relabelled(model, np.roll(np.arange(95), 1))
    assert other.language.decode(me.generate(other, length=2)[0]).startswith(". ")


@pytest.mark.parametrize(("T", "k"), [(1.0, None), (0.6, None), (1.5, 12)])
def test_generated_words_are_distributed_as_the_law(T, k):
    """At the first step, and at the third given the two before: observed against expected."""
    model = random_model().to("float32")
    texts = me.generate(model, length=4, temperature=T, top_k=k, count=4000, seed=7)
    for t in (1, 3):
        expected = me.tempered(model.law(texts[:, :t])[:, -1], T, k).sum(0)
        observed = np.bincount(texts[:, t], minlength=95)
        assert observed[expected == 0].sum() == 0
        common = expected > 5
        pair = [np.append(a[common], a[~common].sum()) for a in (observed, expected)]
        keep = pair[1] > 0
        assert chisquare(pair[0][keep], pair[1][keep]).pvalue > 1e-3


def test_the_trained_model_speaks_the_language():
    model = lab.reference().to("float32")
    texts = me.generate(model, count=128, seed=1)
    inside = model.language.inside(texts)
    assert inside[:, -1].mean() > 0.9  # seen: 0.98; untrained none
    wild = me.generate(lab.reference(trained=False).to("float32"), count=128, seed=1)
    assert model.language.inside(wild)[:, -1].mean() == 0


# ---- mistakes -----------------------------------------------------------------------------------

SENTENCE = "the man paid the coin"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: me.tempered(np.ones(95) / 95, top_k=0), "top_k must be .* from 1 on; got 0"),
        (lambda m: me.tempered(np.ones(95) / 95, top_k=96), "from 1 to 95; got 96"),
        (lambda m: me.tempered(np.ones(95) / 95, top_k=2.5), "top_k must be a whole .*; got 2.5"),
        (lambda m: me.tempered(np.ones(95) / 95, -1), r"0 \(the likeliest word\) or more, not -1"),
        (lambda m: me.tempered(np.ones(95) / 95, math.nan), "temperature must be one finite"),
        (lambda m: me.cut(np.ones(3) / 3, 1.0), "from 0 up to, but not including, 1"),
        (lambda m: me.cut(np.ones(3) / 3, -0.1), "A cut is a number from 0"),
        (lambda m: me.cut(np.ones(3) / 3, math.nan), "u must be one finite number; got nan"),
        (lambda m: me.effects(np.eye(4)[:3]), "3 bras do not span their 4 dimensions"),
        (lambda m: me.effects(np.ones((5, 2))), "5 bras do not span their 2 dimensions"),
        (lambda m: me.effects(np.ones(3)), r"bras must be an array \[V, d\]; got shape \(3,\)"),
        (lambda m: me.effects(np.full((2, 2), np.nan)), "bras holds NaN or infinity"),
        (lambda m: me.born(np.zeros(3)), "not all zero; a null state has no law"),
        (lambda m: me.born(np.array([[1.0, 2.0], [0.0, 0.0]])), "a null state has no law"),
        (lambda m: me.born(np.array([1.0, np.inf])), "z holds NaN or infinity"),
        (lambda m: me.probe(np.ones((5, 5)), np.ones((5, 1))), "5 places cannot fix .* 5 features"),
        (lambda m: me.probe(np.ones((9, 2)), np.ones((8, 1))),
         r"States \(9, 2\) and targets \(8, 1\) do not belong to the same places"),
        (lambda m: me.advance(m.replace(causal=False), 0), "Only a causal model can be read word"),
        (lambda m: me.read(m.replace(causal=False), SENTENCE), "its past never changes"),
        (lambda m: me.read(m, np.zeros(33, int)), "reads at most 32 positions; start a new text"),
        (lambda m: me.read(m, " ".join([SENTENCE] * 9)), "46 positions .* at most 32"),
        (lambda m: me.read(m, "the dog"), "'dog' is not one of the 95 words"),
        (lambda m: me.read(m, np.zeros(0, int)), "An empty text has no law"),
        (lambda m: me.advance(m, 95), "95 .* 0 to 94"),
        (lambda m: me.advance(m, -1), "-1 .* 0 to 94"),
        (lambda m: me.boundary(m, np.zeros(4, int), [-1]), "Cannot keep -1 columns; give 0"),
        (lambda m: me.generate(m, SENTENCE, length=5), "has 6 to 32 words, .* 5 were asked for"),
        (lambda m: me.generate(m, length=33), "has 1 to 32 words, .* 33 were asked for"),
        (lambda m: me.generate(m, "the dog"), "'dog' is not one of the 95 words"),
        (lambda m: me.generate(m, temperature=-1), "A sampling temperature is 0"),
        (lambda m: me.generate(m, top_k=0), "top_k must be a whole number"),
        (lambda m: me.generate(m, count=0), "count must be .*; got 0"),
        (lambda m: me.generate(m, count=-1), "count must be .*; got -1"),
        (lambda m: me.generate(m.replace(causal=False)), "Only a causal model"),
        (lambda m: m.language.posterior("the man paid the coin the"),
         "After '. the man paid the coin' the grammar never says 'the', .* it may say '.', 'at'"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message) as caught:
        call(random_model())
    assert "\n" not in str(caught.value)

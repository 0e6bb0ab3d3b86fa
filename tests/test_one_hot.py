"""One-hot: labels without geometry, and observers that know no more than they may see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_models import MONEY, RIVER, random_model
from scipy.spatial.distance import cdist
from scipy.stats import entropy

from operator_lab import one_hot as oh
from operator_lab.corpus import Language, Node, compound, depth
from operator_lab.errors import LabError
from operator_lab.model import Model, divergence

SENTENCES = (MONEY, RIVER, "the bank clerk was rich . a boy saw the owl", "the bat was old")


def tiny(stay=0.7):
    """A language with no symmetry between its two senses: what holds here holds by Bayes' rule."""
    says = [
        {"a": {".": 1.0}, "b": {".": 1.0}},
        {"a": {"x": 0.4, "y": 0.6}, "b": {"x": 0.9, "y": 0.1}},
        {"a": {"u": 0.5, "v": 0.5}, "b": {"u": 0.1, "w": 0.9}},
        {"a": {"k": 1.0}, "b": {"k": 0.3, "l": 0.7}},
    ]
    then = [
        {"verb": 0.7, "who": 0.3}, {"verb": 1.0},
        {"stop": 0.8, "end": 0.2}, {"stop": 0.9, "who": 0.1},
    ]  # fmt: skip
    names = ("stop", "who", "verb", "end")
    nodes = {n: Node(s, t) for n, s, t in zip(names, says, then, strict=True)}
    return Language("tiny", nodes, context=12, senses=("a", "b"), stay=stay)


def chain(language):
    """The same language as one Markov chain of (node, sense) pairs: M[word] and its steady state.

    The sense that speaks is drawn when the stop is left; entry [i, j] of M[w] is the probability to
    go from pair i to pair j and to say w there.
    """
    senses, nodes = range(len(language.senses)), list(language.nodes)
    pairs = [(n, s) for n in nodes for s in senses]
    M = np.zeros((len(language.words), len(pairs), len(pairs)))
    for i, (n, s) in enumerate(pairs):
        for j, (m, t) in enumerate(pairs):
            kept = float(s == t)
            if n == "stop":
                kept = language.stay * kept + (1 - language.stay) / len(language.senses)
            p = language.nodes[n].then.get(m, 0.0) * kept
            for word, said in language.nodes[m].says[language.senses[t]].items():
                M[language.index(word), i, j] += p * said
    values, vectors = np.linalg.eig(M.sum(0).T)
    steady = np.real(vectors[:, np.argmin(abs(values - 1))])
    return M, steady / steady.sum()


# ---- labels ---------------------------------------------------------------------------------


@given(arrays(int, st.integers(1, 30), elements=st.integers(0, 11)))
def test_labels_know_only_whether_they_are_the_same(tokens):
    X = oh.one_hot(tokens, 12)
    same = tokens[:, None] == tokens[None]
    assert X.shape == (len(tokens), 12) and (X @ X.T == same).all()
    assert (X.sum(0) == np.bincount(tokens, minlength=12)).all()
    assert oh.distances(X) == pytest.approx(np.where(same, 0, 2**0.5), abs=1e-15)


def test_a_batch_of_labels():
    tokens = compound().sample(3, 5)
    X = oh.one_hot(tokens, 95)
    assert X.shape == (3, 5, 95) and (X.argmax(-1) == tokens).all() and X.sum() == 15


@given(arrays(float, (6, 3), elements=st.floats(-10, 10)))
def test_distances_agree_with_scipy(X):
    assert oh.distances(X) == pytest.approx(cdist(X, X), abs=1e-12)


# ---- other labels -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [dict(bias=True), dict(norm="post", tied=True), dict(norm="none", readout="born")]
)
def test_relabelling_moves_the_columns_of_the_law_and_nothing_else(shape):
    model = random_model(**shape)
    p = np.random.default_rng(0).permutation(95)
    other = oh.relabelled(model, p)
    for sentence in SENTENCES:
        tokens, moved = model.language.encode(sentence), other.language.encode(sentence)
        assert (moved == p[tokens]).all() and (other.language.decode(moved).split()[-1]
                                               == sentence.split()[-1])  # fmt: skip
        law, exact = model.run(sentence).law, model.language.law(sentence)
        assert abs(other.run(sentence).law[:, p] - law).max() < 1e-14
        assert abs(other.language.law(sentence)[:, p] - exact).max() < 1e-15
        assert divergence(other.language.law(moved), other.law(moved)) == pytest.approx(
            divergence(exact, law), abs=1e-12
        )


def test_the_excess_stays_though_other_texts_are_drawn():
    model = random_model()
    other = oh.relabelled(model, np.random.default_rng(1).permutation(95))
    assert other.excess(256) == pytest.approx(model.excess(256), rel=5e-3)  # seen: 0.05 %


def test_two_relabellings_are_one_and_an_inverse_takes_it_back():
    model, rng = random_model(bias=True), np.random.default_rng(2)
    p, q = rng.permutation(95), rng.permutation(95)
    twice, once = oh.relabelled(oh.relabelled(model, p), q), oh.relabelled(model, q[p])
    assert twice.language.words == once.language.words
    assert all((twice.weights[n] == once.weights[n]).all() for n in model.weights)
    back = oh.relabelled(oh.relabelled(model, p), np.argsort(p))
    assert back.language.words == model.language.words
    assert all((back.weights[n] == model.weights[n]).all() for n in model.weights)


def test_a_relabelled_model_survives_the_disk(tmp_path):
    other = oh.relabelled(random_model(), np.random.default_rng(3).permutation(95))
    again = Model.load(other.save(tmp_path / "other.safetensors"))
    assert again.language.words == other.language.words
    assert (again.run(MONEY).law == other.run(MONEY).law).all()


# ---- who forgets what -------------------------------------------------------------------------


def test_who_forgets_at_the_stop_reads_each_sentence_as_the_first():
    language = compound()
    forgetful = oh.forgetful(language)
    second = "the man saw the box"
    both = forgetful.law(f"{MONEY} . {second}")
    assert abs(both[:9] - language.law(MONEY)).max() < 1e-15  # one sentence: nothing to forget
    assert abs(both[9:] - language.law(second)).max() < 1e-15
    remembered = language.law(f"{MONEY} . {second}")
    assert abs(both[9:] - remembered[9:]).max() > 0.1


def test_who_knows_of_no_senses_sees_the_place_alone():
    language = compound()
    texts = language.sample(20, 40, seed=1)
    law, place = oh.sense_blind(language).law(texts), language.place(texts)
    for node in language.nodes:
        mean = language.after(node).mean(0)
        assert abs(law[place == node] - mean).max() < 1e-15


def test_tables_are_the_grammar():
    language = compound()
    then, says = oh.grammar_tables(language)
    assert then.sum(1) == pytest.approx(1) and says.sum(-1) == pytest.approx(1)
    verb, article = (list(language.nodes).index(n) for n in ("verb", "article"))
    assert then[verb, article] == 1
    assert says[verb, 0, language.index("paid")] == pytest.approx(0.5 / 3)
    assert says[verb, 1, language.index("paid")] == 0


@pytest.mark.parametrize("language", [tiny(), compound(), depth()], ids=lambda x: x.name)
def test_the_stationary_law_stays(language):
    then, _ = oh.grammar_tables(language)
    pi = oh.stationary(language)
    assert (pi > 0).all() and pi.sum() == pytest.approx(1, abs=1e-12)
    assert abs(pi @ then - pi).max() < 1e-12


# ---- windows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", [tiny(), tiny(stay=0.0), compound()], ids=lambda x: x.name)
def test_a_window_agrees_with_the_chain_of_pairs(language):
    M, steady = chain(language)
    texts = language.sample(12, 70, seed=2)
    for c in range(6):
        window = texts[:, 70 - c :]
        law = oh.window_law(language, window)
        for row, found in zip(window, law, strict=True):
            weight = steady
            for word in row:
                weight = weight @ M[word]
            assert found == pytest.approx((weight @ M).sum(-1) / weight.sum(), abs=1e-10)


def test_one_word_by_its_closed_form():
    """P(w | v) = P(v, w) / P(v): after most words the sense that speaks is the one that spoke."""
    language = compound()
    then, says = oh.grammar_tables(language)
    now = oh.stationary(language)[:, None, None] / 5 * says  # P(node, sense, word)
    joint = np.einsum("nsv,nm,msw->vw", now, then, says)  # what a stop forgets, no verb follows
    law = oh.window_law(language, np.arange(95)[:, None])
    assert abs(law - joint / joint.sum(1, keepdims=True)).max() < 1e-12
    words = oh.window_law(language, np.array([], int))
    assert abs(words - joint.sum(1)).max() < 1e-12 and abs(words @ law - words).max() < 1e-12


@pytest.fixture(scope="module")
def long_text():
    return compound().sample(400, 2064, 5)[:, 64:]


def counted(language, text, window):
    """The words after a window in a long text, and the standard deviation that chance allows."""
    windows = np.lib.stride_tricks.sliding_window_view(text, len(window) + 1, axis=1)
    followers = windows[(windows[..., :-1] == window).all(-1), -1]
    law = oh.window_law(language, window)
    share = np.bincount(followers, minlength=len(law)) / len(followers)
    return share, law, np.sqrt(law * (1 - law) / len(followers))


@pytest.mark.parametrize("words", ["", "the", "bank", "was", "the bank", "at the", "saw the box"])
def test_a_window_agrees_with_counting(words, long_text):
    language = compound()
    window = np.array([language.index(w) for w in words.split()], int)
    share, law, chance = counted(language, long_text, window)
    assert (share[law == 0] == 0).all()
    assert (abs(share - law) < 5 * chance + 1e-12).all()  # seen: at most 3.4 of them


def test_a_window_from_the_beginning_is_the_exact_law_and_a_long_one_nearly():
    language = compound()
    texts = language.sample(256, 32, 7)
    law = language.law(texts)
    for n in (1, 2, 5, 10, 32):  # the opening stop tells the place, and all senses are alike
        assert abs(oh.window_law(language, texts[:, :n]) - law[:, n - 1]).max() < 1e-12
    missed = [divergence(law[:, -1], oh.window_law(language, texts[:, 32 - c :]))
              for c in (1, 2, 4, 8, 16, 24)]  # fmt: skip
    assert all(a > b for a, b in zip(missed, missed[1:], strict=False))
    assert missed[0] > 0.3 and missed[-1] < 1e-3


def test_what_remains_falls_to_the_entropy_of_the_exact_law():
    language = compound()
    found = oh.remaining(language, [0, 1, 2, 4, 8, 16, 32], count=1024)
    assert found.nats[0] == pytest.approx(entropy(oh.window_law(language, np.array([], int))))
    assert found.error[0] < 1e-12 and (found.error[1:] > 0).all()
    assert (np.diff(found.nats) < found.error[1:]).all() and found.nats[4] < 0.75 * found.nats[1]
    late = language.law(language.sample(512, 90, seed=8))[:, -1]
    nats = entropy(late, axis=-1)
    error = np.hypot(nats.std() / len(nats) ** 0.5, found.error[-1])
    assert abs(found.nats[-1] - nats.mean()) < 4 * error


def test_who_knows_less_is_surprised_more_by_the_same_words():
    language = compound()
    own, blind, same = (
        oh.remaining(language, [0, 1, 4, 16], count=256, reader=reader)
        for reader in (None, oh.sense_blind(language), language)
    )
    assert same.nats == pytest.approx(own.nats, abs=1e-14)
    assert (blind.nats > own.nats - 1e-12).all() and (blind.nats[2:] > own.nats[2:] + 0.1).all()
    window = language.sample(256, 80, 3)[:, 76:]  # after 64 words, and the 16 longest asked for
    law = oh.window_law(oh.sense_blind(language), window)
    truth = oh.window_law(language, window)
    assert blind.nats[2] == pytest.approx(-(truth * np.log(np.where(truth > 0, law, 1))).sum(-1)
                                          .mean())  # fmt: skip


def test_the_standard_error_is_the_spread_over_seeds():
    found = [oh.remaining(compound(), [2], count=64, seed=s) for s in range(60)]
    spread = np.std([f.nats[0] for f in found], ddof=1)
    assert 0.7 < np.mean([f.error[0] for f in found]) / spread < 1.4  # chance: 10 %


# ---- honest observers ---------------------------------------------------------------------------


@given(arrays(float, (2, 5), elements=st.floats(0.01, 1)))
def test_surprise_is_least_for_the_truth(weights):
    truth = weights / weights.sum(-1, keepdims=True)
    expected = oh.surprise(truth, truth)
    assert expected == pytest.approx(entropy(truth, axis=-1))
    gap = oh.surprise(truth, truth[::-1]) - expected
    assert gap == pytest.approx(entropy(truth, truth[::-1], axis=-1), abs=1e-12)
    assert (gap > -1e-12).all()


def test_what_never_happens_surprises_nobody():
    truth = np.eye(2)
    assert (oh.surprise(truth, truth) == 0).all()
    assert (oh.surprise(truth, truth[::-1]) > 600).all()


def test_honest_observers_meet_what_they_expect_and_more_sight_helps():
    seen = oh.observers(compound(), count=256)
    assert list(seen) == ["frequencies", "last word", "grammar", "sentence", "exact"]
    excess = [o.excess for o in seen.values()]
    assert all(a > b + 0.05 for a, b in zip(excess, excess[1:], strict=False))
    assert abs(excess[-1]) < 1e-12
    exact = seen["exact"].expects.mean()
    for o in seen.values():
        assert o.expects.shape == o.meets.shape == (32,)
        assert o.excess == pytest.approx(o.meets.mean() - exact)
    for name in ("grammar", "sentence", "exact"):
        o = seen[name]
        assert o.expects.mean() == pytest.approx(o.meets.mean(), abs=1e-2)
    floor = compound().floor()
    assert abs(exact - floor.nats) < 0.05  # 256 texts: a standard error of 0.01


def test_honesty_is_bayes_rule_and_not_the_symmetry_of_a_language():
    seen = oh.observers(tiny(), count=16384)
    for name in ("grammar", "sentence", "exact"):
        o = seen[name]
        assert abs(o.expects - o.meets).max() < 1e-2, name  # seen: 0.0023 at most
        assert o.expects.mean() == pytest.approx(o.meets.mean(), abs=3e-3)
    assert 0 < seen["sentence"].excess < seen["grammar"].excess < seen["frequencies"].excess


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: oh.one_hot(np.array([3, 95]), 95),
         "Label 95 is outside the vocabulary; 95 words have the labels 0 to 94"),
        (lambda c: oh.one_hot(np.array([-1]), 95), "Label -1 is outside the vocabulary"),
        (lambda c: oh.one_hot(np.array([1.0]), 95), "must be an array of whole .* float64"),
        (lambda c: oh.one_hot(np.array([True]), 95), "must be an array of whole .* bool"),
        (lambda c: oh.relabelled(random_model(), np.zeros(95, int)),
         "A relabelling of 95 words holds each of the labels 0 to 94 once"),
        (lambda c: oh.relabelled(random_model(), np.arange(94)), "relabelling of 95 words"),
        (lambda c: oh.relabelled(random_model(), np.arange(1, 96)), "relabelling of 95 words"),
        (lambda c: oh.relabelled(random_model(), np.arange(95.0)), "p must be .* of whole numbers"),
        (lambda c: oh.observers(depth()), r"one sense at a time, not for 'depth'; try lab.corpus"),
        (lambda c: oh.forgetful(depth()), "one sense at a time"),
        (lambda c: oh.sense_blind(depth()), "one sense at a time"),
        (lambda c: oh.window_law(depth(), np.array([0])), "one sense at a time"),
        (lambda c: oh.window_law(c, c.encode("the the")[1:]),
         "never follow one another; .* at word 1"),
        (lambda c: oh.window_law(c, np.array([[c.index("at"), c.index("the")],
                                             [c.index("paid"), c.index("lent")]])),
         "never follow one another"),
        (lambda c: oh.window_law(c, np.array([c.index(w) for w in ("paid", "the", "owl")])),
         "never follow one another; the grammar stops at word 2"),
        (lambda c: oh.remaining(c, [3, -1]), "A length of context must be a whole number from 0"),
        (lambda c: oh.remaining(c, []), "give at least one"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message) as caught:
        call(compound())
    assert "\n" not in str(caught.value)

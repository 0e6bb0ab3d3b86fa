"""The languages: probability laws, an enumeration oracle, readable errors."""

from collections import defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from operator_lab import corpus
from operator_lab.corpus import Language, Node
from operator_lab.errors import LabError

LANGUAGES = [corpus.compound(), corpus.depth()]
TWO = ("a", "b")


def say(**by_sense):
    """An emission over two senses; a plain dict serves both."""
    return {s: by_sense.get(s, by_sense.get("both")) for s in TWO}


NODES = {
    "stop": Node(say(both={".": 1.0}), {"verb": 0.7, "who": 0.3}),
    "who": Node(say(both={"x": 0.4, "y": 0.6}), {"verb": 1.0}),
    "verb": Node(say(a={"u": 0.5, "v": 0.5}, b={"u": 0.1, "w": 0.9}), {"stop": 0.8, "end": 0.2}),
    "end": Node(say(a={"k": 1.0}, b={"k": 0.3, "l": 0.7}), {"stop": 1.0}),
}
TINY = [
    Language("tiny", NODES, context=6, senses=TWO, stay=0.7),
    Language("tiny holders", NODES, context=6, senses=TWO, holders=("x", "y")),
]


def enumerate_texts(language, length):
    """Yield (words, sense of the current holder, probability) of every hidden path."""
    count = max(1, len(language.holders))

    def senses(n):
        if n == 0:
            yield (), 1.0
            return
        for rest, p in senses(n - 1):
            for s in TWO:
                yield (*rest, s), p / 2

    def after_stop(now):
        """Each sense stays or is drawn afresh."""
        if not now:
            yield (), 1.0
            return
        for rest, p in after_stop(now[1:]):
            for s in TWO:
                q = (1 - language.stay) / 2 + language.stay * (s == now[0])
                if q:
                    yield (s, *rest), p * q

    def walk(words, node, now, holder, p):
        if len(words) == length:
            yield tuple(words), now[holder], p
            return
        changed = after_stop(now) if node == "stop" else [(now, 1.0)]
        for later, q in changed:
            for name, r in language.nodes[node].then.items():
                for word, e in language.nodes[name].says[later[holder]].items():
                    who = language.holders.index(word) if word in language.holders else holder
                    yield from walk([*words, word], name, later, who, p * q * r * e)

    for now, p in senses(count):
        yield from walk(["."], "stop", now, 0, p)


@pytest.mark.parametrize("language", TINY, ids=lambda x: x.name)
def test_law_and_posterior_agree_with_enumeration(language):
    weight, by_sense = defaultdict(float), defaultdict(float)
    for length in range(1, 7):
        for words, sense, p in enumerate_texts(language, length):
            weight[words] += p
            by_sense[words, sense] += p
    texts = [w for w in weight if 2 <= len(w) <= 5]
    assert len(texts) > 80
    for words in texts:
        tokens = np.array([language.index(w) for w in words])
        law, posterior = language.law(tokens)[-1], language.posterior(tokens)[-1]
        for i, word in enumerate(language.words):
            assert law[i] == pytest.approx(weight[(*words, word)] / weight[words], abs=1e-12)
        for i, sense in enumerate(TWO):
            expected = by_sense[words, sense] / weight[words]
            assert posterior[i] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
def test_probabilities_sum_to_one_and_texts_are_possible(language):
    texts = language.sample(200, seed=3)
    law, posterior = language.law(texts[:, :-1]), language.posterior(texts[:, :-1])
    assert abs(law.sum(-1) - 1).max() < 1e-12
    assert abs(posterior.sum(-1) - 1).max() < 1e-12
    assert np.take_along_axis(law, texts[:, 1:, None], 2).min() > 0


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
def test_sampled_texts_follow_the_law(language):
    texts = language.sample(3000, seed=4)
    law = language.law(texts[:, :-1])
    surprise = -np.log(np.take_along_axis(law, texts[:, 1:, None], 2))[..., 0].mean(1)
    error = surprise.std() / len(surprise) ** 0.5
    assert abs(surprise.mean() - language.floor().nats) < 4 * error
    # the words after every second text's fifth position, all texts pooled: observed vs expected
    expected = law[:, 7].sum(0)
    observed = np.bincount(texts[:, 8], minlength=len(language.words))
    assert observed[expected == 0].sum() == 0
    common = expected > 5
    rest = [observed[~common].sum()], [expected[~common].sum()]
    pair = [np.append(a[common], b) for a, b in zip((observed, expected), rest, strict=True)]
    keep = pair[1] > 0
    assert chisquare(pair[0][keep], pair[1][keep]).pvalue > 1e-3


def test_floor_is_below_what_forgetting_costs():
    nats, error = corpus.compound().floor()
    assert 0 < error < 0.01
    forgetful = Language("compound", corpus.compound().nodes, context=32, stay=0.0)
    assert forgetful.floor().nats > nats + 5 * error


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
@given(seed=st.integers(0, 10**6), length=st.integers(2, 40))
def test_decode_undoes_encode(language, seed, length):
    tokens = language.sample(1, length, seed)[0]
    assert (language.encode(language.decode(tokens)) == tokens).all()


def test_the_sense_of_bank():
    language = corpus.compound()
    money, river, both = (
        language.posterior(s)[-1]
        for s in (
            "the man paid the coin at the bank",
            "the man crossed the shore at the bank",
            "the man saw the box at the bank",
        )
    )
    assert money[0] == 1 and river[1] == 1
    assert both == pytest.approx([0.5, 0.5, 0, 0, 0])


def test_each_person_keeps_a_sense():
    language = corpus.depth()
    posterior = language.posterior("anna paid the coin. tom sang the song. anna saw the box. bob")
    place = language.encode("anna paid the coin. tom sang the song. anna saw the box. bob")
    words = [language.words[i] for i in place]
    assert posterior[words.index("tom")] == pytest.approx(np.full(5, 0.2))
    second_anna = len(words) - 1 - words[::-1].index("anna")
    assert posterior[second_anna] == pytest.approx([1, 0, 0, 0, 0])
    assert posterior[-1] == pytest.approx(np.full(5, 0.2))


# ---- who is inside, where, and what may follow ------------------------------------------------


@pytest.mark.parametrize("language", TINY, ids=lambda x: x.name)
def test_inside_is_what_the_law_allows(language):
    """Every text of five words, against the exact law where there is one."""
    texts = np.array(list(product(range(len(language.words)), repeat=5)))
    first, *rest = texts.T
    possible = np.empty(texts.shape, bool)
    possible[:, 0] = first == language.index(".")
    seen = {}
    for t in range(1, 5):
        for row in np.flatnonzero(possible[:, t - 1]):
            prefix = tuple(texts[row, :t])
            if prefix not in seen:
                seen[prefix] = language.law(np.array(prefix))[-1] > 0
            possible[row, t] = seen[prefix][texts[row, t]]
        possible[~possible[:, t - 1], t] = False
    assert (language.inside(texts) == possible).all() and possible[:, -1].any()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
def test_what_is_sampled_is_inside_and_what_is_broken_is_not_from_there_on(language):
    texts = language.sample(100, 20, seed=9)
    assert language.inside(texts).all() and language.inside(texts[0]).shape == (20,)
    broken = texts.copy()
    broken[:, 7] = language.index("the")
    kept = np.take_along_axis(language.law(texts)[:, 6], broken[:, 7:8], 1)[:, 0] > 0
    inside = language.inside(broken)
    assert inside[:, :7].all() and (inside[:, 7] == kept).all() and not inside[~kept, 7:].any()
    assert not language.inside(texts[:, 1:])[texts[:, 1] != language.index(".")].any()


def test_a_text_that_contradicts_its_own_sense_has_no_law():
    """The walk allows it, the senses do not: who paid is about money, and owls are not."""
    language = corpus.compound()
    with pytest.raises(LabError, match="After '. the man paid the' the grammar never says 'owl'"):
        language.law("the man paid the owl")
    with pytest.raises(LabError, match="never says 'owl'.* it may say 'account', 'box', 'coin'"):
        language.posterior("the man paid the owl near the bank")
    assert language.inside("the man paid the owl near").tolist() == [True] * 5 + [False] * 2


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
def test_places_of_a_batch_are_those_of_its_texts(language):
    texts = language.sample(20, 15, seed=10)
    place = language.place(texts)
    assert place.shape == (20, 15) and (place[:, 0] == "stop").all()
    assert all((place[i] == language.place(texts[i])).all() for i in range(20))
    for row, named in zip(texts, place, strict=True):
        for word, node in zip(row, named, strict=True):
            assert language.emissions(node)[:, word].max() > 0
        for a, b in zip(named, named[1:], strict=False):
            assert language.nodes[a].then.get(b, 0) > 0
    assert language.place("anna paid" if language.holders else "the man paid")[-1] == "verb"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda x: x.name)
def test_what_follows_a_node_is_its_neighbours_words(language):
    texts = language.sample(30, 25, seed=11)
    place, law, belief = (f(texts) for f in (language.place, language.law, language.posterior))
    for node in language.nodes:
        found = language.after(node)
        mixed = sum(p * language.emissions(m) for m, p in language.nodes[node].then.items())
        assert found == pytest.approx(mixed, abs=1e-14) and found.sum(1) == pytest.approx(1)
        at = place == node
        if node != "stop":  # there the sense may change first
            assert law[at] == pytest.approx(belief[at] @ found, abs=1e-12)
    found[:] = 0
    assert language.after(node).sum() == pytest.approx(len(language.senses))  # only a copy was lent


def test_a_vocabulary_listed_in_another_order_is_the_same_language():
    language = corpus.compound()
    listed = tuple(reversed(language.words))
    other = replace(language, listed=listed)
    assert other.words == listed and other.index("the") == 94 - language.index("the")
    text = language.decode(language.sample(1, 20, seed=12)[0])
    assert other.decode(other.encode(text)) == text and other.encode(text)[0] == 94
    assert other.law(text)[:, ::-1] == pytest.approx(language.law(text), abs=1e-15)
    assert other.posterior(text) == pytest.approx(language.posterior(text), abs=1e-15)
    drawn = other.sample(200, 20, seed=12)
    assert (drawn[:, 0] == 94).all() and other.inside(drawn).all()
    assert other.floor(512).nats == pytest.approx(language.floor(512).nats, abs=0.03)
    with pytest.raises(LabError, match="begins with the full stop, token 94"):
        other.law(np.array([0]))


def test_words_have_one_place():
    assert len(corpus.words()) == 95 and corpus.words()[0] == "."
    assert len(set(corpus.words("depth"))) == len(corpus.words("depth")) == 89


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.encode("the dog"), "'dog' is not one of the 95 words of this language"),
        (lambda c: c.encode("the bakn"), r"near: .*'bank'.*\. lab\.corpus\.words\('compound'\)"),
        (lambda c: c.encode("  "), "The sentence is empty; try"),
        (lambda c: c.encode("."), "The sentence is empty; try"),
        (lambda c: c.encode(7), "A sentence is a string of words, not int"),
        (lambda c: c.law("the bank the"), "After '. the bank' the grammar never says 'the'"),
        (lambda c: c.law(np.array([0, 95])), "Token 95 does not exist; .* tokens 0 to 94"),
        (lambda c: c.law(np.array([0, -1])), "Token -1 does not exist"),
        (lambda c: c.law(np.array([0.5])), "whole numbers"),
        (lambda c: c.law(np.array([], int)), "non-empty"),
        (lambda c: c.law(np.array([3, 4])), "begins with the full stop"),
        (lambda c: c.sample(0), "count must be a whole number from 1 on; got 0"),
        (lambda c: corpus.language("french"), "no language 'french'; there are 'compound'"),
        (lambda c: corpus.words("french"), "no language 'french'"),
        (lambda c: c.after("noun"), "'noun' is not a node of this grammar; it has stop, determin"),
        (lambda c: c.inside("the dog"), "'dog' is not one of the 95 words"),
        (lambda c: replace(c, listed=c.words[1:]), "hold each of the 95 words of the grammar once"),
        (lambda c: replace(c, listed=(*c.words[1:], "the")), "hold each of the 95 words"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message) as caught:
        call(corpus.compound())
    assert "\n" not in str(caught.value)


def test_copies_are_lists_said_three_times():
    text, at = corpus.copies(), 0
    for _ in range(200):
        tokens = text.tokens[at : at + 48]
        fits = [n for n in range(3, 17) if (tokens[: 2 * n] == tokens[n : 3 * n]).all()]
        assert fits
        at += 3 * fits[0]
    same = [(text.tokens[n:] == text.tokens[:-n]).mean() for n in range(1, 33)]
    assert max(same) < 0.2  # no fixed distance will do


def test_a_grammar_must_be_readable():
    nodes = dict(NODES, who=Node(say(both={"u": 1.0}), {"verb": 1.0}))
    with pytest.raises(LabError, match="After node 'stop' the word 'u' leads to two nodes"):
        Language("two ways", nodes, context=4, senses=TWO).law(np.array([0]))
    with pytest.raises(LabError, match="every sense must stay"):
        Language("both", NODES, context=4, senses=TWO, holders=("x",), stay=0.5)

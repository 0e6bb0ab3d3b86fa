"""The languages: probability laws, an enumeration oracle, readable errors."""

from collections import defaultdict

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
        (lambda c: c.sample(0), "Cannot draw 0 texts"),
        (lambda c: corpus.language("french"), "no language 'french'; there are 'compound'"),
        (lambda c: corpus.words("french"), "no language 'french'"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message) as caught:
        call(corpus.compound())
    assert "\n" not in str(caught.value)


def test_a_grammar_must_be_readable():
    nodes = dict(NODES, who=Node(say(both={"u": 1.0}), {"verb": 1.0}))
    with pytest.raises(LabError, match="After node 'stop' the word 'u' leads to two nodes"):
        Language("two ways", nodes, context=4, senses=TWO).law(np.array([0]))
    with pytest.raises(LabError, match="every sense must stay"):
        Language("both", NODES, context=4, senses=TWO, holders=("x",), stay=0.5)

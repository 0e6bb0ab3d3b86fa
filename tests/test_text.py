"""A text of one's own: read whole, cut without leaks, judged without a floor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operator_lab import embedding, measurement, one_hot
from operator_lab.corpus import Tokenizer, compound, grammar_of, text
from operator_lab.corpus.texts import OTHER, split
from operator_lab.errors import LabError
from operator_lab.model import Model
from operator_lab.training import Recipe, train

SHAPE = dict(features=16, heads=2, layers=1, hidden=24)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """3000 words of the compound language, in a file."""
    language = compound()
    said = language.decode(language.sample(100, 30, seed=4).ravel())
    path = tmp_path_factory.mktemp("text") / "own.txt"
    path.write_bytes(said.encode())
    return path


def test_words_and_characters_are_read_back(own):
    content = own.read_text(encoding="utf-8")
    for unit in ("characters", "words"):
        found = text(own, unit, context=16)
        assert found.decode(found.tokens) == content
        counts = np.bincount(found.tokens)
        assert (np.diff(counts) <= 0).all()  # most frequent first
        assert (found.encode("the man") == found.encode("the man")).all()
    assert found.name == "own.txt" and repr(found).startswith("Text: own.txt, 3000 words, ")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), min_size=40))
def test_any_utf8_is_a_text(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "t.txt"
    path.write_bytes(content.encode())
    if not content.strip() or len(set(content)) < 2:
        return
    found = text(path, context=2, most=10**6)
    assert found.decode(found.tokens) == content


def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    plain, windows = tmp_path / "a.txt", tmp_path / "b.txt"
    plain.write_bytes(("čaj, 茶\n" * 30).encode())
    windows.write_bytes(b"\xef\xbb\xbf" + ("čaj, 茶\r\n" * 30).encode())
    a, b = text(plain, context=8), text(windows, context=8)
    assert a.words == b.words and (a.tokens == b.tokens).all()


def test_what_is_rare_becomes_one(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b a b c a b d " * 40, encoding="utf-8")
    found = text(path, "words", context=4, most=3)
    assert found.words == ("a", "b", OTHER)
    assert found.decode(found.tokens[:8]) == f"a b a b {OTHER} a b {OTHER}"


def test_the_held_out_tenth_is_never_trained_on(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("".join(chr(0x4E00 + i) for i in range(1000)), encoding="utf-8")
    found = text(path, context=20, most=2000)
    trained, held = set(found.sample(4000, seed=1).ravel()), found.held_out()
    assert not trained & set(held.ravel()) and len(trained) == 900
    assert set(held.ravel()) == set(range(900, 1000))
    assert held.shape == (80, 21) and (found.held_out() == held).all()
    assert (found.sample(5, seed=3) == found.sample(5, seed=3)).all()


def test_the_bounds_are_those_of_the_observers(own):
    found = text(own, "words", context=16)
    bounds = found.bounds()
    floor = compound().floor(512).nats
    assert bounds["uniform"] == pytest.approx(np.log(len(found.words)))
    assert floor < bounds["last word"] < bounds["frequencies"] < bounds["uniform"]
    assert bounds["compressor"] > floor


def test_a_model_learns_it_and_keeps_its_words(own, tmp_path, as_a_learner):
    found = text(own, "words", context=16)
    result = train(
        Recipe(found, SHAPE, steps=150, batch=16), device="cpu", progress=False, every=75
    )
    assert result.quantity == "cross-entropy"
    assert result.loss[-1] < found.bounds()["frequencies"] - 0.3
    assert result.loss[-1] == pytest.approx(result.model.cross_entropy(found.held_out()))
    with pytest.raises(LabError, match="Nobody knows the floor of this text"):
        _ = result.excess
    with pytest.raises(LabError, match="Nobody knows the exact law of this text"):
        result.model.excess()
    again = Model.load(result.model.save(tmp_path / "own.safetensors"))
    sentence = "the man saw the"
    assert again.run(sentence).words == ("the", "man", "saw", "the")
    assert (again.run(sentence).law == result.model.run(sentence).law).all()
    with pytest.raises(LabError, match="not the text itself; read it again"):
        again.language.held_out()


def test_trainings_of_two_texts_do_not_mix(own, tmp_path, as_a_learner):
    recipe = Recipe(text(own, context=16), SHAPE, steps=2, batch=2)
    train(recipe, progress=False, folder=tmp_path)
    train(recipe, progress=False, folder=tmp_path)
    other = Recipe(text(own, context=17), SHAPE, steps=2, batch=2)
    with pytest.raises(LabError, match="another recipe"):
        train(other, progress=False, folder=tmp_path)


def test_the_cross_entropy_is_the_excess_above_the_floor():
    """On a language whose law is known: the same fresh texts, two ways."""
    language = compound()
    model = train(Recipe(shape=SHAPE, steps=30, batch=8), progress=False).model
    tokens = language.sample(400, 33, seed=9)
    exact = language.law(tokens[:, :-1])
    entropy = -(exact * np.log(np.where(exact > 0, exact, 1))).sum(-1).mean()
    # the drawn words instead of all: 12800 words of standard deviation about 1 nat
    assert model.cross_entropy(tokens) - entropy == pytest.approx(model.excess(400), abs=0.05)
    with pytest.raises(LabError, match="at least two words"):
        model.cross_entropy(tokens[:, :1])


@pytest.mark.parametrize(
    "content, unit, message",
    [
        (None, "words", r"There is no file .*t\.txt"),
        (b"", "words", r"t\.txt is empty"),
        (b" \n\t ", "characters", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "characters", "is not UTF-8 text"),
        (b"abc\0def" * 100, "characters", "is a binary file"),
        ("hello ".encode("utf-16") * 100, "words", "is not UTF-8 text"),
        (b"echo " * 500, "words", "only 'echo', again and again"),
        (b"a" * 900, "characters", "only 'a', again and again"),
        (b"a short text", "characters", r"has 12 characters; a context of 64 needs at least 650"),
        (b"a short text", "letters", "'characters' or by 'words', not by 'letters'"),
    ],
)
def test_what_is_no_text_is_said(tmp_path, content, unit, message, as_a_learner):
    path = tmp_path / "t.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabError, match=message):
        text(path, unit)


def test_mistakes_with_a_text_are_said(own, tmp_path, as_a_learner):
    found = text(own, "words", context=16)
    with pytest.raises(LabError, match="'bnak' is not one of the .* near: 'bank'"):
        found.encode("the bnak")
    with pytest.raises(LabError, match="at least one of the words of own.txt"):
        found.encode("  ")
    with pytest.raises(LabError, match="Pieces of 900 words cannot be cut"):
        found.sample(2, 900)
    with pytest.raises(LabError, match="cannot be read"):
        text(tmp_path)
    with pytest.raises(LabError, match="at least 2 places"):
        text(own, context=1)


def test_words_are_split_from_their_punctuation():
    assert split("It's Ångström, 3.5 m!", "words") == [
        "It", "'", "s", "Ångström", ",", "3", ".", "5", "m", "!",
    ]  # fmt: skip


ASKS_THE_GRAMMAR = {
    "forgetful": one_hot.forgetful,
    "sense-blind": one_hot.sense_blind,
    "tables": one_hot.grammar_tables,
    "stationary": one_hot.stationary,
    "window": lambda language: one_hot.window_law(language, np.array([0, 1])),
    "senses": embedding.senses_of,
    "alike": embedding.alike,
    "likeness": lambda language: embedding.likeness(np.eye(4), language),
    "centroids": lambda language: embedding.centroids(np.eye(4), language),
    "between senses": lambda language: embedding.between_senses(np.eye(4), language),
    "ring": lambda language: embedding.ring(np.eye(4), language),
    "at stake": measurement.at_stake,
}


@pytest.mark.parametrize("ask", ASKS_THE_GRAMMAR.values(), ids=ASKS_THE_GRAMMAR)
def test_what_needs_a_grammar_says_so_of_a_text_and_a_tokenizer(own, ask, as_a_learner):
    for language in (text(own, "words"), Tokenizer("tiny", None, 4)):
        with pytest.raises(LabError, match=f"^{language.name} has no grammar that anybody knows"):
            ask(language)
    assert grammar_of(compound()) is compound()

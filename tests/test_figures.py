"""Pictures of notebooks 01, 02 and 07: what they say is what they draw, and what the model does."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from random_models import MONEY, RIVER, random_model

import operator_lab as lab
from operator_lab import embedding as em
from operator_lab import measurement as me
from operator_lab import one_hot as oh
from operator_lab.corpus import compound
from operator_lab.errors import LabError
from operator_lab.figures.explorer import Explorer
from operator_lab.model import divergence

RANKS = [1, 2, 4, 16]
HELD = {
    f"{name} {r}": np.array([0.1, 0.2, 0.6]) / r * scale
    for name, scale in (("embedding", 1.0), ("unembedding", 3.0))
    for r in RANKS
}


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def context():
    return lab.figures.one_hot.context(compound(), MONEY)


@pytest.fixture(scope="module")
def rank(model):
    return lab.figures.embedding.rank(model, HELD, RANKS)


def positions(shown: Explorer):
    """Every position of a picture: slider, choice, the sentence that stands there."""
    count, options = shown._content.shape
    for i in range(count):
        for j in range(options):
            yield i, j, shown._content.text(i, j)


def drawn(shown: Explorer, panel: int, name: str, i: int, j: int):
    """One array as it is drawn at a position."""
    array = shown._content.panels[panel].arrays[name]
    return array[i if len(array) > 1 else 0, j if array.shape[1] > 1 else 0]


def numbers(text: str) -> list[float]:
    """All numbers of a read-out, in their order."""
    return [float(n) for n in re.findall(r"(?<![\w'])-?\d+(?:\.\d+)?", text)]


def is_light(shown: Explorer):
    assert isinstance(shown, Explorer) and shown.nbytes < 300_000
    assert "png" in shown._still() and shown._content.alt.endswith(".")


def refuses(shown: Explorer, sentence: str, message: str):
    """A sentence that cannot be read is said so, and the picture stays."""
    before = shown.header, shown.data, shown.text
    with pytest.raises(LabError, match=message):
        shown.ask(sentence)
    assert (shown.header, shown.data, shown.text) == before


# ---- 01: the context ----------------------------------------------------------------------------


@pytest.mark.thorough
def test_context_says_what_so_many_words_tell(context):
    language = compound()
    is_light(context)
    tokens = language.encode(MONEY)[1:]
    exact = language.law(MONEY)[-1]
    for c, _, text in positions(context):
        law = oh.window_law(language, tokens[max(0, 8 - c) :])
        here = oh.surprise(law[None], law[None])[0]
        seen = " ".join(MONEY.split()[max(0, 8 - c) :]) or "(nothing)"
        word = language.words[law.argmax()]
        assert f"'{seen}'" in text and f"'{word}' ({law.max():.0%})" in text
        assert f"{here:.2f} nats remain here" in text and numbers(text)[0] == c
        curve = drawn(context, 1, "here", c, 0)
        assert curve[c] == pytest.approx(here)
        words = context._content.panels[0].labels
        shown = [language.index(w) for w in words]
        assert drawn(context, 0, "these words only", c, 0) == pytest.approx(law[shown])
        assert drawn(context, 0, "whole text", c, 0) == pytest.approx(exact[shown])
    assert context.value == 1  # the first frame: 'bank' alone does not tell which bank


def test_context_shows_the_mean_of_a_long_text(context):
    mean = drawn(context, 1, "on average", 0, 0)
    expected = oh.remaining(compound(), range(25), count=1024)
    assert mean == pytest.approx(expected.nats)
    for c, _, text in positions(context):
        assert f"{mean[c]:.2f} on average" in text


def test_another_sentence_and_mistakes_in_the_context(context):
    context.ask(RIVER)
    context.index = 3
    assert "'at the bank'" in context.text and context.header["sentence"] == RIVER
    context.index = 8
    assert f"'{RIVER}'" in context.text
    refuses(context, "the dog", "'dog' is not one of the 95 words")
    refuses(context, "the bank the", "After '. the bank' the grammar never says 'the'")
    refuses(context, "the man paid the owl", "never says 'owl'")
    refuses(context, "", "The sentence is empty")
    full = "the man saw the box near the bank . " * 2
    context.ask(full + "the man saw the box near")
    context.index = 24
    assert f"'{(full + 'the man saw the box near')}'" in context.text  # all 24 words are seen
    refuses(context, full + "the man saw the box near the", "reads at most 24 words")


def test_memory_draws_its_curves():
    _, ax = plt.subplots()
    lab.figures.one_hot.memory(ax, [0, 1, 2], {"a": np.array([3, 2, 1]), "b": np.ones(3)}, 4.5)
    most, *curves = ax.lines
    assert set(most.get_ydata()) == {4.5}
    assert [c.get_ydata().tolist() for c in curves] == [[3, 2, 1], [1, 1, 1]]
    assert [t.get_text() for t in ax.texts] == ["a", "b"]
    plt.close("all")


# ---- 02: ranks and the ring ---------------------------------------------------------------------


@pytest.mark.thorough
def test_rank_says_what_was_held_and_what_a_cut_costs(rank, model):
    is_light(rank)
    names = {"embedding": "W_E", "unembedding": "W_U.weight"}
    for i, j, text in positions(rank):
        name, r = list(names)[j], RANKS[i]
        held = HELD[f"{name} {r}"]
        assert text.startswith(f"{name}, rank {r} of 16: ") and "mean of 3 seeds" in text
        assert f"is {held.mean():.3f} nats" in text
        assert f"{held.min():.3f} to {held.max():.3f}" in text
        ends = ("held while training (low)", "held while training (high)")
        low, high = (drawn(rank, 0, end, i, j) for end in ends)
        assert (low[i], high[i]) == pytest.approx((held.min(), held.max()))
        cut = drawn(rank, 0, "trained longer, then cut down", i, j)[i]
        W = names[name]
        reduced = model.with_weights({W: em.downfolded(model.weights[W], r)})
        assert cut == pytest.approx(reduced.excess(48), abs=1e-4)
        assert f"cut down afterwards, {cut:.3f}" in text
    assert rank.value == 4


def test_rank_draws_the_cut_words_in_the_plane_of_the_whole(rank, model):
    language = model.language
    share = em.senses_of(language)
    kept = (share == 0.5).any(1) | (share.max(1) == 1)
    points = rank._content.panels[1]
    named = [label for label in points.labels if label]
    assert sorted(named) == ["bank", "bass", "bat", "buck", "pitch"]
    for i, r in enumerate(RANKS):
        for j, W in enumerate(("W_E", "W_U.weight")):
            full = model.weights[W]
            places = em.ring(em.downfolded(full, r), language, of=full)  # the plane stays in place
            seen = np.where((abs(places) <= 2).all(-1, keepdims=True), places, np.nan)[kept]
            assert drawn(rank, 1, "xy", i, j) == pytest.approx(seen, abs=1e-6, nan_ok=True)
            assert np.isfinite(seen).mean() > 0.5


def test_stills_of_the_embedding(model):
    language = model.language
    _, (left, right) = plt.subplots(1, 2)
    lab.figures.embedding.senses(left, model.weights["W_E"], language, "here")
    assert sorted(t.get_text() for t in left.texts) == ["bank", "bass", "bat", "buck", "pitch"]
    share, places = em.senses_of(language), em.ring(model.weights["W_E"], language)
    for k in range(5):
        assert left.lines[k].get_xydata() == pytest.approx(places[share[:, k] == 1])
    assert left.get_title() == "here"
    lab.figures.embedding.ranks(right, HELD, RANKS)
    means = [HELD[f"embedding {r}"].mean() for r in RANKS]
    assert right.lines[0].get_ydata() == pytest.approx(means)
    plt.close("all")


# ---- 07: the lens, the cut, the beliefs ---------------------------------------------------------


def depth_agrees(shown, model, sentence):
    run = model.run(sentence)
    laws, exact = me.lens(run), model.language.law(sentence)
    names = lab.figures.measurement.step_names(model.transformer.shape.layers)
    for s, _, text in positions(shown):
        law = laws[s, -1]
        off = divergence(exact[-1], law)
        word = run.vocabulary[law.argmax()]
        assert f"Read after {names[s]}:" in text and f"'{word}' ({law.max():.0%})" in text
        assert f"{off:.2f} nats" in text
        labels = shown._content.panels[0].labels
        bars = drawn(shown, 0, "read here", s, 0)
        assert bars == pytest.approx(law[[model.language.index(w) for w in labels]])
        assert drawn(shown, 1, "after the last word", s, 0)[s] == pytest.approx(off)
        mean = np.mean([divergence(p, q) for p, q in zip(exact, laws[s], strict=True)])
        assert drawn(shown, 1, "mean over the sentence", s, 0)[s] == pytest.approx(mean)


def test_depth_says_what_the_lens_reads(model):
    shown = lab.figures.measurement.depth(model, MONEY)
    is_light(shown)
    depth_agrees(shown, model, MONEY)
    assert shown.text.startswith("Read after attention 2")
    assert f"After '{MONEY.split()[-1]}'" == shown._content.panels[0].title
    shown.ask("the bat was old")
    depth_agrees(shown, model, "the bat was old")
    refuses(shown, "the dog", "'dog' is not one of the 95 words")
    refuses(shown, "the bank the", "After '. the bank' the grammar never says 'the'")
    refuses(shown, "the man paid the owl", "never says 'owl'")
    refuses(shown, "the man saw the box . " * 6, "37 positions .* at most 32")


def test_depth_of_one_layer():
    shown = lab.figures.measurement.depth(random_model(layers=1), MONEY)
    assert [t.split(":")[0] for _, _, t in positions(shown)] == [
        "Read after label", "Read after attention 1", "Read after MLP 1",
    ]  # fmt: skip


def sampling_agrees(shown, model, sentence):
    law = model.run(sentence).law[-1]
    words = [model.language.words[i] for i in np.argsort(-law, kind="stable")]
    assert list(shown._content.panels[0].labels) == [*words[:12], "others"]
    for i, j, text in positions(shown):
        T, u = (0.5, 1.0, 2.0)[j], (i + 0.5) / 100
        p = np.sort(law ** (1 / T))[::-1]
        p = p / p.sum()
        rank = int(np.searchsorted(p.cumsum(), u, side="right"))
        assert text == (
            f"At temperature {T:.1f}, u = {u:.3f} draws '{words[rank]}', the word of rank "
            f"{rank + 1} ({p[rank]:.1%})."
        )
        bars, taken = drawn(shown, 0, "probability", i, j), drawn(shown, 0, "drawn", i, j)
        assert bars == pytest.approx(np.append(p[:12], p[12:].sum()))
        assert np.flatnonzero(taken) == [min(rank, 12)] and taken.max() == bars[min(rank, 12)]
        assert drawn(shown, 1, "word drawn", i, j)[i] == min(rank, 12) + 1


@pytest.mark.thorough
def test_sampling_draws_the_word_that_u_cuts(model):
    shown = lab.figures.measurement.sampling(model, MONEY)
    is_light(shown)
    sampling_agrees(shown, model, MONEY)
    shown.ask("the bank the")  # the model reads what the grammar never says
    sampling_agrees(shown, model, "the bank the")
    refuses(shown, "the dog", "'dog' is not one of the 95 words")
    refuses(shown, "the man saw the box . " * 6, "37 positions .* at most 32")


def test_simplex_says_how_much_of_the_beliefs_is_found():
    senses, rng = compound().senses, np.random.default_rng(0)
    exact = rng.dirichlet(np.full(5, 0.3), size=300)
    mean = np.broadcast_to(exact.mean(0), exact.shape)
    names = lab.figures.measurement.step_names(4)
    trained = np.stack([mean + s / 8 * (exact - mean) for s in range(9)])
    shown = lab.figures.measurement.simplex(
        {"trained": trained, "untrained": np.stack([mean] * 9)}, exact, senses, names
    )
    is_light(shown)
    corners = lab.figures.measurement.corners()
    assert corners.sum(0) == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(corners, axis=1) == pytest.approx(1)
    for s, j, text in positions(shown):
        found = (trained if j == 0 else np.stack([mean] * 9))[s]
        share = me.explained(exact, found)
        name = ("trained", "untrained")[j]
        assert text.startswith(f"{name}, read after {names[s]}: ")
        assert f"accounts for {share + 0:.0%}".replace("-0%", "0%") in text
        assert drawn(shown, 0, "xy", s, j) == pytest.approx(found @ corners)
        assert drawn(shown, 1, "xy", s, j) == pytest.approx(exact @ corners)
    assert shown.index == 7  # one before the end, so that the key that goes on moves it
    shown.index = 8
    assert "accounts for 100%" in shown.text


def test_stills_of_the_measurement():
    senses = compound().senses
    exact = np.random.default_rng(1).dirichlet(np.ones(5), size=40)
    _, axes = plt.subplots(1, 4)
    lab.figures.measurement.beliefs(axes[0], exact, exact, senses, "exact")
    assert sum(len(line.get_xdata()) for line in axes[0].lines) == 40
    assert [t.get_text() for t in axes[0].texts] == list(senses)
    lab.figures.measurement.stakes(axes[1], {"a": 0.5, "b": 0.0}, {"m": {"a": 1.0, "b": 0.2}})
    assert axes[1].lines[0].get_xydata().tolist() == [[0.2, 0], [1.0, 1]]
    assert [t.get_text() for t in axes[1].get_yticklabels()] == ["after b", "after a"]
    T = np.array([0.5, 1.0])
    lab.figures.measurement.generated(*axes[2:], T, np.array([1.0, 2]), np.array([1, 0.5]), 1.2)
    assert axes[2].lines[0].get_ydata().tolist() == [1, 2]
    assert axes[3].lines[0].get_ydata().tolist() == [1, 0.5]
    plt.close("all")

"""The pictures of notebook 12: they say what the arrays say, and refuse what cannot be read."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from random_checkpoints import TEXT, checkpoint

from operator_lab import pretrained
from operator_lab.errors import LabError
from operator_lab.figures import pretrained as figures


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("tokenizers")
    return pretrained.load(checkpoint(tmp_path_factory.mktemp("model"), "llama", seed=1))


@pytest.mark.parametrize("index", range(4))
def test_the_shipped_truncations_say_what_they_hold(index):
    picture = pretrained.pictures()[index]
    explorer = figures.truncation(picture)
    assert explorer.index == 1 and explorer.nbytes < 300_000
    for order in range(9):
        for split in (0, 1):
            explorer.index, explorer.choice_index = order, split
            top, left = picture["top"][order][split].strip(), picture["left"][order][split]
            assert f"Orders 0 to {order}: the likeliest next word is '{top}'" in explorer.text
            assert f"; {left:.3f} nats are missing" in explorer.text
    whole = picture["words"][int(np.argmax(picture["whole"]))].strip()
    assert explorer.text.endswith(f"The whole model says '{whole}'.")
    with pytest.raises(LabError, match="has no recompute= to ask"):
        explorer.ask("another sentence")


def test_a_live_model_answers_another_sentence(model):
    explorer = figures.truncation(pretrained.truncation(model, TEXT), model)
    before = explorer.text
    explorer.ask("a dog saw the man at the river")
    assert explorer.text != before and "'a dog saw the man at the river ...'" in explorer.text
    after = explorer.text
    for text, message in (("", "This text is empty"), ("the man", "at least three words")):
        with pytest.raises(LabError, match=message):
            explorer.ask(text)
    assert explorer.text == after


def test_a_truncation_is_what_the_instruments_say(model):
    from operator_lab import dyson

    found, run = pretrained.truncation(model.to("float64"), TEXT), model.to("float64").run(TEXT)
    for split, name in enumerate(("on_site", "mlp")):
        series = dyson.orders(run, name)
        law = dyson.law_of(run, series[:3].sum(0))[-1]
        assert found["sure"][2, split] == pytest.approx(law.max(), rel=1e-6)
        assert found["top"][2][split] == run.vocabulary[law.argmax()]
        missing = (run.law[-1] * (np.log(run.law[-1]) - np.log(law))).sum()
        assert found["left"][2, split] == pytest.approx(missing, abs=1e-8)
        assert found["sizes"][: len(series), split] == pytest.approx(pretrained.sizes(series))
    assert found["left"][-1] == pytest.approx(0, abs=1e-8)  # beyond the last order: the whole


def test_a_long_sentence_is_cut_from_the_front():
    assert figures._short("a few words") == "a few words"
    long = "word " * 30 + "end"
    short = figures._short(long)
    assert short.startswith("... word") and short.endswith("word end") and len(short) <= 64


def test_curves_leave_out_what_a_log_scale_cannot_show():
    _, ax = plt.subplots()
    figures.curves(ax, {"one": [1.0, 0.0, 0.1], "two": [2.0, 1.0, 0.5]}, "t", "x", "y", "log")
    one = ax.lines[0].get_ydata()
    assert np.isnan(one[1]) and one[2] == 0.1 and ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    plt.close("all")


def test_shares_stand_at_their_words_and_heads():
    _, (a, b, c) = plt.subplots(1, 3)
    figures.levels(a, ["the", "man"], [1.5, -0.25])
    assert [t.get_text() for t in a.texts] == ["+1.50", "-0.25"]
    assert [p.get_width() for p in a.patches] == [1.5, -0.25]
    share = np.zeros((3, 2))
    share[1, 0], share[2, 1] = -2.0, 1.0
    figures.heads(b, share)
    (mark,) = b.lines
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1.5, 0.5)
    figures.foretold(c, share, share / 2)
    assert {t.get_text() for t in c.texts} >= {"2.1", "3.2"}
    assert c.lines[0].get_xdata().tolist() == share.ravel().tolist()
    plt.close("all")

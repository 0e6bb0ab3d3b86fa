"""Any text in any place: other scripts, signs that mean something elsewhere, styles of others."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from random_models import random_model

from operator_lab import corpus, figures
from operator_lab.corpus.texts import split
from operator_lab.errors import LabError
from operator_lab.figures.explorer import Bars, Explorer, Slider
from operator_lab.files import STALE, alone, write_whole
from operator_lab.model import Model
from operator_lab.training import Recipe, train

HINDI = "हिन्दी में नदी के किनारे"
ODD = ["$x_1$", "$", "<!--<script>", "हिन्दी", "\N{SLIGHTLY SMILING FACE}", "\\frac{", "a\tb"]
STYLES = ("default", "ggplot", "seaborn-v0_8-whitegrid", "dark_background")
RECIPE = Recipe(shape=dict(features=8, heads=2, layers=1, hidden=8), steps=4, batch=2, warmup=1)


@pytest.mark.parametrize("content", [HINDI, "قُلْ هُوَ", "cafe\u0301 nai\u0308ve", "สวัสดี ครับ"])
def test_what_combines_with_a_letter_stays_in_its_word(content):
    assert split(content, "words") == content.split()


def test_a_text_of_another_script_is_kept_whole(tmp_path):
    path = tmp_path / "hindi.txt"
    path.write_text(f"{HINDI} " * 40, encoding="utf-8")
    text = corpus.text(path, unit="words", context=8)
    assert set(text.words) == set(HINDI.split())
    assert text.decode(text.encode(HINDI)).split() == HINDI.split()
    few = corpus.text(path, unit="words", context=8, most=3)
    assert "\N{REPLACEMENT CHARACTER}" in few.words and "%" in repr(few)


def test_a_changed_language_is_saved_with_its_model(tmp_path):
    other = replace(corpus.compound(), stay=0.25, name="slower")
    model = Model(random_model(features=8, heads=2, layers=1, hidden=8).transformer, other)
    read = Model.load(model.save(tmp_path / "a.safetensors")).language
    assert (read.name, read.stay) == ("slower", 0.25)
    tokens = other.sample(2, 9, 0)
    assert np.array_equal(read.law(tokens), other.law(tokens))
    assert not np.array_equal(read.law(tokens), corpus.compound().law(tokens))


def test_a_folder_that_cannot_be_is_told_before_the_first_step(tmp_path, as_a_learner):
    (tmp_path / "file").write_text("")
    looks = []
    with pytest.raises(LabError, match="Nothing can be written"):
        train(
            RECIPE, folder=tmp_path / "file" / "in it", every=1, progress=False, device="cpu",
            watch=lambda model: looks.append(1) or {},
        )  # fmt: skip
    assert not looks


SEEN = {
    "float32": np.float32(0.5), "whole": np.int8(3), "bool": np.bool_(True), "text": np.str_("a"),
    "complex": np.array([1j, 2.0]), "empty": np.zeros(0), "none": np.array([np.nan, np.inf]),
    "half": np.ones(2, np.float16), "list": [1, 2], "fortran": np.asfortranarray(np.ones((2, 3))),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_whatever_is_watched_is_kept_and_taken_up(name, tmp_path):
    def train_on():
        return train(RECIPE, folder=tmp_path, every=2, progress=False, device="cpu",
                     watch=lambda model: {"seen": SEEN[name]}).watched["seen"]  # fmt: skip

    first, again = train_on(), train_on()
    assert np.array_equal(first, again, equal_nan=first.dtype.kind in "fc")
    assert np.array_equal(first[0], SEEN[name], equal_nan=first.dtype.kind in "fc")


def test_what_a_killed_run_left_is_swept(tmp_path):
    path = tmp_path / "a.json"
    for age in (10.0, STALE + 10):
        left = tmp_path / f".a.json.{age:g}.tmp"
        left.write_text("half")
        os.utime(left, (time.time() - age,) * 2)
    write_whole(path, b"whole")  # somebody may be writing the younger one
    assert [p.name for p in tmp_path.glob(".*.tmp")] == [".a.json.10.tmp"]
    with alone(path):
        assert not list(tmp_path.glob(".*.tmp"))


def test_no_text_ends_or_hides_the_page():
    shown = Explorer(
        title="<!--<script>", slider=Slider("</script>", labels=ODD), alt="<!--",
        panels=[Bars("</SCRIPT>", ODD, {"<!--": np.arange(float(len(ODD)))})],
        readout="{word}", values={"word": [[w] for w in ODD]},
    )  # fmt: skip
    header = json.dumps(shown.header).lower()
    assert "<!--" not in header and "<script" not in header and "</script" not in header
    assert "<!--" not in shown._still() and "<script" not in shown._still().lower()


MAPS = {
    "mixing.matrix": lambda ax: figures.mixing.matrix(ax, np.eye(len(ODD)), ODD),
    "channels.by_sense": lambda ax: figures.channels.by_sense(ax, np.eye(len(ODD)), ODD, 1.0),
    "channels.blocks": lambda ax: figures.channels.blocks(ax, np.eye(4), 2),
    "pretrained.heads": lambda ax: figures.pretrained.heads(ax, np.eye(4)),
    "layernorm.regulated": lambda ax: figures.layernorm.regulated(
        ax, np.ones((len(ODD), 2, 2)), [0.1, 0.2], ODD
    ),
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(
    "style", ["default", "ggplot", "seaborn-v0_8-whitegrid", "dark_background"]
)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_map_has_no_lines_over_it_and_takes_any_word(name, style):
    with matplotlib.style.context(style):
        figure, ax = plt.subplots()
        MAPS[name](ax)
        figure.canvas.draw()
        lines = [*ax.get_xgridlines(), *ax.get_ygridlines()]
        assert not any(line.get_visible() for line in lines)
        plt.close(figure)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_paths_and_levels_take_any_word():
    for draw in (
        lambda ax: figures.dyson.paths(ax, ODD[:4], 2),
        lambda ax: figures.pretrained.levels(ax, ODD, np.linspace(-1, 1, len(ODD))),
    ):
        figure, ax = plt.subplots()
        draw(ax)
        figure.canvas.draw()
        plt.close(figure)


def test_a_script_of_a_notebook_is_python(root):
    exporter = pytest.importorskip("nbconvert").ScriptExporter()
    for path in sorted(Path(root / "course").glob("[01]*.ipynb")):
        text, resources = exporter.from_filename(str(path))
        assert resources["output_extension"] == ".py" and "import" in text

"""The page for ML engineers: its code runs, its table is complete, and what it equates is equal."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import random_model

import operator_lab as lab
from operator_lab.arrays import softmax
from operator_lab.recorder import Recorder
from operator_lab.transformer import POINTS, Transformer

COURSE = Path(__file__).resolve().parent.parent / "course"
PAGE = (COURSE / "for_ml_engineers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@pytest.fixture(scope="module")
def done():
    """What the blocks of the page leave behind, run one after the other."""
    space: dict = {}
    for block in BLOCKS:
        exec(block, space)
    return space


def plus(x, bias):
    return x if bias is None else x + bias


def test_every_point_is_in_the_table_and_nothing_else():
    gated = Transformer(5, gated=True)
    note = Recorder({}, gated.shape)
    gated(torch.arange(3), note)
    assert sorted(ROW.findall(PAGE)) == sorted(POINTS)
    assert {name for name, _ in note.kept} == set(POINTS) - {"head_write"}  # made on demand


def test_each_experiment_is_one_line_and_changes_the_law(done):
    assert len(BLOCKS) == 7 and max(block.count("\n") for block in BLOCKS[1:]) == 3
    run = done["run"]
    for name in ("patched", "swapped", "ablated", "cut"):
        assert abs(done[name].law[-1] - run.law[-1]).max() > 1e-3, name


def test_patching_and_ablation_do_what_they_say(done):
    run, other = done["run"], done["other"]
    np.testing.assert_array_equal(done["patched"].states[2, -1], other.states[2, -1])
    np.testing.assert_array_equal(done["patched"].states[2, :-1], run.states[2, :-1])
    np.testing.assert_array_equal(done["swapped"].head_writes[1, 2], other.head_writes[1, 2])
    assert done["share"].shape == (4, 4) and abs(done["share"]).max() > 0.1
    assert not done["ablated"].head_writes[1, 2].any()
    kept = [0, 1, 3]
    np.testing.assert_array_equal(done["ablated"].head_writes[1, kept], run.head_writes[1, kept])
    np.testing.assert_array_equal(done["cut"].mixing[1], run.mixing[1])  # queries and keys see it


def test_attribution_adds_up_and_the_lens_ends_in_the_law(done):
    run = done["run"]
    fee, reeds = (run.vocabulary.index(word) for word in ("fee", "reeds"))
    assert done["split"].total == pytest.approx(run.logits[-1, fee] - run.logits[-1, reeds], 1e-4)
    lens = lab.measurement.lens(run)
    np.testing.assert_array_equal(done["early"], lens[2, -1])
    np.testing.assert_allclose(lens[-1], run.law, atol=1e-6)


@pytest.mark.parametrize("biases", [False, True])
def test_the_names_mean_what_the_table_says(done, biases):
    """Ours in terms of theirs: scores scaled and masked, pattern, z, result, attn_out, resid."""
    run = random_model(bias=True).run(done["money"]) if biases else done["run"]
    for i, layer in enumerate(run.layers):
        kept = {name: run.kept[name, i] for name, k in run.kept if k == i and name != "state"}
        norm = layer.attend().before
        for letter, point in zip("QKV", ("query", "key", "value"), strict=True):
            read = kept[f"{point}_input"]
            np.testing.assert_allclose(read, norm(run.states[2 * i], 1.0), atol=1e-4)
            of_head = np.einsum("nd,hkd->hnk", read, getattr(layer, f"W_{letter}"))
            bias = getattr(layer, f"b_{letter}")
            of_head = plus(of_head, None if bias is None else bias[:, None])
            np.testing.assert_allclose(kept[point], of_head, atol=1e-4)
        S, N = kept["query"] @ kept["key"].swapaxes(-1, -2), len(run.words)
        np.testing.assert_allclose(kept["interaction"], S, atol=1e-4)
        scores = np.where(np.tri(N, dtype=bool), S / run.temperature, -np.inf)
        np.testing.assert_allclose(kept["mixing"], softmax(scores), atol=1e-5)
        z = kept["mixing"] @ kept["value"]
        np.testing.assert_allclose(kept["head_output"], z, atol=1e-4)
        result = np.einsum("hnk,dhk->hnd", z, layer.W_O)
        np.testing.assert_allclose(run.head_writes[i], result, atol=1e-4)
        attn_out = plus(result.sum(0), layer.weight("attention.W_O.bias"))
        np.testing.assert_allclose(run.step_writes[2 * i], attn_out, atol=1e-4)
        n = layer.potential().before(run.states[2 * i + 1], 1.0)
        pre = plus(n @ layer.weight("mlp.W_1.weight").T, layer.weight("mlp.W_1.bias"))
        np.testing.assert_allclose(kept["hidden"], pre, atol=1e-4)
        for s in (2 * i, 2 * i + 1):
            after = run.states[s] + run.step_writes[s]
            np.testing.assert_allclose(run.states[s + 1], after, atol=1e-4)


def test_links_lead_somewhere_and_the_book_leads_here():
    dictionary = (COURSE / "dictionary.md").read_text(encoding="utf-8").lower()
    for file, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", PAGE):
        assert (COURSE / file).is_file(), file
        if anchor:
            heading = rf"^#+ {anchor.replace('-', ' ')}$"
            assert re.search(heading, dictionary, flags=re.MULTILINE), anchor
    assert "(for_ml_engineers.md)" in (COURSE / "index.md").read_text(encoding="utf-8")
    assert "file: for_ml_engineers\n" in (COURSE / "_toc.yml").read_text(encoding="utf-8")

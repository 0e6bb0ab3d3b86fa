"""The shipped models: unchanged, small, and what the course says of them."""

import hashlib
import json

import numpy as np
import pytest

from operator_lab import corpus, edits, mixing, references
from operator_lab.errors import LabError
from operator_lab.references import DATA, REFERENCES, reference

# Frozen when shipped. A better recipe gets a new name, never a new hash.
HASHES = {
    "compound-tied": "663597f24655552f8d474c6e90a8cb12bbaae00c720ec04d80f399e871e3e09e",
    "compound": "f65cac69d49f3e9749ea56eb45dba5f1e70434e1199d6be7ca0f5d88559a74cd",
    "compound-untrained": "ccd7469b3f960f892eb356cfa160556e048c20796b4ff7de02d084ddf7c8f430",
    "depth": "ce0b37ab3bf60aa34ed7dcf53c7f00c76a5ae6af56201e2d84ab38a60c0407eb",
    "depth-untrained": "65ee85b38bb9717463571ce77191ae5ca1bed78e7a59063d7af1759871fc490c",
    "depth-one-layer": "29292abc69d6090803748d9f384002cde072e5dd28eaf207ab885c3d140176fe",
    "copies": "e7830e907e5c8b3c0745aa0b24d3874e66a142b959b7aec33b99249cf8290ad8",
}


@pytest.mark.parametrize("name", REFERENCES)
def test_shipped_files_never_change(name):
    path = DATA / f"{name}.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == HASHES[name]
    assert path.stat().st_size < 2e6
    card = json.loads((DATA / "models.json").read_text(encoding="utf-8"))[name]["card"]
    assert card["recipe"] and "versions" in card or not REFERENCES[name].trained


def test_the_trained_models_are_near_the_floor():
    for language in ("compound", "depth"):
        model = reference(language).to("float32")
        assert model.excess(256) < 0.02
        assert reference(language, trained=False).to("float32").excess(64) > 3


def test_the_bank_column_is_read_in_the_compound_language():
    sentences = "the man paid the coin at the bank", "the man crossed the shore at the bank"
    flipped = mixing.exchange(reference(), *sentences)
    assert abs(flipped[0]) < 1e-12 and flipped[3] > 0.9
    later = [s + " and it was" for s in sentences]
    assert abs(mixing.exchange(reference(), *later, positions=[8])).max() < 0.05
    assert abs(mixing.exchange(reference(trained=False), *sentences)).max() < 0.01


def test_one_layer_does_not_suffice_in_the_depth_language():
    language = corpus.depth()
    texts = language.sample(256, 64, seed=77)
    law, posterior = language.law(texts), language.posterior(texts)
    names = np.isin(texts, [language.index(n) for n in language.holders])
    sure = names & (posterior.max(-1) > 0.99)  # this person's sense is known
    says = language.emissions("verb")
    verbs = says * (says.min(0) == 0) > 0  # those that the sense selects
    right = verbs[posterior[sure].argmax(-1)]
    share = {
        layers: (reference("depth", layers=layers).to("float32").law(texts)[sure] * right).sum(-1)
        for layers in (1, 2)
    }
    exact = (law[sure] * right).sum(-1).mean()
    assert share[2].mean() == pytest.approx(exact, abs=0.02)
    assert share[1].mean() < exact - 0.1


def test_one_head_goes_on_with_a_list_that_is_said_again():
    model = reference("copies")
    for seed in range(5):
        words = np.random.default_rng(seed).permutation(16)[:12]
        tokens, at = np.resize(words, 32), np.arange(12, 31)
        looks = model.run(tokens).mixing[:, :, at, at - 11].mean(-1)  # after the last time
        quiet = [None, *(edits.silence(model, 1, [head]) for head in (0, 1))]
        whole, other, own = (model.law(tokens, e)[at, tokens[at + 1]].mean() for e in quiet)
        assert looks[1, 1] > 0.8 and np.delete(looks.ravel(), 3).max() < 0.7
        assert whole > 0.6 and own < whole / 2 < other


def test_couplings_are_like_random_matrices():
    run = reference().run("the man paid the coin at the bank")
    assert 0.44 < mixing.antisymmetric_share(mixing.couplings(run)).mean() < 0.50


def test_mistakes_get_one_sentence(monkeypatch, tmp_path):
    with pytest.raises(LabError, match="no language 'french'"):
        reference("french")
    with pytest.raises(LabError, match="No trained compound model with 9 layers .* shipped: 4"):
        reference(layers=9)
    (tmp_path / "models.json").write_text((DATA / "models.json").read_text())
    (tmp_path / "compound.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(references, "DATA", tmp_path)
    with pytest.raises(LabError, match="missing or is not the one that was shipped"):
        reference()
    with pytest.raises(LabError, match="missing or is not the one"):
        reference("depth")
    with pytest.raises(LabError, match="is shipped already and never changes"):
        references.ship(tmp_path)


@pytest.mark.thorough
def test_candidates_are_compared_with_what_is_shipped(tmp_path, monkeypatch):
    one = {"depth-untrained": REFERENCES["depth-untrained"]}
    monkeypatch.setattr(references, "REFERENCES", one)
    head, line = references.compare(tmp_path, progress=False)
    assert "shipped" in head and line.startswith("depth-untrained")
    shipped, candidate = map(float, line.split()[1:])
    assert shipped == pytest.approx(candidate, abs=1e-3)  # drawn again from the same seed
    assert references.compare(tmp_path, progress=False)[1] == line  # kept, not made again

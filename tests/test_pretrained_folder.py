"""Folders and files of real models: read whole, or refused in one sentence."""

from __future__ import annotations

import json
import struct

import pytest
import random_gguf
from random_checkpoints import CONFIGS, TEXT, checkpoint, tensors, written
from safetensors.torch import save_file

from operator_lab import pretrained
from operator_lab.errors import LabError

pytest.importorskip("tokenizers")


def test_a_tied_head_and_a_tokenizer_that_cuts(tmp_path):
    folder = checkpoint(tmp_path)
    known = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    known["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst",
                           "stride": 0}  # fmt: skip
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    written(folder / "config.json", json.dumps(config | {"tie_word_embeddings": True}))
    (folder / "tokenizer.json").write_text(json.dumps(known), encoding="utf-8")
    weights = {k: v for k, v in tensors(CONFIGS["llama"]).items() if k != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors")
    model = pretrained.load(folder)
    assert len(model.tokens(TEXT)) == 10  # all of it, whatever the file says
    for one in (model, model.to("float64"), model.replace(tau=2.0)):
        weights = one.transformer.weights()
        assert weights["W_U.weight"] is weights["W_E"]


def broken_folder(folder, kind="llama", remove=None, add=None, drop=None, cut=None, **changes):
    checkpoint(folder, kind, **changes)
    if remove:
        (folder / remove).unlink()
    if add:
        written(folder / add, b"\x80\x04.")
    if drop:
        kept = {k: v for k, v in tensors(CONFIGS[kind] | changes).items() if k != drop}
        save_file(kept, folder / "model.safetensors")
    if cut:
        whole = (folder / "model.safetensors").read_bytes()
        written(folder / "model.safetensors", whole[: len(whole) // cut])
    return folder


FOLDERS = {
    "no config": (dict(remove="config.json"), "not the folder of a model: config.json is missing"),
    "no weights": (dict(remove="model.safetensors"), "no weights: model.safetensors is missing"),
    "no tokenizer": (dict(remove="tokenizer.json"), "no tokenizer: tokenizer.json is missing"),
    "pickled": (
        dict(remove="model.safetensors", add="pytorch_model.bin"),
        "pytorch_model.bin is pickled: .* Only safetensors and GGUF are read",
    ),
    "truncated": (dict(cut=2), "is not a whole safetensors file"),
    "cut in the header": (dict(cut=500), "is not a whole safetensors file"),
    "a weight missing": (
        dict(drop="model.layers.1.mlp.up_proj.weight"),
        "not whole: 'model.layers.1.mlp.up_proj.weight' is missing",
    ),
    "a bias missing": (
        dict(kind="bert", drop="encoder.layer.0.output.dense.bias"),
        "encoder.layer.0.output.dense.bias' is missing",
    ),
    "unknown": (
        dict(model_type="t5"),
        "'t5' is an encoder-decoder, which the Transformer here is not; known: gpt2, llama",
    ),
    "no type": (dict(model_type=None), "The architecture None is not known"),
    "another nonlinearity": (dict(hidden_act="xielu"), "nonlinearity 'xielu' .hidden_act. is not"),
    "odd heads": (dict(num_key_value_heads=3), "4 heads of queries cannot share 3 heads"),
    "odd rotation": (dict(rope_scaling={"rope_type": "spiral"}), "rotation 'spiral' is not known"),
    "half a rotation": (dict(partial_rotary_factor=0.5), "RoPE of 3 features is not known"),
    "odd features": (dict(head_dim=5), "RoPE of 5 features is not known"),
    "relative positions": (
        dict(kind="bert", position_embedding_type="relative_key"),
        "position_embedding_type = 'relative_key', which is not known here; known is 'absolute'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_is_no_model_says_why(case, tmp_path, as_a_learner):
    how, message = FOLDERS[case]
    with pytest.raises(LabError, match=message):
        pretrained.load(broken_folder(tmp_path / "model", **how))


def test_a_config_without_its_numbers_says_which(tmp_path, as_a_learner):
    for kind, changes, message in (
        ("llama", {"hidden_size": None}, "config.json does not say 'hidden_size'"),
        (
            "llama",
            {"num_attention_heads": "4"},
            "says num_attention_heads = '4', which is not a whole",
        ),
        ("gpt2", {"n_embd": None}, "config.json does not say 'n_embd'"),
        ("bert", {"hidden_size": "a"}, "hidden_size = 'a', which is not a whole number"),
    ):
        checkpoint(tmp_path, kind)
        config = CONFIGS[kind] | changes
        written(tmp_path / "config.json", json.dumps(config))
        with pytest.raises(LabError, match=message):
            pretrained.load(tmp_path)
    del config["hidden_size"]
    written(tmp_path / "config.json", json.dumps(config))
    with pytest.raises(LabError, match="config.json does not say 'hidden_size'"):
        pretrained.load(tmp_path)


def test_weights_of_another_shape_do_not_fit(tmp_path, as_a_learner):
    folder = checkpoint(tmp_path, hidden_size=10, head_dim=6)
    save_file(tensors(CONFIGS["llama"]), folder / "model.safetensors")
    with pytest.raises(
        LabError, match=r"not those of config.json: W_E is \(14, 12\), \(14, 10\) is"
    ):
        pretrained.load(folder)


def test_files_that_are_no_models(tmp_path, as_a_learner):
    for name, content, message in (
        ("weights.bin", b"x", "weights.bin is pickled"),
        ("model.pt", b"x", "model.pt is pickled"),
        ("short.gguf", b"GGUF", "ends too early"),
        ("other.gguf", b"x" * 40, "not a GGUF file of version 2 or 3"),
        ("old.gguf", b"GGUF" + struct.pack("<IQQQ", 1, 0, 0, 0), "not a GGUF file of version"),
        ("wild.gguf", b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**60), "ends too early"),
        ("odd.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + random_gguf._text("a")
         + struct.pack("<I", 77), "is damaged"),
    ):  # fmt: skip
        with pytest.raises(LabError, match=message):
            pretrained.load(written(tmp_path / name, content))
    written(tmp_path / "config.json", "{")
    with pytest.raises(LabError, match="config.json' is not a JSON file"):
        pretrained.load(tmp_path)
    written(tmp_path / "config.json", "[1]")
    with pytest.raises(LabError, match="does not describe a model"):
        pretrained.load(tmp_path)
    with pytest.raises(LabError, match="There is no folder '.*nowhere'; give one with a config"):
        pretrained.load(tmp_path / "nowhere")
    with pytest.raises(LabError, match="There is no file '.*none.gguf'"):
        pretrained.load(tmp_path / "none.gguf")

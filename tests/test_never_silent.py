"""What a folder says is honoured or refused by its name: nothing is passed over in silence."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from random_checkpoints import CONFIGS, TEXT, checkpoint, tensors
from safetensors.torch import save_file

from operator_lab import pretrained
from operator_lab.errors import LabError
from operator_lab.pretrained.facts import IDLE

pytest.importorskip("tokenizers")


def folder(path, kind="llama", given=None, dtype=None, files=1, **changes):
    """A random checkpoint with some facts and some tensors changed."""
    checkpoint(path, kind, **changes)
    weights = tensors(CONFIGS[kind] | changes) | (given or {})
    weights = {k: w.to(dtype) if dtype else w for k, w in weights.items() if w is not None}
    if files == 1:
        save_file(weights, path / "model.safetensors")
        return path
    (path / "model.safetensors").unlink()
    place = {name: f"part-{i % files}.safetensors" for i, name in enumerate(sorted(weights))}
    for file in set(place.values()):
        save_file({n: w for n, w in weights.items() if place[n] == file}, path / file)
    index = json.dumps({"metadata": {}, "weight_map": place})
    (path / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    return path


FACTS = {
    "endless": (dict(max_position_embeddings=10**30), "not a size of any model"),
    "unknown": (dict(attention_sink=4), "says attention_sink = 4, which is not known here and co"),
    "unknown, null": (dict(attention_sink=None), "says attention_sink = None, which is not known"),
    "gptq": (dict(quantization_config={"quant_method": "gptq", "bits": 4}), r"quantised \(gptq\)"),
    "awq": (dict(quantization_config={"quant_method": "awq"}), r"quantised \(awq\)"),
    "bitsandbytes": (
        dict(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
        r"quantised \(bitsandbytes\)",
    ),
    "fp8": (dict(quantization_config={"quant_method": "fp8"}), r"quantised \(fp8\)"),
    "odd packing": (dict(quantization_config=3), r"quantised \(quantization_config\)"),
    "rope": (dict(rope_scaling={"rope_type": "linear", "factor": 2, "knob": 1}), "says knob = 1"),
    "rope kind": (dict(rope_scaling={"type": "mrope"}), "rotation 'mrope' is not known"),
    "two ropes": (
        dict(rope_scaling={"type": "linear", "factor": 2}, rope_parameters={"rope_theta": 9.0}),
        "rope_scaling and rope_parameters; one of them",
    ),
    "rope, no factor": (dict(rope_scaling={"type": "yarn"}), "does not say 'factor'"),
    "rope, a word": (dict(rope_scaling="linear"), "rope_scaling = 'linear', which is not an obj"),
    "theta": (dict(rope_theta=-1), "rope_theta = -1, which is not a number above 0"),
    "layers": (dict(num_hidden_layers=10**7), "10000000 layers, more than the weights hold"),
    "words": (dict(vocab_size=10**7), "10000000 vocabulary, more than the weights hold"),
    "beyond all": (
        dict(vocab_size=10**12),
        "1000000000000, which is not a size of any",
    ),
    "too few layers": (dict(num_hidden_layers=2), "holds 'model.layers.2.input_layernorm.weight'"),
    "window without width": (
        dict(model_type="qwen2", layer_types=["sliding_attention"] * 3),
        "a sliding window and does not say its width",
    ),
    "layer kinds": (
        dict(model_type="qwen2", layer_types=["chunked_attention"] * 3),
        "layer_types = 'chunked_attention', which is not known",
    ),
    "some layer kinds": (dict(model_type="qwen2", layer_types=["full_attention"]), "a list of 3"),
    "a bias that is missing": (dict(attention_bias=True), "k_proj.bias' is missing"),
    "experts": (dict(num_local_experts=8), "is a mixture of experts"),
    "mixtral": (dict(model_type="mixtral"), "'mixtral' is a mixture of experts"),
    "mamba": (dict(model_type="mamba2"), "'mamba2' is a state-space model"),
    "t5": (dict(model_type="mt5"), "'mt5' is an encoder-decoder"),
    "bart": (dict(is_encoder_decoder=True), "is an encoder-decoder"),
    "pictures": (dict(model_type="gemma3"), "'gemma3' is a model of pictures and text"),
    "tied, as a word": (dict(tie_word_embeddings="yes"), "'yes', which is not true or false"),
}


@pytest.mark.parametrize("case", FACTS)
def test_a_fact_is_honoured_or_refused_by_its_name(case, tmp_path, as_a_learner):
    changes, message = FACTS[case]
    sized = {k: v for k, v in changes.items() if k not in ("num_hidden_layers", "vocab_size")}
    folder(tmp_path, **sized)
    config = CONFIGS["llama"] | changes
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(LabError, match=message) as told:
        pretrained.load(tmp_path)
    assert "\n" not in str(told.value)


def test_every_key_of_a_config_matters_or_is_known_to_be_idle(tmp_path):
    """Each key taken by itself, renamed: the file is then refused, or the key was needed."""
    for kind, config in CONFIGS.items():
        folder(tmp_path, kind)
        for key in set(config) - IDLE:
            odd = {f"{k}_" if k == key else k: v for k, v in config.items()}
            (tmp_path / "config.json").write_text(json.dumps(odd), encoding="utf-8")
            with pytest.raises(LabError):
                pretrained.load(tmp_path)


def test_idle_facts_change_nothing(tmp_path):
    plain = pretrained.load(folder(tmp_path / "a")).run(TEXT).logits
    said = {key: 0.3 for key in IDLE - {"model_type"}}
    assert (pretrained.load(folder(tmp_path / "b", **said)).run(TEXT).logits == plain).all()


W = torch.ones(3)
TENSORS = {
    "nobody's": ({"model.layers.0.self_attn.sinks": W}, "holds 'model.layers.0.self_attn.sinks'"),
    "a scale": ({"model.layers.0.mlp.up_proj.weight_scale": W}, "quantised or scaled: model.lay"),
    "packed": ({"lm_head.weight": torch.ones(14, 12, dtype=torch.int32)}, "stored as I32: no plai"),
    "a bias": ({"model.layers.1.self_attn.q_proj.bias": torch.ones(24)}, "holds .*q_proj.bias'"),
    "no head": ({"lm_head.weight": None}, "'lm_head.weight' is missing"),
    "another size": ({"model.norm.weight": torch.ones(13)}, r"final_norm.gain is \(13,\), \(12,\)"),
    "both names": (
        {"model.norm.gamma": torch.ones(12)}, "holds 'model.norm.gamma', which this kind",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TENSORS)
def test_a_tensor_is_read_or_refused_by_its_name(case, tmp_path, as_a_learner):
    given, message = TENSORS[case]
    with pytest.raises(LabError, match=message):
        pretrained.load(folder(tmp_path, given=given))


def test_what_is_left_out_is_named(tmp_path):
    given = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(3)}
    model = pretrained.load(folder(tmp_path / "a", given=given))
    assert model.card["left out"] == list(given)
    assert "left out" not in pretrained.load(folder(tmp_path / "b")).card


def test_a_second_read_out_must_be_the_embedding(tmp_path, as_a_learner):
    E = tensors(CONFIGS["llama"])["model.embed_tokens.weight"]
    same = folder(tmp_path / "a", given={"lm_head.weight": E.clone()}, tie_word_embeddings=True)
    weights = pretrained.load(same).transformer.weights()
    assert weights["W_U.weight"] is weights["W_E"]
    with pytest.raises(LabError, match="yet lm_head.weight is another matrix"):
        pretrained.load(folder(tmp_path / "b", tie_word_embeddings=True))


def test_old_names_of_layernorm_are_read(tmp_path):
    new = tensors(CONFIGS["bert"])
    old = {k.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): w
           for k, w in new.items()}  # fmt: skip
    old = {f"bert.{k}": w for k, w in old.items()} | {"bert.pooler.dense.bias": torch.ones(12)}
    one = pretrained.load(folder(tmp_path / "a", "bert")).run(TEXT).states
    given = {k: None for k in new} | old
    other = pretrained.load(folder(tmp_path / "b", "bert", given=given))
    assert (other.run(TEXT).states == one).all()
    assert other.card["left out"] == ["bert.pooler.dense.bias"]


KINDS = {
    "fp16": torch.float16, "bf16": torch.bfloat16, "fp64": torch.float64,
    "fp8, e4m3": torch.float8_e4m3fn, "fp8, e5m2": torch.float8_e5m2,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("files", [1, 3])
def test_every_kind_of_weight_means_its_numbers(kind, files, tmp_path):
    dtype = KINDS[kind]
    rounded = {k: w.to(dtype).float() for k, w in tensors(CONFIGS["llama"]).items()}
    meant = pretrained.load(folder(tmp_path / "a", given=rounded)).run(TEXT).logits
    read = pretrained.load(folder(tmp_path / "b", given=rounded, dtype=dtype, files=files))
    assert (read.run(TEXT).logits == meant).all()


def test_an_index_that_leads_astray_is_refused(tmp_path, as_a_learner):
    folder(tmp_path, files=3)
    index = tmp_path / "model.safetensors.index.json"
    for said, message in (
        ({"weight_map": {"a": "../x.safetensors"}}, "lies outside the folder"),
        ({"weight_map": {"a": 3}}, "does not say which file holds what"),
        ([], "does not say which file holds what"),
        ({"weight_map": {"a": "none.safetensors"}}, "none.safetensors is missing"),
        ({"weight_map": {"a": "part-0.safetensors"}}, "is missing"),
    ):
        index.write_text(json.dumps(said), encoding="utf-8")
        with pytest.raises(LabError, match=message):
            pretrained.load(tmp_path)
    (tmp_path / "twice.safetensors").write_bytes((tmp_path / "part-0.safetensors").read_bytes())
    places = {"a": "part-0.safetensors", "b": "twice.safetensors"}
    index.write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    with pytest.raises(LabError, match="Two files hold"):
        pretrained.load(tmp_path)


def test_a_text_is_as_long_as_its_rotation_holds(tmp_path, as_a_learner):
    """Beyond its first context longrope is another network, so no such text is read."""
    rope = {"rope_type": "longrope", "short_factor": [1.0] * 3, "long_factor": [2.0] * 3,
            "original_max_position_embeddings": 8}  # fmt: skip
    model = pretrained.load(folder(tmp_path, rope_scaling=rope))
    assert model.shape.context == 8
    with pytest.raises(LabError, match="reads at most 8"):
        model.run(TEXT)


def test_a_family_of_ones_own(tmp_path):
    """Under another name and with other names for its tensors, by a declaration of three lines."""
    llama = pretrained.FAMILIES["llama"]
    names = {ours: theirs.replace("self_attn", "mix") for ours, theirs in llama.names.items()}
    mine = pretrained.Family(llama.shape, names, prefix="model.", tied=False)
    weights = tensors(CONFIGS["llama"])
    renamed = {k: None for k in weights} | {
        k.replace("self_attn", "mix"): w for k, w in weights.items()
    }
    path = folder(tmp_path / "a", given=renamed, model_type="mine")
    with pytest.raises(LabError, match="'mine' is not known; .* lab.load.folder, family="):
        pretrained.load(path)
    logits = pretrained.load(folder(tmp_path / "b")).run(TEXT).logits
    assert (pretrained.load(path, family=mine).run(TEXT).logits == logits).all()


def test_the_declaration_that_contributing_shows_is_read(tmp_path, root, monkeypatch):
    guide = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = [c for c in re.findall("```python\n(.*?)```", guide, re.S) if "Family(" in c]
    weights = tensors(CONFIGS["llama"])
    kept = {"self_attn.q_proj": "mix.ask", "self_attn.k_proj": "mix.key"}
    renamed = {k: None for k in weights}
    for name, w in weights.items():
        for theirs, own in kept.items():
            name = name.replace(theirs, own)
        renamed[name] = w
    folder(tmp_path / "folder", given=renamed, model_type="mine", final_cap=2.0)
    monkeypatch.chdir(tmp_path)
    exec(code, made := {})
    plain = pretrained.load(folder(tmp_path / "plain")).run(TEXT).logits
    assert abs(made["model"].run(TEXT).logits - 2 * np.tanh(plain / 2)).max() < 1e-5

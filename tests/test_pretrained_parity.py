"""Real shapes against the forward passes of `transformers`, on random and on installed weights."""

from __future__ import annotations

import json
import types

import numpy as np
import pytest
import torch
from random_checkpoints import LLAMA, TEXT, checkpoint

from operator_lab import pretrained

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")
from transformers.models.llama import modeling_llama  # noqa: E402
from transformers.models.mistral import modeling_mistral  # noqa: E402
from transformers.models.qwen2 import modeling_qwen2  # noqa: E402

LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 16,
}  # fmt: skip
CASES = {
    "llama, grouped": ("llama", {}),
    "llama, one head of keys": ("llama", {"num_key_value_heads": 1, "num_hidden_layers": 2}),
    "llama, slowed rotation": ("llama", {"rope_parameters": LLAMA3}),
    "llama, linear rotation": (
        "llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 99.0, "factor": 2.0}},
    ),
    "mistral": ("llama", {"model_type": "mistral", "sliding_window": None}),
    "gpt2": ("gpt2", {}),
    "gpt2, exact GELU": ("gpt2", {"activation_function": "gelu", "n_inner": None}),
    "bert": ("bert", {}),
    "bert, deep": ("bert", {"num_hidden_layers": 5, "num_attention_heads": 4}),
}  # fmt: skip


class Wide:
    """torch, with double precision where the oracle asks for single in the middle of a pass."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def rotary(self, x, position_ids):
    """transformers' own rotation, with its angles in the precision of x."""
    angle = position_ids[:, :, None].to(x.dtype) * self.inv_freq.to(x.dtype)
    angle = torch.cat([angle, angle], -1)
    return angle.cos(), angle.sin()


def oracle(folder, dtype, monkeypatch):
    """The same checkpoint in transformers; in double precision all of it, norms and angles too."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    encoder = config["model_type"] == "bert"
    kind = transformers.AutoModel if encoder else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()
    if dtype == torch.float64:
        for module in (modeling_llama, modeling_mistral, modeling_qwen2):
            monkeypatch.setattr(module, "torch", Wide())
        for part in model.modules():
            if hasattr(part, "inv_freq"):
                exact = pretrained.load(folder).shape.rotation
                assert part.inv_freq.numpy() == pytest.approx(np.array(exact), rel=1e-6)
                part.inv_freq = torch.tensor(exact, dtype=torch.float64)
                part.forward = types.MethodType(rotary, part)
    return model


@torch.inference_mode()
def both(folder, dtype, monkeypatch):
    """The last states (of an encoder) or the logits, ours and theirs."""
    ours = pretrained.load(folder, dtype)
    run = ours.run(TEXT)
    theirs = oracle(folder, getattr(torch, dtype), monkeypatch)
    tokens = torch.tensor(ours.tokens(TEXT))[None]
    if ours.card["architecture"] == "bert":
        return run.states[-1], theirs(tokens).last_hidden_state[0].numpy()
    return run.logits, theirs(tokens).logits[0].numpy()


@pytest.mark.parametrize("dtype, within", [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("case", CASES)
def test_random_models_agree_with_transformers(case, dtype, within, tmp_path, monkeypatch):
    kind, changes = CASES[case]
    ours, theirs = both(checkpoint(tmp_path / "model", kind, seed=3, **changes), dtype, monkeypatch)
    assert ours.shape == theirs.shape and np.abs(theirs).max() > 0.5
    assert np.abs(ours - theirs).max() < within * np.abs(theirs).max()


@pytest.mark.parametrize("dtype, within", [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("tied", [True, False])
def test_a_model_saved_by_transformers_is_read(tied, dtype, within, tmp_path, monkeypatch):
    """Tied embeddings are stored once, and Qwen2 has biases on Q, K and V alone."""
    torch.manual_seed(0)
    facts = {k: v for k, v in LLAMA.items() if k != "model_type"}
    config = transformers.Qwen2Config(**facts | {"tie_word_embeddings": tied})
    checkpoint(tmp_path / "model")  # for its tokenizer
    (tmp_path / "model" / "model.safetensors").unlink()
    model = transformers.Qwen2ForCausalLM(config)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.3 * torch.randn_like(p)
    model.save_pretrained(tmp_path / "model")
    ours, theirs = both(tmp_path / "model", dtype, monkeypatch)
    assert np.abs(ours - theirs).max() < within * np.abs(theirs).max()
    weights = pretrained.load(tmp_path / "model").weights
    assert "blocks.0.attention.W_Q.bias" in weights
    assert np.shares_memory(weights["W_E"], weights["W_U.weight"]) == tied


def test_a_model_in_several_files_is_read(tmp_path, monkeypatch):
    folder = checkpoint(tmp_path / "one")
    theirs = oracle(folder, torch.float32, monkeypatch)
    theirs.save_pretrained(tmp_path / "many", max_shard_size="5KB")
    (tmp_path / "many" / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    assert not (tmp_path / "many" / "model.safetensors").exists()
    one, many = (pretrained.load(tmp_path / name).run(TEXT).logits for name in ("one", "many"))
    assert (one == many).all()


# --- the installed weights ------------------------------------------------------------------------

needs_smollm2 = pytest.mark.skipif(
    not pretrained.installed("smollm2"), reason="`make field-trip` installs these weights"
)
needs_minilm = pytest.mark.skipif(
    not pretrained.installed("minilm"), reason="`make field-trip` installs these weights"
)


@pytest.mark.thorough
@needs_smollm2
@torch.inference_mode()
def test_smollm2_agrees_with_transformers():
    """The same weights put into transformers' Llama: our forward pass, tokenizer aside."""
    ours = pretrained.load("smollm2")
    s, w = ours.shape, ours.transformer.weights()
    config = transformers.LlamaConfig(
        vocab_size=s.vocabulary, hidden_size=s.features, intermediate_size=s.hidden,
        num_hidden_layers=s.layers, num_attention_heads=s.heads, num_key_value_heads=s.key_heads,
        rms_norm_eps=s.eps, max_position_embeddings=s.context, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
    )  # fmt: skip
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(config)
    names = {
        "norm_1.gain": "input_layernorm", "norm_2.gain": "post_attention_layernorm",
        "attention.W_Q.weight": "self_attn.q_proj", "attention.W_K.weight": "self_attn.k_proj",
        "attention.W_V.weight": "self_attn.v_proj", "attention.W_O.weight": "self_attn.o_proj",
        "mlp.W_1.weight": "mlp.up_proj", "mlp.W_2.weight": "mlp.down_proj",
        "mlp.W_3.weight": "mlp.gate_proj",
    }  # fmt: skip
    state = {"model.embed_tokens.weight": w["W_E"], "lm_head.weight": w["W_E"],
             "model.norm.weight": w["final_norm.gain"]}  # fmt: skip
    for i in range(s.layers):
        for mine, hers in names.items():
            state[f"model.layers.{i}.{hers}.weight"] = w[f"blocks.{i}.{mine}"]
    theirs.load_state_dict(state, assign=True)
    theirs.model.rotary_emb = modeling_llama.LlamaRotaryEmbedding(config)
    run = ours.run("In the morning the sun rises in the east.")
    tokens = torch.tensor(ours.tokens("In the morning the sun rises in the east."))[None]
    logits = theirs.eval()(tokens).logits[0].numpy()
    assert np.abs(run.logits - logits).max() < 1e-5 * np.abs(logits).max()


@needs_minilm
@torch.inference_mode()
def test_minilm_agrees_with_transformers():
    from operator_lab.pretrained.packages import where

    ours = pretrained.load("minilm")
    theirs = transformers.AutoModel.from_pretrained(where("minilm"))
    text = "A second bridge was built across the river."
    tokens = torch.tensor(ours.tokens(text))[None]
    states = theirs.eval()(tokens).last_hidden_state[0].numpy()
    assert np.abs(ours.run(text).states[-1] - states).max() < 1e-5 * np.abs(states).max()

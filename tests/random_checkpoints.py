"""Small checkpoints with random weights in the layouts of GPT-2, Llama and BERT, on disk."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

WORDS = ["[UNK]", "[CLS]", "[SEP]", *"the man paid coin at bank saw river and a dog".split()]
LLAMA = {
    "model_type": "llama", "vocab_size": 14, "hidden_size": 12, "intermediate_size": 20,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6,
    "rms_norm_eps": 1e-3, "hidden_act": "silu", "max_position_embeddings": 24,
    "rope_theta": 50.0, "tie_word_embeddings": False,
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2", "vocab_size": 14, "n_embd": 12, "n_layer": 3, "n_head": 3,
    "n_positions": 24, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-3,
}  # fmt: skip
BERT = {
    "model_type": "bert", "vocab_size": 14, "hidden_size": 12, "intermediate_size": 20,
    "num_hidden_layers": 3, "num_attention_heads": 3, "max_position_embeddings": 24,
    "hidden_act": "gelu", "layer_norm_eps": 1e-6, "type_vocab_size": 2,
}  # fmt: skip
CONFIGS = {"llama": LLAMA, "gpt2": GPT2, "bert": BERT}
TEXT = "the man paid a coin at the bank and saw"


def _sizes(c: dict) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a checkpoint's tensors, as its architecture lays them out."""
    if c["model_type"] == "gpt2":
        d, block = c["n_embd"], {}
        for i in range(c["n_layer"]):
            h = f"transformer.h.{i}."
            block |= {
                f"{h}ln_1.weight": (d,), f"{h}ln_1.bias": (d,), f"{h}ln_2.weight": (d,),
                f"{h}ln_2.bias": (d,), f"{h}attn.c_attn.weight": (d, 3 * d),
                f"{h}attn.c_attn.bias": (3 * d,), f"{h}attn.c_proj.weight": (d, d),
                f"{h}attn.c_proj.bias": (d,), f"{h}mlp.c_fc.weight": (d, 4 * d),
                f"{h}mlp.c_fc.bias": (4 * d,), f"{h}mlp.c_proj.weight": (4 * d, d),
                f"{h}mlp.c_proj.bias": (d,),
            }  # fmt: skip
        return block | {
            "transformer.wte.weight": (c["vocab_size"], d),
            "transformer.wpe.weight": (c["n_positions"], d),
            "transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,),
        }  # fmt: skip
    d, m, block = c["hidden_size"], c["intermediate_size"], {}
    if c["model_type"] == "bert":
        for i in range(c["num_hidden_layers"]):
            h = f"encoder.layer.{i}."
            linear = {
                "attention.self.query": (d, d), "attention.self.key": (d, d),
                "attention.self.value": (d, d), "attention.output.dense": (d, d),
                "intermediate.dense": (m, d), "output.dense": (d, m),
                "attention.output.LayerNorm": (d,), "output.LayerNorm": (d,),
            }  # fmt: skip
            for name, size in linear.items():
                block |= {f"{h}{name}.weight": size, f"{h}{name}.bias": size[:1]}
        e = "embeddings."
        return block | {
            f"{e}word_embeddings.weight": (c["vocab_size"], d),
            f"{e}position_embeddings.weight": (c["max_position_embeddings"], d),
            f"{e}token_type_embeddings.weight": (c["type_vocab_size"], d),
            f"{e}LayerNorm.weight": (d,), f"{e}LayerNorm.bias": (d,),
        }  # fmt: skip
    q, k = (c[n] * c["head_dim"] for n in ("num_attention_heads", "num_key_value_heads"))
    for i in range(c["num_hidden_layers"]):
        h = f"model.layers.{i}."
        block |= {
            f"{h}input_layernorm.weight": (d,), f"{h}post_attention_layernorm.weight": (d,),
            f"{h}self_attn.q_proj.weight": (q, d), f"{h}self_attn.k_proj.weight": (k, d),
            f"{h}self_attn.v_proj.weight": (k, d), f"{h}self_attn.o_proj.weight": (d, q),
            f"{h}mlp.gate_proj.weight": (m, d), f"{h}mlp.up_proj.weight": (m, d),
            f"{h}mlp.down_proj.weight": (d, m),
        }  # fmt: skip
    return block | {
        "model.embed_tokens.weight": (c["vocab_size"], d), "model.norm.weight": (d,),
        "lm_head.weight": (c["vocab_size"], d),
    }  # fmt: skip


def tensors(config: dict, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights; gains about 1."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, size in _sizes(config).items():
        w = torch.randn(size, generator=generator)
        norm = any(part in name.lower() for part in ("norm", "ln_")) and "weight" in name
        found[name] = 1 + 0.2 * w if norm else w * (0.4 if len(size) > 1 else 0.2)
    return found


def tokenizer() -> dict:
    """A tokenizer.json of whole words."""
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(WORDS)},
                  "unk_token": "[UNK]"},
    }  # fmt: skip


def checkpoint(folder: Path, kind: str = "llama", seed: int = 0, **changes) -> Path:
    """Write config.json, model.safetensors and tokenizer.json of a random model."""
    config = CONFIGS[kind] | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()), encoding="utf-8")
    save_file(tensors(config, seed), folder / "model.safetensors")
    return folder


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path

"""GGUF: the same model as a folder of the same weights; a broken file says so."""

from __future__ import annotations

import numpy as np
import pytest
import random_gguf
import torch
from random_checkpoints import checkpoint, written
from safetensors.torch import save_file

from operator_lab import pretrained
from operator_lab.errors import LabError
from operator_lab.pretrained import gguf

pytest.importorskip("tokenizers")


def of_folder(folder, given):
    """The same weights as a Llama folder, un-permuted by the definition of RoPE's two layouts."""
    names = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
             "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
             "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
             "ffn_up": "mlp.up_proj", "ffn_gate": "mlp.gate_proj",
             "ffn_down": "mlp.down_proj"}  # fmt: skip
    found = {"model.embed_tokens.weight": given["token_embd.weight"],
             "model.norm.weight": given["output_norm.weight"]}  # fmt: skip
    for name, w in given.items():
        if not name.startswith("blk."):
            continue
        _, i, part, _ = name.split(".")
        if part in ("attn_q", "attn_k"):
            rows = np.empty_like(w)
            for head in range(len(w) // 8):
                for m in range(4):  # the pair (2m, 2m + 1) there is (m, m + 4) here
                    rows[8 * head + m] = w[8 * head + 2 * m]
                    rows[8 * head + m + 4] = w[8 * head + 2 * m + 1]
            w = rows
        found[f"model.layers.{i}.{names[part]}.weight"] = w
    checkpoint(folder, vocab_size=12, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
               head_dim=8, max_position_embeddings=16, tie_word_embeddings=True)  # fmt: skip
    save_file({k: torch.tensor(v) for k, v in found.items()}, folder / "model.safetensors")
    return pretrained.load(folder)


@pytest.mark.parametrize("kind", ["F32", "F16", "Q4_0", "Q4_1", "Q8_0"])
def test_a_gguf_file_gives_the_same_model_as_a_folder(kind, tmp_path):
    kinds = {part: kind for part in random_gguf.SIZES if "norm" not in part}
    meant = random_gguf.write(tmp_path / "model.gguf", kinds)
    read = gguf.read(tmp_path / "model.gguf")
    assert read.facts["general.odd"] and read.facts["tokenizer.ggml.merges"] == random_gguf.MERGES
    for name, w in meant.items():
        assert np.array_equal(read.tensors[name], w) or abs(read.tensors[name] - w).max() < 1e-6
    one = pretrained.load(tmp_path / "model.gguf")
    two = of_folder(tmp_path / "folder", meant)
    tokens = np.array([0, 3, 5, 1, 1, 9])
    assert abs(one.run(tokens).logits - two.run(tokens).logits).max() < 1e-4


def test_the_byte_pairs_of_a_gguf(tmp_path):
    random_gguf.write(tmp_path / "model.gguf")
    model = pretrained.load(tmp_path / "model.gguf")
    assert model.language.words[8:] == (" ", " a", "ab", "<|end|>")
    assert model.run("ab a").words == ("ab", " a")
    assert model.language.word("a") == "a" and model.language.word(" a") == " a"


@pytest.mark.parametrize("share", [0.3, 0.8, 0.999])
def test_a_truncated_gguf_says_so(share, tmp_path, as_a_learner):
    random_gguf.write(tmp_path / "model.gguf")
    whole = (tmp_path / "model.gguf").read_bytes()
    with pytest.raises(LabError, match="ends too early; copy or install it again"):
        pretrained.load(written(tmp_path / "cut.gguf", whole[: int(share * len(whole))]))


GGUFS = {
    "architecture": (dict(said=random_gguf.facts(**{"general.architecture": "mamba"})),
                     "architecture 'mamba' is not known as GGUF; known: llama"),
    "kind of block": (dict(kinds={"attn_q": 10}), "kind of block .number 10. .* known: F32, F16"),
    "tokenizer": (dict(said=random_gguf.facts(**{"tokenizer.ggml.pre": "odd"})),
                  "tokenizer .'gpt2', 'odd'. of this GGUF is not known"),
    "missing": (dict(given={k: v for k, v in random_gguf.tensors().items() if "ffn_up" not in k}),
                "'blocks.0.mlp.W_1.weight' is missing"),
    "a fact": (dict(said={k: v for k, v in random_gguf.facts().items() if "block_count" not in k}),
               "does not say 'llama.block_count'"),
}  # fmt: skip


@pytest.mark.parametrize("case", GGUFS)
def test_a_gguf_that_is_not_known_says_why(case, tmp_path, as_a_learner):
    how, message = GGUFS[case]
    random_gguf.write(tmp_path / "model.gguf", **how)
    with pytest.raises(LabError, match=message):
        pretrained.load(tmp_path / "model.gguf")

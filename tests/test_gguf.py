"""GGUF against the package gguf, and its facts: each honoured or refused by its name."""

from __future__ import annotations

import numpy as np
import pytest
import random_gguf
from random_checkpoints import checkpoint

from operator_lab import pretrained
from operator_lab.errors import LabError
from operator_lab.pretrained import gguf as ours
from operator_lab.pretrained.blocks import KINDS

theirs = pytest.importorskip("gguf")
pytest.importorskip("tokenizers")


def stored(number: int, rows: int, seed: int = 0) -> np.ndarray:
    """Random blocks as bytes [row, byte], with scales that are numbers."""
    kind, rng = KINDS[number], np.random.default_rng(seed)
    made = rng.integers(0, 256, (rows, 2 * kind.block.itemsize), np.uint8)
    if kind.size == 1:
        wide = rng.normal(size=(rows, 2)).astype(np.float32)
        half = (wide.view(np.uint32) >> 16).astype(np.uint16)
        return {0: wide, 1: wide.astype(np.float16), 30: half}[number].view(np.uint8)
    view = made.view(kind.block)
    for part in ("scale", "least"):
        if part in (kind.block.names or ()):
            view[part] = rng.normal(size=view.shape)
    return made


@pytest.mark.parametrize("number", KINDS, ids=lambda n: KINDS[n].name)
def test_blocks_are_the_numbers_of_the_package(number, tmp_path):
    """Every bit pattern at random; through a file that the package has written."""
    kind, bits = theirs.GGMLQuantizationType(number), stored(number, 50)
    assert kind.name == KINDS[number].name
    meant = theirs.quants.dequantize(bits, kind).astype(np.float32)
    writer = theirs.GGUFWriter(tmp_path / "one.gguf", "llama")
    writer.add_tensor("w", bits, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = ours.read(tmp_path / "one.gguf").tensors["w"]
    assert read.dtype == np.float32 and read.shape == meant.shape == (50, 2 * KINDS[number].size)
    assert abs(read - meant).max() <= 2e-7 * abs(meant).max()


def facts(kind="llama", **changes):
    said = random_gguf.facts()
    renamed = {k.replace("llama.", f"{kind}."): v for k, v in said.items()}
    return renamed | {"general.architecture": kind} | changes


FACTS = {
    "unknown": ({"llama.knob": 3}, "says llama.knob = 3, which is not known here and could change"),
    "of the tokenizer": ({"tokenizer.ggml.knob": 3}, "says tokenizer.ggml.knob = 3"),
    "window": ({"llama.attention.sliding_window": 8}, "says llama.attention.sliding_window = 8"),
    "scale": ({"llama.attention.scale": 0.5}, "says llama.attention.scale = 0.5"),
    "experts": ({"llama.expert_count": 8}, "says llama.expert_count = 8, .* known is 0 alone"),
    "part of a head turns": ({"llama.rope.dimension_count": 4}, "dimension_count = 4, .* 8 alone"),
    "words": ({"llama.vocab_size": 13}, "llama.vocab_size = 13, .* known is 12 alone"),
    "yarn": ({"llama.rope.scaling.type": "yarn"}, "rotation 'yarn' of this GGUF is not known"),
    "long": ({"llama.rope.scaling.attn_factor": 1.2}, "rope.scaling.attn_factor = 1.2"),
    "files": ({"split.count": 2}, "says split.count = 2"),
    "heads by layer": ({"llama.attention.head_count_kv": [2, 1]}, "which is not a whole number"),
    "alignment": ({"general.alignment": 0}, "aligns its tensors to 0"),
    "first token": (
        {"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.bos_token_id": 99},
        "puts a token 99 around each text; there is none",
    ),
}


@pytest.mark.parametrize("case", FACTS)
def test_a_fact_is_honoured_or_refused_by_its_name(case, tmp_path, as_a_learner):
    changes, message = FACTS[case]
    random_gguf.write(tmp_path / "model.gguf", said=facts(**changes))
    with pytest.raises(LabError, match=message) as told:
        pretrained.load(tmp_path / "model.gguf")
    assert "\n" not in str(told.value)


def test_a_tensor_that_nobody_reads_is_refused(tmp_path, as_a_learner):
    strange = random_gguf.tensors() | {"blk.0.attn_sinks.weight": np.ones(4, np.float32)}
    random_gguf.write(tmp_path / "model.gguf", given=strange)
    with pytest.raises(LabError, match="holds 'blk.0.attn_sinks.weight', which this kind of model"):
        pretrained.load(tmp_path / "model.gguf")
    small = random_gguf.tensors() | {"output_norm.weight": np.ones(31, np.float32)}
    random_gguf.write(tmp_path / "model.gguf", given=small)
    with pytest.raises(LabError, match=r"output_norm.weight has the shape \(31,\), \(32,\) is"):
        pretrained.load(tmp_path / "model.gguf")


TOKENS = np.array([0, 3, 5, 1, 1, 9])


def test_a_slower_rotation_is_that_of_llama3(tmp_path):
    """llama.cpp keeps the divisors of the frequencies, pair by pair."""
    rope = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16}  # fmt: skip
    named = dict(hidden_size=32, num_attention_heads=4, head_dim=8, max_position_embeddings=16)
    like = pretrained.load(checkpoint(tmp_path / "folder", rope_scaling=rope, **named))
    plain = pretrained.load(checkpoint(tmp_path / "plain", **named))
    slowed = np.array(plain.shape.rotation) / np.array(like.shape.rotation)
    given = random_gguf.tensors() | {"rope_freqs.weight": slowed.astype(np.float32)}
    random_gguf.write(tmp_path / "model.gguf", given=given)
    read = pretrained.load(tmp_path / "model.gguf")
    assert read.shape.rotation == pytest.approx(like.shape.rotation, rel=1e-6)
    assert max(slowed) > 3


def test_a_linear_rotation_is_slower(tmp_path):
    random_gguf.write(tmp_path / "a.gguf")
    random_gguf.write(tmp_path / "b.gguf", said=facts(**{
        "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}))  # fmt: skip
    a, b = (pretrained.load(tmp_path / f"{name}.gguf").shape.rotation for name in "ab")
    assert np.array(a) == pytest.approx(4 * np.array(b))


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_qwen_is_read_with_its_biases_or_norms(kind, tmp_path):
    rng, given = np.random.default_rng(3), random_gguf.tensors()
    for i in (0, 1):
        if kind == "qwen2":
            more = {f"blk.{i}.attn_{x}.bias": n for x, n in (("q", 32), ("k", 16), ("v", 16))}
        else:
            more = {f"blk.{i}.attn_{x}_norm.weight": 8 for x in "qk"}
        given |= {name: rng.normal(size=n).astype(np.float32) for name, n in more.items()}
    said = facts(kind, **{f"{kind}.attention.key_length": 8})
    random_gguf.write(tmp_path / "model.gguf", given=given, said=said)
    model = pretrained.load(tmp_path / "model.gguf")
    for name, w in given.items():  # kept in the order of the rotation, unlike Llama's
        part = name.split(".")[2] if name.startswith("blk.0.") else ""
        if part in ("attn_q", "attn_q_norm"):
            letter = "norm_Q.gain" if part.endswith("norm") else "W_Q." + name.split(".")[-1]
            assert (model.weights[f"blocks.0.attention.{letter}"] == w).all()
    assert np.isfinite(model.run(TOKENS).logits).all()


def test_tokens_around_a_text(tmp_path):
    said = facts(**{"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.bos_token_id": 11})
    random_gguf.write(tmp_path / "model.gguf", said=said)
    assert pretrained.load(tmp_path / "model.gguf").run("ab a").words == ("<|end|>", "ab", " a")


def test_a_single_number_is_no_block(tmp_path, as_a_learner):
    random_gguf.write(tmp_path / "a.gguf", {"attn_q": "Q8_0"})
    content, name = (tmp_path / "a.gguf").read_bytes(), b"blk.0.attn_q.weight"
    at = content.index(name) + len(name)
    (tmp_path / "a.gguf").write_bytes(content[:at] + bytes(4) + content[at + 20 :])  # no axes
    with pytest.raises(LabError, match="is damaged at 'blk.0.attn_q.weight'"):
        pretrained.load(tmp_path / "a.gguf")


@pytest.mark.parametrize("axes", [(2**62, 0), (0, 2**62), (2**40, 0)])
def test_an_axis_beside_an_empty_one_is_no_longer_than_the_file(axes, tmp_path, as_a_learner):
    random_gguf.write(tmp_path / "a.gguf", {"attn_q": "F32"})
    content, name = (tmp_path / "a.gguf").read_bytes(), b"blk.0.attn_q.weight"
    at = content.index(name) + len(name) + 4  # behind the number of axes
    spoiled = content[:at] + b"".join(n.to_bytes(8, "little") for n in axes) + content[at + 16 :]
    (tmp_path / "a.gguf").write_bytes(spoiled)
    with pytest.raises(LabError, match="is damaged at 'blk.0.attn_q.weight'"):
        pretrained.load(tmp_path / "a.gguf")


def test_a_name_as_long_as_the_file_is_shortened(tmp_path, as_a_learner):
    random_gguf.write(tmp_path / "a.gguf", {})
    content, name = (tmp_path / "a.gguf").read_bytes(), b"blk.0.attn_q.weight"
    at = content.index(name) - 8
    spoiled = content[:at] + (4000).to_bytes(8, "little") + content[at + 8 :]
    (tmp_path / "a.gguf").write_bytes(spoiled)
    with pytest.raises(LabError) as said:
        pretrained.load(tmp_path / "a.gguf")
    assert len(str(said.value)) < 400

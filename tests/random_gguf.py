"""Writing small GGUF files, by the format's description and not by our reader."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

LETTERS = list("abcdefgh") + ["Ġ", "Ġa", "ab", "<|end|>"]
MERGES = ["Ġ a", "a b"]


def quantised(x: np.ndarray, kind: str) -> tuple[bytes, np.ndarray]:
    """Blocks of 32 numbers as bytes, and the numbers they stand for, computed one by one."""
    stored, meant = b"", []
    for block in x.astype(np.float32).reshape(-1, 32):
        if kind == "Q8_0":
            scale = np.float16(abs(block).max() / 127)
            q = np.rint(block / np.float32(scale)).astype(int)
            stored += struct.pack("<e", scale) + struct.pack("<32b", *q)
            meant += [np.float32(scale) * n for n in q]
            continue
        least = np.float16(block.min()) if kind == "Q4_1" else None
        scale = np.float16(np.ptp(block) / 15 if kind == "Q4_1" else abs(block).max() / 7)
        low = np.float32(least) if kind == "Q4_1" else -8 * np.float32(scale)
        q = np.clip(np.rint((block - low) / np.float32(scale)), 0, 15).astype(int)
        stored += struct.pack("<e", scale) + (struct.pack("<e", least) if kind == "Q4_1" else b"")
        stored += bytes(int(q[k]) | int(q[k + 16]) << 4 for k in range(16))
        meant += [low + np.float32(scale) * n for n in q]
    return stored, np.array(meant, np.float32).reshape(x.shape)


KINDS = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 8}


def _text(s: str) -> bytes:
    return struct.pack("<Q", len(s.encode())) + s.encode()


def _fact(name: str, value) -> bytes:
    if isinstance(value, str):
        return _text(name) + struct.pack("<I", 8) + _text(value)
    if isinstance(value, bool):
        return _text(name) + struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return _text(name) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return _text(name) + struct.pack("<If", 6, value)
    texts = isinstance(value[0], str)
    body = b"".join(_text(v) if texts else struct.pack("<i", v) for v in value)
    return _text(name) + struct.pack("<IIQ", 9, 8 if texts else 5, len(value)) + body


def facts(**changes) -> dict:
    """What a GGUF of a small Llama says of itself."""
    return {
        "general.architecture": "llama", "llama.block_count": 2, "llama.context_length": 16,
        "llama.embedding_length": 32, "llama.feed_forward_length": 64,
        "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-3, "llama.rope.freq_base": 50.0,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": LETTERS, "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.token_type": [1] * 11 + [3], "general.odd": True,
    } | changes  # fmt: skip


SIZES = {
    "token_embd": (12, 32), "output_norm": (32,), "attn_norm": (32,), "ffn_norm": (32,),
    "attn_q": (32, 32), "attn_k": (16, 32), "attn_v": (16, 32), "attn_output": (32, 32),
    "ffn_up": (64, 32), "ffn_gate": (64, 32), "ffn_down": (32, 64),
}  # fmt: skip


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under llama.cpp's names."""
    rng = np.random.default_rng(seed)
    names = [f"{n}.weight" for n in ("token_embd", "output_norm")]
    names += [f"blk.{i}.{n}.weight" for i in (0, 1) for n in list(SIZES)[2:]]
    return {
        name: (rng.normal(size=SIZES[name.split(".")[-2]]) * 0.4).astype(np.float32)
        for name in names
    }


def write(path: Path, kinds=None, said=None, given=None) -> dict[str, np.ndarray]:
    """Write a GGUF file; the numbers that it holds after rounding."""
    given, said, kinds = given or tensors(), said or facts(), kinds or {}
    header = b"GGUF" + struct.pack("<IQQ", 3, len(given), len(said))
    header += b"".join(_fact(name, value) for name, value in said.items())
    data, meant = b"", {}
    for name, w in given.items():
        kind = kinds.get(name.split(".")[-2], "F32")
        number = KINDS.get(kind, kind)
        if kind in ("F32", "F16"):
            stored = w.astype("<f4" if kind == "F32" else "<f2")
            body, meant[name] = stored.tobytes(), stored.astype(np.float32)
        elif isinstance(kind, str):
            body, meant[name] = quantised(w, kind)
        else:
            body = b""
        header += _text(name) + struct.pack(f"<I{w.ndim}Q", w.ndim, *w.shape[::-1])
        header += struct.pack("<IQ", number, len(data))
        data += body + b"\0" * (-len(body) % 32)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + data)
    return meant

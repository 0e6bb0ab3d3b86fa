"""A local Hugging Face folder: config.json, model.safetensors, tokenizer.json; or a GGUF file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..corpus import Tokenizer
from ..corpus.tokens import package
from ..errors import LabError
from ..model import Model
from ..shape import Shape
from ..transformer import Transformer
from . import gguf
from .facts import Facts
from .families import FAMILIES, Family, family
from .stored import Stored

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def read(
    path: str | os.PathLike,
    name: str | None = None,
    dtype: torch.dtype = torch.float32,
    own: Family | None = None,
) -> Model:
    """The model in a folder or GGUF file; LabError where it is none that is known.

    A folder is read in `dtype`, so that what is made of stored weights is not rounded on the way,
    and by a declaration of one's `own`, if given.
    """
    path = Path(path)
    if path.suffix in PICKLED:
        raise _pickled(path)
    if path.suffix == ".gguf":
        return _of_gguf(path, name or path.stem)
    if path.is_file():
        path = path.parent
    if not path.is_dir():
        raise LabError(f"There is no folder {str(path)!r}; give one with a config.json.")
    return _of_folder(path, name or path.resolve().name, dtype, own)


def _pickled(path: Path) -> LabError:
    return LabError(
        f"{path.name} is pickled: opening it can run any program, so it is refused. Only "
        "safetensors and GGUF are read; save the model as model.safetensors."
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(
            f"{str(path.parent)!r} is not the folder of a model: {path.name} is missing."
        ) from None
    except (OSError, ValueError):
        raise LabError(f"{str(path)!r} is not a JSON file; copy the folder again.") from None


def _of_folder(path: Path, name: str, dtype: torch.dtype, own: Family | None) -> Model:
    config = _json(path / "config.json")
    if not isinstance(config, dict):
        raise LabError(f"{str(path / 'config.json')!r} does not describe a model.")
    facts = Facts(config, "config.json")
    _refuse_packed(facts)
    kind = own or family(facts)
    with _sizes_that_are_none(facts):
        shape, weights, left = kind.read(facts, Stored(_files(path), dtype))
    card = {"architecture": str(facts.get("model_type")), "left out": list(left)}
    card = {name: value for name, value in card.items() if value}
    return _model(name, shape, weights, _tokenizer(path), card)


@contextmanager
def _sizes_that_are_none(facts: Facts):
    """What a strange number does to arithmetic on the way is told in a sentence."""
    try:
        yield
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        if isinstance(error, LabError):
            raise
        raise LabError(
            f"{facts.place} holds something that is no number where one is needed, or a number "
            f"that fits no model ({error}); copy it again."
        ) from None


def _refuse_packed(facts: Facts) -> None:
    """LabError, with its kind, for weights that are quantised."""
    for name in ("quantization_config", "compression_config"):
        said = facts.get(name)
        if said is not None:
            kind = said.get("quant_method", name) if isinstance(said, Mapping) else name
            raise LabError(
                f"These weights are quantised ({kind}), which is not read here; save the model "
                "in float32, float16 or bfloat16, or as GGUF."
            )


def _model(name: str, shape: Shape, weights: Mapping[str, Tensor], tokenizer, card: dict) -> Model:
    """The model of these weights, which it shares and does not copy."""
    language = Tokenizer(name, tokenizer, shape.vocabulary)
    return Model(Transformer.holding(shape, weights), language, {"name": name} | card)


def _files(path: Path) -> list[Path]:
    """The files of weights of a folder, one or several."""
    one, index = path / "model.safetensors", path / "model.safetensors.index.json"
    if one.is_file() or not index.is_file():
        files = [one]
    else:
        said = _json(index)
        places = said.get("weight_map") if isinstance(said, dict) else None
        if not isinstance(places, dict) or not all(isinstance(p, str) for p in places.values()):
            raise LabError(f"{str(index)!r} does not say which file holds what; copy it again.")
        outside = [p for p in places.values() if Path(p).name != p]
        if outside:
            raise LabError(f"{str(index)!r} names {outside[0]!r}, which lies outside the folder.")
        files = [path / file for file in sorted(set(places.values()))]
    for file in files:
        if not file.is_file():
            pickled = [p for p in sorted(path.iterdir()) if p.suffix in PICKLED]
            if pickled:
                raise _pickled(pickled[0])
            raise LabError(f"{str(path)!r} has no weights: {file.name} is missing.")
    return files


def _tokenizer(folder: Path):
    library, path = package(), folder / "tokenizer.json"
    if not path.is_file():
        raise LabError(f"{str(path.parent)!r} has no tokenizer: {path.name} is missing.")
    try:
        tokenizer = library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise LabError(f"{str(path)!r} is not a tokenizer ({error}); copy it again.") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()  # a text too long is said to be too long
    return tokenizer


# --- GGUF --------------------------------------------------------------------------------------

_GGUF = {
    "norm_1": "attn_norm", "norm_2": "ffn_norm", "attention.W_Q": "attn_q",
    "attention.W_K": "attn_k", "attention.W_V": "attn_v", "attention.W_O": "attn_output",
    "mlp.W_1": "ffn_up", "mlp.W_2": "ffn_down", "mlp.W_3": "ffn_gate",
}  # fmt: skip


def _of_gguf(path: Path, name: str) -> Model:
    file = gguf.read(path)
    facts, architecture = file.facts, file.facts.get("general.architecture")
    if architecture != "llama":
        raise LabError(f"The architecture {architecture!r} is not known as GGUF; known: llama.")
    fact = lambda key, *other: facts.get(f"llama.{key}", *other)  # noqa: E731
    heads = fact("attention.head_count")
    config = {
        "model_type": "llama",
        "vocab_size": len(facts.get("tokenizer.ggml.tokens", ())),
        "max_position_embeddings": fact("context_length"),
        "hidden_size": fact("embedding_length"),
        "num_attention_heads": heads,
        "num_key_value_heads": fact("attention.head_count_kv", heads),
        "num_hidden_layers": fact("block_count"),
        "intermediate_size": fact("feed_forward_length"),
        "rms_norm_eps": fact("attention.layer_norm_rms_epsilon"),
        "rope_theta": fact("rope.freq_base", 10000.0),
        "hidden_act": "silu",
    }
    if None in config.values():
        missing = next(key for key, value in config.items() if value is None)
        raise LabError(f"{str(path)!r} does not say its {missing}.")
    if "rope_freqs.weight" in file.tensors:
        raise LabError(f"{str(path)!r} changes its rotation (rope_freqs), which is not known here.")
    shape = Shape(**FAMILIES["llama"].shape(Facts(config, path.name), config.__contains__))
    return _model(
        name, shape, _named(shape, file.tensors), _byte_pairs(facts), {"architecture": architecture}
    )


def _named(shape: Shape, tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    def get(name):
        return torch.from_numpy(np.ascontiguousarray(tensors[name])) if name in tensors else None

    E, head = get("token_embd.weight"), get("output.weight")
    found = {"W_E": E, "W_U.weight": E if head is None else head,
             "final_norm.gain": get("output_norm.weight")}  # fmt: skip
    for i in range(shape.layers):
        for ours, theirs in _GGUF.items():
            scale = "gain" if "norm" in ours else "weight"
            w = get(f"blk.{i}.{theirs}.weight")
            if w is not None and ours[-1] in "QK":
                # llama.cpp pairs neighbouring features for the rotation, everyone else the halves
                half = shape.d_k // 2
                w = w.unflatten(0, (-1, half, 2)).transpose(1, 2).flatten(0, 2).contiguous()
            found[f"blocks.{i}.{ours}.{scale}"] = w
    missing = [name for name, w in found.items() if w is None]
    if missing:
        raise LabError(f"The weights are not whole: {missing[0]!r} is missing. Copy it again.")
    return found


def _byte_pairs(facts):
    """The byte-pair tokenizer that a GGUF describes; LabError for another kind."""
    kind = facts.get("tokenizer.ggml.model"), facts.get("tokenizer.ggml.pre")
    if kind not in (("gpt2", "smollm"), ("gpt2", "gpt-2")):
        raise LabError(
            f"The tokenizer {kind} of this GGUF is not known; known are gpt-2's and smollm's. A "
            "folder with a tokenizer.json is read whatever its tokenizer."
        )
    library = package()
    pieces, kinds = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    merges = [tuple(m.split(" ")) for m in facts["tokenizer.ggml.merges"]]
    known = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = library.Tokenizer(library.models.BPE(vocab=known, merges=merges))
    pre = library.pre_tokenizers
    steps = [pre.ByteLevel(add_prefix_space=False)]
    if kind[1] == "smollm":
        steps.insert(0, pre.Digits(individual_digits=True))
    tokenizer.pre_tokenizer = pre.Sequence(steps)
    tokenizer.decoder = library.decoders.ByteLevel()
    special = [p for p, k in zip(pieces, kinds, strict=True) if k == 3]
    tokenizer.add_special_tokens([library.AddedToken(p, special=True) for p in special])
    return tokenizer

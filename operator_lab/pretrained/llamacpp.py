"""A GGUF file as a model: what llama.cpp calls the facts, the tensors and the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from ..corpus.tokens import package
from ..errors import LabError, brief
from ..given import shown
from ..shape import Shape
from ..transformer import Transformer
from . import gguf
from .facts import Facts
from .families import FAMILIES

ARCHITECTURES = ("llama", "qwen2", "qwen3")
PARTS = {
    "norm_1": "attn_norm", "norm_2": "ffn_norm", "attention.W_Q": "attn_q",
    "attention.W_K": "attn_k", "attention.W_V": "attn_v", "attention.W_O": "attn_output",
    "attention.norm_Q": "attn_q_norm", "attention.norm_K": "attn_k_norm",
    "mlp.W_1": "ffn_up", "mlp.W_2": "ffn_down", "mlp.W_3": "ffn_gate",
}  # fmt: skip
# Of the tokenizer: what is said of single tokens and of conversations changes no text.
IDLE = frozenset(
    f"tokenizer.{name}"
    for name in """
    ggml.unknown_token_id ggml.padding_token_id ggml.seperator_token_id ggml.separator_token_id
    ggml.cls_token_id ggml.mask_token_id ggml.eot_token_id ggml.eom_token_id ggml.scores
    ggml.fim_pre_token_id ggml.fim_suf_token_id ggml.fim_mid_token_id ggml.fim_pad_token_id
    ggml.fim_rep_token_id ggml.fim_sep_token_id ggml.token_type_count ggml.add_space_prefix
    chat_template chat_templates
    """.split()
)


class Held(NamedTuple):
    """What a file holds: the shape, the weights, the tokenizer, and what is said of them."""

    shape: Shape
    weights: Mapping[str, Tensor]
    tokenizer: Any
    card: dict


def read(path: Path) -> Held:
    """The model in a GGUF file; LabError for a fact or a tensor that is not known."""
    file = gguf.read(path)
    kind = file.facts.get("general.architecture")
    if kind not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise LabError(f"The architecture {shown(kind)} is not known as GGUF; known: {known}.")
    idle = IDLE | {name for name in file.facts if name.startswith("general.")}
    c = Facts(file.facts, path.name, frozenset(idle))
    shape = _shape(c, kind, file.tensors)
    tokenizer = byte_pairs(c)
    c.rest()
    return Held(shape, _weights(shape, kind, file.tensors), tokenizer, {"architecture": kind})


def _shape(c: Facts, kind: str, tensors: Mapping[str, ndarray]) -> Shape:
    """The shape, by way of the config.json that would say the same."""
    a = f"{kind}."
    heads, features = c.count(f"{a}attention.head_count"), c.count(f"{a}embedding_length")
    size = c.count(f"{a}attention.key_length", features // max(heads, 1))
    words = len(c["tokenizer.ggml.tokens"])
    c.only(**{
        f"{a}vocab_size": words, f"{a}attention.value_length": size,
        f"{a}rope.dimension_count": size, f"{a}attention.causal": True, f"{a}expert_count": 0,
        f"{a}expert_used_count": 0, f"{a}rope.scale_linear": 1.0,
    })  # fmt: skip
    config: dict[str, Any] = {
        "vocab_size": words, "max_position_embeddings": c.count(f"{a}context_length"),
        "hidden_size": features, "num_attention_heads": heads,
        "num_key_value_heads": c.count(f"{a}attention.head_count_kv", heads), "head_dim": size,
        "num_hidden_layers": c.count(f"{a}block_count"),
        "intermediate_size": c.count(f"{a}feed_forward_length"),
        "rms_norm_eps": c.number(f"{a}attention.layer_norm_rms_epsilon"),
        "rope_theta": c.number(f"{a}rope.freq_base", 10000.0),
    }  # fmt: skip
    stretched = c.get(f"{a}rope.scaling.type", "linear")
    factor = c.get(f"{a}rope.scaling.factor", 0.0) or 1.0  # 0 says that there is none
    for name in ("original_context_length", "finetuned"):  # of the other kinds
        c.get(f"{a}rope.scaling.{name}")
    if stretched not in ("none", "linear"):
        raise LabError(f"The rotation {shown(stretched)} of this GGUF is not known; known: linear.")
    if stretched == "linear" and factor != 1:
        config["rope_scaling"] = {"rope_type": "linear", "factor": factor}
    if config["num_hidden_layers"] > len(tensors):
        raise LabError(f"{c.place} speaks of more layers than it has tensors; install it again.")
    made = FAMILIES[kind].shape(Facts(config, c.place), config.__contains__)
    if (slowed := tensors.get("rope_freqs.weight")) is not None:  # the kind llama3, pair by pair
        if slowed.shape != (len(made["rotation"]),) or not (slowed > 0).all():
            raise LabError(f"{c.place} slows {slowed.shape} pairs of features; install it again.")
        made["rotation"] = tuple(np.array(made["rotation"]) / slowed.astype(float))
    if "blk.0.attn_q.bias" in tensors and kind == "llama":
        made["bias"] = ("W_Q", "W_K", "W_V")
    return Shape(**made)


def _weights(shape: Shape, kind: str, tensors: Mapping[str, ndarray]) -> dict[str, Tensor]:
    """The weights by the Transformer's names; LabError for one missing, foreign or misshapen."""
    with torch.device("meta"):
        wanted = Transformer(seed=None, **asdict(shape)).state_dict()
    used, found = {"rope_freqs.weight"}, dict[str, Tensor]()
    for ours, like in wanted.items():
        theirs = _name(ours)
        if ours == "W_U.weight" and theirs not in tensors:  # the embedding reads the words
            found[ours] = found["W_E"]
            continue
        if theirs not in tensors:
            raise LabError(f"The weights are not whole: {ours!r} is missing. Copy the file again.")
        w = torch.from_numpy(np.ascontiguousarray(tensors[theirs]))
        used.add(theirs)
        if w.shape != like.shape:
            raise LabError(
                f"{theirs} has the shape {tuple(w.shape)}, {tuple(like.shape)} is needed; copy "
                "the file again."
            )
        if kind == "llama" and ".attention.W_" in ours and ours.split(".")[-2][-1] in "QK":
            # llama.cpp pairs neighbouring features for the rotation, everyone else the halves
            half = shape.d_k // 2
            w = w.unflatten(0, (-1, half, 2)).transpose(1, 2).flatten(0, 2).contiguous()
        found[ours] = w
    strange = sorted(set(tensors) - used)
    if strange:
        raise LabError(
            f"The file holds {shown(strange[0])}, which this kind of model has no use for."
        )
    return found


def _name(ours: str) -> str:
    """What llama.cpp calls a weight."""
    whole = {"W_E": "token_embd.weight", "W_U.weight": "output.weight",
             "final_norm.gain": "output_norm.weight"}  # fmt: skip
    if ours in whole:
        return whole[ours]
    _, layer, part = ours.split(".", 2)
    stem, _, last = part.rpartition(".")
    return f"blk.{layer}.{PARTS[stem]}.{'bias' if last == 'bias' else 'weight'}"


def byte_pairs(c: Facts) -> Any:
    """The byte-pair tokenizer that a GGUF describes; LabError for another kind."""
    kind = c.get("tokenizer.ggml.model"), c.get("tokenizer.ggml.pre")
    if kind not in (("gpt2", "smollm"), ("gpt2", "gpt-2")):
        raise LabError(
            f"The tokenizer {shown(kind)} of this GGUF is not known; known are gpt-2's and "
            "smollm's. A folder with a tokenizer.json is read whatever its tokenizer."
        )
    library = package()
    pieces = c["tokenizer.ggml.tokens"]
    kinds = c.get("tokenizer.ggml.token_type", [1] * len(pieces))
    given = c["tokenizer.ggml.merges"]
    listed = isinstance(given, list) and all(isinstance(m, str) and " " in m for m in given)
    if not listed or len(kinds) != len(pieces):
        raise LabError(f"{c.place} does not describe its tokenizer; copy or install it again.")
    merges = [tuple(m.split(" ", 1)) for m in given]
    known = {piece: i for i, piece in enumerate(pieces)}
    try:
        tokenizer = library.Tokenizer(library.models.BPE(vocab=known, merges=merges))
    except Exception as error:  # the library raises nothing more special
        raise LabError(
            f"{c.place} has no usable tokenizer ({brief(error)}); install it again."
        ) from None
    pre = library.pre_tokenizers
    steps = [pre.ByteLevel(add_prefix_space=False)]
    if kind[1] == "smollm":
        steps.insert(0, pre.Digits(individual_digits=True))
    tokenizer.pre_tokenizer = pre.Sequence(steps)
    tokenizer.decoder = library.decoders.ByteLevel()
    special = [p for p, k in zip(pieces, kinds, strict=True) if k == 3]
    tokenizer.add_special_tokens([library.AddedToken(p, special=True) for p in special])
    return _framed(c, library, tokenizer, pieces)


def _framed(c: Facts, library, tokenizer, pieces):
    """With the tokens that the file puts at the ends of every text."""
    ends = []
    for which in ("bos", "eos"):
        token = c.get(f"tokenizer.ggml.{which}_token_id")
        if c.flag(f"tokenizer.ggml.add_{which}_token", False):
            if not isinstance(token, int) or not 0 <= token < len(pieces):
                raise LabError(
                    f"{c.place} puts a token {shown(token)} around each text; there is none."
                )
            ends.append((which, pieces[token], token))
    if ends:
        first = "".join(f"{piece} " for which, piece, _ in ends if which == "bos")
        last = "".join(f" {piece}" for which, piece, _ in ends if which == "eos")
        tokenizer.post_processor = library.processors.TemplateProcessing(
            single=f"{first}$A{last}", special_tokens=[(piece, i) for _, piece, i in ends]
        )
    return tokenizer

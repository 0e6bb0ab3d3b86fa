"""From the names of GPT-2, Llama and BERT checkpoints to those of the course, and to a `Shape`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from ..errors import LabError
from ..shape import BIASED, Shape

# `model_type` of config.json -> the family whose shape and names it has.
FAMILIES = {"gpt2": "gpt2", "llama": "llama", "mistral": "llama", "qwen2": "llama", "bert": "bert"}
ACTIVATIONS = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu",
    "silu": "silu", "swish": "silu",
}  # fmt: skip
_LLAMA = {
    "norm_1": "input_layernorm",
    "norm_2": "post_attention_layernorm",
    "attention.W_Q": "self_attn.q_proj",
    "attention.W_K": "self_attn.k_proj",
    "attention.W_V": "self_attn.v_proj",
    "attention.W_O": "self_attn.o_proj",
    "mlp.W_1": "mlp.up_proj",
    "mlp.W_2": "mlp.down_proj",
    "mlp.W_3": "mlp.gate_proj",
}
_BERT = {
    "norm_1": "attention.output.LayerNorm",
    "norm_2": "output.LayerNorm",
    "attention.W_Q": "attention.self.query",
    "attention.W_K": "attention.self.key",
    "attention.W_V": "attention.self.value",
    "attention.W_O": "attention.output.dense",
    "mlp.W_1": "intermediate.dense",
    "mlp.W_2": "output.dense",
}
Tensors = Callable[[str], Tensor | None]  # a checkpoint's tensor by its name, None if not there


def shape(config: Mapping[str, Any]) -> Shape:
    """The shape a config.json describes; LabError for an architecture that is not known."""
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise LabError(f"The architecture {kind!r} is not known; known: {', '.join(FAMILIES)}.")
    try:
        return {"gpt2": _gpt2, "llama": _llama, "bert": _bert}[FAMILIES[kind]](config)
    except KeyError as missing:
        raise LabError(f"The config.json of this {kind} model does not say {missing}.") from None
    except TypeError:
        raise LabError(
            f"The config.json of this {kind} model holds something that is no number where one is "
            "needed; copy it again."
        ) from None


def _activation(config, name: str) -> str:
    given = config.get(name)
    if given not in ACTIVATIONS:
        raise LabError(
            f"The nonlinearity {given!r} is not known; known: {', '.join(sorted(ACTIVATIONS))}."
        )
    return ACTIVATIONS[given]


def _gpt2(c) -> Shape:
    _refuse(c, scale_attn_by_inverse_layer_idx=False, scale_attn_weights=True,
            add_cross_attention=False)  # fmt: skip
    d = c["n_embd"]
    return Shape(
        c["vocab_size"], context=c["n_positions"], features=d, heads=c["n_head"],
        layers=c["n_layer"], hidden=c.get("n_inner") or 4 * d, bias=True,
        eps=c.get("layer_norm_epsilon", 1e-5),
        activation=_activation({"f": c.get("activation_function", "gelu_new")}, "f"),
    )  # fmt: skip


def _bert(c) -> Shape:
    _refuse(c, position_embedding_type="absolute", is_decoder=False)
    return Shape(
        c["vocab_size"], context=c["max_position_embeddings"], features=c["hidden_size"],
        heads=c["num_attention_heads"], layers=c["num_hidden_layers"],
        hidden=c["intermediate_size"], norm="post", bias=True, causal=False,
        eps=c.get("layer_norm_eps", 1e-12), activation=_activation(c, "hidden_act"),
        start_norm=True, readout="none",
    )  # fmt: skip


def _llama(c) -> Shape:
    d, h = c["hidden_size"], c["num_attention_heads"]
    size = c.get("head_dim") or (d // h if d else None)
    return Shape(
        c["vocab_size"], context=c["max_position_embeddings"], features=d, heads=h,
        layers=c["num_hidden_layers"], hidden=c["intermediate_size"], rms=True,
        key_heads=c.get("num_key_value_heads") or h, head_size=size,
        eps=c.get("rms_norm_eps", 1e-6), activation=_activation(c, "hidden_act"), gated=True,
        rotation=_rotation(c, size or 0),
    )  # fmt: skip


def _refuse(config, **usual) -> None:
    for name, value in usual.items():
        if config.get(name, value) != value:
            raise LabError(f"A model with {name} = {config[name]!r} is not known here.")


def _rotation(c, size: int) -> tuple[float, ...]:
    """The frequencies of RoPE, in radians per position; llama3 slows the slowest ones."""
    facts = {**(c.get("rope_scaling") or {}), **(c.get("rope_parameters") or {})}
    theta = facts.get("rope_theta") or c.get("rope_theta", 10000.0)
    kind = facts.get("rope_type") or facts.get("type") or "default"
    if facts.get("partial_rotary_factor", c.get("partial_rotary_factor", 1.0)) != 1.0:
        raise LabError("A model that turns only part of its features (partial RoPE) is not known.")
    plain = [theta ** (-2 * m / size) for m in range(size // 2)]
    if kind == "default":
        return tuple(plain)
    if kind == "linear":
        return tuple(f / facts["factor"] for f in plain)
    if kind != "llama3":
        raise LabError(f"The rotation {kind!r} is not known; known: default, linear, llama3.")
    low, high = facts["low_freq_factor"], facts["high_freq_factor"]
    before = facts["original_max_position_embeddings"]

    def slowed(f):
        turns = before * f / (2 * math.pi)  # in the context it was first trained on
        smooth = min(1.0, max(0.0, (turns - low) / (high - low)))
        return f * (smooth + (1 - smooth) / facts["factor"])

    return tuple(map(slowed, plain))


def weights(
    config: Mapping[str, Any], shape: Shape, tensors: Tensors
) -> tuple[Shape, dict[str, Tensor]]:
    """A checkpoint's weights by the course's names, and the shape with the biases they have.

    LabError for one missing or of another kind of number.
    """
    family = FAMILIES[config["model_type"]]
    found = {"gpt2": _of_gpt2, "llama": _of_llama, "bert": _of_bert}[family](shape, tensors)
    found = {name: w for name, w in found.items() if w is not None}
    for name, w in found.items():
        if not w.dtype.is_floating_point:
            raise LabError(f"The weights are not numbers of one kind: {name} is {w.dtype}.")
    return _with_biases(shape, found), found


def _with_biases(shape: Shape, found: Mapping[str, Tensor]) -> Shape:
    """The shape that says which of its parts have a bias: config.json does not always."""
    has = {name.split(".")[-2] for name in found if name.endswith(".bias")}
    has = {"norm" if "norm" in part else part for part in has}
    return replace(shape, bias=tuple(part for part in BIASED if part in has))


def _needed(tensors: Tensors, *names: str) -> Tensor:
    for name in names:
        if (w := tensors(name)) is not None:
            return w
    raise LabError(f"The weights are not whole: {names[0]!r} is missing. Copy the folder again.")


def _of_gpt2(shape, tensors):
    prefix = "transformer." if tensors("transformer.wte.weight") is not None else ""
    get = lambda name: _needed(tensors, f"{prefix}{name}")  # noqa: E731
    E = get("wte.weight")
    head = tensors("lm_head.weight")
    found = {"W_E": E, "W_P": get("wpe.weight"), "W_U.weight": E if head is None else head}
    norms = {"final_norm": "ln_f"}
    for i in range(shape.layers):
        norms |= {f"blocks.{i}.norm_{k}": f"h.{i}.ln_{k}" for k in (1, 2)}
        here, there = f"blocks.{i}.", f"h.{i}."
        # its matrices are stored as (in, out), and Q, K, V as one
        together = get(f"{there}attn.c_attn.weight").T.chunk(3)
        offsets = get(f"{there}attn.c_attn.bias").chunk(3)
        for letter, w, b in zip("QKV", together, offsets, strict=True):
            found[f"{here}attention.W_{letter}.weight"] = w.contiguous()
            found[f"{here}attention.W_{letter}.bias"] = b.clone()
        for ours, theirs in (("attention.W_O", "attn.c_proj"), ("mlp.W_1", "mlp.c_fc"),
                             ("mlp.W_2", "mlp.c_proj")):  # fmt: skip
            found[f"{here}{ours}.weight"] = get(f"{there}{theirs}.weight").T.contiguous()
            found[f"{here}{ours}.bias"] = get(f"{there}{theirs}.bias")
    for ours, theirs in norms.items():
        found |= {f"{ours}.gain": get(f"{theirs}.weight"), f"{ours}.bias": get(f"{theirs}.bias")}
    return found


def _of_llama(shape, tensors):
    prefix = "model." if tensors("model.embed_tokens.weight") is not None else ""
    E = _needed(tensors, f"{prefix}embed_tokens.weight")
    head = tensors("lm_head.weight")
    found = {
        "W_E": E,
        "W_U.weight": E if head is None else head,
        "final_norm.gain": _needed(tensors, f"{prefix}norm.weight"),
    }
    return found | _blocks(shape, tensors, _LLAMA, f"{prefix}layers.{{}}.", biases=False)


def _of_bert(shape, tensors):
    prefix = "bert." if tensors("bert.embeddings.word_embeddings.weight") is not None else ""
    get = lambda name: _needed(tensors, f"{prefix}embeddings.{name}")  # noqa: E731
    found = {
        "W_E": get("word_embeddings.weight"),
        # one text is read at a time: the first of the token types stands at every position
        "W_P": get("position_embeddings.weight") + get("token_type_embeddings.weight")[0],
        "start_norm.gain": get("LayerNorm.weight"),
        "start_norm.bias": get("LayerNorm.bias"),
    }
    return found | _blocks(shape, tensors, _BERT, f"{prefix}encoder.layer.{{}}.", biases=True)


def _blocks(shape, tensors, names, place: str, biases: bool):
    found = {}
    for i in range(shape.layers):
        for ours, theirs in names.items():
            here, there = f"blocks.{i}.{ours}", f"{place.format(i)}{theirs}"
            scale = "gain" if "norm" in ours else "weight"
            found[f"{here}.{scale}"] = _needed(tensors, f"{there}.weight")
            get = (lambda name: _needed(tensors, name)) if biases else tensors
            found[f"{here}.bias"] = get(f"{there}.bias")
    return found

"""Llama 1-3 and those built like it: Mistral, Qwen 2 and 3, SmolLM3, Phi-3, OLMo 2."""

from __future__ import annotations

from ...errors import LabError
from ..facts import Facts
from ..rope import Turning, turning
from .family import Family, Kept, activation, heads, rows, windows

NAMES: dict[str, str | Kept] = {
    "W_E": "model.embed_tokens.weight", "W_U": "lm_head", "final_norm": "model.norm",
    "blocks.{}.norm_1": "model.layers.{}.input_layernorm",
    "blocks.{}.norm_2": "model.layers.{}.post_attention_layernorm",
    "blocks.{}.attention.W_Q": "model.layers.{}.self_attn.q_proj",
    "blocks.{}.attention.W_K": "model.layers.{}.self_attn.k_proj",
    "blocks.{}.attention.W_V": "model.layers.{}.self_attn.v_proj",
    "blocks.{}.attention.W_O": "model.layers.{}.self_attn.o_proj",
    "blocks.{}.attention.norm_Q": "model.layers.{}.self_attn.q_norm",
    "blocks.{}.attention.norm_K": "model.layers.{}.self_attn.k_norm",
    "blocks.{}.mlp.W_1": "model.layers.{}.mlp.up_proj",
    "blocks.{}.mlp.W_2": "model.layers.{}.mlp.down_proj",
    "blocks.{}.mlp.W_3": "model.layers.{}.mlp.gate_proj",
}  # fmt: skip
ASIDE = ("*rotary_emb.inv_freq",)  # angles, which config.json states
QKV, MAPS = ("W_Q", "W_K", "W_V"), ("W_1", "W_2", "W_3")


def turned(found: Turning, d_k: int) -> dict:
    """The arguments of `Shape` for a rotation: a factor of cos and sin is a temperature."""
    if found.factor != 1 and 2 * len(found.angles) != d_k:
        raise LabError("A rotation of part of the features with a factor is not known here.")
    return dict(rotation=found.angles, context=found.context, tau=found.factor**-2)


def plain(c: Facts, theta: float = 10000.0, size: int | None = None, eps: float = 1e-6) -> dict:
    """What all of them share: RMSNorm before gated steps, keys shared by heads, RoPE."""
    found = heads(c, size)
    return found | turned(turning(c, found["head_size"], theta), found["head_size"]) | dict(
        rms=True, gated=True, eps=c.number("rms_norm_eps", eps),
        activation=activation(c, "hidden_act", "silu"),
    )  # fmt: skip


def biases(c: Facts) -> tuple[str, ...]:
    """The biases that two flags switch on."""
    attention = (*QKV, "W_O") if c.flag("attention_bias", False) else ()
    return attention + (MAPS if c.flag("mlp_bias", False) else ())


def llama(c: Facts, has) -> dict:
    """Llama: no windows, biases by flags."""
    return plain(c) | dict(bias=biases(c))


def mistral(c: Facts, has) -> dict:
    """Mistral: every layer sees a window; where nothing is said, of 4096."""
    found = plain(c)
    said = "sliding_window" in c.given
    size = c.get("sliding_window") if said else 4096
    if size is not None:
        size = c.count("sliding_window", 4096)
    return found | dict(windows=windows(c, found["layers"], size, [bool(size)] * found["layers"]))


def _qwen(c: Facts, size: int | None) -> dict:
    """The upper layers of Qwen see windows where a flag says so."""
    found = plain(c, size=size)
    used, L = c.flag("use_sliding_window", False), found["layers"]
    width, first = c.get("sliding_window"), c.count("max_window_layers", 28)
    width = c.count("sliding_window", 0) if used and width else None
    sliding = [bool(width) and i >= first for i in range(L)]
    return found | dict(windows=windows(c, L, width, sliding))


def qwen2(c: Facts, has) -> dict:
    """Qwen 1.5, 2 and 2.5: biases on queries, keys and values."""
    return _qwen(c, None) | dict(bias=QKV)


def qwen3(c: Facts, has) -> dict:
    """Qwen 3: queries and keys of each head are normed."""
    return _qwen(c, 128) | dict(bias=biases(c), qk_norm="head")


def smollm3(c: Facts, has) -> dict:
    """SmolLM3: every fourth layer turns nothing."""
    found = plain(c, theta=2e6)
    L, every = found["layers"], c.count("no_rope_layer_interval", 4) or 4
    turns = c.listed("no_rope_layers", L) or [int((i + 1) % every != 0) for i in range(L)]
    used, size = c.flag("use_sliding_window", False), c.get("sliding_window")
    size = c.count("sliding_window", 0) if used and size else None
    if not used:  # then layer_types changes nothing
        c.listed("layer_types", L)
    sliding = windows(c, L, size, [not t for t in turns]) if size else ()
    angles = [found["rotation"] if t else () for t in turns]
    return found | dict(bias=biases(c), windows=sliding, rotation=angles)


def phi3(c: Facts, has) -> dict:
    """Phi-3: queries, keys and values in one matrix, and both maps of the MLP in another."""
    found = plain(c, eps=1e-5)
    c.get("original_max_position_embeddings")  # of the kinds of rotation that stretch
    size = c.count("sliding_window", 0) or None
    return found | dict(windows=windows(c, found["layers"], size, [bool(size)] * found["layers"]))


def olmo2(c: Facts, has) -> dict:
    """OLMo 2: a norm of what each step writes, and of all queries and keys at once."""
    return plain(c, eps=1e-5) | dict(bias=biases(c), norm="write", qk_norm="all")


def _qkv(s):
    return s.heads * s.d_k, s.heads * s.d_k // s.group, s.heads * s.d_k // s.group


PHI3_NAMES = NAMES | {
    f"blocks.{{}}.attention.W_{letter}": Kept(
        "model.layers.{}.self_attn.qkv_proj", rows(_qkv, which)
    )
    for which, letter in enumerate("QKV")
} | {
    f"blocks.{{}}.mlp.W_{n}": Kept(
        "model.layers.{}.mlp.gate_up_proj", rows(lambda s: (s.hidden, s.hidden), which)
    )
    for which, n in enumerate("31")
}  # fmt: skip
OLMO2_NAMES = NAMES | {
    "blocks.{}.write_norm_1": "model.layers.{}.post_attention_layernorm",
    "blocks.{}.write_norm_2": "model.layers.{}.post_feedforward_layernorm",
}


def _family(shape, names=NAMES, tied=False) -> Family:
    return Family(shape, names, prefix="model.", tied=tied, aside=ASIDE)


LLAMA, MISTRAL, QWEN2, QWEN3 = map(_family, (llama, mistral, qwen2, qwen3))
SMOLLM3 = _family(smollm3, tied=True)
PHI3, OLMO2 = _family(phi3, PHI3_NAMES), _family(olmo2, OLMO2_NAMES)

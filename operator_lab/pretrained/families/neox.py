"""GPT-NeoX and Pythia, and StableLM: LayerNorm, part of a head turns, steps side by side."""

from __future__ import annotations

from ..facts import Facts
from ..rope import turning
from .family import Family, Kept, activation, heads
from .llama import NAMES as LLAMA_NAMES
from .llama import turned


def gpt_neox(c: Facts, has) -> dict:
    """GPT-NeoX: both steps of a layer read the state before it."""
    found = heads(c)
    d_k = found["head_size"]
    part, theta = c.number("rotary_pct", 0.25), c.number("rotary_emb_base", 10000.0)
    c.only(is_decoder=False)
    attention = ("W_Q", "W_K", "W_V", "W_O") if c.flag("attention_bias", True) else ()
    return found | turned(turning(c, d_k, theta, part), d_k) | dict(
        eps=c.number("layer_norm_eps", 1e-5), activation=activation(c, "hidden_act", "gelu"),
        parallel=c.flag("use_parallel_residual", True), bias=("norm", *attention, "W_1", "W_2"),
    )  # fmt: skip


def of_each_head(which):
    """Queries, keys and values are kept head by head."""
    return lambda s, w: w.unflatten(0, (s.heads, 3, s.d_k))[:, which].flatten(0, 1).clone()


_QKV = {
    f"blocks.{{}}.attention.W_{letter}": Kept(
        "gpt_neox.layers.{}.attention.query_key_value", of_each_head(i)
    )
    for i, letter in enumerate("QKV")
}
GPT_NEOX = Family(
    gpt_neox,
    _QKV | {
        "W_E": "gpt_neox.embed_in.weight", "W_U": "embed_out",
        "final_norm": "gpt_neox.final_layer_norm",
        "blocks.{}.norm_1": "gpt_neox.layers.{}.input_layernorm",
        "blocks.{}.norm_2": "gpt_neox.layers.{}.post_attention_layernorm",
        "blocks.{}.attention.W_O": "gpt_neox.layers.{}.attention.dense",
        "blocks.{}.mlp.W_1": "gpt_neox.layers.{}.mlp.dense_h_to_4h",
        "blocks.{}.mlp.W_2": "gpt_neox.layers.{}.mlp.dense_4h_to_h",
    },
    prefix="gpt_neox.", tied=False,
    aside=("*rotary_emb.inv_freq", "*attention.bias", "*attention.masked_bias"),
)  # fmt: skip


def stablelm(c: Facts, has) -> dict:
    """StableLM: gated like Llama, with LayerNorm, a quarter of each head turned."""
    found, parallel = heads(c), c.flag("use_parallel_residual", False)
    c.only(qk_layernorm=False)
    d_k = found["head_size"]
    qkv = ("W_Q", "W_K", "W_V") if c.flag("use_qkv_bias", False) else ()
    return found | turned(turning(c, d_k, 10000.0, 0.25), d_k) | dict(
        eps=c.number("layer_norm_eps", 1e-5), activation=activation(c, "hidden_act", "silu"),
        gated=True, parallel=parallel, bias=("norm", *qkv),
    )  # fmt: skip


STABLELM = Family(
    stablelm, {**LLAMA_NAMES}, prefix="model.", tied=False, aside=("*rotary_emb.inv_freq",),
    parallel={"blocks.{}.norm_2": LLAMA_NAMES["blocks.{}.norm_1"]},
)  # fmt: skip

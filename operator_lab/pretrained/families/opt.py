"""OPT (Zhang et al. 2022, arXiv 2205.01068)."""

from __future__ import annotations

from ..facts import Facts
from .family import Family, Kept, activation


def opt(c: Facts, has) -> dict:
    """OPT: learned positions that begin at the third row, ReLU."""
    d, before = c.count("hidden_size"), c.flag("do_layer_norm_before", True)
    c.only(
        word_embed_proj_dim=d, layer_norm_elementwise_affine=True, _remove_final_layer_norm=False
    )
    maps = ("W_Q", "W_K", "W_V", "W_O", "W_1", "W_2") if c.flag("enable_bias", True) else ()
    return dict(
        vocabulary=c.count("vocab_size"), context=c.count("max_position_embeddings"), features=d,
        heads=c.count("num_attention_heads"), layers=c.count("num_hidden_layers"),
        hidden=c.count("ffn_dim"), bias=("norm", *maps), norm="pre" if before else "post",
        activation=activation(c, "activation_function", "relu"),
    )  # fmt: skip


def _after_two(shape, w):
    return w[2:].clone()


OPT = Family(
    opt,
    {
        "W_E": "model.decoder.embed_tokens.weight", "W_U": "lm_head",
        "W_P": Kept("model.decoder.embed_positions.weight", _after_two),
        "final_norm": "model.decoder.final_layer_norm",
        "blocks.{}.norm_1": "model.decoder.layers.{}.self_attn_layer_norm",
        "blocks.{}.norm_2": "model.decoder.layers.{}.final_layer_norm",
        "blocks.{}.attention.W_Q": "model.decoder.layers.{}.self_attn.q_proj",
        "blocks.{}.attention.W_K": "model.decoder.layers.{}.self_attn.k_proj",
        "blocks.{}.attention.W_V": "model.decoder.layers.{}.self_attn.v_proj",
        "blocks.{}.attention.W_O": "model.decoder.layers.{}.self_attn.out_proj",
        "blocks.{}.mlp.W_1": "model.decoder.layers.{}.fc1",
        "blocks.{}.mlp.W_2": "model.decoder.layers.{}.fc2",
    },
    prefix="model.",
)  # fmt: skip

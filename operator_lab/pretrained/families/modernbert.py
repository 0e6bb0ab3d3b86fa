"""ModernBERT (Warner et al. 2024, arXiv 2412.13663): an encoder in the manner of the decoders."""

from __future__ import annotations

from ...errors import LabError
from ..facts import Facts
from .family import Family, Kept, activation, heads, rows, windows
from .gemma import two_turnings


def modernbert(c: Facts, has) -> dict:
    """Two layers of three see a window on both sides; the first attention reads without a norm."""
    if not has("head.dense.weight") or not has("decoder.bias"):
        raise LabError(
            "This ModernBERT has no head of masked words, through which its states are read; save "
            "it as ModernBertForMaskedLM."
        )
    found = heads(c)
    L, d_k = found["layers"], found["head_size"]
    width, every = c.count("local_attention", 128), c.count("global_attn_every_n_layers", 3) or 3
    seen = windows(c, L, width // 2 + 1, [i % every != 0 for i in range(L)])
    near, far = two_turnings(
        c, d_k, c.number("local_rope_theta", 1e4), c.number("global_rope_theta", 1.6e5), True
    )
    act = activation(c, "hidden_activation", "gelu")
    if activation(c, "classifier_activation", "gelu") != act:
        raise LabError("A head that bends otherwise than the layers is not known here.")
    c.only(position_embedding_type="absolute", decoder_bias=True)
    c.get("layer_norm_eps")  # repeats norm_eps in older files
    return found | dict(
        context=c.count("max_position_embeddings"), causal=False, start_norm=True,
        first_norm=False, gated=True, activation=act, eps=c.number("norm_eps", 1e-5), head=True,
        windows=seen, rotation=[near if w else far for w in seen], bias=_biases(c),
    )  # fmt: skip


def _biases(c: Facts) -> tuple[str, ...]:
    maps = ("W_1", "W_2", "W_3") if c.flag("mlp_bias", False) else ()
    attention = ("W_Q", "W_K", "W_V", "W_O") if c.flag("attention_bias", False) else ()
    norm = ("norm",) if c.flag("norm_bias", False) else ()
    head = ("head",) if c.flag("classifier_bias", False) else ()
    return (*maps, *attention, *norm, *head, "W_U")


def _three(s):
    return (s.heads * s.d_k,) * 3


MODERNBERT = Family(
    modernbert,
    {
        "W_E": "model.embeddings.tok_embeddings.weight", "start_norm": "model.embeddings.norm",
        "final_norm": "model.final_norm", "head.W": "head.dense", "head.norm": "head.norm",
        "head.W_U": "decoder",
        "blocks.{}.norm_1": "model.layers.{}.attn_norm",
        "blocks.{}.norm_2": "model.layers.{}.mlp_norm",
        "blocks.{}.attention.W_O": "model.layers.{}.attn.Wo",
        "blocks.{}.mlp.W_2": "model.layers.{}.mlp.Wo",
    }
    | {
        f"blocks.{{}}.attention.W_{letter}": Kept("model.layers.{}.attn.Wqkv", rows(_three, i))
        for i, letter in enumerate("QKV")
    }
    | {
        f"blocks.{{}}.mlp.W_{n}": Kept(
            "model.layers.{}.mlp.Wi", rows(lambda s: (s.hidden, s.hidden), i)
        )
        for i, n in enumerate("31")
    },
    prefix="model.",
)  # fmt: skip

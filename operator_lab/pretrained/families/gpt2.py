"""GPT-2 (Radford et al. 2019)."""

from ..facts import Facts
from .family import Family, Kept, activation


def shape(c: Facts, has) -> dict:
    """The arguments of `Shape` that a config.json of this family means."""
    c.only(scale_attn_by_inverse_layer_idx=False, scale_attn_weights=True)
    c.get("n_ctx")  # the context once more
    d = c.count("n_embd")
    return dict(
        vocabulary=c.count("vocab_size"), context=c.count("n_positions"), features=d,
        heads=c.count("n_head"), layers=c.count("n_layer"), hidden=c.count("n_inner", 4 * d),
        bias=("norm", "W_Q", "W_K", "W_V", "W_O", "W_1", "W_2"),
        eps=c.number("layer_norm_epsilon", 1e-5),
        activation=activation(c, "activation_function", "gelu_new"),
    )  # fmt: skip


def turned_over(shape, w):
    """Its matrices are kept as (in, out)."""
    return w.T.contiguous() if w.ndim == 2 else w


def third(which):
    """Queries, keys and values are kept side by side."""
    return lambda shape, w: turned_over(shape, w.chunk(3, -1)[which]).clone()


GPT2 = Family(
    shape,
    {
        "W_E": "transformer.wte.weight", "W_P": "transformer.wpe.weight", "W_U": "lm_head",
        "final_norm": "transformer.ln_f",
        "blocks.{}.norm_1": "transformer.h.{}.ln_1", "blocks.{}.norm_2": "transformer.h.{}.ln_2",
        "blocks.{}.attention.W_Q": Kept("transformer.h.{}.attn.c_attn", third(0)),
        "blocks.{}.attention.W_K": Kept("transformer.h.{}.attn.c_attn", third(1)),
        "blocks.{}.attention.W_V": Kept("transformer.h.{}.attn.c_attn", third(2)),
        "blocks.{}.attention.W_O": Kept("transformer.h.{}.attn.c_proj", turned_over),
        "blocks.{}.mlp.W_1": Kept("transformer.h.{}.mlp.c_fc", turned_over),
        "blocks.{}.mlp.W_2": Kept("transformer.h.{}.mlp.c_proj", turned_over),
    },
    prefix="transformer.",
    aside=("*h.*.attn.bias", "*h.*.attn.masked_bias"),  # masks
)  # fmt: skip

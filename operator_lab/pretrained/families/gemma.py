"""Gemma 1, 2 and 3: the embedding scaled, gains counted from one, layers that see windows."""

from __future__ import annotations

from ..facts import Facts
from ..rope import of, turning
from .family import Family, Kept, activation, heads, windows
from .llama import ASIDE, NAMES, biases, turned


def one_more(shape, w):
    """A gain is kept as what it has beyond 1."""
    return 1 + w


def longer(shape, w):
    """A word starts with its row times sqrt(d)."""
    return w * shape.features**0.5


GAINS = {
    name: Kept(str(theirs), one_more) for name, theirs in NAMES.items() if "norm" in name
}  # fmt: skip
NAMES_1 = NAMES | GAINS | {"W_E": Kept("model.embed_tokens.weight", longer)}
NAMES_2 = NAMES_1 | {
    ours: Kept(f"model.layers.{{}}.{theirs}", one_more)
    for ours, theirs in {
        "blocks.{}.write_norm_1": "post_attention_layernorm",
        "blocks.{}.norm_2": "pre_feedforward_layernorm",
        "blocks.{}.write_norm_2": "post_feedforward_layernorm",
    }.items()
}


def plain(c: Facts) -> dict:
    """What the three share."""
    c.only(use_bidirectional_attention=False)
    return heads(c, 256) | dict(
        rms=True, gated=True, eps=c.number("rms_norm_eps", 1e-6), bias=biases(c)
    )


def gemma(c: Facts, has) -> dict:
    """Gemma 1; its files say gelu and mean the tanh form."""
    found, kind = plain(c), "hidden_activation" if c.get("hidden_activation") else "hidden_act"
    c.get("hidden_act")
    act = activation(c, kind, "gelu_pytorch_tanh").replace("gelu_tanh", "gelu")
    act = "gelu_tanh" if act == "gelu" else act
    return found | turned(turning(c, found["head_size"], 1e4), found["head_size"]) | dict(
        activation=act
    )  # fmt: skip


def _capped(c: Facts, found: dict) -> dict:
    c.get("hidden_act")  # older files repeat the nonlinearity under this name
    scale = c.number("query_pre_attn_scalar", 256.0)
    return found | dict(
        norm="both", tau=found.get("tau", 1.0) * (scale / found["head_size"]) ** 0.5,
        activation=activation(c, "hidden_activation", "gelu_pytorch_tanh"),
    )  # fmt: skip


def _cap(c: Facts, name: str, usual: float | None) -> float | None:
    if name not in c.given:
        return usual
    return None if c.get(name) is None else c.number(name)


def gemma2(c: Facts, has) -> dict:
    """Gemma 2: norms on both sides, capped scores and logits, a window in every other layer."""
    found = plain(c)
    found = _capped(c, found | turned(turning(c, found["head_size"], 1e4), found["head_size"]))
    L, size = found["layers"], c.count("sliding_window", 4096)
    return found | dict(
        windows=windows(c, L, size, [i % 2 == 0 for i in range(L)]),
        score_cap=_cap(c, "attn_logit_softcapping", 50.0),
        logit_cap=_cap(c, "final_logit_softcapping", 30.0),
    )


def gemma3(c: Facts, has) -> dict:
    """Gemma 3 (text): queries and keys normed; layers with a window turn faster than the others."""
    found = _capped(c, plain(c))
    L, size, d_k = found["layers"], c.count("sliding_window", 4096), found["head_size"]
    every = c.count("sliding_window_pattern", c.count("_sliding_window_pattern", 6)) or 6
    seen = windows(c, L, size, [(i + 1) % every != 0 for i in range(L)])
    near, far = two_turnings(
        c, d_k, c.number("rope_local_base_freq", 1e4), c.number("rope_theta", 1e6), near_too=False
    )
    return found | dict(
        windows=seen, rotation=[near if w else far for w in seen], qk_norm="head",
        context=c.count("max_position_embeddings"),
        score_cap=_cap(c, "attn_logit_softcapping", None),
        logit_cap=_cap(c, "final_logit_softcapping", None),
    )  # fmt: skip


def two_turnings(c: Facts, d_k: int, local: float, theta: float, near_too: bool):
    """The angles of layers with a window and of those without; `near_too` stretches both."""
    rope = c.inner("rope_parameters")
    found = []
    for kind, base in (("sliding_attention", local), ("full_attention", theta)):
        facts = rope.inner(kind)
        if c.get("rope_scaling") and (near_too or kind == "full_attention"):
            if rope.given:
                raise c.wrong("rope_scaling", c["rope_scaling"], "known beside rope_parameters")
            facts = c.inner("rope_scaling")
        made = of(facts, c, d_k, facts.number("rope_theta", base))
        if made.factor != 1 or made.context != c.count("max_position_embeddings"):
            raise c.wrong("rope_parameters", rope.given, "of a kind known for two rotations")
        found.append(made.angles)
    return found


def _family(shape, names) -> Family:
    return Family(shape, names, prefix="model.", aside=ASIDE)


GEMMA, GEMMA2, GEMMA3 = (
    _family(s, n) for s, n in ((gemma, NAMES_1), (gemma2, NAMES_2), (gemma3, NAMES_2))
)

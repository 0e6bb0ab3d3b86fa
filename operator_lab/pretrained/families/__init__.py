"""Families of checkpoints, each a small declaration; `read` finds that of a config.json."""

from __future__ import annotations

from ...errors import LabError
from ..facts import Facts
from .bert import BERT, DISTILBERT, MPNET, ROBERTA
from .family import Family, Kept
from .gemma import GEMMA, GEMMA2, GEMMA3
from .gpt2 import GPT2
from .llama import LLAMA, MISTRAL, OLMO2, PHI3, QWEN2, QWEN3, SMOLLM3
from .modernbert import MODERNBERT
from .neox import GPT_NEOX, STABLELM
from .opt import OPT

__all__ = ["FAMILIES", "Family", "Kept", "family"]

# `model_type` of config.json -> the family it belongs to.
FAMILIES = {
    "gpt2": GPT2, "llama": LLAMA, "mistral": MISTRAL, "qwen2": QWEN2, "qwen3": QWEN3,
    "gemma": GEMMA, "gemma2": GEMMA2, "gemma3_text": GEMMA3, "phi3": PHI3, "olmo2": OLMO2,
    "smollm3": SMOLLM3, "stablelm": STABLELM, "gpt_neox": GPT_NEOX, "opt": OPT, "bert": BERT,
    "roberta": ROBERTA, "distilbert": DISTILBERT, "modernbert": MODERNBERT, "mpnet": MPNET,
}  # fmt: skip
OTHERS = {  # a word in `model_type` -> what such a model is
    "moe": "a mixture of experts", "mixtral": "a mixture of experts",
    "olmoe": "a mixture of experts", "dbrx": "a mixture of experts",
    "deepseek": "a mixture of experts", "jamba": "a state-space model",
    "mamba": "a state-space model", "rwkv": "a recurrent model", "t5": "an encoder-decoder",
    "bart": "an encoder-decoder", "marian": "an encoder-decoder",
    "pegasus": "an encoder-decoder", "whisper": "an encoder-decoder",
    "_vl": "a model of pictures and text", "vision": "a model of pictures and text",
    "llava": "a model of pictures and text", "gemma3": "a model of pictures and text",
    "mllama": "a model of pictures and text", "clip": "a model of pictures and text",
}  # fmt: skip
STRANGE = {  # a fact that says so -> what such a model is
    "num_experts": "a mixture of experts", "num_local_experts": "a mixture of experts",
    "n_routed_experts": "a mixture of experts", "state_size": "a state-space model",
    "ssm_cfg": "a state-space model", "vision_config": "a model of pictures and text",
}  # fmt: skip


def family(c: Facts) -> Family:
    """The family of a config.json; LabError, with what it is, for one that is not known."""
    kind = c.get("model_type")
    if c.get("is_encoder_decoder"):
        raise _other(kind, "an encoder-decoder")
    for fact, what in STRANGE.items():
        if c.given.get(fact):
            raise _other(kind, what)
    if isinstance(kind, str) and kind in FAMILIES:
        return FAMILIES[kind]
    for word, what in OTHERS.items():
        if isinstance(kind, str) and word in kind:
            raise _other(kind, what)
    known = ", ".join(FAMILIES)
    raise LabError(
        f"The architecture {kind!r} is not known; known: {known}. A declaration of your own is "
        "given as lab.load(folder, family=...)."
    )


def _other(kind, what: str) -> LabError:
    known = ", ".join(FAMILIES)
    return LabError(f"{kind!r} is {what}, which the Transformer here is not; known: {known}.")

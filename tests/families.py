"""Small random models of every family, as `transformers` makes them: configurations and texts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import transformers as t

LONG, SHORT = 40, 9  # tokens; the windows are 5 to 9 wide
COMMON = dict(
    vocab_size=14, hidden_size=16, intermediate_size=20, num_hidden_layers=4,
    num_attention_heads=4, max_position_embeddings=64,
    bos_token_id=0, eos_token_id=0, pad_token_id=None,
)  # fmt: skip
GROUPED = COMMON | dict(num_key_value_heads=2, head_dim=6, rms_norm_eps=1e-3)
ENCODER = COMMON | dict(pad_token_id=1, layer_norm_eps=1e-5)
LLAMA3 = dict(
    rope_type="llama3", rope_theta=50.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=16,
)  # fmt: skip


def rope(kind: str, **facts) -> dict:
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=50.0, **facts))


@dataclass(frozen=True)
class Case:
    """One model: its family as a reader calls it, the library's classes, what is special."""

    family: str
    config: type
    model: type
    facts: dict = field(default_factory=dict)
    what: str = ""

    @property
    def name(self) -> str:
        return f"{self.family}{', ' if self.what else ''}{self.what}"


def _cases():
    llama = t.LlamaConfig, t.LlamaForCausalLM
    yield Case(
        "GPT-2",
        t.GPT2Config,
        t.GPT2LMHeadModel,
        dict(vocab_size=14, n_embd=16, n_layer=3, n_head=4, n_positions=64),
    )
    yield Case(
        "GPT-2",
        t.GPT2Config,
        t.GPT2LMHeadModel,
        dict(
            vocab_size=14,
            n_embd=16,
            n_layer=2,
            n_head=2,
            n_positions=64,
            n_inner=24,
            activation_function="gelu",
            tie_word_embeddings=False,
        ),
        "untied",
    )
    yield Case("Llama 1-2", *llama, COMMON | dict(rms_norm_eps=1e-3))
    yield Case("Llama 3", *llama, GROUPED | dict(rope_parameters=LLAMA3))
    yield Case(
        "Llama 3",
        *llama,
        GROUPED | dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
        "biases, tied",
    )
    yield Case("Llama 3", *llama, GROUPED | rope("linear", factor=2.0), "linear")
    yield Case("Llama 3", *llama, GROUPED | rope("dynamic", factor=2.0), "dynamic")
    yield Case(
        "Llama 3",
        *llama,
        GROUPED | rope("yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4.0),
        "yarn",
    )
    yield Case("Mistral", t.MistralConfig, t.MistralForCausalLM, GROUPED | dict(sliding_window=7))
    yield Case(
        "Mistral",
        t.MistralConfig,
        t.MistralForCausalLM,
        GROUPED | dict(sliding_window=None),
        "no window",
    )
    qwen2 = {k: v for k, v in GROUPED.items() if k != "head_dim"}
    yield Case("Qwen2", t.Qwen2Config, t.Qwen2ForCausalLM, qwen2)
    yield Case(
        "Qwen2",
        t.Qwen2Config,
        t.Qwen2ForCausalLM,
        qwen2 | dict(use_sliding_window=True, sliding_window=6, max_window_layers=2),
        "windows",
    )
    yield Case("Qwen3", t.Qwen3Config, t.Qwen3ForCausalLM, GROUPED)
    yield Case(
        "Qwen3",
        t.Qwen3Config,
        t.Qwen3ForCausalLM,
        GROUPED
        | dict(use_sliding_window=True, sliding_window=5, max_window_layers=1, attention_bias=True)
        | rope("yarn", factor=4.0, original_max_position_embeddings=16),
        "windows, yarn",
    )
    yield Case("Gemma 1", t.GemmaConfig, t.GemmaForCausalLM, GROUPED)
    yield Case(
        "Gemma 2",
        t.Gemma2Config,
        t.Gemma2ForCausalLM,
        GROUPED
        | dict(
            sliding_window=6,
            query_pre_attn_scalar=9,
            attn_logit_softcapping=2.0,
            final_logit_softcapping=3.0,
        ),
    )
    yield Case(
        "Gemma 3",
        t.Gemma3TextConfig,
        t.Gemma3ForCausalLM,
        GROUPED
        | dict(
            num_hidden_layers=6,
            sliding_window=6,
            query_pre_attn_scalar=9,
            rope_parameters={
                "sliding_attention": dict(rope_type="default", rope_theta=20.0),
                "full_attention": dict(rope_type="linear", factor=3.0, rope_theta=90.0),
            },
        ),
    )
    phi = dict(num_key_value_heads=2, rms_norm_eps=1e-3, pad_token_id=0)
    yield Case("Phi-3", t.Phi3Config, t.Phi3ForCausalLM, COMMON | phi | dict(sliding_window=8))
    yield Case(
        "Phi-3",
        t.Phi3Config,
        t.Phi3ForCausalLM,
        COMMON
        | phi
        | dict(original_max_position_embeddings=48)
        | rope(
            "longrope",
            short_factor=[1.0, 1.5],
            long_factor=[2.0, 4.0],
            original_max_position_embeddings=48,
        ),
        "longrope",
    )
    yield Case(
        "Phi-3",
        t.Phi3Config,
        t.Phi3ForCausalLM,
        COMMON | phi | rope("default", partial_rotary_factor=0.5),
        "partial rotation",
    )
    yield Case(
        "OLMo 2",
        t.Olmo2Config,
        t.Olmo2ForCausalLM,
        COMMON | dict(num_key_value_heads=2, rms_norm_eps=1e-3, pad_token_id=0),
    )
    yield Case("SmolLM3", t.SmolLM3Config, t.SmolLM3ForCausalLM, qwen2 | dict(pad_token_id=0))
    yield Case(
        "SmolLM3",
        t.SmolLM3Config,
        t.SmolLM3ForCausalLM,
        qwen2
        | dict(pad_token_id=0, use_sliding_window=True, sliding_window=5, no_rope_layer_interval=2),
        "windows",
    )
    stable = COMMON | dict(num_key_value_heads=2, layer_norm_eps=1e-3, hidden_size=32)
    yield Case("StableLM", t.StableLmConfig, t.StableLmForCausalLM, stable)
    yield Case(
        "StableLM",
        t.StableLmConfig,
        t.StableLmForCausalLM,
        stable | dict(use_parallel_residual=True, use_qkv_bias=True),
        "parallel, biases",
    )
    neox = COMMON | dict(hidden_size=32, layer_norm_eps=1e-3)
    yield Case("GPT-NeoX, Pythia", t.GPTNeoXConfig, t.GPTNeoXForCausalLM, neox)
    yield Case(
        "GPT-NeoX, Pythia",
        t.GPTNeoXConfig,
        t.GPTNeoXForCausalLM,
        neox
        | dict(use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new")
        | rope("default", partial_rotary_factor=0.5),
        "in turn, no biases",
    )
    opt = {k: v for k, v in COMMON.items() if k != "intermediate_size"}
    opt |= dict(ffn_dim=20, word_embed_proj_dim=16, pad_token_id=1)
    yield Case("OPT", t.OPTConfig, t.OPTForCausalLM, opt)
    yield Case(
        "OPT",
        t.OPTConfig,
        t.OPTForCausalLM,
        opt | dict(do_layer_norm_before=False, enable_bias=False),
        "norm behind, no biases",
    )
    yield Case("BERT", t.BertConfig, t.BertForMaskedLM, ENCODER)
    yield Case("BERT", t.BertConfig, t.BertModel, ENCODER | dict(hidden_act="gelu_new"), "no head")
    yield Case("RoBERTa", t.RobertaConfig, t.RobertaForMaskedLM, ENCODER)
    yield Case("RoBERTa", t.RobertaConfig, t.RobertaModel, ENCODER, "no head")
    distil = dict(vocab_size=14, dim=16, hidden_dim=20, n_layers=3, n_heads=4,
                  max_position_embeddings=64)  # fmt: skip
    yield Case("DistilBERT", t.DistilBertConfig, t.DistilBertForMaskedLM, distil)
    yield Case("DistilBERT", t.DistilBertConfig, t.DistilBertModel, distil, "no head")
    modern = {k: v for k, v in COMMON.items() if k != "pad_token_id"} | dict(
        pad_token_id=0, cls_token_id=0, sep_token_id=0, local_attention=10
    )
    yield Case("ModernBERT", t.ModernBertConfig, t.ModernBertForMaskedLM, modern)
    yield Case(
        "ModernBERT",
        t.ModernBertConfig,
        t.ModernBertForMaskedLM,
        modern | dict(norm_bias=True, attention_bias=True, mlp_bias=True, classifier_bias=True),
        "biases",
    )
    yield Case("MPNet", t.MPNetConfig, t.MPNetForMaskedLM, ENCODER)
    yield Case("MPNet", t.MPNetConfig, t.MPNetModel, ENCODER, "no head")


CASES = {case.name: case for case in _cases()}


def text(length: int, seed: int = 0) -> np.ndarray:
    """Tokens at random, without those that stand for the end or for padding."""
    return np.random.default_rng(seed).integers(3, 14, length)

"""What a user would pick instead, in the same shape: nanoGPT, Hugging Face GPT-2, TransformerLens.

nanoGPT is no package; its network is written here after its published description. The others are
installed by `pip install -e '.[bench]'` and used by nothing but these tables.
"""

from __future__ import annotations

import importlib
import math
import os
import warnings

import torch.nn.functional as F
from torch import Tensor, nn

from operator_lab.errors import LabError

CONFIGS = {
    "A": dict(layers=4, features=64, heads=4, context=32, vocabulary=96, batch=64),
    "B": dict(layers=6, features=128, heads=4, context=64, vocabulary=96, batch=32),
}
TINY = dict(layers=1, features=8, heads=2, context=6, vocabulary=11, batch=2)


class Missing(LabError):
    """A rival that is not installed."""


def imported(name: str):
    """The package of that name; Missing if it is not installed."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is ever fetched
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        raise Missing(f"{name} is not installed: pip install -e '.[bench]'") from None


class NanoBlock(nn.Module):
    """Pre-LN attention and MLP, one matrix for query, key and value."""

    def __init__(self, features: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = (nn.LayerNorm(features, bias=False) for _ in range(2))
        self.qkv = nn.Linear(features, 3 * features, bias=False)
        self.projection = nn.Linear(features, features, bias=False)
        self.up = nn.Linear(features, 4 * features, bias=False)
        self.down = nn.Linear(4 * features, features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.norm_1(x)).chunk(3, -1)
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(z.transpose(1, 2).flatten(-2))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class NanoGPT(nn.Module):
    """nanoGPT's network: GPT-2 without biases, embedding and read-out tied (Karpathy 2022)."""

    def __init__(self, layers: int, features: int, heads: int, context: int, vocabulary: int):
        super().__init__()
        self.words = nn.Embedding(vocabulary, features)
        self.positions = nn.Embedding(context, features)
        self.blocks = nn.Sequential(*(NanoBlock(features, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(features, bias=False)
        for name, p in self.named_parameters():
            if p.ndim > 1:
                writes = "projection" in name or "down" in name
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if writes else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens) + self.positions.weight[: tokens.shape[-1]]
        return self.norm(self.blocks(x)) @ self.words.weight.T


def decayed(network: nn.Module, decay: float) -> list[dict]:
    """AdamW's two groups: weight decay on matrices, none on gains."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def cosine(step: int, steps: int, rate: float, warmup: int = 100) -> float:
    """nanoGPT's learning rate: linear warm-up, then half a cosine down to a tenth."""
    if step < warmup:
        return rate * (step + 1) / (warmup + 1)
    down = 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
    return rate * (0.1 + 0.9 * down)


def gpt2(config: dict, dropout: float = 0.0, activation: str = "gelu_new") -> nn.Module:
    """Hugging Face's GPT-2 of that shape, from fresh weights; Missing without `transformers`."""
    transformers = imported("transformers")
    transformers.logging.set_verbosity_error()
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=config["vocabulary"],
            n_positions=config["context"],
            n_embd=config["features"],
            n_layer=config["layers"],
            n_head=config["heads"],
            activation_function=activation,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            use_cache=False,
            bos_token_id=0,
            eos_token_id=0,
        )
    ).train()


def hooked(config: dict) -> nn.Module:
    """TransformerLens' network of that shape; Missing without `transformer_lens` 3."""
    lens = imported("transformer_lens")
    if not hasattr(lens, "HookedTransformer"):
        raise Missing("TransformerLens 4 has no HookedTransformer: pip install -e '.[bench]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lens.HookedTransformer(
            lens.HookedTransformerConfig(
                n_layers=config["layers"],
                d_model=config["features"],
                n_ctx=config["context"],
                d_head=config["features"] // config["heads"],
                n_heads=config["heads"],
                d_mlp=4 * config["features"],
                d_vocab=config["vocabulary"],
                act_fn="gelu",
                normalization_type="LN",
                device="cpu",
                seed=0,
            )
        ).eval()

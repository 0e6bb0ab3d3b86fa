"""Kinds of model that every instrument is tried on: tiny, with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from operator_lab.corpus import Tokenizer
from operator_lab.corpus.texts import text
from operator_lab.model import Model
from operator_lab.run import Run
from operator_lab.transformer import Transformer

WORDS = "[UNK] the man paid coin at bank saw river and a dog .".split()
FIRST, SECOND = "the man paid the coin at the bank", "the dog saw the river at the bank"
OWN = "The dog saw the man at the bank. The man paid a coin and saw the river. "


@dataclass(frozen=True)
class Kind:
    """One kind of model: a tiny one with random weights, and what is said to it."""

    name: str
    model: Model

    @cached_property
    def first(self) -> str:
        return self._written(FIRST)

    @cached_property
    def second(self) -> str:
        return self._written(SECOND)

    def _written(self, sentence: str) -> str:
        return (
            sentence[:9] if getattr(self.model.language, "unit", "") == "characters" else sentence
        )

    @cached_property
    def tokens(self) -> np.ndarray:
        return np.stack([self.model.tokens(s) for s in (self.first, self.second)])

    @cached_property
    def words(self) -> tuple[str, str]:
        return ("m", "d") if len(self.first) == 9 else ("man", "dog")

    @cached_property
    def run(self) -> Run:
        return self.model.run(self.first)


def tokenizer(name: str) -> Tokenizer:
    """A tokenizer of whole words."""
    import tokenizers

    known = {w: i for i, w in enumerate(WORDS)}
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return Tokenizer(name, library, len(WORDS))


SIZE = dict(features=12, heads=2, layers=3, hidden=20, context=24)
REAL = {
    "GPT-2": dict(bias=True, activation="gelu_tanh"),
    "Llama": dict(rms=True, gated=True, activation="silu", key_heads=1, head_size=4,
                  rotation=(1.0, 0.3), eps=1e-6),
    "BERT": dict(norm="post", bias=True, causal=False, start_norm=True),
    "BERT, no words": dict(norm="post", bias=True, causal=False, start_norm=True, readout="none"),
}  # fmt: skip


def kinds(folder: Path) -> dict[str, Kind]:
    """The kinds that are walked: real architectures, and a text of one's own in both units."""
    found = {}
    for name, shape in REAL.items():
        found[name] = Model(drawn(len(WORDS), **(SIZE | shape)), tokenizer("your model"))
    path = folder / "your_text.txt"
    path.write_text(OWN * 12, encoding="utf-8")
    for unit in ("characters", "words"):
        language = text(path, unit, context=16)
        shape = SIZE | {"context": language.context}
        found[f"own text, {unit}"] = Model(drawn(len(language.words), **shape), language)
    return {name: Kind(name, model) for name, model in found.items()}


def drawn(vocabulary: int, **shape) -> Transformer:
    """Random weights, also of biases and gains, so that nothing is 0 or 1 by chance."""
    made = Transformer(vocabulary, seed=1, **shape).double()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in made.parameters():
            if p.ndim < 2:
                p += 0.2 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return made

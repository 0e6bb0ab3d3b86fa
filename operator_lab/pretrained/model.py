"""Pretrained: a real model with its tokenizer, frozen, read as the course reads its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import LabError, near
from ..run import Edits, read_only
from .form import Form
from .network import Network
from .record import PretrainedRun, Weights, record

ROOM = 1e9  # bytes that the maps S and A of one record may take


@dataclass(frozen=True, eq=False, repr=False)
class Pretrained:
    """A real model and its tokenizer; `run`, `weights` and `shape` as the course's own has them.

    `lab.pretrained.load` makes one.
    """

    name: str
    network: Network
    tokenizer: Any  # of tokenizers, loaded only with a model
    vocabulary: tuple[str, ...]

    def __repr__(self) -> str:
        s, tensors = self.shape, {id(w): w for w in self.network.weights.values()}  # tied ones once
        count = sum(w.numel() for w in tensors.values())
        return (
            f"{self.name}: {s.layers} layers x {s.heads} heads, {s.features} features, "
            f"{count / 1e6:.3g} million weights"
        )

    @property
    def shape(self) -> Form:
        """What fixes the model but its weights."""
        return self.network.shape

    @property
    def transformer(self) -> Network:
        """The network, by the name that instruments know."""
        return self.network

    @cached_property
    def weights(self) -> Mapping[str, ndarray]:
        """All weights by the course's names, as read-only arrays that share their memory."""
        return Weights((name, read_only(w.numpy())) for name, w in self.network.weights.items())

    def tokens(self, text: str | ndarray) -> Int[ndarray, "N"]:
        """The tokens of a text, with what the tokenizer puts around it.

        LabError for an empty text, or one longer than the model's context or than a record can be.
        """
        ids = self.tokenizer.encode(text).ids if isinstance(text, str) else text
        tokens = np.asarray(ids, dtype=int)
        if (isinstance(text, str) and not text.strip()) or tokens.ndim != 1 or not tokens.size:
            raise LabError("This text is empty; give at least one word.")
        if tokens.min() < 0 or tokens.max() >= self.shape.vocabulary:
            raise LabError(f"A token is a number from 0 to {self.shape.vocabulary - 1}.")
        s = self.shape
        if len(tokens) > s.context:
            raise LabError(
                f"The text has {len(tokens)} tokens; {self.name} reads at most {s.context}. Cut it."
            )
        size = 2 * s.layers * s.heads * len(tokens) ** 2 * self.network.dtype.itemsize
        if size > ROOM:
            most = int(len(tokens) * math.sqrt(ROOM / size))
            raise LabError(
                f"The record of {len(tokens)} tokens would take {size / 1e9:.1f} GB; at most "
                f"{most} tokens of this model are recorded. Cut the text."
            )
        return tokens

    def word(self, word: str) -> str:
        """The word of the vocabulary that is meant, with a blank in front where only that exists.

        LabError, with its tokens or with words that look like it, for one that is no single token.
        """
        for form in (word, f" {word}"):
            if form in self.vocabulary:
                return form
        parts = [self.vocabulary[i] for i in self.tokenizer.encode(str(word)).ids]
        alike = near(str(word), self.vocabulary)
        raise LabError(f"{word!r} is no single word of {self.name}, it is {parts}{alike}")

    def run(self, text: str | ndarray, edits: Edits | None = None) -> PretrainedRun:
        """Read one text and keep everything that happened (forward pass with a cache).

        `edits` as in `Model.run`. LabError for a text that cannot be read, an unknown point.
        """
        return record(self.network, self.weights, self.vocabulary, self.tokens(text), edits)

    @torch.inference_mode()
    def surprise(self, text: str | ndarray) -> float:
        """Mean surprise at each next word of a text, in nats (cross-entropy loss).

        Without a record. LabError as in `run`, and for an encoder or a text of one word.
        """
        _ = self.weights["W_U.weight"]
        tokens = torch.as_tensor(self.tokens(text))
        if len(tokens) < 2:
            raise LabError("One word has no next word to be surprised at; give two.")
        return float(torch.nn.functional.cross_entropy(self.network(tokens)[:-1], tokens[1:]))

    def to(self, dtype: str) -> Pretrained:
        """The same model in "float32" or "float64"; LabError for another word."""
        if dtype not in ("float32", "float64"):
            raise LabError(f"A model computes in 'float32' or 'float64'; got {dtype!r}.")
        same: dict[int, torch.Tensor] = {}  # tied weights stay one
        weights = {
            name: same.setdefault(id(w), w.to(getattr(torch, dtype)))
            for name, w in self.network.weights.items()
        }
        return self.with_weights(weights)

    def replace(self, **changes) -> Pretrained:
        """The same weights in another shape, such as `tau=2.0`; LabError for an impossible one."""
        try:
            shape = replace(self.shape, **changes)
        except TypeError:
            raise LabError(f"A model has no {', '.join(changes)}; try tau=2.0.") from None
        return replace(self, network=Network(shape, self.network.weights))

    def with_weights(self, weights: Mapping[str, torch.Tensor | ndarray]) -> Pretrained:
        """The same model with some weights replaced; LabError for an unknown one or its shape."""
        own, new = self.network.weights, {}
        for name, w in weights.items():
            if name not in own or own[name].shape != w.shape:
                raise LabError(
                    f"{name!r} of shape {tuple(w.shape)} is no weight of {self.name}"
                    f"{near(name, own)}"
                )
            new[name] = torch.as_tensor(w)
        return replace(self, network=Network(self.shape, {**own, **new}))

    def shuffled(self, seed: int = 0) -> Pretrained:
        """A control: the entries of each matrix of the blocks at random places.

        Every matrix keeps its size and the law of its entries and loses all structure; embedding,
        unembedding and gains stay.
        """
        generator = torch.Generator().manual_seed(seed)

        def shuffle(w):
            order = torch.randperm(w.numel(), generator=generator)
            return w.flatten()[order].view(w.shape)

        return self._blocks(shuffle)

    def initial(self, seed: int = 0) -> Pretrained:
        """A control: the matrices of the blocks as they are drawn before training.

        Normal entries of deviation 1 / sqrt(d) (for SmolLM2 its own recipe), gains 1, biases 0;
        embedding and unembedding stay those of the trained model.
        """
        generator = torch.Generator().manual_seed(seed)
        size = self.shape.features**-0.5

        def draw(w):
            return torch.randn(w.shape, generator=generator, dtype=w.dtype) * size

        plain = {
            name: torch.ones_like(w) if name.endswith("gain") else torch.zeros_like(w)
            for name, w in self.network.weights.items()
            if w.ndim == 1 and name.startswith(("blocks.", "final_norm."))
        }
        return self._blocks(draw).with_weights(plain)

    def _blocks(self, change) -> Pretrained:
        matrices = {
            name: change(w)
            for name, w in self.network.weights.items()
            if name.startswith("blocks.") and w.ndim == 2
        }
        return self.with_weights(matrices)


def pooled(run: PretrainedRun, x: Float[ndarray, "*n N d"] | None = None) -> Float[ndarray, "*n d"]:
    """The mean of the last states over the positions, at length 1 (sentence embedding).

    What an encoder such as MiniLM is used for; of any states x [..., N, d] in their place.
    """
    x = run.states[-1] if x is None else np.asarray(x)
    mean = x.mean(-2)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)

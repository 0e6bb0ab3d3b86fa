"""How a law becomes a word and words a text, and what is carried from word to word (paper V).

A column is everything the model has computed at one position; a new position reads it through
its keys and values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from ..arrays import softmax
from ..corpus import STOP, Language
from ..errors import LabError
from ..given import distribution, whole
from ..guard import guarded
from ..model import Model
from ..transformer import Note


@guarded
def tempered(
    law: Float[ndarray, "*n V"], temperature: float = 1.0, top_k: int | None = None
) -> Float[ndarray, "*n V"]:
    """The law at another sampling temperature, p^(1/T) / Z, cut to its `top_k` likeliest words.

    T = 0 puts everything on the likeliest word (greedy decoding), T = inf makes the words that
    are left alike. LabError for T < 0 and a top_k that is not a whole number of at least 1.
    """
    law = distribution(law)
    if not temperature >= 0:
        raise LabError(
            f"A sampling temperature is 0 (the likeliest word) or more, not {temperature}."
        )
    V = law.shape[-1]
    top_k = None if top_k is None else whole(top_k, "top_k", 1, V)
    kept = 1 if temperature == 0 else top_k or V
    ranks = np.argsort(np.argsort(-law, axis=-1, kind="stable"), axis=-1)
    with np.errstate(divide="ignore"):
        z = np.where(ranks < kept, np.log(law), -np.inf)
    if temperature == math.inf:
        return softmax(np.where(np.isfinite(z), 0.0, -np.inf))
    with np.errstate(over="ignore"):  # the likeliest is 0 and stays 0, however cold it gets
        return softmax((z - z.max(-1, keepdims=True)) / (temperature or 1.0))


@guarded
def cut(law: Float[ndarray, "*#n V"], u: Float[ndarray, "*#n"] | float) -> Int[ndarray, "..."]:
    """The word at which the cumulative law passes u, uniform in [0, 1) (inverse-CDF sampling)."""
    cumulative = np.cumsum(law, -1)
    if (law < 0).any() or not (cumulative[..., -1] > 0).all():
        raise LabError("A law has no probability below 0, and one above; give such rows.")
    u = np.asarray(u, float)[..., None]
    if not ((u >= 0) & (u < 1)).all():
        raise LabError("A cut is a number from 0 up to, but not including, 1.")
    return np.asarray((cumulative <= u * cumulative[..., -1:]).sum(-1))


# --- words become a text -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cache:
    """The columns read so far, as later positions see them: keys and values (KV cache)."""

    position: int
    keys: tuple[Float[Tensor, "*batch h n k"], ...] = ()
    values: tuple[Float[Tensor, "*batch h n k"], ...] = ()

    @guarded
    def last(self, columns: int) -> Cache:
        """Only the last few columns; the place in the sentence stays. LabError below 0."""
        if columns < 0:
            raise LabError(f"Cannot keep {columns} columns; give 0 or more.")
        keep = [
            tuple(t[..., max(0, t.shape[-2] - columns) :, :] for t in kind)
            for kind in (self.keys, self.values)
        ]
        return Cache(self.position, *keep)

    @property
    def numbers(self) -> int:
        """How many numbers generation carries from word to word."""
        return sum(t.numel() for t in (*self.keys, *self.values))


class _Carried(Note):
    """Hands each layer the keys and values of the past in front of its own, and keeps them all."""

    def __init__(self, cache: Cache):
        self.first, self.past = cache.position, {"key": cache.keys, "value": cache.values}
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def __call__(self, name, index, value):
        if name not in self.past:
            return value
        past = self.past[name]
        value = torch.cat([past[index], value], -2) if past else value
        (self.keys if name == "key" else self.values).append(value)
        return value


@guarded
@torch.inference_mode()
def advance(
    model: Model, token: Int[ndarray, "*batch"] | int, cache: Cache | None = None
) -> tuple[Float[ndarray, "*batch V"], Cache]:
    """Read one more word with the columns of a cache: its law, and the cache with its column.

    The same numbers as a run over the whole sentence, computed column by column. LabError beyond
    the model's context, and for a model that is not causal (its columns change with every word).
    """
    shape = model.shape
    _ = model.weights["W_U.weight"]  # of an encoder in vain
    if shape.mixing != "softmax":
        raise LabError("Only a model that mixes by softmax can be read word by word.")
    if not shape.causal:
        raise LabError("Only a causal model can be read word by word: its past never changes.")
    cache = Cache(0) if cache is None else cache
    if cache.position >= shape.context:
        raise LabError(f"This model reads at most {shape.context} positions; start a new text.")
    tokens = torch.as_tensor(model.checked(token), device=model.transformer.W_E.device)
    note = _Carried(cache)
    logits = model.transformer(tokens[..., None], note)
    law = softmax(logits[..., 0, :].double().numpy(force=True))
    return law, Cache(cache.position + 1, tuple(note.keys), tuple(note.values))


@guarded(empty=("tokens",))
def read(
    model: Model, tokens: Int[ndarray, "*batch N"] | str
) -> tuple[Float[ndarray, "*batch V"], Cache]:
    """Read a text word by word: the law after its last word, and the cache (prefill)."""
    tokens = model.tokens(tokens) if isinstance(tokens, str) else np.asarray(tokens)
    law, cache = None, None
    for t in range(tokens.shape[-1]):
        law, cache = advance(model, tokens[..., t], cache)
    if law is None or cache is None:
        raise LabError("An empty text has no law; begin with the full stop.")
    return law, cache


@guarded
def boundary(
    model: Model, tokens: Int[ndarray, "*batch N"], columns: Sequence[int]
) -> list[Float[ndarray, "*batch V"]]:
    """The law after the last word when it sees only the last c finished columns, each c asked.

    Counts the columns before the last word's own; those columns were computed with everything in
    sight. LabError for a negative c.
    """
    _, cache = read(model, tokens[..., :-1])
    return [advance(model, tokens[..., -1], cache.last(c))[0] for c in columns]


@guarded
def generate(
    model: Model,
    start: str | Int[ndarray, "N"] | None = None,
    length: int = 32,
    temperature: float = 1.0,
    top_k: int | None = None,
    count: int = 1,
    seed: int = 0,
) -> Int[ndarray, "count length"]:
    """Draw `count` texts of `length` words that begin with `start`, one measurement after another.

    A language of the course may begin with its full stop alone, and does if nothing is given.
    Temperature 0 takes the likeliest word each time, so all texts are one. Errors as in
    `tempered`, `advance` and `Model.run`.
    """
    begun = _begun(model, start)
    if not len(begun) <= length <= model.shape.context:
        raise LabError(
            f"A text from here has {len(begun)} to {model.shape.context} words, its "
            f"opening counted; {length} were asked for."
        )
    count = whole(count, "The number of texts")
    u = np.random.default_rng(seed).random((length, count))
    texts = np.repeat(begun[None], count, 0)
    law, cache = read(model, texts)
    while texts.shape[1] < length:
        word = cut(tempered(law, temperature, top_k), u[texts.shape[1]])
        texts = np.column_stack([texts, word])
        if texts.shape[1] < length:  # the last word needs no column: nothing is read after it
            law, cache = advance(model, word, cache)
    return texts


def _begun(model: Model, start: str | ndarray | None) -> Int[ndarray, "N"]:
    """The tokens that a drawn text begins with."""
    language, alone = model.language, isinstance(start, str) and start.strip() == STOP
    if isinstance(language, Language) and (start is None or alone):
        return np.array([language.index(STOP)])
    if start is None:
        raise LabError(
            f"Only a language of the course begins by itself, with its full stop; say how a text "
            f'of {language.name} begins, such as start="The".'
        )
    return model.tokens(start)

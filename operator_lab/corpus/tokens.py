"""The words of a real model: its tokenizer, read as the languages of the course are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import LabError, near
from ..given import shown
from ..guard import guarded
from .lexicon import no_law


@dataclass(frozen=True, eq=False, repr=False)
class Tokenizer:
    """A tokenizer with its words as a reader writes them; a `Lexicon` of a real model.

    `library` is that of the package tokenizers, `count` the number of words the model has, which
    may be more than its tokenizer knows.
    """

    name: str
    library: Any
    count: int

    def __repr__(self) -> str:
        return f"Tokenizer of {self.name}: {self.count} words"

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The vocabulary, no two words alike: readable where that is possible."""
        return vocabulary(self.library, self.count)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {w: i for i, w in enumerate(self.words)}

    @guarded
    def index(self, word: str) -> int:
        """The token of a word; LabError for one that is no single token."""
        return self._index[self.word(word)]

    @guarded
    def word(self, word: str) -> str:
        """The word of the vocabulary that is meant, with a blank in front where only that exists.

        LabError, with its tokens and with words that look like it, for one that is no single token.
        """
        for form in (word, f" {word}"):
            if form in self._index:
                return form
        parts = [self.words[i] for i in self._ids(word)]
        alike = near(str(word), self.words)
        raise LabError(f"{word!r} is no single word of {self.name}, it is {parts}{alike}")

    @guarded
    def encode(self, sentence: str) -> Int[ndarray, "N"]:
        """The tokens of a text, with what the tokenizer puts around it; LabError if it is empty."""
        if not isinstance(sentence, str) or not sentence.strip():
            raise LabError("This text is empty; give at least one word.")
        return np.array(self._ids(sentence), dtype=int)

    def _ids(self, text: str) -> list[int]:
        try:
            return self.library.encode(str(text)).ids
        except Exception as error:  # the library raises nothing more special
            raise LabError(f"{self.name} has no token for {shown(text)} ({error}).") from None

    @guarded
    def decode(self, tokens: Int[ndarray, "N"] | Sequence[int]) -> str:
        """The text of some tokens."""
        return self.library.decode([int(i) for i in tokens])

    @guarded
    def sample(
        self, count: int, length: int | None = None, seed: int | Sequence[int] = 0
    ) -> Int[ndarray, "B N"]:
        """LabError: a tokenizer knows words and no texts."""
        raise LabError(
            f"{self.name} brings words and no texts to draw from; give texts of your own."
        )

    @guarded
    def law(self, tokens) -> Float[ndarray, "*batch N V"]:
        """LabError: nobody knows the exact law of real texts."""
        raise no_law("real texts")

    def stated(self) -> dict:
        """What a model's file says of its tokenizer."""
        return {"name": self.name, "library": self.library.to_str(), "count": self.count}

    @classmethod
    def read(cls, name: str, library: str, count: int) -> Tokenizer:
        """A tokenizer from what `stated` gave; LabError without the package tokenizers."""
        return cls(name, package().Tokenizer.from_str(library), count)


def package():
    """The tokenizers package; LabError, with what to do, where it is not installed."""
    try:
        import tokenizers
    except ImportError:
        raise LabError(
            "Real models need the package tokenizers, which is not installed; `make field-trip` "
            "installs it."
        ) from None
    return tokenizers


def vocabulary(tokenizer, count: int) -> tuple[str, ...]:
    """The `count` words of a model, no two alike: readable where that is possible.

    Byte-level pieces are written as text where they are text; a blank is a blank.
    """
    known = tokenizer.get_vocab(with_added_tokens=True)
    pieces = {i: piece for piece, i in known.items()}
    show = _byte_text if "Ġ" in known else lambda piece: piece.replace("▁", " ")
    words: dict[str, None] = {}
    for i in range(count):
        piece = pieces.get(i, f"<{i}>")  # a model can have rows beyond its tokenizer's words
        word = show(piece)
        word = piece if word in words else word
        words[f"<{i}>" if word in words else word] = None
    return tuple(words)


def _byte_text(piece: str) -> str:
    try:
        return bytes(map(_LETTERS.__getitem__, piece)).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return piece  # a special token, or part of a letter


def _letters() -> dict[str, int]:
    """The letter that stands for each byte in byte-level vocabularies (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


_LETTERS = _letters()

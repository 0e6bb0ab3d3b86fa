"""What a model needs of the language it speaks: words, their tokens, and texts where there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import LabError


@runtime_checkable
class Lexicon(Protocol):
    """Words and their tokens (vocabulary and tokeniser): a `Language`, a `Text`, a `Tokenizer`."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def words(self) -> Sequence[str]:
        """The vocabulary; a word's place in it is its token."""

    def index(self, word: str) -> int:
        """The token of a word; LabError if there is none such."""

    def encode(self, sentence: str) -> Int[ndarray, "N"]:
        """The tokens of a sentence; LabError for an empty one or an unknown word."""

    def decode(self, tokens: Int[ndarray, "N"]) -> str:
        """The sentence of some tokens."""

    def sample(self, count: int, length: int | None = None, seed: Any = 0) -> Int[ndarray, "B N"]:
        """Draw `count` texts; LabError where there are none to draw."""

    def law(self, tokens: Int[ndarray, "*batch N"] | str) -> Float[ndarray, "*batch N V"]:
        """The exact law of each next word; LabError where nobody knows it."""


def no_law(name: str) -> LabError:
    """What to say where the exact law of a language is asked for and nobody knows it."""
    return LabError(
        f"Nobody knows the exact law of {name}, so there is no excess and nothing to compare with; "
        "model.cross_entropy(tokens) says how well the model expects what comes."
    )

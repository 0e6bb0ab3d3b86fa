"""A text of your own: a language whose law nobody knows (machine learning: a training corpus).

The last tenth is held out: a model never trains on it, so how well it expects what comes there
is a fair measurement. What it measures is an upper bound on the entropy of the source.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import LabError, near
from ..guard import guarded
from .lexicon import no_law

UNITS = ("characters", "words")
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
OTHER = "\N{REPLACEMENT CHARACTER}"  # stands for what is too rare to be in the vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """A text as labels: its vocabulary, most frequent first, and the labels in order.

    A text that comes with a model from a file has its vocabulary only.
    """

    name: str
    unit: str
    words: Sequence[str]
    context: int
    tokens: Int[ndarray, "n"] = field(default_factory=lambda: np.zeros(0, int))

    def __repr__(self) -> str:
        said = f"Text: {self.name}, {len(self.tokens)} {self.unit}, {len(self.words)} different"
        return f"{said}, {self.rare:.1%} too rare: U+FFFD" if self.rare else said

    @cached_property
    def rare(self) -> float:
        """The share of the text that is U+FFFD: too rare to be in the vocabulary."""
        if OTHER not in self._index or not len(self.tokens):
            return 0.0
        return float((self.tokens == self._index[OTHER]).mean())

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same text read in the same way, and for no other."""
        content = f"{self.unit} {self.context} {list(self.words)}".encode()
        digest = hashlib.sha256(content + np.asarray(self.tokens, "<i4").tobytes()).hexdigest()
        return f"{self.name} ({self.unit}, {digest[:16]})"

    def stated(self) -> dict:
        """What a model's file says of its text."""
        return {"name": self.name, "unit": self.unit, "words": list(self.words),
                "context": self.context}  # fmt: skip

    @cached_property
    def _index(self) -> dict[str, int]:
        return {w: i for i, w in enumerate(self.words)}

    @guarded
    def index(self, word: str) -> int:
        """The label of a word or character; LabError if the text has none such."""
        if word not in self._index:
            raise LabError(
                f"{word!r} is not one of the {len(self.words)} {self.unit} of {self.name}"
                f"{near(word, self.words)}"
            )
        return self._index[word]

    @guarded(own=("sentence",))
    def encode(self, sentence: str) -> Int[ndarray, "N"]:
        """The labels of a sentence; LabError for an empty one or an unknown word."""
        said = split(sentence, self.unit) if isinstance(sentence, str) else []
        if not said:
            raise LabError(f"Give a sentence of at least one of the {self.unit} of {self.name}.")
        return np.array([self.index(w) for w in said])

    @guarded
    def decode(self, tokens: Int[ndarray, "N"]) -> str:
        """The words of `tokens`, joined as they are written."""
        return ("" if self.unit == "characters" else " ").join(self.words[i] for i in tokens)

    @guarded
    def sample(
        self, count: int, length: int | None = None, seed: int | Sequence[int] = 0
    ) -> Int[ndarray, "B N"]:
        """Cut `count` pieces at random out of the first nine tenths (default: context + 1 long)."""
        length = self._length(length)
        starts = np.random.default_rng(seed).integers(0, self._cut - length + 1, count)
        return self.tokens[starts[:, None] + np.arange(length)]

    @guarded
    def held_out(self, count: int = 256, length: int | None = None) -> Int[ndarray, "B N"]:
        """At most `count` pieces of the last tenth, evenly spread, the same at every call."""
        length = self._length(length)
        last = len(self.tokens) - length
        starts = np.unique(np.linspace(self._cut, last, min(count, last - self._cut + 1)).round())
        return self.tokens[starts.astype(int)[:, None] + np.arange(length)]

    @guarded
    def law(self, tokens) -> Float[ndarray, "*batch N V"]:
        """LabError: nobody knows the exact law of a text."""
        raise no_law(f"the text {self.name}")

    def bounds(self) -> dict[str, float]:
        """What an observer without a model needs, in nats per word of the held-out tenth.

        Uniform over the vocabulary; by frequencies; by the last word (both counted in the rest,
        with one count more that all words share); and what a compressor (xz) needs for the whole.
        """
        V, seen, held = len(self.words), self.tokens[: self._cut], self.tokens[self._cut :]
        frequencies = np.bincount(seen, minlength=V) + 1 / V
        # only the pairs that occur: V^2 of them would fill the memory
        pairs, times = np.unique(seen[:-1] * V + seen[1:], return_counts=True)
        wanted = held[:-1] * V + held[1:]
        at = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
        met = np.where(pairs[at] == wanted, times[at], 0) + 1 / V
        after = met / (np.bincount(seen[:-1], minlength=V) + 1.0)[held[:-1]]
        packed = 8 * len(lzma.compress(self.decode(self.tokens).encode())) * np.log(2)
        return {
            "uniform": float(np.log(V)),
            "frequencies": float(-np.log(frequencies / frequencies.sum())[held].mean()),
            "last word": float(-np.log(after).mean()),
            "compressor": float(packed / len(self.tokens)),
        }

    @property
    def _cut(self) -> int:
        """Where the held-out tenth begins."""
        return len(self.tokens) - len(self.tokens) // 10

    def _length(self, length: int | None) -> int:
        if not len(self.tokens):
            raise LabError(
                f"The model knows the {self.unit} of {self.name}, not the text itself; read it "
                "again with lab.corpus.text."
            )
        length = self.context + 1 if length is None else length
        if not 1 <= length <= len(self.tokens) // 10:
            raise LabError(
                f"Pieces of {length} {self.unit} cannot be cut out of {self.name}, whose held-out "
                f"tenth has {len(self.tokens) // 10}."
            )
        return length


@guarded
def text(
    path: str | os.PathLike, unit: str = "characters", context: int = 64, most: int = 1000
) -> Text:
    """Read a UTF-8 text file as a language to train on, by "characters" or "words".

    The `most` frequent ones are the vocabulary; all rarer ones become one, the replacement
    character U+FFFD. LabError, one sentence each, for a file that is missing, empty, binary or in
    another encoding, has one word only, or is too short for its held-out tenth to fill a context.
    """
    if unit not in UNITS:
        raise LabError(f"A text is read by 'characters' or by 'words', not by {unit!r}.")
    if context < 2 or most < 2:
        raise LabError("The context and the vocabulary need at least 2 places each.")
    path = Path(path)
    said = split(_read(path), unit)
    if len(set(said)) < 2:
        only = f"only {said[0]!r}, again and again" if said else "nothing but white space"
        raise LabError(f"{path.name} has {only}: there is nothing to predict; take another text.")
    needed = 10 * (context + 1)
    if len(said) < needed:
        raise LabError(
            f"{path.name} has {len(said)} {unit}; a context of {context} needs at least {needed}, "
            f"so take a longer text or context={max(2, len(said) // 10 - 1)}."
        )
    counted = [w for w, _ in Counter(said).most_common()]
    words = counted if len(counted) <= most else [*counted[: most - 1], OTHER]
    index = {w: i for i, w in enumerate(words)}
    tokens = np.array([index.get(w, len(words) - 1) for w in said])
    tokens.setflags(write=False)
    return Text(path.name, unit, tuple(words), context, tokens)


def split(content: str, unit: str) -> list[str]:
    """The characters of a text, or its words and marks of punctuation.

    What combines with a letter (accents, vowel signs, joiners) belongs to its word.
    """
    return list(content) if unit == "characters" else _words().findall(content)


@cache
def _words() -> re.Pattern:
    """A word, with the marks of every script, or a mark of punctuation."""
    letters = map(chr, range(sys.maxunicode + 1))
    marks = "".join(c for c in letters if unicodedata.category(c).startswith("M"))
    return re.compile(rf"\w[\w{marks}{JOINERS}]*|[^\w\s]")


def _read(path: Path) -> str:
    """The content of a text file, with its line ends as \\n; LabError if it is none."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise LabError(f"There is no file {str(path)!r}; look at its name and folder.") from None
    except OSError as error:
        raise LabError(f"{str(path)!r} cannot be read ({error.strerror or error}).") from None
    if not raw.strip():
        raise LabError(f"{path.name} is empty; give a file with text in it.")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(
            f"{path.name} is not UTF-8 text (byte {error.start}); save it as plain text, UTF-8."
        ) from None
    if "\0" in content:
        raise LabError(f"{path.name} is a binary file, not a text; save it as plain text, UTF-8.")
    return content.replace("\r\n", "\n").replace("\r", "\n")

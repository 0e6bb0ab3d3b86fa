"""Pictures of what labels alone can tell: entropy against the length of context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from ..corpus import Language, grammar_of
from ..errors import LabError
from ..guard import guarded
from ..one_hot import remaining, surprise, window_law
from .explorer import Bars, Explorer, Lines, Slider
from .look import hue, line


@guarded
def context(language: Language, sentence: str, start: int = 1, count: int = 10) -> Explorer:
    """The next word to a reader of only the last c words of a sentence, and of all of it.

    Beside it the mean entropy that remains after c words of a long text. In a live notebook
    another sentence can be typed, of at most 24 words. LabError for one outside the grammar.
    """
    language = grammar_of(language)
    lengths = np.arange(25)
    mean = remaining(language, lengths.tolist(), count=1024)

    def picture(text: str) -> dict:
        return _context_picture(language, text, lengths, mean, count)

    first = picture(sentence)
    return Explorer(
        title="Context",
        slider=Slider(
            label="words remembered", values=lengths, start=start, unit="words", said="{} word(s)"
        ),
        sentence=sentence,
        recompute=picture,
        **first,
    )


def _context_picture(language, text, lengths, mean, count) -> dict:
    tokens = language.encode(text)
    if len(tokens) > len(lengths):  # the opening full stop is no word to remember
        raise LabError(f"This picture reads at most {len(lengths) - 1} words; leave some out.")
    language.law(tokens)  # a clear error for a sentence the grammar does not allow
    seen = [tokens[1:][max(0, len(tokens) - 1 - c) :] for c in lengths]
    laws = np.stack([window_law(language, t) for t in seen])
    exact = language.law(tokens)[-1]
    shown = np.argsort(-(laws[1] + 2 * exact), kind="stable")[:count]
    here = surprise(laws, laws)
    words = [" ".join(language.words[i] for i in t) or "(nothing)" for t in seen]
    return {
        "panels": [
            Bars(
                "The next word", [language.words[i] for i in shown],
                {"these words only": laws[:, None, shown], "whole text": exact[shown]},
                low=0, y_label="probability",
            ),
            Lines(
                "Entropy that remains", lengths.astype(float),
                {"on average": mean.nats, "here": here},
                x_label="words remembered", y_label="nats", low=0, cursor=True,
            ),
        ],
        "readout": "Remembered: '{seen}' ({c:.0f} words). {here:.2f} nats remain here, "
        "{mean:.2f} on average over a long text. The likeliest next word is '{word}' ({p:.0%}).",
        "values": {
            "c": lengths.astype(float), "seen": words, "here": here, "mean": mean.nats,
            "word": [language.words[i] for i in laws.argmax(-1)], "p": laws.max(-1),
        },
        "alt": f"Bars: the law of the word after '{text}' when one word is remembered and when "
        "all are; a falling curve: the entropy that remains against the words remembered.",
    }  # fmt: skip


@guarded
def memory(
    ax: Axes,
    lengths: Annotated[Sequence[int], "n"],
    curves: Mapping[str, Float[ndarray, "n"]],
    most: float,
) -> None:
    """Entropy that remains against the words remembered, one curve an observer."""
    ax.axhline(most, color="0.5", linewidth=0.8, linestyle=":")
    for i, (name, nats) in enumerate(curves.items()):
        ax.plot(lengths, nats, **line(i, markersize=4))
        ax.annotate(name, (lengths[-1], nats[-1]), xytext=(6, 0), textcoords="offset points",
                    va="center", color=hue(i))  # fmt: skip
    ax.set(xlabel="words remembered", ylabel="nats that remain")

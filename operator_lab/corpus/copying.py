"""A text in which what comes is what came before: short lists of letters, each said again."""

from __future__ import annotations

from functools import cache

import numpy as np

from .texts import Text

LETTERS = "abcdefghijklmnop"
SHORTEST, LONGEST, TIMES = 3, 16, 3


@cache
def copies() -> Text:
    """A text of random lists of 3 to 16 letters, each said three times in a row.

    The first time nothing foretells a letter; from then on it is the one that followed the last
    time (induction; Olsson et al. 2022, arXiv 2209.11895). Lists differ in length, so that no fixed
    distance will do.
    """
    rng = np.random.default_rng(5)
    tokens: list[int] = []
    while len(tokens) < 400_000:
        length = int(rng.integers(SHORTEST, LONGEST + 1))
        tokens.extend(TIMES * rng.integers(len(LETTERS), size=length).tolist())
    kept = np.array(tokens)
    kept.setflags(write=False)
    return Text("copies", "characters", tuple(LETTERS), 32, kept)

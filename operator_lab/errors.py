"""The one kind of error a learner meets: a sentence that says what was given and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# What reading a damaged file may raise, whatever is in it.
BROKEN = (
    OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError
)  # fmt: skip


class LabError(ValueError):
    """A mistake in what was given; the message is one sentence: given, existing, what to do."""


def brief(error: Exception) -> str:
    """What an error of a library says, shortened: a damaged file may stand in it whole."""
    return str(error)[:200]


def near(word: str, known: Iterable[str]) -> str:
    """Return "; near: 'den'." for the known words that look like `word`, or "." for none."""
    matches = difflib.get_close_matches(str(word), list(known), n=3, cutoff=0.5)
    return f"; near: {', '.join(map(repr, matches))}." if matches else "."

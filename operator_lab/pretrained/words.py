"""The words of a tokenizer as a reader writes them: byte letters and blanks undone."""

from __future__ import annotations

from ..errors import LabError


def library():
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

"""Corpus: small languages whose exact law is known, and texts of your own."""

from .grammar import SENSES, STOP, Floor, Language, Node
from .languages import AMBIGUOUS, compound, depth, language, words
from .texts import Text, text

__all__ = [
    "AMBIGUOUS", "SENSES", "STOP", "Floor", "Language", "Node", "Text", "compound", "depth",
    "language", "text", "words",
]  # fmt: skip

"""Corpus: small languages whose exact law is known, and texts of your own."""

from .copying import copies
from .grammar import SENSES, STOP, Floor, Language, Node, grammar_of
from .languages import AMBIGUOUS, compound, depth, language, words
from .lexicon import Lexicon
from .texts import Text, text
from .tokens import Tokenizer

__all__ = [
    "AMBIGUOUS", "SENSES", "STOP", "Floor", "Language", "Lexicon", "Node", "Text", "Tokenizer",
    "compound", "copies", "depth", "grammar_of", "language", "text", "words",
]  # fmt: skip

"""The tokenizer of a folder: its tokenizer.json, or one converted from an older vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..corpus.tokens import package
from ..errors import LabError

# What older folders hold in place of tokenizer.json.
VOCABULARIES = (
    ("vocab.json", "merges.txt"), ("vocab.txt",), ("tokenizer.model",), ("spiece.model",),
    ("sentencepiece.bpe.model",),
)  # fmt: skip
HOW = (
    "`AutoTokenizer.from_pretrained(folder).save_pretrained(folder)` of the package transformers "
    "writes one"
)


def tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, which neither cuts nor fills a text; LabError without one."""
    library, path = package(), folder / "tokenizer.json"
    if path.is_file():
        try:
            found = library.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more special
            raise LabError(f"{str(path)!r} is not a tokenizer ({error}); copy it again.") from None
    else:
        found = _converted(folder)
    found.no_padding()
    found.no_truncation()  # a text too long is said to be too long
    return found


def _converted(folder: Path) -> Any:
    """The tokenizer that the library transformers makes of a vocabulary with its merges or model.

    It knows how each family cuts a text before the vocabulary is asked; nothing here guesses that.
    """
    older = [names for names in VOCABULARIES if all((folder / n).is_file() for n in names)]
    if not older:
        raise LabError(
            f"{str(folder)!r} has no tokenizer: tokenizer.json is missing. With its vocabulary in "
            f"the folder, {HOW}."
        )
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise LabError(
            f"{str(folder)!r} has {' and '.join(older[0])} in place of tokenizer.json, which need "
            f"the extra operator-lab[convert]; or {HOW}."
        ) from None
    try:
        made = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return made.backend_tokenizer
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError):
        raise LabError(
            f"No tokenizer can be made of {' and '.join(older[0])} in {str(folder)!r}; {HOW}, "
            "where its makers have said of which kind it is (tokenizer_config.json)."
        ) from None

"""The tokenizer of a folder: its tokenizer.json, or one converted from an older vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..corpus.tokens import package
from ..errors import LabError, brief

# What older folders hold in place of tokenizer.json.
VOCABULARIES = (
    ("vocab.json", "merges.txt"), ("vocab.txt",), ("tokenizer.model",), ("spiece.model",),
    ("sentencepiece.bpe.model",),
)  # fmt: skip
HOW = (
    "`AutoTokenizer.from_pretrained(folder).save_pretrained(folder)` of the package transformers "
    "writes one"
)


PROBES = ("The river  bank, 1984.", "Ça va? 東京 (x+y)^2", "a\n\tb c")


def tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, which neither cuts nor fills a text; LabError without one."""
    library, path = package(), folder / "tokenizer.json"
    if path.is_file():
        try:
            found = library.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more special
            raise LabError(
                f"{str(path)!r} is not a tokenizer ({brief(error)}); copy it again."
            ) from None
    else:
        found = _converted(folder)
    found.no_padding()
    found.no_truncation()  # a text too long is said to be too long
    return found


def _converted(folder: Path) -> Any:
    """The tokenizer that the library transformers makes of a vocabulary with its merges or model.

    It knows how each kind cuts a text before the vocabulary is asked, if the folder says which kind
    it is: nothing guesses that. What it makes of a sentencepiece model is held against that model.
    """
    older = [names for names in VOCABULARIES if all((folder / n).is_file() for n in names)]
    if not older:
        raise LabError(
            f"{str(folder)!r} has no tokenizer: tokenizer.json is missing. With its vocabulary in "
            f"the folder, {HOW}."
        )
    if not _says_its_kind(folder):
        raise LabError(
            f"{str(folder)!r} has {' and '.join(older[0])} in place of tokenizer.json and does not "
            "say in tokenizer_config.json of which kind (tokenizer_class) they are; copy that too."
        )
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise LabError(
            f"{str(folder)!r} has {' and '.join(older[0])} in place of tokenizer.json, which need "
            f"the extra operator-lab[convert]; or {HOW}."
        ) from None
    try:
        made = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
        model = folder / older[0][0]
        faithful = model.suffix != ".model" or _agree(made, model)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError):
        raise LabError(
            f"No tokenizer can be made of {' and '.join(older[0])} in {str(folder)!r}; {HOW}, "
            "where the files are whole."
        ) from None
    if not faithful:
        raise LabError(
            f"What transformers makes of {model.name} cuts texts otherwise than {model.name} "
            "itself; ask its makers for a tokenizer.json."
        )
    return made


def _says_its_kind(folder: Path) -> bool:
    try:
        said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("tokenizer_class"), str)


def _agree(made: Any, model: Path) -> bool:
    """Whether a converted tokenizer cuts some odd texts as the sentencepiece model itself does."""
    from sentencepiece import SentencePieceProcessor

    own = SentencePieceProcessor(model_file=str(model))
    return all(made.encode(t, add_special_tokens=False).ids == own.encode(t) for t in PROBES)

"""Results kept as JSON: numbers where numbers belong, and where not, the key that has none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .errors import BROKEN, LabError, brief
from .given import shown


def content(path: Path) -> Any:
    """What a JSON file holds; ValueError for NaN and infinity, which JSON has no words for."""
    return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)


def _no_number(word: str):
    raise ValueError(f"{word} is no number")


def table(value: Any, key: str) -> Mapping[str, Any]:
    """Things by name; ValueError, naming the key, for anything else."""
    if not isinstance(value, dict):
        raise ValueError(f"{key} is {shown(value)}, no table")
    return value


def numbers(value: Any, key: str) -> Float[ndarray, "..."]:
    """A number, or lists of them of one shape; null is NaN.

    ValueError, naming the key, for anything else: text, True, a table, a number beyond all floats.
    """
    _all_numbers(value, key)
    try:
        return np.array(value, dtype=float)
    except ValueError:
        raise ValueError(f"{key} holds lists of different lengths") from None


def _all_numbers(value: Any, key: str) -> None:
    if isinstance(value, list):
        for part in value:
            _all_numbers(part, key)
    elif value is not None and not (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
    ):
        raise ValueError(f"{key} holds {shown(value)}, no number")
    elif isinstance(value, int) and abs(value) > 2**1000:
        raise ValueError(f"{key} holds a number beyond all floats")


@contextmanager
def shipped(path: Path) -> Iterator[Mapping[str, Any]]:
    """What a file that ships with the package holds; LabError where it, or what is read, is not."""
    try:
        yield table(content(path), "the file")
    except BROKEN as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else brief(error)
        sentence = f"{path.name} is missing or damaged; install the package again ({why})."
        raise LabError(sentence) from None


def arrays(row: Any, key: str) -> dict[str, ndarray]:
    """Numbers by name, as arrays; ValueError, naming the key, for anything else."""
    return {q: numbers(v, f"{q!r} of {key}") for q, v in table(row, key).items()}


def tables(path: Path, part: str) -> dict[str, dict[str, ndarray]]:
    """A part of a shipped file: numbers by name and quantity; LabError as in `shipped`."""
    with shipped(path) as kept:
        found = table(kept[part], repr(part))
        return {name: arrays(row, repr(name)) for name, row in found.items()}

"""Reading GGUF: a header of facts, then tensors, some of them in blocks of few bits.

The format of llama.cpp, version 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md); numbers become
float32. It is read here and not by the package gguf, which asks for three more packages, does not
compare sizes with the file before it takes memory, and meets a damaged file with a foreign error;
the tests take it as their oracle.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from ..errors import LabError
from ..given import named, shown
from .blocks import KINDS

PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY, MOST_AXES = 8, 9, 4
_LENGTH = struct.Struct("<Q")


class _Reader:
    """Reads one number, text or list after the other; the end of the file is an error."""

    def __init__(self, data: mmap.mmap, path: Path):
        self.data, self.path, self.at = data, path, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise LabError(f"{str(self.path)!r} ends too early; copy or install it again.")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str):
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]

    def text(self) -> str:
        (count,) = _LENGTH.unpack_from(self.data, self.at)
        self.at += 8
        return self.take(count).decode("utf-8", "replace")

    def value(self, kind: int):
        if kind == STRING:
            return self.text()
        if kind != ARRAY:
            return self.number(PLAIN[kind])
        inner, count = self.number("I"), self.number("Q")
        if inner == STRING:
            return [self.value(inner) for _ in range(count)]
        form = np.dtype("<" + PLAIN[inner].replace("?", "b"))
        return np.frombuffer(self.take(count * form.itemsize), form)


@dataclass(frozen=True, eq=False)
class Gguf:
    """A GGUF file: its facts, and its tensors by name as float32."""

    facts: dict
    tensors: dict[str, ndarray]


def read(path: Path) -> Gguf:
    """Read a whole file; LabError if it is missing, truncated, of another format or kind."""
    path = Path(path)
    if not path.is_file():
        raise LabError(f"There is no file {str(path)!r}.")
    if path.stat().st_size < 24:
        raise LabError(f"{str(path)!r} ends too early; copy or install it again.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(data, path)
        if reader.take(4) != b"GGUF" or reader.number("I") not in (2, 3):
            raise LabError(f"{str(path)!r} is not a GGUF file of version 2 or 3.")
        try:
            return _read(reader)
        except (KeyError, struct.error, MemoryError, OverflowError):
            raise LabError(f"{str(path)!r} is damaged; copy or install it again.") from None


def _read(reader: _Reader) -> Gguf:
    tensor_count, fact_count = reader.number("Q"), reader.number("Q")
    facts = {}
    for _ in range(fact_count):
        name = reader.text()
        if name in facts:
            raise LabError(
                f"{str(reader.path)!r} says {shown(name)} twice; copy or install it again."
            )
        facts[name] = reader.value(reader.number("I"))
    listed = []
    for _ in range(tensor_count):
        name, rank = reader.text(), reader.number("I")
        if rank > MOST_AXES:
            raise LabError(
                f"{str(reader.path)!r} is damaged at {shown(name)}; copy or install it again."
            )
        shape = tuple(reader.number("Q") for _ in range(rank))[::-1]
        listed.append((name, shape, reader.number("I"), reader.number("Q")))
    step = facts.get("general.alignment", 32)
    if not isinstance(step, int) or step < 1:
        raise LabError(
            f"{str(reader.path)!r} aligns its tensors to {shown(step)}; install it again."
        )
    start = -(-reader.at // step) * step
    tensors: dict[str, ndarray] = {}
    for name, shape, number, offset in listed:
        kind = KINDS.get(number)
        if kind is None:
            known = ", ".join(k.name for k in KINDS.values())
            raise LabError(
                f"{str(reader.path)!r} stores {named(name)} in a kind of block (number {number}) "
                f"that is not read here; known: {known}. Convert it with llama.cpp."
            )
        size = math.prod(shape)
        # Beside an axis of 0 any other would pass; no kind takes less than a bit for a number.
        endless = max(shape, default=0) > 8 * len(reader.data)
        if name in tensors or endless or (shape[-1] if shape else 1) % kind.size:
            raise LabError(
                f"{str(reader.path)!r} is damaged at {shown(name)}; copy or install it again."
            )
        reader.at = start + offset
        stored = np.frombuffer(reader.take(size // kind.size * kind.block.itemsize), kind.block)
        tensors[name] = kind.numbers(stored).reshape(shape)
    return Gguf(facts, tensors)

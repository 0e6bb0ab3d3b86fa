"""Reading GGUF: a header of facts, then tensors, some of them in blocks of few bits.

The format of llama.cpp, version 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md). Numbers are
stored in blocks of 32 with one scale (and perhaps one offset) a block; here they become float32.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from ..errors import LabError

PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
# What a block of 32 numbers consists of, by the format's own number for each kind.
KINDS: dict[int, tuple[str, np.dtype]] = {
    0: ("F32", np.dtype("<f4")),
    1: ("F16", np.dtype("<f2")),
    2: ("Q4_0", np.dtype([("scale", "<f2"), ("q", "u1", 16)])),
    3: ("Q4_1", np.dtype([("scale", "<f2"), ("least", "<f2"), ("q", "u1", 16)])),
    8: ("Q8_0", np.dtype([("scale", "<f2"), ("q", "i1", 32)])),
}


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
        if inner in (STRING, ARRAY):
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
        facts[name] = reader.value(reader.number("I"))
    listed = []
    for _ in range(tensor_count):
        name, rank = reader.text(), reader.number("I")
        shape = tuple(reader.number("Q") for _ in range(rank))[::-1]
        listed.append((name, shape, reader.number("I"), reader.number("Q")))
    step = facts.get("general.alignment", 32)
    start = -(-reader.at // step) * step
    tensors = {}
    for name, shape, kind, offset in listed:
        if kind not in KINDS:
            known = ", ".join(k for k, _ in KINDS.values())
            raise LabError(
                f"{str(reader.path)!r} stores {name} in a kind of block (number {kind}) that is "
                f"not read here; known: {known}. Convert it with llama.cpp."
            )
        reader.at = start + offset
        block = KINDS[kind][1]
        count = int(np.prod(shape)) // (32 if block.names else 1)
        stored = np.frombuffer(reader.take(count * block.itemsize), block)
        tensors[name] = dequantised(stored).reshape(shape)
    return Gguf(facts, tensors)


def dequantised(blocks: ndarray) -> ndarray:
    """Blocks of one of the `KINDS` as float32 numbers, 32 of each block.

    Q4: two numbers a byte, the low halves first; x = scale q + least (Q4_1) or scale (q - 8).
    """
    names = blocks.dtype.names
    if names is None:
        return blocks.astype(np.float32)
    q, scale = (torch.from_numpy(np.ascontiguousarray(blocks[n])) for n in ("q", "scale"))
    scale, x = scale.float()[:, None], torch.empty(len(blocks), 32)
    if q.dtype == torch.int8:
        return torch.mul(q, scale, out=x).numpy()
    least = blocks["least"].astype(np.float32)[:, None] if "least" in names else None
    least = -8 * scale if least is None else torch.from_numpy(least)
    for half, bits in ((slice(16), q & 15), (slice(16, 32), q >> 4)):
        torch.addcmul(least, bits.float(), scale, out=x[:, half])
    return x.numpy()

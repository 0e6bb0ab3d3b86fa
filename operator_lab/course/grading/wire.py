"""What passes through the door of the room: numbers and a few words, never objects.

A message is a head (JSON), values, and their arrays as bytes. Nothing that is received is ever
executed or unpickled, so that whoever writes the messages can only lie about numbers.
"""

from __future__ import annotations

import inspect
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...judge.reply import LARGE
from ...judge.todo import TODO

Stream = Any  # anything with read, write and flush, in bytes
MOST = 128 * 2**20  # bytes of one message
DEPTH = 8  # of tuples in tuples
_SIZES = struct.Struct(">QQ")
_PLAIN = (type(None), bool, int, float, str)
_HELD = (str, bytes, dict, set, frozenset, tuple, list)
_EMPTY: dict[str, Callable[[], Any]] = {
    "str": str, "bytes": bytes, "dict": dict, "set": set, "frozenset": frozenset,
    "function": lambda: lambda: None, "generator": lambda: (item for item in ""),
}  # fmt: skip


class Garbled(Exception):
    """What came through the door is no message."""


def send(stream: Stream, head: dict, values: Sequence = (), functions: list | None = None):
    """Write one message; functions among the values are numbered, if a list for them is given."""
    arrays: list[np.ndarray] = []
    trees = [_tree(value, arrays, functions, DEPTH) for value in values]
    kinds = [[a.dtype.str, list(a.shape)] for a in arrays]
    text = json.dumps({"head": head, "values": trees, "arrays": kinds}).encode()
    body = b"".join(a.tobytes() for a in arrays)
    stream.write(_SIZES.pack(len(text), len(body)) + text + body)
    stream.flush()


def receive(stream: Stream, call: Callable | None = None, tensors: bool = False):
    """Read one message: its head and its values; None at the end of the stream.

    `call(number, *arguments)` stands for the functions of the other side; tensors become arrays
    unless asked for. Raises Garbled for anything that is no message.
    """
    sizes = stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        return None
    many, more = _SIZES.unpack(sizes)
    if many + more > MOST:
        raise Garbled(f"a message of {many + more} bytes")
    text, body = stream.read(many), stream.read(more)
    if len(text) < many or len(body) < more:
        return None
    try:
        message = json.loads(text)
        arrays = _arrays(message["arrays"], body)
        head = message["head"]
        if not isinstance(head, dict):
            raise Garbled("a head that is none")
        return head, [_value(t, arrays, call, tensors, DEPTH) for t in message["values"]]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError) as error:
        raise Garbled(f"{type(error).__name__} in a message") from error


def _arrays(kinds: list, body: bytes) -> list[np.ndarray]:
    arrays, at = [], 0
    for name, shape in kinds:
        dtype = np.dtype(str(name))
        if dtype.kind not in "fiubc" or not all(type(n) is int and n >= 0 for n in shape):
            raise Garbled(f"an array of {dtype}")
        size = dtype.itemsize * int(np.prod(shape, dtype=object))
        if at + size > len(body):
            raise Garbled("an array that is cut off")
        arrays.append(np.frombuffer(body[at : at + size], dtype).reshape(shape).copy())
        at += size
    return arrays


def _tree(value: Any, arrays: list, functions: list | None, depth: int) -> object:
    if type(value) in _PLAIN and not (isinstance(value, str) and functions is None):
        return value
    if value is TODO or value is Ellipsis:
        return {"kind": "todo"}
    if isinstance(value, (tuple, list)) and depth:
        return _sequence(value, arrays, functions, depth)
    if callable(value) and functions is not None:
        functions.append(value)
        return {"kind": "call", "number": len(functions) - 1}
    if isinstance(value, _HELD) or inspect.isgenerator(value) or callable(value):
        return _other(value)
    tensor = hasattr(value, "detach")
    try:
        array = np.asarray(value.detach().cpu().numpy() if tensor else value)
    except Exception:  # whatever an object of theirs does when it is asked for numbers
        return _other(value)
    if array.dtype.kind not in "fiubc":
        return {"kind": "dtype", "dtype": "object"}
    if array.size > LARGE and functions is None:  # an answer that is judged by its shape alone
        return {"kind": "shape", "dtype": array.dtype.str, "shape": list(array.shape)}
    arrays.append(array)
    return {"kind": "tensor" if tensor else "array", "number": len(arrays) - 1}


def _sequence(value: tuple | list, arrays: list, functions: list | None, depth: int) -> object:
    kind = "tuple" if isinstance(value, tuple) else "list"
    if not any(hasattr(item, "ndim") for item in value):
        try:
            rows = np.asarray(value)
        except ValueError:  # rows of different lengths
            rows = np.zeros((), object)
        if rows.ndim and rows.dtype.kind in "fiu":
            arrays.append(rows)
            return {"kind": "rows", "as": kind, "number": len(arrays) - 1}
    if len(value) > 1000:
        return _other(value)
    return {"kind": kind, "of": [_tree(item, arrays, functions, depth - 1) for item in value]}


def _other(value: object) -> dict:
    return {"kind": "other", "type": type(value).__name__[:80]}


def _value(tree: Any, arrays: list, call: Callable | None, tensors: bool, depth: int) -> object:
    if isinstance(tree, _PLAIN):
        return tree
    kind = tree["kind"]
    if kind == "todo":
        return TODO
    if kind in ("tuple", "list"):
        if not depth:
            raise Garbled("tuples in tuples without an end")
        items = [_value(item, arrays, call, tensors, depth - 1) for item in tree["of"]]
        return tuple(items) if kind == "tuple" else items
    if kind == "rows":
        rows = arrays[tree["number"]].tolist()
        return tuple(rows) if tree["as"] == "tuple" else rows
    if kind in ("array", "tensor"):
        array = arrays[tree["number"]]
        if kind == "array" or not tensors:
            return array
        import torch

        return torch.tensor(array)
    if kind == "shape":
        return np.broadcast_to(np.zeros((), np.dtype(tree["dtype"])), tree["shape"])
    if kind == "dtype":
        return np.zeros(0, object)
    if kind == "call" and call is not None:
        return lambda *given, number=tree["number"]: call(number, *given)
    name = str(tree["type"])[:80]
    return _EMPTY[name]() if name in _EMPTY else type(name or "object", (), {})()

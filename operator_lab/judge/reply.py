"""One call of an answer, and what became of it, whatever the answer does."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .exercise import Case
from .todo import Unfinished, unfinished

LARGE = 1_000_000  # numbers; an answer beyond this is judged by its shape alone, never copied
ORDINALS = ("first", "second", "third", "fourth")
CONTAINERS = (str, bytes, dict, set, frozenset)


class TimeUp(BaseException):
    """Sent into a call that takes too long."""


@dataclass(frozen=True)
class Reply:
    """What one call did.

    kind: "returned" (then `items` are arrays), "unfinished", "nothing" (None came back),
    "unreadable" (no array of numbers came back) or "raised". `foreign`: what came back were
    numbers, but no NumPy arrays of them (tensors, lists, matrices).
    """

    kind: str
    items: tuple[np.ndarray, ...] = ()
    said: str = ""
    detail: str = ""
    error: str = ""
    changed: tuple[int, ...] = ()
    foreign: bool = False

    @property
    def returned(self) -> bool:
        """Whether arrays came back."""
        return self.kind == "returned"


def observe(function: Callable, case: Case, parts: int = 1, convert: Callable = np.array) -> Reply:
    """Call a function once, on copies of the case's arguments, and say what happened.

    `convert` makes an argument out of an array (a copy, or a tensor). Nothing the function
    raises comes out of here, except `TimeUp`.
    """
    given, kept = _arguments(case, convert), _arguments(case, convert)
    try:
        value = function(*given)
        reply = _read(value, parts)
        changed = tuple(i for i, a in enumerate(given) if _changed(a, kept[i]))
    except Unfinished:
        return Reply("unfinished")
    except TimeUp:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt of the answer's own too
        return _raised(error, function)
    return replace(reply, changed=changed, foreign=_foreign(value, parts))


def _foreign(value: object, parts: int) -> bool:
    items = value if parts > 1 and isinstance(value, (tuple, list)) else [value]
    plain = (np.ndarray, np.generic, int, float)
    return not all(isinstance(i, plain) and not isinstance(i, np.matrix) for i in items)


def _arguments(case: Case, convert: Callable) -> list:
    return [convert(a) if isinstance(a, np.ndarray) else a for a in case.args]


def _changed(now: object, before: object) -> bool:
    return not np.array_equal(np.asarray(_plain(now)), np.asarray(before))


def array(value: object) -> object:
    """Return what a notebook goes on with: an array, or a number as it is."""
    return value if isinstance(value, (int, float, np.generic)) else np.asarray(_plain(value))


def _plain(value: object) -> object:
    """Return the array of a tensor, which is recognised without loading torch."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _read(value: object, parts: int) -> Reply:
    if value is None:
        return Reply("nothing")
    if unfinished(value):
        return Reply("unfinished")
    if parts == 1:
        return _array(value)
    if not isinstance(value, (tuple, list)) or len(value) != parts:
        return _unreadable(f"it returns {_what(value)}, where a tuple of {parts} arrays belongs")
    read = [_array(item) for item in value]
    for ordinal, item in zip(ORDINALS, read, strict=False):
        if not item.returned:
            return _unreadable(f"{ordinal} item: {item.said}", item.detail)
    return Reply("returned", tuple(item.items[0] for item in read))


def _array(value: object) -> Reply:
    if value is None:
        return _unreadable("it is None")
    if inspect.isgenerator(value) or inspect.iscoroutine(value):
        value.close()
        return _unreadable(f"it returns {_what(value)}: a plain function with `return` is needed")
    whole = isinstance(value, tuple) and any(getattr(item, "ndim", 0) for item in value)
    if isinstance(value, CONTAINERS) or callable(value) or whole:
        return _unreadable(f"it returns {_what(value)}, where one array belongs")
    try:
        read = np.asarray(_plain(value))
    except Unfinished:
        raise
    except Exception as error:
        return _unreadable(f"it returns {_what(value)} that is no array of numbers", _text(error))
    if read.dtype.kind not in "fiubc":
        return _unreadable(f"it returns an array of dtype {read.dtype.name}, not of numbers")
    if read.size > LARGE:
        return Reply("returned", (read,))
    # a copy in this machine's order of bytes, as precise as what came back
    return Reply("returned", (read.astype(read.dtype.newbyteorder("=")),))


def _unreadable(said: str, detail: str = "") -> Reply:
    return Reply("unreadable", said=said, detail=detail)


def _what(value: object) -> str:
    kind = type(value).__name__
    article = "an" if kind[:1].lower() in "aeiou" else "a"
    counted = f" of {len(value)} items" if isinstance(value, (tuple, list)) else ""
    return f"{article} {kind}{counted}"


def _raised(error: BaseException, function: Callable) -> Reply:
    """Name the exception and the learner's own line, not one deep inside a library."""
    kind, line = type(error).__name__, None
    with contextlib.suppress(Exception):  # a strange function or exception: the kind will do
        line = _line(error, function)
    where = f" at line {line}" if line else ""
    if isinstance(error, MemoryError):
        return Reply("raised", said=f"it asks for more memory than there is{where}", error=kind)
    return Reply("raised", said=f"it raises {kind}{where}", detail=_text(error), error=kind)


def _text(error: BaseException) -> str:
    try:
        lines: Sequence[str] = str(error).splitlines()
    except Exception:  # an exception may fail to describe itself
        return ""
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else ""


def _line(error: BaseException, function: Callable) -> int | None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    step, line = error.__traceback__, None
    while step is not None:
        if code is not None and step.tb_frame.f_code.co_filename == code.co_filename:
            line = step.tb_lineno
        step = step.tb_next
    return line

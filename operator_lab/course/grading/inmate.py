"""The program inside the room: it looks into notebooks and runs answers, one process for each.

It knows no reference and no verdict. What an answer does to this process (leave it, rebind NumPy,
write on the wire) can only spoil the numbers it sends.
"""

from __future__ import annotations

import gc
import inspect
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ...judge.todo import TODO, unfinished
from . import found, wire

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

Wire = tuple[wire.Stream, wire.Stream]


def main() -> None:
    """Serve requests from standard input until it ends; what others print goes nowhere."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    line = (incoming, outgoing)
    while (message := wire.receive(incoming)) is not None:
        head, values = message
        if head["do"] == "limit":
            _limit(head["limits"])
            wire.send(outgoing, {"said": "ready", "torch": False})
        elif head["do"] == "look":
            known = frozenset(head["known"])
            wire.send(outgoing, {"said": "found", **found.look(values[0].tobytes(), known)})
        elif head["do"] != "try":
            continue  # "done", to an answer that has ended already
        elif not hasattr(os, "fork"):
            _serve(line, head)
            return  # a fresh process for the next answer
        else:
            _forked(line, head)


def _limit(limits: dict[str, int]) -> None:
    """Set limits of the system that nobody in here can raise again; unknown ones are left out."""
    for name, most in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS refuses some
            continue


def _forked(line: Wire, head: dict) -> None:
    """Run one answer in a process of its own, and say how that ended."""
    gc.collect()
    child = os.fork()
    if child == 0:
        try:
            _serve(line, head)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    wire.send(line[1], {"said": "ended", "status": status})


def _serve(line: Wire, head: dict) -> None:
    """Make the answer, then call it as often as it is asked for."""
    incoming, outgoing = line
    function = _made(line, head)
    if function is None:
        return
    while (message := wire.receive(incoming, _asker(line), tensors=True)) is not None:
        head, given = message
        if head["do"] != "call":
            return
        kept = [np.array(a) if isinstance(a, np.ndarray) else a for a in given]
        try:
            with np.errstate(all="ignore"):
                value = function(*given)
            changed = [
                i for i, a in enumerate(given)
                if isinstance(a, np.ndarray) and not np.array_equal(a, kept[i], equal_nan=True)
            ]  # fmt: skip
            values = [value, *(given[i] for i in changed)]
            wire.send(outgoing, {"said": "gave", "changed": changed}, values)
        except BaseException as error:
            wire.send(outgoing, _raised(error))


def _made(line: Wire, head: dict) -> Callable | None:
    """Run the code an answer needs and say what came of it; None if there is nothing to call."""
    outgoing = line[1]
    space: dict[str, Any] = {"__name__": "__main__"}
    sys.modules["operator_lab.exercises"] = _classroom(head["granted"])
    cell = head["cell"]
    try:
        for cell, text in head["code"]:
            exec(_compiled(text, cell, "exec"), space)
        cell = head["cell"]
        function = eval(_compiled(head["expression"], cell, "eval"), space)
    except BaseException as error:
        wire.send(outgoing, {**_raised(error), "said": "failed", "cell": cell})
        return None
    if unfinished(function):
        wire.send(outgoing, {"said": "unfinished"})
        return None
    if not callable(function):
        wire.send(outgoing, {"said": "uncallable", "type": type(function).__name__[:80]})
        return None
    torch = "torch" in sys.modules
    wire.send(outgoing, {"said": "ready", "torch": torch, "parameters": _parameters(function)})
    return function


def _compiled(text: str, cell: int, mode: str):
    name = f"<cell {cell}: {abs(hash(text))}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return compile(text, name, mode)


def _classroom(granted: dict[str, str]) -> types.ModuleType:
    """What a notebook calls, without a judge: other exercises give what the parent granted them."""
    module = types.ModuleType("operator_lab.exercises")

    def check(exercise: str, function: object) -> object:
        source = granted.get(str(exercise), "")
        if not source:
            return function
        name = f"operator_lab.exercises.{exercise}"
        space = {"__name__": name, "__package__": name.rpartition(".")[0]}
        exec(_compiled(source, 0, "exec"), space)
        return space[str(exercise).rpartition(".")[2]]

    vars(module).update(
        TODO=TODO, check=check, hint=lambda *_: None, solution=lambda *_: None, names=lambda: ()
    )
    return module


def _parameters(function: Callable) -> list | None:
    try:
        signature = inspect.signature(function)
    except Exception:  # some compiled functions have none, and theirs may do anything
        return None
    return [
        [p.name, int(p.kind), p.default is not p.empty, _number(p.default)]
        for p in signature.parameters.values()
    ]


def _number(default: object) -> float | int | None:
    return default if type(default) in (int, float) else None  # type: ignore[return-value]


def _asker(line: Wire) -> Callable:
    """What stands for a function among the arguments: the parent is asked to call it."""
    incoming, outgoing = line

    def ask(number: int, *given):
        wire.send(outgoing, {"said": "ask", "number": number}, given)
        message = wire.receive(incoming)
        if message is None:
            raise EOFError
        head, values = message
        if head["do"] == "raise":
            raise ValueError(head["text"])
        return values[0]

    return ask


def _raised(error: BaseException) -> dict:
    """Name an exception, its first words and the line of theirs; it may fail to describe itself."""
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith("<cell "):
            line = step.tb_lineno
        step = step.tb_next
    try:
        text = str(error)[:300]
    except BaseException:
        text = ""
    todo = isinstance(error, NotImplementedError) and text.startswith("TODO")
    kind = type(error).__name__[:80]
    return {"said": "raised", "type": kind, "text": text, "line": line, "todo": todo}


if __name__ == "__main__":
    main()

"""A wrong answer is an edit of the right one.

    d_k: it divides by tau d_k: the temperature is T = tau sqrt(d_k)
        np.sqrt(Q.shape[1]) => Q.shape[1]

A mistake is a line with its name and what is said of it, then one indented line for each edit of
the right answer's source: a piece that stands there exactly once, and what takes its place. A line
`return ...` without an arrow takes the place of the whole body.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from ..errors import LabError

ARROW = "=>"


@dataclass(frozen=True)
class Wrong:
    """A mistake people make: edits of the right answer, and the sentence that explains it.

    LabError where `function` is asked for and the edits do not fit the source.
    """

    name: str
    message: str
    right: Callable
    edits: tuple[str, ...]

    @cached_property
    def function(self) -> Callable:
        """The wrong answer, compiled when it is first asked for."""
        right = inspect.unwrap(self.right)
        source = bare_source(right)
        for edit in self.edits:
            source = edited(source, edit)
        # known to linecache, so that a traceback through it shows its lines
        file = f"<{right.__module__}.{right.__name__}: {self.name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        space: dict[str, Callable] = {}
        try:
            code = compile(source, file, "exec")
        except SyntaxError as error:
            raise LabError(f"{self.name!r} leaves no Python ({error.msg}):\n{source}") from None
        exec(code, right.__globals__, space)
        return space[right.__name__]


def mistakes(right: Callable, text: str) -> tuple[Wrong, ...]:
    """Return the wrong answers that `text` lists; LabError if a line belongs to none of them."""
    found: list[tuple[str, list[str]]] = []
    for line in filter(str.strip, textwrap.dedent(text).splitlines()):
        if not line[0].isspace():
            found.append((line, []))
        elif found:
            found[-1][1].append(" ".join(line.split()))
        else:
            raise LabError(f"{line.strip()!r} is an edit without a mistake: put its name ahead.")
    for head, edits in found:
        if not (edits and head.partition(": ")[2]):
            raise LabError(f"{head!r}: write `name: what is said of it`, then edits, indented.")
    heads = [(*head.partition(": ")[::2], edits) for head, edits in found]
    return tuple(Wrong(name, " ".join(said.split()), right, tuple(e)) for name, said, e in heads)


@cache
def bare_source(function: Callable) -> str:
    """Return the source of a function without its docstring, whose words are no code to edit.

    LabError unless it was written with `def` in a file or a notebook cell.
    """
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        source = ""
    if not source.startswith("def "):
        raise LabError(f"{function!r} has no source to edit: write `def`, in a file or a cell.")
    body = _body(source)
    lines = source.splitlines(keepends=True)
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        del lines[body[0].lineno - 1 : body[0].end_lineno]
    return "".join(lines)


def _body(source: str) -> list[ast.stmt]:
    """The statements of a function, from its source."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)  # the source begins with `def`
    return function.body


def edited(source: str, edit: str) -> str:
    """Return the source with one edit made; LabError unless it fits exactly once."""
    old, arrow, new = (part.strip() for part in edit.partition(ARROW))
    if not arrow:
        return _with_body(source, edit)
    if (count := source.count(old)) != 1:
        raise LabError(f"{old!r} is to be edited and stands {count} times in:\n{source}")
    return source.replace(old, new)


def _with_body(source: str, line: str) -> str:
    if not line.startswith("return "):
        raise LabError(f"{line!r} is no edit: write `old {ARROW} new`, or `return ...`.")
    first = _body(source)[0]
    return "".join(source.splitlines(keepends=True)[: first.lineno - 1]) + f"    {line}\n"

"""Looking for answers in a notebook that somebody else wrote, without running it.

An answer is what stands in a call `lab.check("mixing.gauge", ...)` at the top of a code cell,
wherever that cell went. With it go the statements that it needs, and only those: imports, helpers,
constants, other checked functions. What is commented out, or stands in a text, is not there.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 8 * 2**20  # letters of code in a notebook
HARMLESS = ("%%time", "%%capture")  # cell magics below which there is ordinary Python
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\S+\?{1,2}\s*)$")
_ASSIGNED = re.compile(r"^(\s*)(\w+)\s*=\s*[%!].*$")


@dataclass(frozen=True)
class Statement:
    """One statement at the top of a cell: what it binds, changes and reads, and whom it checks."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]
    checks: frozenset[str]

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, (ast.Import, ast.ImportFrom))


def look(content: bytes, known: frozenset[str]) -> dict:
    """Return what stands in a notebook, as plain words and lists.

    Keys: "error" (why it is no notebook, or ""), "ids" (of its cells), "answers" (name, cell, the
    code it needs as pairs of cell and text, its expression, exercises it builds on, a digest of its
    text) and "broken" (exercise, cell, why) for checks in cells that are no Python.
    """
    cells, error = _cells(content)
    answers: list[dict] = []
    broken: list[list] = []
    found = {"error": error, "ids": _ids(cells), "answers": answers, "broken": broken}
    statements: list[Statement] = []
    for number, text in _code(cells):
        try:
            tree = ast.parse(python(text))
            statements += [_statement(number, node, known) for node in tree.body]
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            broken += [[name, number, _why(error)] for name in _mentioned(text, known)]
    for at, statement in enumerate(statements):
        for name, answer, sure in _checks(statement.node, known):
            if not sure:
                where = "its check stands inside an `if`, a loop or a function"
                broken.append([name, statement.cell, f"{where}: put it at the margin"])
                continue
            needed = _needed(statements, at, answer)
            answers.append(
                {
                    "name": name,
                    "cell": statement.cell,
                    "code": [[s.cell, ast.unparse(s.node)] for s in needed],
                    "expression": ast.unparse(answer),
                    "upon": sorted(set().union(*(s.checks for s in needed)) - {name}),
                    "digest": _digest(needed, answer),
                }
            )
    return found


def python(text: str) -> str:
    """Return a cell's text as Python: magic commands are taken out; another language leaves ""."""
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("%%"):
        if first.split()[0] not in HARMLESS:
            return ""
        text = text.replace(first, "", 1)
    try:
        ast.parse(text)
    except SyntaxError:
        lines = (_ASSIGNED.sub(r"\1\2 = None", line) for line in text.split("\n"))
        return "\n".join(_MAGIC.sub(r"\1pass", line) for line in lines)
    return text


def digest(function: ast.FunctionDef) -> str:
    """Return a digest of what a function does, in its own words: docstring and name left out."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    text = ast.dump(function.args) + "".join(map(ast.dump, body))
    return hashlib.sha256(text.encode()).hexdigest()


def _cells(content: bytes) -> tuple[list, str]:
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        return [], "it does not hold JSON: it is no notebook"
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return [], "it is no notebook of format 4: open and save it in JupyterLab"
    about = notebook.get("metadata")
    about = about if isinstance(about, dict) else {}
    for part in ("kernelspec", "language_info"):
        said = about.get(part)
        said = said if isinstance(said, dict) else {}
        language = said.get("language" if part == "kernelspec" else "name", "python")
        if language not in ("python", "", None):
            return [], f"its kernel speaks {str(language)[:40]!r}: Python is needed"
    return [cell for cell in notebook["cells"] if isinstance(cell, dict)], ""


def _ids(cells: list) -> list[str]:
    return [cell["id"] for cell in cells if isinstance(cell.get("id"), str)][:2000]


def _code(cells: list) -> Iterator[tuple[int, str]]:
    """Yield the code cells, as many as one can read: their places among all cells, and texts."""
    left = MOST
    for number, cell in enumerate(cells, start=1):
        source = cell.get("source", "")
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if cell.get("cell_type") == "code" and len(text) < left:
            left -= len(text)
            yield number, text


def _why(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    said = str(getattr(error, "msg", "") or error or "it is too deep")[:120]
    return f"{type(error).__name__}{f' at line {line}' if line else ''}: {said}"


def _mentioned(text: str, known: frozenset[str]) -> list[str]:
    """The exercises checked in a cell that is no Python, comments left out."""
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    asked = re.findall(r"check\(\s*[\"']([\w.]+)[\"']", "\n".join(lines))
    return [name for name in dict.fromkeys(asked) if name in known]


def _statement(cell: int, node: ast.stmt, known: frozenset[str]) -> Statement:
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    top = table.get_symbols()
    binds = {s.get_name() for s in top if s.is_assigned() or s.is_imported()}
    reads = {s.get_name() for s in top if s.is_referenced()}
    within = list(table.get_children())
    while within:
        scope = within.pop()
        within += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_global():
                reads.add(symbol.get_name())
                if symbol.is_assigned():
                    binds.add(symbol.get_name())
    checks = frozenset(name for name, _, _ in _checks(node, known))
    changes = frozenset(_changed(node))
    return Statement(cell, node, frozenset(binds), changes, frozenset(reads), checks)


def _changed(node: ast.stmt) -> Iterator[str]:
    """Names whose object a statement may change: `x[0] = 1`, `x.a = 1`, `x.append(1)`."""
    for inner in ast.walk(node):
        target = inner
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            target = inner.value.func
        elif not isinstance(getattr(inner, "ctx", None), ast.Store):
            continue
        changed = target
        while isinstance(changed, (ast.Attribute, ast.Subscript)):
            changed = changed.value
        if changed is not target and isinstance(changed, ast.Name):
            yield changed.id


def _checks(node: ast.stmt, known: frozenset[str]) -> Iterator[tuple[str, ast.expr, bool]]:
    """Yield the checks in a statement: exercise, the answer's expression, and whether it runs."""
    sure = set(map(id, _sure(node)))
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Call):
            continue
        called = inner.func
        own = getattr(called, "attr", None) or getattr(called, "id", None)
        given = [*inner.args, *(k.value for k in inner.keywords if k.arg)]
        if own != "check" or len(given) != 2 or not isinstance(given[0], ast.Constant):
            continue
        if isinstance(given[0].value, str) and given[0].value in known:
            yield given[0].value, given[1], id(inner) in sure


def _sure(node: ast.stmt) -> Iterator[ast.expr]:
    """Yield the calls that run whenever the cell does."""
    value = getattr(node, "value", None)
    if isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Call):
        yield value
        yield from (v for v in value.args if isinstance(v, ast.Call))  # print(lab.check(...))


def _needed(statements: list[Statement], at: int, answer: ast.expr) -> list[Statement]:
    """The statements an answer needs: those before its check, then later ones for what is left."""
    modules = frozenset(name for s in statements if s.imports for name in s.binds)
    read = _statement(0, ast.Expr(answer), frozenset()).reads
    early = _chosen(statements[:at], read, modules)
    read = read.union(*(s.reads for s in early))
    bound = frozenset().union(*(s.binds for s in statements[:at]))
    late = _chosen(statements[at + 1 :], read - bound, modules)  # a cell that was moved
    return late + early


def _chosen(
    pool: list[Statement], read: frozenset[str], modules: frozenset[str]
) -> list[Statement]:
    """The statements that bind or change what is read, and what those read in turn."""
    chosen: list[Statement] = []
    while True:
        touching = [s for s in pool if (s.binds | (s.changes - modules)) & read]
        if len(touching) == len(chosen):
            return chosen
        chosen, read = touching, read.union(*(s.reads for s in touching))


def _digest(needed: list[Statement], answer: ast.expr) -> str:
    """The digest of the function that is handed over, or "" where it has another form."""
    if isinstance(answer, ast.Name):
        for node in (statement.node for statement in reversed(needed)):
            if isinstance(node, ast.FunctionDef) and node.name == answer.id:
                return digest(node)
    return ""

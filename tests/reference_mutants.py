"""Does the judge notice? Right answers with one small mistake in them, every one judged.

    python tests/reference_mutants.py                # all exercises
    python tests/reference_mutants.py mixing.mixing training

Mistakes are those of mutants.py (operators, signs, numbers) and slips that look harmless: a small
number added below a line or under a logarithm, an exponent cut off, an axis or an argument taken
for another, a mean for a sum, a transpose forgotten. Mistakes that change nothing are listed in
equivalent_mutants.txt with the reason; the exit status is 1 if others pass.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mutants import changes
from tqdm import tqdm

from operator_lab.exercises import Exercise, find, judge, names
from operator_lab.judge.mistakes import bare_source

OTHERS = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "cumsum": "cumprod",
    "argmax": "argmin",
    "tril": "triu", "triu": "tril", "maximum": "minimum", "minimum": "maximum", "exp": "expm1",
    "log": "log2", "log10": "log", "zeros": "ones", "ones": "zeros", "cos": "sin", "sin": "cos",
    "repeat": "tile", "concatenate": "stack", "vstack": "hstack", "std": "var",
}  # fmt: skip
SMALL = (1e-6, 1e-9, 1e-12)

LISTED = Path(__file__).with_name("equivalent_mutants.txt").read_text(encoding="utf-8")
EQUIVALENT = {line.strip() for line in LISTED.splitlines() if line.startswith("    ")}


def slips(node: ast.AST, arguments: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """Mistakes that look harmless, as a word and a function that makes them."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        for small in SMALL:
            yield f"+ {small:g} below the line", lambda n, s=small: _more(n, "right", s)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "@ the other way", lambda n: _swapped(n)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr in ("log", "sqrt"):
            for small in SMALL:
                yield f"+ {small:g} in {node.func.attr}", lambda n, s=small: _more_inside(n, s)
        if node.func.attr == "exp":
            for most in (50, 700):
                yield f"exp cut off at {most}", lambda n, m=most: _clipped(n, m)
    if isinstance(node, ast.Attribute) and node.attr in OTHERS:
        other = OTHERS[node.attr]
        yield f"{node.attr} -> {other}", lambda n: setattr(n, "attr", other)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield ".T forgotten", lambda n: _untransposed(n)
    if isinstance(node, ast.keyword) and node.arg in ("axis", "keepdims"):
        if isinstance(node.value, ast.Constant) and node.arg == "axis":
            for axis in {0, 1, 2} - {node.value.value % 3}:
                yield f"axis={axis}", lambda n, a=axis: setattr(n, "value", ast.Constant(a))
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in arguments:
        for other in arguments:
            if other != node.id:
                yield f"{node.id} -> {other}", lambda n, o=other: setattr(n, "id", o)


def _more(node, side, small):
    setattr(node, side, ast.BinOp(getattr(node, side), ast.Add(), ast.Constant(small)))


def _more_inside(node, small):
    node.args[0] = ast.BinOp(node.args[0], ast.Add(), ast.Constant(small))


def _clipped(node, most):
    clip = ast.parse(f"np.clip(0, -{most}, {most})", mode="eval").body
    clip.args[0] = node.args[0]
    node.args[0] = clip


def _swapped(node):
    node.left, node.right = node.right, node.left


def _untransposed(node):
    # `a.T` becomes `a.real`: for real numbers that is a itself
    node.attr = "real"


def all_mistakes(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """What was done to which piece of code, and the whole source with it."""
    source = bare_source(exercise.reference)
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.arguments):
            continue
        for said, change in [*changes(node), *slips(node, exercise.parameters)]:
            mutant = copy.deepcopy(tree)
            change(next(n for i, n in enumerate(ast.walk(mutant)) if i == place))
            text = ast.unparse(ast.fix_missing_locations(mutant))
            if text not in seen:
                seen.add(text)
                piece = node.value if isinstance(node, ast.keyword) else node
                yield f"{said}: {ast.unparse(piece)}", text


def passing(exercise: Exercise) -> tuple[int, list[str]]:
    """How many mistakes there are, and which of them pass."""
    unknowing = dataclasses.replace(exercise, wrong=(), laws=())
    space, passed, count = dict(exercise.reference.__globals__), [], 0
    for said, source in all_mistakes(exercise):
        # where 1e-6 is lost in the tolerance, less is; where e^-50 is 0 to it, e^-700 is
        rest = said.partition(": ")[2]
        bolder = [f"+ {SMALL[0]:g} below the line: {rest}", f"exp cut off at 50: {rest}"]
        bolder += [f"+ {SMALL[0]:g} in {name}: {rest}" for name in ("log", "sqrt")]
        if any(b in passed and b != said for b in bolder) and said.startswith(("+", "exp cut")):
            continue
        count += 1
        exec(compile(source, f"<{exercise.name}: {said}>", "exec"), space)
        if judge(unknowing, space[exercise.reference.__name__]).passed:
            passed.append(said)
    return count, passed


def main(wanted: list[str]) -> int:
    """Judge every mistake, and say which of them passed."""
    chosen = [n for n in names() if not wanted or any(n.startswith(w) for w in wanted)]
    total, equivalent, survivors, unused = 0, 0, [], set(EQUIVALENT)
    np.seterr(all="ignore")
    for name in tqdm(chosen, unit="exercise"):
        count, passed = passing(find(name))
        total += count
        for said in passed:
            unused.discard(f"{name}: {said}")
            if f"{name}: {said}" in EQUIVALENT:
                equivalent += 1
            else:
                survivors.append(f"{name}: {said}")
    print("\n".join(survivors))
    if not wanted:
        print("\n".join(f"listed as equivalent, and noticed: {line}" for line in sorted(unused)))
    noticed = total - equivalent - len(survivors)
    print(f"{noticed} of {total - equivalent} mistakes were noticed, {equivalent} change nothing")
    return min(len(survivors), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

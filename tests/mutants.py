"""Do the tests notice? Small mistakes are made in the package, one at a time, and the tests run.

    python tests/mutants.py operator_lab/dyson tests/test_dyson.py tests/test_run.py --most 40
    python tests/mutants.py

The first argument is a module or folder of the package (all of it), the others are the tests that
ought to notice (those named after the module, and those that name what it defines). Mistakes that
nobody noticed are listed; the exit status is 1 if there are any. The package itself is never
touched: mistakes are made in a copy.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ("test_book", "test_course", "test_checked")  # they run notebooks, which takes minutes
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Every single mistake: its line, what was done, and the whole source with it."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for said, change in changes(node):
            mutant = copy.deepcopy(tree)
            change(next(n for i, n in enumerate(ast.walk(mutant)) if i == place))
            yield getattr(node, "lineno", 0), said, ast.unparse(mutant)


def changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What can go wrong at one node, as a word and a function that does it."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        other = SWAPS[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", lambda n: setattr(n, "op", other())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        turned = SWAPS[type(node.ops[0])]
        said = f"{type(node.ops[0]).__name__} -> {turned.__name__}"
        yield said, lambda n: n.ops.__setitem__(0, turned())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "the minus dropped", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        wrong = node.value + 1
        yield f"{node.value} -> {wrong}", lambda n: setattr(n, "value", wrong)


def noticed(module: Path, source: str, tests: list[str], folder: Path) -> bool:
    """Whether the tests fail when the copy of `module` in `folder` says `source`."""
    target = folder / module.relative_to(ROOT)
    target.write_text(source, encoding="utf-8")
    path = os.pathsep.join([str(folder), str(ROOT / "tests")])
    quick = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not thorough"]
    command = [sys.executable, "-m", "pytest", *quick, *tests]
    try:
        run = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True,
            timeout=600,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    finally:
        shutil.copy(module, target)
    if run.returncode not in (0, 1):
        raise SystemExit(f"pytest could not run: {run.stdout.decode()[-2000:]}")
    return run.returncode == 1


def judges(module: Path, most: int = 5) -> list[str]:
    """The tests that ought to notice a mistake in a module.

    Those named after it or its folder, and those that most often name what it defines. None for
    exercises, whose mistakes tests/judged.py makes, and for pictures, which are looked at.
    """
    stems = module.relative_to(ROOT / "operator_lab").with_suffix("").parts
    if stems[0] in ("exercises", "figures"):
        return []
    files = sorted((ROOT / "tests").glob("test_*.py"))
    tests = {p: p.read_text(encoding="utf-8") for p in files if p.stem not in WHOLE}
    tree = ast.parse(module.read_text(encoding="utf-8"))
    defined = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    word = re.compile(rf"\b({'|'.join(defined)})\b") if defined else re.compile(r"(?!)")
    named = {p: len(word.findall(text)) for p, text in tests.items()}
    own = [p for p in tests if p.stem.removeprefix("test_") in {*stems, "_".join(stems)}]
    others = sorted((p for p in tests if named[p] and p not in own), key=lambda p: -named[p])
    return [str(p.relative_to(ROOT)) for p in (*own, *others[:most])]


def main() -> int:
    """Make mistakes, and say which of them nobody noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("module", type=Path, nargs="?", default=Path("operator_lab"))
    parser.add_argument("tests", nargs="*", help="the tests that ought to notice")
    parser.add_argument("--most", type=int, default=30, help="how many mistakes, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    place = (ROOT / options.module).resolve()
    modules = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    judged = {m: options.tests or judges(m) for m in modules}
    found = [
        (m, *mutant)
        for m in modules
        if judged[m]
        for mutant in mutants(m.read_text(encoding="utf-8"))
    ]
    drawn = random.Random(options.seed).sample(found, min(options.most, len(found)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("operator_lab", "tests"):
            hidden = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=hidden)
        shutil.copy(ROOT / "pyproject.toml", folder)
        survivors = [
            f"{module.relative_to(ROOT)}:{line}: {said}"
            for module, line, said, source in tqdm(drawn, unit="mistake")
            if not noticed(module, source, judged[module], folder)
        ]
    print("\n".join(survivors))
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} mistakes were noticed")
    return min(len(survivors), 1)


if __name__ == "__main__":
    sys.exit(main())

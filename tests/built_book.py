"""The book as it is, built once for all tests, whichever process asks first.

Its build is the tests' one execution of each notebook, and that execution is shaken: every weight
and all that a pass notes are moved in their last digits (`operator_lab.course.shaken`). What it
prints is read from the build's cache; it must be what is stored, on this computer as on one that
rounds otherwise.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from operator_lab.course import soak
from operator_lab.course.book import cache_key

ROOT = Path(__file__).resolve().parent.parent


def build(root: Path, **environment: str) -> subprocess.CompletedProcess:
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    return subprocess.run(
        [*command, "build", "course", "--config", "book.yml", "-W"],
        cwd=root,
        env={**own, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def shaking(folder: Path) -> dict[str, str]:
    """Return the environment in which every kernel shakes what it loads, before its first cell."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_shake.py").write_text(soak.shake("rounding", 1).first, encoding="utf-8")
    return {"IPYTHONDIR": str(folder)}


def copy(target: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "_build", ".ipynb_checkpoints")
    for name in ("course", "operator_lab"):
        shutil.copytree(ROOT / name, target / name, ignore=ignore)
    for name in ("addresses.toml", "book.yml", "constraints.txt"):
        shutil.copyfile(ROOT / name, target / name)
    return target


def tried(tmp_path_factory) -> tuple[Path, str]:
    """Return the tree the book was built in, and all its build said if it failed.

    The tests' processes share it under a lock; it is built once, also if it fails.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    root, done = base / "whole_book", base / "whole_book.done"  # done: what a failure said
    with FileLock(base / "whole_book.lock"):
        if not done.exists():
            shutil.rmtree(root, ignore_errors=True)
            run = build(copy(root), **shaking(root / "ipython"))
            said = (run.stdout + run.stderr).strip() or f"it ended with {run.returncode}"
            done.write_text(said if run.returncode else "", encoding="utf-8")
    return root, done.read_text(encoding="utf-8")


def built(tmp_path_factory) -> Path:
    """Return the folder of the pages; without them a test fails in one line."""
    root, failure = tried(tmp_path_factory)
    if failure:
        pytest.fail(f"the book was not built: {cause(failure)}", pytrace=False)
    return root / "course" / "_build" / "html"


def cause(failure: str) -> str:
    """Return the line of a failed build that says which file did it."""
    named = [line for line in failure.splitlines() if re.search(r"\.(ipynb|md)\b.*: ", line)]
    told = [line for line in named if re.search("fail|warning|error", line, re.IGNORECASE)]
    return (told or failure.splitlines() or [""])[-1]


def cache_of(root: Path) -> Path:
    return root / ".cache" / f"book-{cache_key(root)}"


def executed(root: Path, path: Path) -> dict:
    """Return a notebook with the outputs that the build of the book under `root` got from it.

    Raises KeyError if the build did not execute these cells.
    """
    import nbformat
    from jupyter_cache import get_cache

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _, merged = get_cache(cache_of(root)).merge_match_into_notebook(notebook)
    return json.loads(nbformat.writes(merged))

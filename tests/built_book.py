"""The book as it is, built once for all tests, whichever process asks first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent


def build(root: Path) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(root)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    return subprocess.run(
        [*command, "build", "course", "--config", "book.yml", "-W"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def copy(target: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "_build", ".ipynb_checkpoints")
    for name in ("course", "operator_lab"):
        shutil.copytree(ROOT / name, target / name, ignore=ignore)
    for name in ("book.yml", "constraints.txt"):
        shutil.copyfile(ROOT / name, target / name)
    return target


def built(tmp_path_factory) -> Path:
    """Return the folder of the pages; the tests' processes share it under a lock."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    root, done = base / "whole_book", base / "whole_book.done"
    with FileLock(base / "whole_book.lock"):
        if not done.exists():
            shutil.rmtree(root, ignore_errors=True)
            run = build(copy(root))
            if run.returncode:
                raise RuntimeError(run.stdout[-4000:] + run.stderr[-4000:])
            done.touch()
    return root / "course" / "_build" / "html"

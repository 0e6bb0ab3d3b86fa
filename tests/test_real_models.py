"""A run without the real models' weights says so in one line; other skips it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WITHOUT_WEIGHTS = """
@pytest.mark.skipif(True, reason=REASON)
def test_of_weights_{n}(): ...
"""
OTHERS = """
import pytest
from real_models import REASON
@pytest.mark.skip(reason="another reason")
def test_of_another_thing(): ...
def test_that_runs(): ...
"""


@pytest.mark.parametrize(
    "count, lines",
    [
        (0, []),
        (1, ["1 test of the real models was skipped: their weights are not installed; "
             "`make field-trip` fetches them."]),
        (3, ["3 tests of the real models were skipped: their weights are not installed; "
             "`make field-trip` fetches them."]),
    ],
)  # fmt: skip
def test_one_line_counts_the_tests_of_missing_weights(root, tmp_path, count, lines):
    tests = OTHERS + "".join(WITHOUT_WEIGHTS.format(n=n) for n in range(count))
    (tmp_path / "test_one.py").write_text(tests, encoding="utf-8")
    path = os.pathsep.join([str(root), str(root / "tests")])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "real_models", "-p", "no:cacheprovider", "."],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert [line for line in run.stdout.splitlines() if "of the real models" in line] == lines

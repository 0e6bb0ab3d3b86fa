"""A run says in one line each what it left out; other skips it leaves alone."""

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
from left_out import REASON
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
    said = printed(root, tmp_path)
    assert [line for line in said.splitlines() if "of the real models" in line] == lines


@pytest.mark.parametrize("options, left", [([], False), (["-m", "not thorough"], True)])
def test_what_takes_long_is_left_out_with_a_word(root, tmp_path, options, left):
    tests = "import pytest\ndef test_quick(): ...\n@pytest.mark.thorough\ndef test_long(): ...\n"
    (tmp_path / "test_one.py").write_text(tests, encoding="utf-8")
    said = printed(root, tmp_path, *options)
    assert ("1 passed" in said and "Tests that take long were left out" in said) is left
    assert ("2 passed" in said) is not left


def printed(root, folder, *options):
    """What pytest prints of the tests in a folder, all of which pass."""
    path = os.pathsep.join([str(root), str(root / "tests")])
    quiet = ["-p", "left_out", "-p", "no:cacheprovider", "-W", "ignore"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *options, "."],
        cwd=folder, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout

"""The shape checks are really there: in modules loaded lazily, and off where a test asks for it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MODULE = """
from __future__ import annotations
from jaxtyping import Float
from numpy import ndarray

def overlaps(Q: Float[ndarray, "N d"], K: Float[ndarray, "M d"], tau: float = 1.0) \\
        -> Float[ndarray, "N M"]:
    return Q @ K.T if K.ndim == 2 else Q
"""


@pytest.fixture(scope="module")
def overlaps(tmp_path_factory):
    """A module of the package that is first imported now, long after the hook was installed."""
    import operator_lab

    folder = tmp_path_factory.mktemp("late")
    (folder / "late_module.py").write_text(MODULE, encoding="utf-8")
    before = list(operator_lab.__path__)
    operator_lab.__path__.append(str(folder))
    try:
        yield importlib.import_module("operator_lab.late_module").overlaps
    finally:
        operator_lab.__path__[:] = before
        sys.modules.pop("operator_lab.late_module", None)


def test_right_shapes_pass(overlaps):
    assert overlaps(np.ones((2, 3)), np.ones((4, 3)), tau=1).shape == (2, 4)


def test_wrong_shapes_are_refused(overlaps):
    with pytest.raises(Exception, match="Type-check error"):
        overlaps(np.ones((2, 3)), np.ones((4, 5)))


def test_a_learner_meets_the_function_itself(overlaps, as_a_learner):
    with pytest.raises(ValueError, match="matmul"):
        overlaps(np.ones((2, 3)), np.ones((4, 5)))


def test_users_pay_for_no_checks():
    code = "import sys, operator_lab.errors; print('beartype' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "False"

"""Strict or gentle, and how a strict check fails inside a notebook without stopping it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..errors import LabError

VARIABLE = "OPERATOR_LAB_CHECKS"


class CheckFailed(LabError):
    """A strict check that has not passed; a notebook shows its one line and nothing else."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def strict(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether checks are strict: as OPERATOR_LAB_CHECKS says, otherwise exactly under pytest.

    LabError if the variable holds anything but strict or gentle.
    """
    wish = environment.get(VARIABLE, "").strip().lower()
    if wish not in ("", "strict", "gentle"):
        raise LabError(f"{VARIABLE} is {wish!r}; set it to 'strict' or 'gentle', or leave it out.")
    return wish == "strict" or (not wish and "PYTEST_VERSION" in environment)


def fail(line: str) -> None:
    """Fail with one line: as an error output of this cell in IPython, else as CheckFailed.

    In IPython the cell goes on, so that later cells, and they alone, decide about themselves.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        raise CheckFailed(line)
    shell.showtraceback((CheckFailed, CheckFailed(line), None))

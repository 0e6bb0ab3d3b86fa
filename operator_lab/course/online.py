"""The course as it is opened where nobody has installed it: Colab, Binder, a hub.

What is written here is a branch of the repository of its own; a notebook in it installs the course.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import LabError
from ..files import write_whole
from . import notebooks
from .addresses import FILE, Addresses
from .classroom import Learned, learn

INSTALL = """\
# Where the course is not installed, as on Colab, this installs it (a few minutes, once a session).
import importlib.util
import sys

if importlib.util.find_spec("operator_lab") is None:
    %pip install --quiet "{requirement}"
if "google.colab" in sys.modules:
    from google.colab import output

    output.enable_custom_widget_manager()  # pictures with a slider
"""
BINDER = """\
# For repo2docker and Binder. PyTorch comes built for the CPU, which keeps the image small.
name: operator-lab
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pytorch-cpu>=2.13
  - pip:
      - "{requirement}"
"""


def installing(notebook: dict, requirement: str) -> dict:
    """Return a notebook whose first cell of code installs the course; its other cells are kept."""
    source = INSTALL.format(requirement=requirement).rstrip()
    cell: dict = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
    cells = notebook["cells"]
    code = (i for i, one in enumerate(cells) if one["cell_type"] == "code")
    before = next(code, len(cells))
    return {**notebook, "cells": [*cells[:before], cell, *cells[before:]]}


def write(course: Path, target: Path, at: Addresses) -> Learned:
    """Write the learners' notebooks from a clone, each with an installing cell, and Binder's files.

    LabError where no address says from where to install, or the folder cannot be used.
    """
    if not at.requirement:
        raise LabError(
            f"{FILE} names neither a repository nor a package, so there is nothing to install from."
        )

    def content(path: Path) -> bytes:
        if path.suffix != ".ipynb":
            return path.read_bytes()
        return notebooks.content(installing(notebooks.unrun(notebooks.read(path)), at.requirement))

    done = learn(course, target, content)
    environment = BINDER.format(requirement=at.requirement)
    write_whole(done.target / "binder" / "environment.yml", environment.encode())
    shutil.copy(Path(course).parent / "binder" / "start", done.target / "binder" / "start")
    return done

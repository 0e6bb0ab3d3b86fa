"""The whole course executed, every notebook from top to bottom, two at a time."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from operator_lab.course import notebooks

from .timing import Effort, Line, absolute

TITLE = "The whole course, two notebooks at a time"
THREADS = (2,)  # two notebooks, one thread each
COURSE = Path(__file__).resolve().parent.parent / "course"
SMALL = {"cells": [{"cell_type": "code", "id": "one", "metadata": {}, "source": "1 + 1",
                    "outputs": [], "execution_count": None}],
         "metadata": {}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip


def seconds(notebook: dict) -> float:
    """Wall time of one notebook, run in the folder of the course."""
    os.environ["OMP_NUM_THREADS"] = "1"
    start = time.perf_counter()
    notebooks.execute(notebook, COURSE)
    return time.perf_counter() - start


def measure(effort: Effort) -> list[Line]:
    """One execution of everything, then a line for each notebook."""
    if effort.small:
        read = {"small": SMALL}
    else:
        read = {path.stem: notebooks.read(path) for path in sorted(COURSE.glob("*.ipynb"))}
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        spent = dict(zip(read, pool.map(seconds, read.values()), strict=True))
    whole = (time.perf_counter() - start) / 60
    lines = [absolute("all notebooks", effort, [whole], "min", must=8, aim=4)]
    return lines + [absolute(name, effort, [s / 60], "min") for name, s in spent.items()]

"""The minutes that a notebook's opening states, and the first page sums, are counted, not felt."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from operator_lab.course.front import chapter
from operator_lab.exercises import find

COURSE = Path(__file__).resolve().parent.parent / "course"
NOTEBOOKS = sorted(COURSE.glob("*.ipynb"))
WORDS_A_MINUTE, MINUTES_A_CELL = 200, 0.5


def counted(path: Path) -> tuple[float, int]:
    """Minutes to read a notebook, and to do its exercises by what each of them states."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    words, code = 0, []
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            code.append(text)
        else:
            words += len(text.split())
    asked = re.findall(r'lab\.check\("([\w.]+)"', "\n".join(code))
    reading = words / WORDS_A_MINUTE + MINUTES_A_CELL * len(code)
    return reading, sum(find(name).minutes for name in asked)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_opening_states_the_minutes(path):
    reading, exercises = counted(path)
    stated = chapter(path)
    # Five minutes of rounding, and as much again before an edited text needs a new number.
    assert stated.minutes % 5 == 0 and abs(stated.minutes - reading) <= 10, f"{reading:.0f} counted"
    assert stated.exercises == exercises

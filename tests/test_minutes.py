"""The minutes on the course's first page are counted, not felt."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from operator_lab.exercises import find

COURSE = Path(__file__).resolve().parent.parent / "course"
NOTEBOOKS = sorted(COURSE.glob("*.ipynb"))
INDEX = (COURSE / "index.md").read_text(encoding="utf-8")
ROW = r"^\| \[{}\]\({}\.ipynb\) \|[^|]*\| (\d+), exercises (\d+) \|$"
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
def test_the_path_states_the_minutes(path):
    reading, exercises = counted(path)
    row = re.search(ROW.format(path.stem[:2], path.stem), INDEX, flags=re.MULTILINE)
    assert row, f"{path.stem}: no row '| minutes, exercises minutes |' in index.md"
    stated = int(row[1])
    # Five minutes of rounding, and as much again before an edited text needs a new number.
    assert stated % 5 == 0 and abs(stated - reading) <= 10, f"{path.stem}: {reading:.0f} counted"
    assert int(row[2]) == exercises

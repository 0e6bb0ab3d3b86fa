"""How well each exercise judges: right answers, wrong ones, what they are told, mutants, time.

    python tests/judged.py                  # all exercises, as a Markdown table (minutes)
    python tests/judged.py mixing.mixing training

Each finished row is kept in .cache/judged until the exercise, its answers or the judge change, so
that an interrupted run goes on where it was; delete the folder to begin anew.

right: how many right answers pass. wrong: how many wrong ones are refused: named ones, shortcuts
(tests/shortcuts.txt) and those for fair weather only. named: how many named ones are told their own
reason. true, misleading: what the named ones are told when nobody knows their names, computed
again. mutants: how many small mistakes in the reference are noticed, of those that change anything.
ms: a check, in processor time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from exercise_laws import SHORTCUTS, ExerciseLaws, is_true, others, shortcuts
from reference_mutants import EQUIVALENT, passing
from test_extremes import KINDS, arises, fair_weather
from tqdm import tqdm

from operator_lab.exercises import Exercise, find, judge, names
from operator_lab.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".cache" / "judged"
OF_ALL = ("exercise_laws", "mutants", "reference_mutants", "test_extremes", "judged")
HEAD = ("exercise", "right", "wrong", "named", "true", "misleading", "mutants", "ms")


def said_by_stem() -> dict[str, dict]:
    """Of each notebook, how to compute again what its laws say."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_exercises_*.py")):
        for item in vars(importlib.import_module(path.stem)).copy().values():
            if isinstance(item, type) and issubclass(item, ExerciseLaws) and item.stem:
                found[item.stem] = item.said
    return found


def milliseconds(exercise: Exercise) -> float:
    """The processor time of a check of the right answer, the median of three."""

    def once() -> float:
        start = time.process_time()
        judge(exercise, exercise.reference)
        return 1e3 * (time.process_time() - start)

    return median(once() for _ in range(3))


def row(exercise: Exercise, said: dict) -> tuple:
    """One line of the table."""
    right = [judge(exercise, f).passed for f in (exercise.reference, *others(exercise))]
    storms = [k for k in KINDS if k not in exercise.spared and arises(exercise, k)]
    fair = [fair_weather(exercise, lambda c, k=k: KINDS[k](exercise, c)) for k in storms]
    fair += [s.function for s in shortcuts(exercise)]
    refused = [not judge(exercise, f).passed for f in fair]
    named, told = 0, []
    for wrong in exercise.wrong:
        verdict = judge(exercise, wrong.function)
        refused.append(not verdict.passed)
        named += verdict.reason == wrong.message
        rest = tuple(w for w in exercise.wrong if w is not wrong)
        blind = judge(dataclasses.replace(exercise, wrong=rest), wrong.function)
        told.append(is_true(blind.reason, exercise, wrong.function, said))
    count, passed = passing(exercise)
    alive = [p for p in passed if f"{exercise.name}: {p}" not in EQUIVALENT]
    total = count - (len(passed) - len(alive))
    return (
        exercise.name, f"{sum(right)} of {len(right)}", f"{sum(refused)} of {len(refused)}",
        f"{named} of {len(exercise.wrong)}", sum(told), len(told) - sum(told),
        f"{total - len(alive)} of {total}", f"{milliseconds(exercise):.0f}",
    )  # fmt: skip


def key(name: str) -> str:
    """A digest of what a row hangs on: the exercise, its answers, what is listed, the judge."""
    stem, own = name.split(".")
    here = ROOT / "tests"
    paths = [
        *sorted((ROOT / "operator_lab" / "judge").glob("*.py")),
        ROOT / "operator_lab" / "exercises" / stem / f"{own}.py",
        here / "exercises" / stem / f"{own}.py",
        *sorted(here.glob("test_exercises_*.py")),
        *(here / f"{each}.py" for each in OF_ALL),
    ]
    listed = SHORTCUTS.get(name, "") + "".join(
        sorted(line for line in EQUIVALENT if line.startswith(f"{name}: "))
    )
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths) + listed.encode()).hexdigest()


def kept_row(name: str, said: dict) -> list:
    """The row of an exercise, from the folder if nothing has changed since."""
    place, now = KEPT / f"{name}.json", key(name)
    if place.exists() and (kept := json.loads(place.read_text()))["key"] == now:
        return kept["row"]
    found = list(row(find(name), said.get(name.split(".")[0], {})))
    KEPT.mkdir(parents=True, exist_ok=True)
    write_whole(place, json.dumps({"key": now, "row": found}).encode())
    return found


def main(wanted: list[str]) -> int:
    """Print the table; the exit status is 1 if anything in it is not as it should be."""
    np.seterr(all="ignore")
    said = said_by_stem()
    chosen = [n for n in names() if not wanted or any(n.startswith(w) for w in wanted)]
    rows = []
    for name in tqdm(chosen, unit="exercise"):
        rows.append(kept_row(name, said))
    for line in (HEAD, ["---"] * len(HEAD), *rows):
        print("| " + " | ".join(map(str, line)) + " |")
    print(f"\n{len(rows)} exercises, {median(float(r[-1]) for r in rows):.0f} ms in the median")
    shares = [cell.split(" of ") for r in rows for cell in r if " of " in str(cell)]
    return int(any(a != b for a, b in shares) or any(r[5] for r in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

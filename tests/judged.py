"""How well each exercise judges: right answers, wrong ones, what they are told, mutants, time.

    python tests/judged.py                  # all exercises, as a Markdown table (minutes)
    python tests/judged.py mixing.mixing training

right: how many right answers pass. wrong: how many wrong ones are refused, named ones and those for
fair weather only. named: how many named ones are told their own reason. true, misleading: what the
named ones are told when nobody knows their names, computed again. mutants: how many small mistakes
in the reference are noticed, of those that change anything. ms: a check, in processor time.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from exercise_laws import ExerciseLaws, is_true, others
from reference_mutants import EQUIVALENT, passing
from test_extremes import KINDS, arises, fair_weather
from tqdm import tqdm

from operator_lab.exercises import Exercise, find, judge, names

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


def main(wanted: list[str]) -> int:
    """Print the table; the exit status is 1 if anything in it is not as it should be."""
    np.seterr(all="ignore")
    said = said_by_stem()
    chosen = [n for n in names() if not wanted or any(n.startswith(w) for w in wanted)]
    rows = []
    for name in tqdm(chosen, unit="exercise"):
        rows.append(row(find(name), said.get(name.split(".")[0], {})))
    for line in (HEAD, ["---"] * len(HEAD), *rows):
        print("| " + " | ".join(map(str, line)) + " |")
    print(f"\n{len(rows)} exercises, {median(float(r[-1]) for r in rows):.0f} ms in the median")
    shares = [cell.split(" of ") for r in rows for cell in r if " of " in str(cell)]
    return int(any(a != b for a, b in shares) or any(r[5] for r in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

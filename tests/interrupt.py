"""Work that is killed or interrupted at random moments: what is lost, counted.

    python tests/interrupt.py [--count 300] [--seed 0] [work ...]

Each time a process of its own begins the work and is ended by SIGKILL or SIGINT at a moment drawn
over its whole length; then the work is begun again and ends as if nothing had happened. Lost work,
half a file and files left behind end in exit status 1. For POSIX: it forks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from random_models import random_model

from operator_lab.course import notebooks
from operator_lab.course.grading.folder import grade
from operator_lab.errors import LabError
from operator_lab.exercises import record
from operator_lab.model import Model
from operator_lab.training import Recipe, train

RECIPE = Recipe(shape=dict(features=16, heads=2, layers=1, hidden=16), steps=30, batch=4, warmup=5)
NAMES = [f"room.{k}" for k in range(120)]
ANSWER = "def f(Q, K, tau=1.0):\n    return Q @ K.T / (tau * np.sqrt(Q.shape[1]))\n"
CHECK = f"{ANSWER}lab.check('mixing.exponent', f)"
CELLS = ("import numpy as np\nimport operator_lab as lab", CHECK)


class Work(NamedTuple):
    """What is done; done again, what stands there; what is checked before that; its share."""

    do: Callable[[Path], object]
    again: Callable[[Path], object]
    midway: Callable[[Path], bool]
    share: float


def training(place: Path) -> None:
    train(RECIPE, folder=place, every=5, progress=False, device="cpu")


def trained(place: Path) -> object:
    found = train(RECIPE, folder=place, every=5, progress=False, device="cpu")
    return {name: w.tobytes() for name, w in found.model.weights.items()}


def saving(place: Path) -> None:
    for k in range(12):
        random_model(k % 2, features=16, heads=2, layers=2, hidden=64).save(place / "a.safetensors")


def saved(place: Path) -> object:
    saving(place)
    return Model.load(place / "a.safetensors").weights["W_E"].tobytes()


def whole(place: Path) -> bool:
    path = place / "a.safetensors"
    return not path.exists() or bool(Model.load(path).weights)


def keeping(place: Path) -> None:
    os.environ[record.VARIABLE] = str(place)
    for name in NAMES:
        record.record(name)


def kept(place: Path) -> object:
    keeping(place)
    return sorted(record.recorded())


def none_lost(place: Path) -> bool:
    """What was noted is there, in the order in which it was noted, without a gap."""
    os.environ[record.VARIABLE] = str(place)
    found = set(record.recorded())
    return found == set(NAMES[: len(found)])


def notebook(cells, outputs=()) -> str:
    made = [
        {"cell_type": "code", "id": f"c{k}", "source": c, "metadata": {}, "outputs": [],
         "execution_count": None}
        for k, c in enumerate(cells)
    ]  # fmt: skip
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def grading(place: Path) -> None:
    for student in ("ann", "bob"):
        (place / "class" / student).mkdir(parents=True, exist_ok=True)
        path = place / "class" / student / "03_mixing.ipynb"
        if not path.exists():
            path.write_text(notebook(CELLS))
    (place / "to" / ".grading").mkdir(parents=True, exist_ok=True)
    (place / "to" / ".grading" / "secret").write_text("7")
    grade(place / "class", place / "to", progress=False)


def graded(place: Path) -> object:
    grading(place)
    marks = grade(place / "class", place / "to", progress=False)
    return {s: {n: g.state for n, g in row.items()} for s, row in marks.grades.items()}


def refreshing(place: Path) -> None:
    path = place / "a.ipynb"
    if not path.exists():
        path.write_text(notebook(("# NBVAL_CHECK_OUTPUT\nprint(1 + 1)", "2 + 2")))
    notebooks.refresh([path], progress=False)


def refreshed(place: Path) -> object:
    refreshing(place)
    return (place / "a.ipynb").read_text()


def readable(place: Path) -> bool:
    path = place / "a.ipynb"
    return not path.exists() or bool(notebooks.read(path)) or True


def always(place: Path) -> bool:
    return True


WORKS = {
    "progress": Work(keeping, kept, none_lost, 0.3),
    "saving": Work(saving, saved, whole, 0.3),
    "training": Work(training, trained, always, 0.3),
    "grading": Work(grading, graded, always, 0.06),
    "refresh": Work(refreshing, refreshed, readable, 0.04),
}


def begun(do: Callable[[Path], object], place: Path) -> int:
    """A process of its own that does it; its id."""
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        do(place)
    except (KeyboardInterrupt, LabError):
        os._exit(3)
    finally:
        os._exit(0)


def ended(pid: int, seconds: float) -> bool:
    """Whether a process ends within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    return False


def left_behind(place: Path) -> list[str]:
    return [str(p.relative_to(place)) for p in place.rglob("*.tmp")]


def interrupted(work: Work, wanted: object, seconds: float, rng: random.Random) -> str:
    """One interruption; what came of it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        pid = begun(work.do, place)
        time.sleep(rng.uniform(0, seconds))
        how = rng.choice((signal.SIGKILL, signal.SIGINT))
        os.kill(pid, how)
        if not ended(pid, 20):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "hang"
        try:
            if not work.midway(place):
                return "lost"
            for half in place.rglob("*.tmp"):  # as old as what nobody writes any more
                os.utime(half, (1e9, 1e9))
            same = work.again(place) == wanted
        except LabError as error:
            return f"refused: {error}"
        if not same:
            return "another result"
        return "left behind" if left_behind(place) else "nothing lost"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("works", nargs="*")
    wish = parser.parse_args()
    total: Counter[str] = Counter()
    for name in wish.works or WORKS:
        work, rng = WORKS[name], random.Random(f"{name} {wish.seed}")
        with tempfile.TemporaryDirectory() as place:
            begin = time.monotonic()
            work.do(Path(place))
            seconds = time.monotonic() - begin
        with tempfile.TemporaryDirectory() as place:
            wanted = work.again(Path(place))
        counts: Counter[str] = Counter()
        for _ in range(round(wish.count * work.share)):
            counts[interrupted(work, wanted, 1.05 * seconds, rng)] += 1
        print(f"{name:10} {seconds:.2f} s  {dict(counts)}", flush=True)
        total += counts
    print(f"{'all':10} {dict(total)} of {total.total()}")
    return int(set(total) != {"nothing lost"})


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())

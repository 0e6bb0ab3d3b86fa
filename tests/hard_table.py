"""The public surface under bad, odd and unusual values: how many end in what, and which are wrong.

    python tests/hard_table.py [--kept FILE] [name ...]

Bad values must be refused, odd ones mean the same as a good one, and unusual ones (empty, huge,
tiny, of another shape) give a result or a sentence, and no NaN. Names choose functions by how they
begin. What has been walked is kept in a file, one line for a function, and not walked again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hard_calls import call_of
from hard_results import gaps
from hard_values import unusual
from test_hard_use import (
    DOCUMENTED,
    ONCE,
    SLOW,
    SURFACE,
    Fault,
    of_odd,
    outcome,
    result,
    tries,
    varied,
)  # fmt: skip

from operator_lab.errors import LabError

RIGHT = ("sentence", "documented", "the same", "result")
HOLES = {  # results in which NaN or infinity is the documented answer
    "dyson.bare.radius_of_convergence": "infinite where there is no further coefficient",
    "figures.pseudospectra.outline": "all NaN if there is no contour",
    "thermodynamics.simplex.contour": "NaN where the triangle ends first",
}


def of_bad(name: str, function) -> Iterator[tuple[str, str]]:
    for key, label, call in tries(name, function):
        said = outcome(function, call)
        meant = {"refused": "sentence", "hang": "hang"}.get(said, "foreign")
        if said == "accepted":
            meant = "documented" if (name, key) in DOCUMENTED else "silent"
        yield meant, f"{name}({key}={label}): {said}"


def of_unusual(name: str, function) -> Iterator[tuple[str, str]]:
    holes = gaps(result(function, call_of(name, function)))
    for key, label, call in varied(name, function, lambda _, good: unusual(good)):
        got = result(function, call)
        if isinstance(got, Fault):
            meant = "hang" if got == "hang" else "foreign"
        elif isinstance(got, LabError):
            meant = "sentence"
        elif found := " and ".join(sorted(gaps(got) - holes)):
            meant = "documented" if name in HOLES else f"silent {found}"
        else:
            meant = "result"
        yield meant, f"{name}({key}={label}): {got if isinstance(got, Fault) else meant}"


def walked(name: str) -> dict[str, dict]:
    """What comes of one function in each table: how often what, and what is wrong."""
    found = {}
    for table in (of_bad, of_odd, of_unusual):
        outcomes = list(table(name, SURFACE[name]))
        found[table.__name__.removeprefix("of_")] = {
            "counts": Counter(meant for meant, _ in outcomes),
            "wrong": [said for meant, said in outcomes if meant not in RIGHT],
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("names", nargs="*")
    wish = parser.parse_args()
    kept: dict[str, dict] = {}
    if wish.kept and wish.kept.exists():
        kept = dict(json.loads(line) for line in wish.kept.read_text().splitlines())
    totals: dict[str, Counter[str]] = {"bad": Counter(), "odd": Counter(), "unusual": Counter()}
    for name in SURFACE:
        if name in SLOW | ONCE or not name.startswith(tuple(wish.names) or ""):
            continue
        if name not in kept:
            kept[name] = walked(name)
            if wish.kept:
                with wish.kept.open("a") as file:
                    file.write(json.dumps([name, kept[name]]) + "\n")
        for table, found in kept[name].items():
            totals[table] += Counter(found["counts"])
            for said in found["wrong"]:
                print("  ", said, flush=True)
    for table, counts in totals.items():
        print(table, dict(counts), counts.total(), flush=True)
    return int(any(set(counts) - set(RIGHT) for counts in totals.values()))


if __name__ == "__main__":
    sys.exit(main())

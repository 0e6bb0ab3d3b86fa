"""The public surface under bad, odd and unusual values: how many end in what, and which are wrong.

    python tests/hard_table.py [name ...]

Bad values must be refused, odd ones mean the same as a good one, and unusual ones (empty, huge,
tiny, of another shape) give a result or a sentence. Names choose functions by how they begin.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

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
        else:
            meant = " and ".join(sorted(gaps(got) - holes)) or "result"
        yield meant, f"{name}({key}={label}): {got if isinstance(got, Fault) else meant}"


def main() -> int:
    wrong = 0
    for table in (of_bad, of_odd, of_unusual):
        counts: Counter[str] = Counter()
        for name, function in SURFACE.items():
            if name in SLOW | ONCE or (sys.argv[1:] and not name.startswith(tuple(sys.argv[1:]))):
                continue
            for meant, said in table(name, function):
                counts[meant] += 1
                if meant not in ("sentence", "documented", "the same", "result"):
                    print("  ", said, flush=True)
        print(table.__name__.removeprefix("of_"), dict(counts), counts.total(), flush=True)
        wrong += sum(counts[kind] for kind in ("silent", "another", "foreign", "hang"))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

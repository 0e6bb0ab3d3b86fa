"""Fair-weather answers, right but for one kind of extreme, are refused wherever it can arise.

Each kind has a detector: does a case show it? An answer that is right except there must not pass.
Where a kind cannot arise, `Exercise.spared` says why; where the arguments show that by themselves
(no temperature, no real numbers, a single size), nothing has to be said.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from operator_lab.exercises import Exercise, find, judge, names

MANY, FAR, LARGE, SMALL, COLD = 40, 2000, 1e7, 1e-7, 1e-5
EXERCISES = [find(name) for name in names()]


def arrays(case) -> list[np.ndarray]:
    return [a for a in case.args if isinstance(a, np.ndarray)]


def reals(case) -> list[np.ndarray]:
    return [a for a in arrays(case) if a.dtype.kind in "fc" and a.size]


def sizes(case) -> tuple[int, ...]:
    return tuple(n for a in arrays(case) for n in a.shape)


def temperatures(exercise: Exercise, case) -> list[float]:
    named = zip(exercise.parameters, case.args, strict=False)
    return [a for name, a in named if name in ("T", "tau")]


def lone(exercise, case):
    return 1 in sizes(case)


def many(exercise, case):
    return max(sizes(case), default=0) >= MANY


def cold(exercise, case):
    return any(T <= COLD for T in temperatures(exercise, case))


def tiny(exercise, case):
    return any(0 < np.abs(a).max() <= SMALL for a in reals(case))


def huge(exercise, case):
    return any(np.abs(a).max() >= LARGE for a in reals(case))


def spread(exercise, case):
    T = min([1.0, *temperatures(exercise, case)])
    return any(np.ptp(a.real) / T >= FAR for a in reals(case))


def tied(exercise, case):
    return any(len(np.unique(a)) < a.size for a in reals(case))


def repeated(exercise, case):
    flat = [a.reshape(-1, a.shape[-1]) for a in reals(case) if a.ndim > 1 and a.shape[-1] > 1]
    return any(len(np.unique(a, axis=0)) < len(a) for a in flat)


def single(exercise, case):
    return any(
        a.dtype == np.float32 and abs(a.mean(dtype=float)) > 100 * a.std(dtype=float) > 0
        for a in reals(case)
    )


KINDS = {
    "one": lone, "many": many, "cold": cold, "tiny": tiny, "huge": huge, "spread": spread,
    "ties": tied, "repeated": repeated, "float32": single,
}  # fmt: skip


def arises(exercise: Exercise, kind: str) -> bool:
    """Whether the arguments leave room for it at all."""
    cases = exercise.draw()
    if kind == "cold":
        return any(temperatures(exercise, case) for case in cases)
    if kind == "repeated":
        return any(a.ndim > 1 for case in cases for a in reals(case))
    return kind in ("one", "many") or any(reals(case) for case in cases)


def fair_weather(exercise: Exercise, storm):
    """The reference, but off wherever `storm(case)` says so."""

    class Given:
        def __init__(self, args):
            self.args = args

    def answer(*args):
        right = exercise.reference(*args)
        if not storm(Given(args)):
            return right
        if exercise.parts > 1:
            return tuple(1.5 * a + 1 for a in right)
        return 1.5 * np.asarray(right) + 1

    return answer


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_an_answer_for_fair_weather_is_refused(exercise, kind):
    answer = fair_weather(exercise, lambda case: KINDS[kind](exercise, case))
    passed = judge(exercise, answer).passed
    if not arises(exercise, kind):
        assert passed, "it arises after all"
        assert kind not in exercise.spared, "no need to say so"
    elif passed:
        assert exercise.spared.get(kind), f"neither probed nor spared: {kind}"
    else:
        assert kind not in exercise.spared, f"spared, and probed all the same: {kind}"


def axes(exercise: Exercise) -> list[set[int]]:
    """Places in `sizes` that always have one length, as sets: N, d, ... of the exercise.

    Only cases that give all arguments, in the ordinary numbers of axes.
    """
    found: list[tuple[int, ...]] = [sizes(case) for case in exercise.draw()]
    length = max(set(map(len, found)), key=list(map(len, found)).count)
    found = [f for f in found if len(f) == length]
    groups: list[set[int]] = []
    for place in range(length):
        home = next((g for g in groups if all(f[place] == f[min(g)] for f in found)), None)
        groups.append({place}) if home is None else home.add(place)
    return groups


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_sizes_coincide_in_every_pair_of_axes(exercise):
    """An answer that takes one axis for another where they are equally long is refused."""
    found = [sizes(case) for case in exercise.draw()]
    for one, other in combinations(axes(exercise), 2):
        a, b = min(one), min(other)
        together = [f for f in found if len(f) > max(a, b) and f[a] == f[b] > 1]
        assert together or "coincide" in exercise.spared, (a, b)


def test_what_is_spared_is_a_kind_and_has_a_reason():
    for exercise in EXERCISES:
        assert set(exercise.spared) <= {*KINDS, "coincide"}, exercise.name
        assert all(len(reason) > 10 for reason in exercise.spared.values())

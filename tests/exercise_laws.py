"""What every exercise must keep: right answers pass, wrong ones are told the truth.

A test file makes a subclass, `class TestDyson(ExerciseLaws)`, that names the exercises (`stem`) and
says how to compute again what their own laws say of a wrong answer (`said`).
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operator_lab.exercises import Exercise, Wrong, find, judge, mistakes, names
from operator_lab.judge.exercise import LEVELS
from operator_lab.judge.facts import tolerance
from operator_lab.judge.reply import ORDINALS, observe

# One law, many classes and exercises: nothing is kept from one example for the next.
few = settings(max_examples=10, suppress_health_check=[HealthCheck.differing_executors])
# Of these a check runs whole models, many times over.
LONG = {"channels.carrier", "pretrained.reader"}


def about(stem: str) -> list[Exercise]:
    """The exercises of one notebook."""
    return [find(name) for name in names() if name.startswith(f"{stem}.")]


def references(stem: str, *names: str) -> list[Callable]:
    """The right answers of these exercises of a notebook."""
    return [find(f"{stem}.{name}").reference for name in names]


def others(exercise: Exercise) -> tuple[Callable, ...]:
    """Other right answers: tests/exercises/mixing/gauge.py holds those to mixing.gauge."""
    return importlib.import_module(f"exercises.{exercise.name}").RIGHT


SHORTCUTS = dict(
    part.split("\n", 1)
    for part in re.split(
        r"^== ", Path(__file__).with_name("shortcuts.txt").read_text(encoding="utf-8"), flags=re.M
    )[1:]
)


def shortcuts(exercise: Exercise) -> tuple[Wrong, ...]:
    """Answers that are right while the numbers are kind: tests/shortcuts.txt."""
    return mistakes(exercise.reference, SHORTCUTS.get(exercise.name, ""))


def title(value: object) -> str | None:
    return value.name if isinstance(value, (Exercise, Wrong)) else None


def case(exercise: Exercise, *answer: object):
    """The arguments of one test."""
    marks = [pytest.mark.thorough] if exercise.name in LONG else []
    return pytest.param(exercise, *answer, marks=marks)


def real(value: object) -> bool:
    """Whether it is an array of real numbers; labels and counts stay integers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def mapped(answer, change):
    return tuple(map(change, answer)) if isinstance(answer, (tuple, list)) else change(answer)


def giving(function, change, parts):
    """The same answer in another form: `change` is applied to each array it returns."""

    def changed(*args):
        answer = function(*args)
        return mapped(answer, change) if parts > 1 else change(np.array(answer))

    return changed


class ExerciseLaws:
    """Tests for all exercises of one notebook."""

    stem: str = ""
    # Sentence of a law (a pattern) -> whether it is true of one trial; `said[pattern](found, args,
    # answer, right)`: the match, one case's arguments, the arrays of the answer, the right ones.
    said: Mapping[str, Callable] = MappingProxyType({})

    def pytest_generate_tests(self, metafunc):
        exercises = about(self.stem)
        right = [case(e, f) for e in exercises for f in (e.reference, *others(e))]
        wrong = [case(e, w) for e in exercises for w in e.wrong]
        if "function" in metafunc.fixturenames:
            metafunc.parametrize(("exercise", "function"), right, ids=title)
        elif "wrong" in metafunc.fixturenames:
            metafunc.parametrize(("exercise", "wrong"), wrong, ids=title)
        elif "exercise" in metafunc.fixturenames:
            metafunc.parametrize("exercise", map(case, exercises), ids=title)

    def test_an_exercise_is_complete(self, exercise):
        assert len(others(exercise)) >= 2 and len(exercise.wrong) >= 4 and exercise.laws
        assert len(exercise.hints) == 3 and exercise.minutes > 0 and exercise.level in LEVELS
        assert len({w.message for w in exercise.wrong}) == len(exercise.wrong)
        assert all("\n" not in w.message for w in exercise.wrong)
        assert exercise.reference.__name__ == exercise.name.split(".")[1]

    def test_a_right_answer_passes(self, exercise, function):
        verdict = judge(exercise, function)
        assert verdict.passed, verdict.line

    @pytest.mark.thorough
    def test_a_right_answer_computed_in_float32_passes(self, exercise, function):
        def single(*args):
            return function(*(np.float32(a) if real(a) else a for a in args))

        verdict = judge(exercise, single)
        assert verdict.passed, verdict.line

    def test_a_wrong_answer_is_told_its_own_reason(self, exercise, wrong):
        verdict = judge(exercise, wrong.function)
        assert (verdict.status, verdict.reason) == ("wrong", wrong.message)

    @pytest.mark.thorough
    def test_an_unknown_wrong_answer_is_told_only_what_is_true(self, exercise, wrong):
        others = tuple(w for w in exercise.wrong if w is not wrong)
        verdict = judge(dataclasses.replace(exercise, wrong=others), wrong.function)
        assert verdict.status == "wrong"
        assert verdict.reason not in {w.message for w in others}
        assert is_true(verdict.reason, exercise, wrong.function, self.said), verdict.reason

    @pytest.mark.thorough
    def test_a_law_that_is_broken_is_broken_indeed(self, exercise, wrong):
        """Laws speak where the values differ already; here each sentence is asked for."""
        for args, answer, right in trials(exercise, wrong.function):
            for law in exercise.laws:
                if sentence := law.broken(args, whole(answer), 1e-3):
                    found, check = matching(sentence, self.said)
                    assert check(found, args, answer, right), (law.name, sentence)

    def test_each_law_is_kept_by_the_reference_and_broken_by_some_mistake(self, exercise):
        negative = giving(exercise.reference, np.negative, exercise.parts)
        mistakes = [*(w.function for w in exercise.wrong), negative]
        for law in exercise.laws:
            assert not breaks(law, exercise, exercise.reference), law.name
            assert any(breaks(law, exercise, mistake) for mistake in mistakes), law.name

    def test_two_mistakes_that_cannot_be_told_apart_are_not_named(self, exercise):
        first = exercise.wrong[0]
        twin = dataclasses.replace(first, message="another story")
        verdict = judge(dataclasses.replace(exercise, wrong=(first, twin)), first.function)
        assert verdict.status == "wrong" and verdict.reason not in (first.message, twin.message)

    @pytest.mark.thorough
    @few
    @given(place=st.integers(0, 10**6), size=st.floats(0.01, 10))
    def test_one_wrong_number_is_never_let_through_nor_named(self, exercise, place, size):
        def spoiled(*args):
            # as arrays of floats: a single number has no place to write to, labels no fractions
            answer = mapped(exercise.reference(*args), lambda a: np.array(a, dtype=float))
            item = answer[place % exercise.parts] if exercise.parts > 1 else answer
            item.flat[place % item.size] += size * max(1.0, np.abs(item).max())
            return answer

        verdict = judge(exercise, spoiled)
        assert verdict.status == "wrong"
        # With a single number to spoil, a known mistake may happen to be the truth.
        assert verdict.reason not in {w.message for w in exercise.wrong}

    @few
    @given(factor=st.floats(0.01, 50))
    def test_a_factor_is_stated(self, exercise, factor):
        if abs(factor - 1) < 1e-2:
            factor = 2.0
        unknowing = dataclasses.replace(exercise, wrong=())

        def scaled(*args):
            answer = exercise.reference(*args)
            return mapped(answer, lambda a: factor * a) if exercise.parts > 1 else factor * answer

        verdict = judge(unknowing, scaled)
        stated = re.search(r"it is (\S+) x expected everywhere$", verdict.reason)
        assert stated and float(stated[1]) == pytest.approx(factor, rel=1e-2)


def trials(exercise: Exercise, function):
    """Arguments, answer and right answer of each case on which laws may be asked."""
    for case in exercise.draw():
        with np.errstate(all="ignore"):
            answer = observe(function, case, exercise.parts).items
        right = observe(exercise.reference, case, exercise.parts).items
        shaped = [a.shape for a in answer] == [r.shape for r in right]
        if shaped and all(np.isfinite(item).all() for item in answer):
            yield case.args, answer, right


def whole(items: tuple):
    return items if len(items) > 1 else items[0]


def says(exercise: Exercise, args, answer, sentence: str) -> bool:
    return sentence in [law.broken(args, whole(answer), 1e-3) for law in exercise.laws]


def breaks(law, exercise: Exercise, function) -> bool:
    """Whether an answer breaks a law on any case."""
    return any(law.broken(a, whole(answer), 1e-3) for a, answer, _ in trials(exercise, function))


def matching(sentence: str, said: Mapping[str, Callable]) -> tuple[re.Match, Callable]:
    found = [(re.fullmatch(pattern, sentence), check) for pattern, check in said.items()]
    found = [(match, check) for match, check in found if match]
    assert len(found) == 1, f"a statement this test cannot compute: {sentence}"
    return found[0]


def close(mine, right, rtol: float = 1e-4, atol: float = 0.0) -> bool:
    """Whether two arrays agree, measured by the largest number of the second, however small."""
    mine, right = np.asarray(mine), np.asarray(right)
    return bool((np.abs(mine - right) <= max(rtol * np.abs(right).max(), atol)).all())


def near(mine: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.abs(mine - right) <= tolerance(mine) * (np.abs(right).max() or 1.0)


def is_true(reason: str, exercise: Exercise, function, said: Mapping[str, Callable]) -> bool:
    """Compute a general statement again, in another way, from the answers themselves."""
    item, words = 0, reason
    if found := re.match(rf"({'|'.join(ORDINALS)}) item: ", reason):
        item, words = ORDINALS.index(found[1]), reason[found.end() :]
    cases = exercise.draw()
    for case in cases:  # said of one case: the others are not spoken of
        if words.endswith(scope := f" (with {case.label})"):
            words, cases = words.removesuffix(scope), (case,)
            break
    with np.errstate(all="ignore"):
        replies = [observe(function, p, exercise.parts) for p in cases]
        rights = [observe(exercise.reference, p, exercise.parts).items for p in cases]
    if words.startswith("it raises "):
        kinds = [o.error for o in replies if o.kind == "raised"]
        return any(words.startswith(f"it raises {kind}") for kind in kinds)
    if any(re.fullmatch(pattern, words) for pattern in said):
        found, check = matching(words, said)
        told = [(a, y, r) for a, y, r in trials(exercise, function) if says(exercise, a, y, words)]
        return bool(told) and all(check(found, *case) for case in told)
    made = [(o, r) for o, r in zip(replies, rights, strict=True) if o.returned]
    pairs = [(o.items[item], r[item]) for o, r in made]
    for pattern, check in GENERAL.items():
        if found := re.fullmatch(pattern, words):
            return bool(check(found, pairs))
    raise AssertionError(f"a statement this test cannot compute: {reason}")


def _one_shape(found, pairs):
    return any(found.groups() == (str(m.shape), str(r.shape)) for m, r in pairs)


def _factors(found, pairs):
    factors = [float(f) for f in found[1].split(", ")]
    return all(any(close(m, f * r, 1e-2) for f in factors) for m, r in pairs)


def _only(part):
    return lambda found, pairs: all(near(part(m), part(r)).all() for m, r in pairs)


def _shifted(found, pairs):
    shift = float(found[2]) * (1 if found[1] == "+" else -1)
    return all(close(m, r + shift, 1e-2) for m, r in pairs)


def _rows_off(pairs) -> list[np.ndarray]:
    """Of every failing case, which rows are off."""
    failing = [(m, r) for m, r in pairs if not near(m, r).all()]
    return [~near(m, r).reshape(len(m), -1).all(axis=1) for m, r in failing]


def _up_to(found, pairs):
    start = int(found[1]) + 1
    return all(off[start:].all() and not off[:start].any() for off in _rows_off(pairs))


def _only_rows(found, pairs):
    rows = [int(i) for i in found[1].split(", ")]
    return all(np.flatnonzero(off).tolist() == rows for off in _rows_off(pairs))


def _only_last(_found, pairs):
    return all(off[-1] and not off[:-1].any() for off in _rows_off(pairs))


def _good(found, pairs):
    good = sum(near(m, r).all() for m, r in pairs)
    return (good, len(pairs)) == tuple(map(int, found.groups()))


# What the judge says of the numbers alone, whatever the exercise -> whether it is true.
GENERAL = {
    r"it holds numbers that are NaN": lambda _, pairs: any(np.isnan(m).any() for m, _ in pairs),
    r"it holds numbers that are infinite":
        lambda _, pairs: any(np.isinf(m).any() for m, _ in pairs),
    r"it holds numbers that are NaN and infinite":
        lambda _, pairs: any(np.isnan(m).any() and np.isinf(m).any() for m, _ in pairs),
    r"(?:it has \w+ \w+ ax[ie]s: )?its shape is (\(.*\)), expected (\(.*\))": _one_shape,
    r"it is the transpose of what is expected":
        lambda _, pairs: all(close(m.T, r) for m, r in pairs),
    r"it is zero everywhere": lambda _, pairs: not any(m.any() for m, _ in pairs),
    r"it is (\S+) x expected everywhere": _factors,
    r"it is proportional to what is expected, with a factor that varies \((.*)\)": _factors,
    r"it is what is expected ([+-]) (\S+) everywhere": _shifted,
    r"differs only above the diagonal": _only(np.tril),
    r"differs only below the diagonal": _only(np.triu),
    r"differs only on the diagonal": _only(lambda a: a - np.diag(np.diag(a))),
    r"differs only in the last row": _only_last,
    r"differs only in rows? ([\d, ]+)": _only_rows,
    r"agrees up to row (\d+) .*, off from there on": _up_to,
    r"its values are off": lambda _, pairs: not all(near(m, r).all() for m, r in pairs),
    r"its values are off \(right on (\d+) of (\d+) cases\)": _good,
}  # fmt: skip

"""The judge: each way to be wrong has its own line."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from operator_lab.exercises import TODO, check, find, judge
from operator_lab.judge.facts import everywhere, somewhere

MIXING, EXPONENT, GAUGE = (find(f"mixing.{n}") for n in ("mixing", "exponent", "gauge"))
RIGHT = MIXING.reference


def first_line(answer, exercise=MIXING):
    verdict = judge(exercise, answer)
    assert "\n" not in verdict.line and len(verdict.help) <= 3
    return verdict.line.removeprefix(exercise.name + ": ")


# --- not attempted -----------------------------------------------------------------------------


def raising(error):
    def answer(S, T):
        raise error

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        TODO, ..., lambda S, T: TODO, lambda S, T: ..., lambda S, T: (TODO, TODO),
        lambda S, T: [[TODO, 1.0]], lambda S, T: S / T + TODO, lambda S, T: S @ TODO,
        lambda S, T: np.exp(TODO), lambda S, T: TODO @ S, lambda S, T: TODO.sum(axis=1),
        lambda S, T: -TODO, lambda S, T: torch.exp(TODO), lambda S, T: np.where(S > 0, TODO, 0),
        lambda S, T: TODO(S), lambda S, T: [row for row in TODO],
    ],
)  # fmt: skip
def test_an_answer_with_todo_in_it_is_not_attempted(answer):
    assert first_line(answer) == "not attempted"


def test_todo_shows_itself_and_is_harmless():
    assert repr(TODO) == "TODO" and not hasattr(TODO, "_repr_html_")


# --- the ladder --------------------------------------------------------------------------------


def in_place(S, T):
    A = RIGHT(S, T)
    S -= S.max()
    return A


def resized(S, T):
    A = RIGHT(S, T)
    S.resize((1, S.size), refcheck=False)
    return A


def forgotten_return(S, T):
    RIGHT(S, T)


def yielding(S, T):
    yield RIGHT(S, T)


async def awaiting(S, T):
    return RIGHT(S, T)


def with_nan(S, T):
    A = RIGHT(S, T)
    A[-1, 0] = np.nan
    return A


def hollow(S, T):
    return np.full(S.shape, np.nan)


def divides_by_zero(S, T):
    return 1 / 0


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Trap:
    def __array__(self, *_args, **_kwargs):
        raise SystemExit("out")


LADDER = {
    "None": (forgotten_return, "wrong: it returns None: is the `return` forgotten?"),
    "raises": (divides_by_zero, "wrong: it raises ZeroDivisionError at line "),
    "leaves": (lambda S, T: sys.exit(3), "wrong: it raises SystemExit at line "),
    "interrupts": (raising(KeyboardInterrupt()), "wrong: it raises KeyboardInterrupt at line "),
    "not implemented": (raising(NotImplementedError()), "wrong: it raises NotImplementedErr"),
    "unspeakable": (raising(Unspeakable()), "wrong: it raises Unspeakable at line "),
    "recursion": (lambda S, T: LADDER["recursion"][0](S, T), "wrong: it raises RecursionError"),
    "nested": (lambda S, T: check("mixing.mixing", RIGHT), "wrong: it raises LabError at line "),
    "trap": (lambda S, T: Trap(), "wrong: it raises SystemExit"),
    "text": (lambda S, T: "one", "wrong: it returns a str, where one array belongs"),
    "dict": (lambda S, T: {"A": S}, "wrong: it returns a dict, where one array belongs"),
    "a function": (lambda S, T: RIGHT, "wrong: it returns a function, where one array belongs"),
    "tuple": (lambda S, T: (S, S), "wrong: it returns a tuple of 2 items, where one array"),
    "generator": (yielding, "wrong: it returns a generator: a plain function with `return`"),
    "coroutine": (awaiting, "wrong: it returns a coroutine: a plain function with `return`"),
    "object": (lambda S, T: RIGHT(S, T).astype(object), "wrong: it returns an array of dtype obj"),
    "ragged": (lambda S, T: [[1.0], [1.0, 2.0]], "wrong: it returns a list of 2 items that is no"),
    "NaN": (with_nan, "wrong: it holds numbers that are NaN"),
    "all NaN": (hollow, "wrong: it holds numbers that are NaN"),
    "infinite": (lambda S, T: S + np.inf, "wrong: it holds numbers that are infinite"),
    "NaN first": (lambda S, T: np.full(7, np.nan), "wrong: it holds numbers that are NaN"),
    "shape": (lambda S, T: RIGHT(S, T)[:, :1], "wrong: its shape is (3, 1), expected (3, 3)"),
    "extra axis": (lambda S, T: RIGHT(S, T)[None], "wrong: it has an extra axis: its shape is (1"),
    "too many": (lambda S, T: np.zeros((2, 2, 2)), "wrong: it has too many axes: its shape is ("),
    "number": (lambda S, T: 1.0, "wrong: it has too few axes: its shape is (), expected (3, 3)"),
    "giant": (lambda S, T: np.broadcast_to(0.0, (10**7, 10**7)), "wrong: its shape is (10000000, "),
    "in place": (in_place, "wrong: it changes its argument S in place: work on a copy"),
    "resized": (resized, "wrong: it changes its argument S in place: work on a copy"),
    "complex": (lambda S, T: RIGHT(S, T) + 0j, "wrong: its numbers are complex (complex128), "),
    "bool": (lambda S, T: RIGHT(S, T) > 0, "wrong: it holds True and False, expected numbers"),
    "half": (lambda S, T: np.float16(RIGHT(S, T)), "wrong: its precision is too low (float16)"),
    "truncated": (lambda S, T: RIGHT(S, T).astype(int), "wrong: its rows do not sum to one (0 "),
    "few parameters": (lambda S: S, "wrong: its parameters do not fit: mixing(S, T) is called, "),
    "more parameters": (lambda S, T, N: S, "wrong: its parameters do not fit: mixing(S, T) is c"),
    "an array": (np.eye(3), "wrong: this is no function but of type ndarray: hand over `mixing`"),
    "nothing": (None, "wrong: this is no function but of type NoneType: hand over `mixing` it"),
}


@pytest.mark.parametrize("case", LADDER)
@pytest.mark.filterwarnings("error")
def test_each_rung_has_its_own_line(case):
    answer, line = LADDER[case]
    assert first_line(answer).startswith(line)


def test_the_lines_of_the_ladder_are_distinct():
    shared = {"resized", "NaN first", "all NaN", "trap"}
    lines = [line for case, (_, line) in LADDER.items() if case not in shared]
    assert len(set(lines)) >= len(lines) - 1  # both counts of parameters share their words


def test_an_exception_is_named_with_its_message_and_the_line_of_the_learner():
    verdict = judge(MIXING, divides_by_zero)
    line = divides_by_zero.__code__.co_firstlineno + 1
    assert verdict.reason == f"it raises ZeroDivisionError at line {line}"
    assert "ZeroDivisionError: division by zero" in verdict.help


def test_parameters_are_shown_without_annotations_or_large_defaults():
    large = np.zeros(1000)

    def answer(Q: np.ndarray, K: np.ndarray, tau, table=large) -> np.ndarray:
        return Q

    reason = judge(EXPONENT, answer).reason
    assert "exponent(Q, K, tau=1.0) is called, yours takes (Q, K, tau, table=Ellipsis)" in reason


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (lambda W_Q, W_K, M: M @ W_Q, "it returns a ndarray, where a tuple of 2 arrays belongs"),
        (lambda W_Q, W_K, M: (M @ W_Q, None), "second item: it is None"),
        (lambda W_Q, W_K, M: (M @ W_Q, W_K[:1]), "second item: its shape is (1, 4), expected "),
        (lambda W_Q, W_K, M: (M @ W_Q, W_K * np.nan), "second item: it holds numbers that are N"),
        (lambda W_Q, W_K, M: (M @ W_Q, W_K + 0j), "second item: its numbers are complex"),
        (lambda W_Q, W_K, M: (2 * M @ W_Q, np.linalg.inv(M).T @ W_K), "first item: it is 2 x exp"),
        (lambda W_Q, W_K, M: (M @ W_Q, -np.linalg.inv(M).T @ W_K), "second item: it is -1 x exp"),
    ],
)
def test_the_item_of_a_tuple_is_named(answer, line):
    assert judge(GAUGE, answer).reason.startswith(line)


# --- what is said in general -------------------------------------------------------------------


def pairs(change):
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=(n, n)) for n in (3, 4, 6)]
    return [(change(a.copy()), a) for a in arrays]


def only(part):
    return lambda a: a + part(np.ones(a.shape))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a / np.sqrt(3), "it is 0.577 x expected everywhere"),
        (lambda a: -a, "it is -1 x expected everywhere"),
        (lambda a: a * 1.001, "it is 1.001 x expected everywhere"),
        (lambda a: a * len(a), "it is proportional to what is expected, with a factor that varies "
                               "(3, 4, 6)"),
        (lambda a: 0 * a, "it is zero everywhere"),
        (lambda a: a.T, "it is the transpose of what is expected"),
        (lambda a: a + 1.5, "it is what is expected + 1.5 everywhere"),
        (lambda a: a - 1.5, "it is what is expected - 1.5 everywhere"),
        (lambda a: a + np.arange(a.size).reshape(a.shape), None),
        (lambda a: a + np.nan, None),
    ],
)  # fmt: skip
def test_what_holds_everywhere_is_stated(change, said):
    with np.errstate(all="ignore"):
        assert everywhere(pairs(change)) == said


@pytest.mark.parametrize(
    ("yours", "said"),
    [
        ((2.0, 6.0, 10.0), "it is 2 x expected everywhere"),
        ((1.5, 3.1, 5.2), None),  # each is some multiple of the right one, as numbers are
        ((0.0, 0.0, 0.0), "it is zero everywhere"),
        ((2.0, 4.0, 6.0), "it is what is expected + 1 everywhere"),
    ],
)
def test_of_single_numbers_only_one_factor_for_all_is_stated(yours, said):
    single = [(np.array(y), np.array(e)) for y, e in zip(yours, (1.0, 3.0, 5.0), strict=True)]
    assert everywhere(single) == said


def rows_from_two(a):
    a[2:] += 1
    return a


def row_one(a):
    a[1] += 1
    return a


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (only(lambda o: np.eye(len(o))), "differs only on the diagonal"),
        (only(lambda o: np.triu(o, 1)), "differs only above the diagonal"),
        (only(lambda o: np.tril(o, -1)), "differs only below the diagonal"),
        (rows_from_two, "agrees up to row 1 (rows count from 0), off from there on"),
        (row_one, "differs only in row 1"),
        (only(lambda o: o), None),
    ],
)
def test_where_answers_differ_is_stated(change, said):
    assert somewhere(pairs(change)) == said

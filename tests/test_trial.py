"""How an answer is tried: twice, within bounds, heard, and handed on as something that works."""

from __future__ import annotations

import dataclasses
import sys
import time

import numpy as np
import pytest
import torch

from operator_lab.exercises import Case, Exercise, Law, check, find, judge, mistakes
from operator_lab.judge import ladder, trial

MIXING = find("mixing.mixing")
RIGHT = MIXING.reference


@pytest.fixture
def gentle(monkeypatch):
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "gentle")


def square(x):
    return x * x


def numbers(*sizes):
    return lambda rng: [Case((rng.normal(size=n),), f"{n} numbers") for n in sizes]


SQUARE = Exercise("Squares", square, numbers(3, 4, 5))


# --- once more ---------------------------------------------------------------------------------


def test_a_count_of_calls_does_not_help():
    calls = []

    def counting(x):
        calls.append(None)
        return x * x if len(calls) <= len(SQUARE.draw()) else 0 * x

    reason = judge(SQUARE, counting).reason
    assert reason.startswith("it was right at first, and no longer when called once more")


def test_what_is_kept_from_the_call_before_shows():
    last = {}

    def stale(x):  # right in the order of the first round: each length follows its predecessor
        before = last.get("n", 5)
        last["n"] = len(x)
        return x * x * (1.0 if (before, len(x)) in ((3, 4), (4, 5), (5, 3)) else 2.0)

    verdict = judge(SQUARE, stale)
    assert "called once more" in verdict.reason and verdict.help[1].startswith("This time: its val")


def test_an_argument_spoiled_in_the_last_call_only_is_noticed():
    calls = []

    def spoiling(x):
        calls.append(None)
        answer = x * x
        if len(calls) > len(SQUARE.draw()):
            x += 1
        return answer

    assert "This time: it changes its argument x" in judge(SQUARE, spoiling).help[1]


# --- what goes on ------------------------------------------------------------------------------


def only_tensors(S, T):
    past = torch.ones_like(S).tril().bool()
    return (S / T).masked_fill(~past, -torch.inf).softmax(dim=-1)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "answer",
    [only_tensors, lambda S, T: torch.tensor(RIGHT(S, T)), lambda S, T: RIGHT(S, T).tolist(),
     lambda S, T: np.matrix(RIGHT(S, T))],
)  # fmt: skip
def test_a_notebook_goes_on_with_numpy_whatever_the_answer_speaks(answer, gentle, capsys):
    going_on = check("mixing.mixing", answer)
    assert "your own function, wrapped" in capsys.readouterr().out
    S = np.random.default_rng(0).normal(size=(4, 4))
    A = going_on(S, T=0.7)
    assert type(A) is np.ndarray
    np.testing.assert_allclose(A, RIGHT(S, 0.7), atol=1e-6)
    assert check("mixing.mixing", going_on) is going_on  # and passes again


def test_a_wrapped_answer_still_takes_tensors(gentle, capsys):
    going_on = check("mixing.mixing", only_tensors)
    assert isinstance(going_on(torch.eye(3), 1.0), torch.Tensor)


def test_an_answer_in_numpy_goes_on_as_it_is(gentle, capsys):
    def own(W_Q, W_K, M):
        return [M @ W_Q, np.linalg.solve(M.T, W_K)]

    assert check("mixing.gauge", own) is own


def doubled(x):
    return torch.mul(x, 2)


LYING = {
    "backwards": np.arange(6.0)[::-1],
    "backwards twice": np.arange(6.0).reshape(2, 3)[::-1, ::-1],
    "every other": np.arange(12.0).reshape(3, 4)[:, ::2],
    "broadcast": np.broadcast_to(np.arange(3.0), (4, 3)),
    "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "foreign bytes": np.arange(3.0).astype(">f8"),
    "foreign bytes, single": np.arange(3.0).astype(">f4"),
    "foreign integers": np.arange(3).astype(">i4")[::-1],
    "unsigned": np.arange(3, dtype=np.uint16),
    "complex": np.arange(3)[::-1] * 1j,
    "a number": np.array(3.0),
    "empty": np.zeros((0, 3))[:, ::-1],
}
for held in LYING.values():
    held.flags.writeable = False


@pytest.mark.parametrize("given", LYING.values(), ids=LYING)
def test_an_array_may_lie_in_memory_as_it_likes(given, gentle, capsys):
    exercise = Exercise("Twice", lambda x: 2 * x, lambda rng: [Case((given,), "an array")])
    real = given.dtype.kind != "c"
    for answer in (doubled, lambda x: 2 * x):
        # no answer is complex: the judge says so, and neither stumbles nor waits
        seen = judge(dataclasses.replace(exercise, seconds=60.0), answer)
        assert seen.passed == real, seen.line
        assert real or "complex" in seen.reason
    if real:
        going_on = check(exercise, doubled)
        np.testing.assert_allclose(going_on(given), 2 * given)


def test_true_and_false_stay_so_for_torch():
    mask = np.array([True, False, True])[::-1]
    exercise = Exercise(
        "Where", lambda keep, x: np.where(keep, x, 0), lambda rng: [Case((mask, np.ones(3)), "")]
    )
    assert judge(exercise, lambda keep, x: x.masked_fill(~keep, 0)).passed


def test_a_fault_of_the_judge_itself_is_raised_and_never_waited_for():
    def unable(array):
        raise ZeroDivisionError("no argument can be made")

    with pytest.raises(ZeroDivisionError):
        trial.attempt(square, SQUARE.draw(), 1, 600.0, unable)


# --- bounds ------------------------------------------------------------------------------------


def test_out_of_time_says_how_much_was_done():
    def slow(x):
        time.sleep(0.0 if len(x) < 5 else 10.0)
        return x * x

    verdict = judge(dataclasses.replace(SQUARE, seconds=0.3), slow)
    assert verdict.reason == (
        "it did not finish within 0.3 seconds: 2 of 6 trials did; it is slow, or a loop has no end"
    )
    assert verdict.help == ("It was busy with 5 numbers.",)


def test_out_of_memory_is_said_so():
    def endless(x):
        kept = []
        while True:
            kept.append(np.zeros((1000, 100_000)))  # nothing of it is ever touched

    if sys.platform != "linux":

        def endless(x):
            raise MemoryError

    verdict = judge(dataclasses.replace(SQUARE, seconds=60), endless)
    assert verdict.reason.startswith("it asks for more memory than there is at line ")
    assert judge(SQUARE, square).passed  # the bound is gone, and was never in the way


# --- what is printed ---------------------------------------------------------------------------


def test_the_first_lines_that_are_printed_are_shown(gentle, capsys):
    def talking(S, T):
        print("the size is", len(S))
        print("x" * 1000)
        print("", end="")
        for _ in range(100):
            print("more")
        return S

    check("mixing.mixing", talking)
    said = capsys.readouterr().out.splitlines()
    at = said.index("  It printed (the first lines):")
    assert said[at + 1] == "  the size is 3" and said[at + 3 : at + 5] == ["  more", "  ..."]
    assert max(map(len, said[at:])) <= 110


# --- a reporter that stumbles ------------------------------------------------------------------


def stumbling(args, answer, slack):
    raise np.linalg.LinAlgError("no convergence")


def test_a_law_that_stumbles_takes_no_verdict_away():
    strange = dataclasses.replace(SQUARE, laws=(Law("stumbles", stumbling),))
    assert judge(strange, square).passed
    assert judge(strange, lambda x: 2 * x * x).reason == "it is 2 x expected everywhere"
    assert judge(strange, lambda x: x * x + x).reason.startswith("its values are off")


def test_whatever_stumbles_the_fault_is_said(monkeypatch):
    monkeypatch.setattr("operator_lab.judge.verdict.everywhere", stumbling)
    monkeypatch.setattr("operator_lab.judge.verdict.somewhere", stumbling)
    wrong = mistakes(square, "named: said\n    x * x => no_such_name")
    verdict = judge(dataclasses.replace(SQUARE, wrong=wrong), lambda x: 3 * x)
    assert verdict.status == "wrong" and verdict.reason.startswith("its values are off")
    assert ladder.quietly(stumbling, 1, 2, 3) is None


class Unwrappable:
    """A callable that lies about what it wraps."""

    @property
    def __wrapped__(self):
        raise RuntimeError("no way in")

    def __call__(self, x):
        raise ValueError("inside")


def test_an_error_in_a_strange_callable_is_still_named():
    assert judge(SQUARE, Unwrappable()).reason.startswith("it raises ValueError")


# --- true of every failing case, or said of one --------------------------------------------------


def test_a_statement_about_rows_holds_on_every_failing_case():
    exercise = Exercise("Twice", twice := (lambda x: 2 * x), numbers(3, 4, 5))

    def one_row(x):
        y = twice(x)
        y[len(x) - 2] += 1  # row 1 of three, row 2 of four, row 3 of five
        return y

    assert judge(exercise, one_row).reason == "its values are off (right on 0 of 6 cases)"
    assert judge(exercise, lambda x: np.append(2 * x[:-1], 9)).reason == (
        "differs only in the last row"
    )


def test_a_law_that_not_every_failing_case_breaks_is_said_of_one_case():
    def even(args, answer, slack):
        return f"its sum is {answer.sum():.6g}" if len(answer) == 4 else None

    exercise = Exercise("Twice", lambda x: 2 * x, numbers(4, 3), laws=(Law("even", even),))
    assert judge(exercise, lambda x: x**3).reason.endswith(" (with 4 numbers)")


def test_a_shape_that_is_wrong_now_and_then_is_said_of_one_case():
    verdict = judge(SQUARE, lambda x: (x * x)[:3])
    assert verdict.reason == "its shape is (3,), expected (4,)" + " (with 4 numbers)"

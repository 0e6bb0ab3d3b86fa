"""The judge: each way to be wrong has its own line, and nothing an answer does gets out."""

from __future__ import annotations

import _thread
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import operator_lab
from operator_lab.errors import LabError
from operator_lab.exercises import (
    TODO,
    CheckFailed,
    check,
    find,
    hint,
    judge,
    names,
    solution,
    table,
)  # fmt: skip
from operator_lab.judge.facts import everywhere, somewhere
from operator_lab.judge.strict import strict

MIXING, EXPONENT, GAUGE = (find(f"mixing.{n}") for n in ("mixing", "exponent", "gauge"))
RIGHT = MIXING.reference


@pytest.fixture
def gentle(monkeypatch):
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "gentle")


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


# --- an answer does not get out ----------------------------------------------------------------


def trials_end():
    """Whether no call goes on: given a moment, for a thread that is just being left."""
    for _ in range(200):
        if not [t for t in threading.enumerate() if t.name == "operator-lab trial"]:
            return True
        time.sleep(0.01)
    return False


def test_an_endless_loop_gets_its_line_and_its_thread_ends():
    def endless(S, T):
        while True:
            pass

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), endless)
    assert verdict.reason.startswith("it did not finish within 0.3 seconds")
    assert trials_end()


def test_a_loop_that_catches_everything_is_left_behind():
    stop = threading.Event()

    def stubborn(S, T):
        while not stop.is_set():
            try:
                while not stop.is_set():
                    pass
            except BaseException:
                continue

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), stubborn)
    stop.set()
    assert verdict.reason.startswith("it did not finish within")


def test_a_call_that_waits_is_left_behind():
    stop = threading.Event()
    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), lambda S, T: stop.wait())
    stop.set()
    assert verdict.reason.startswith("it did not finish within")


def test_a_loop_that_is_endless_on_a_later_probe_only():
    def late(S, T):
        while len(S) > 3:
            time.sleep(0.001)
        return RIGHT(S, T)

    verdict = judge(dataclasses.replace(MIXING, seconds=0.3), late)
    assert verdict.reason.startswith("it did not finish within")


def test_an_interrupt_from_outside_ends_the_trial():
    def endless(S, T):
        while True:
            pass

    # As in a learner's kernel; a test run started in the background is born deaf to interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(dataclasses.replace(MIXING, seconds=60), endless)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert trials_end()


def test_an_answer_leaves_no_trace(capfd):
    def loud(S, T):
        print("x" * 10_000_000)
        print("y", file=sys.stderr)
        warnings.warn("look here", stacklevel=1)
        np.random.seed(1)
        torch.manual_seed(1)
        np.seterr(divide="raise")
        return RIGHT(S, T)

    np.random.seed(5)
    torch.manual_seed(5)
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(5)
    torch.manual_seed(5)
    before = np.geterr()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert judge(MIXING, loud).passed
    assert (np.random.random(), float(torch.rand(1))) == expected
    assert np.geterr() == before and not seen
    assert capfd.readouterr() == ("", "")


def test_probes_are_not_spoiled_by_an_answer_that_keeps_its_array():
    buffer = {}

    def reused(S, T):
        out = buffer.setdefault(S.shape, np.empty(S.shape))
        out[:] = RIGHT(S, T)
        return out

    assert judge(MIXING, reused).passed


def test_an_answer_that_rebinds_what_the_reference_uses_is_judged_by_the_right_numbers():
    exp = np.exp

    def rebinding(S, T):
        np.exp = np.zeros_like
        return np.tril(np.ones(S.shape)) / np.arange(1, len(S) + 1)[:, None]

    try:
        verdict = judge(MIXING, rebinding)
    finally:
        np.exp = exp
    assert verdict.status == "wrong"
    assert np.isfinite(float(verdict.help[1].split("expected ")[1].rstrip(".")))


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


# --- check, hint, solution ---------------------------------------------------------------------


def test_a_gentle_check_says_which_function_goes_on(gentle, capsys):
    def own(S, T):
        return RIGHT(S, T)

    assert check("mixing.mixing", own) is own
    passed = capsys.readouterr().out.splitlines()
    assert passed[0] == "mixing.mixing: passed" and "your own" in passed[-1]
    assert check("mixing.mixing", lambda S, T: TODO) is RIGHT
    untouched = capsys.readouterr().out.splitlines()
    assert untouched[0] == "mixing.mixing: not attempted" and "reference" in untouched[-1]
    assert check("mixing.mixing", lambda S, T: S) is RIGHT
    wrong = capsys.readouterr().out.splitlines()
    assert wrong[0].startswith("mixing.mixing: wrong: ") and "reference" in wrong[-1]
    assert len(wrong) <= 5


def test_passing_twice_changes_nothing(gentle, capsys):
    def own(S, T):
        return RIGHT(S, T)

    once = check("mixing.mixing", own)
    said = capsys.readouterr().out
    assert check("mixing.mixing", once) is own and capsys.readouterr().out == said


def test_the_reference_that_check_returned_passes_and_is_called_so(gentle, capsys):
    returned = check("mixing.mixing", lambda S, T: S)
    capsys.readouterr()
    assert check("mixing.mixing", returned) is returned
    said = capsys.readouterr().out
    assert said.startswith("mixing.mixing: passed\n") and "This is the reference" in said


def test_the_first_line_is_the_same_in_another_process(gentle):
    code = (
        "import numpy as np, operator_lab as lab\n"
        "lab.check('mixing.exponent', lambda Q, K, tau=1.0: Q @ K.T / 3)\n"
        "lab.check('mixing.mixing', lambda S, T: np.tril(S))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    lines = runs.pop().splitlines()
    assert not runs
    assert lines[0].startswith("mixing.exponent: wrong: it is proportional to what is expected")
    assert "mixing.mixing: wrong: its rows do not sum to one" in "\n".join(lines)


def test_checking_numpy_answers_does_not_load_torch():
    code = (
        "import sys, operator_lab as lab\n"
        "lab.check('mixing.mixing', lambda S, T: S.no_such())\n"
        "print([m for m in ('torch', 'matplotlib', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
        encoding="utf-8", check=True, env={**os.environ, "OPERATOR_LAB_CHECKS": "gentle"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_name_gets_one_sentence_with_names_nearby():
    for call in (lambda n: check(n, RIGHT), hint, solution):
        with pytest.raises(LabError, match=r"is not one of the \d+ .*'mixing.mixing'"):
            call("mixing.mixin")


def test_hints_lead_on_to_the_solution(capsys):
    for level, more in ((1, 'lab.hint("mixing.gauge", 2)'), (3, 'lab.solution("mixing.gauge")')):
        hint("mixing.gauge", level)
        said = capsys.readouterr().out
        assert GAUGE.hints[level - 1] in said and more in said
    hint("mixing.gauge")
    assert GAUGE.hints[0] in capsys.readouterr().out
    for level in (0, 4, -1):
        with pytest.raises(LabError, match="ask for 1 to 3"):
            hint("mixing.gauge", level)


@pytest.mark.parametrize("name", names())
def test_a_printed_solution_is_a_right_answer(name, capsys):
    scope = {"np": np, "mixing": RIGHT}
    solution(name)
    exec(capsys.readouterr().out, scope)
    assert judge(find(name), scope[name.split(".")[1]]).passed


def test_finding_one_exercise_imports_no_other():
    code = (
        "import sys; from operator_lab.exercises import find, names\n"
        "names(); find('mixing.gauge')\n"
        "print([m for m in sys.modules if m.startswith('operator_lab.exercises.mixing.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "['operator_lab.exercises.mixing.gauge']"


def test_the_table_lists_every_exercise():
    assert [row.name for row in table()] == list(names())
    assert all(row.minutes > 0 and row.level in ("core", "stretch") for row in table())


# --- strict ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False), ({"PYTEST_VERSION": "9"}, True), ({"OPERATOR_LAB_CHECKS": "strict"}, True),
        ({"OPERATOR_LAB_CHECKS": "gentle", "PYTEST_VERSION": "9"}, False),
        ({"OPERATOR_LAB_CHECKS": " Strict "}, True), ({"OPERATOR_LAB_CHECKS": ""}, False),
    ],
)  # fmt: skip
def test_strict_is_asked_for_or_exactly_under_pytest(environment, expected):
    assert strict(environment) is expected


def test_another_word_for_strictness_is_refused():
    with pytest.raises(LabError, match="'severe'; set it to 'strict' or 'gentle'"):
        strict({"OPERATOR_LAB_CHECKS": "severe"})


def test_a_strict_check_outside_ipython_raises_its_one_line(capsys):
    with pytest.raises(CheckFailed) as failed:
        check("mixing.mixing", lambda S, T: TODO)
    assert str(failed.value) == "mixing.mixing: not attempted"
    assert isinstance(failed.value, ValueError) and capsys.readouterr().out == ""


ROOT = Path(operator_lab.__file__).resolve().parent.parent

CELLS = (
    "import numpy as np\nimport operator_lab as lab",
    'exponent = lab.check("mixing.exponent", lambda Q, K, tau=1.0: lab.TODO)',
    "exponent(np.eye(2), np.eye(2)).shape",
    "def mixing(S, T):\n    return 1 / 0",
    'mixing = lab.check("mixing.mixing", mixing)',
    "assert abs(mixing(np.eye(3), 1.0).sum() - 3) < 1e-12",
    'gauge = lab.check("mixing.gauge", lambda W_Q, W_K, M: (M @ W_Q, np.linalg.solve(M.T, W_K)))',
)


def run_notebook(folder: Path, mode: str | None) -> subprocess.CompletedProcess:
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [],
         "source": source}
        for i, source in enumerate(CELLS)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "unsolved.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "OPERATOR"))}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    if mode:
        environment["OPERATOR_LAB_CHECKS"] = mode
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", str(path), "-v",
         "--rootdir", str(folder), "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_under_nbval_an_unpassed_check_fails_its_cell_and_only_it(tmp_path):
    done = run_notebook(tmp_path, None)
    failed = [i for i in range(len(CELLS)) if f"::Cell {i} FAILED" in done.stdout]
    assert failed == [1, 4], done.stdout
    assert "5 passed" in done.stdout or "2 failed, 5 passed" in done.stdout
    lines = done.stdout.splitlines()
    assert "mixing.exponent: not attempted" in lines
    assert "mixing.mixing: wrong: it raises ZeroDivisionError at line 2" in lines


def test_a_gentle_notebook_runs_to_its_end_under_nbval(tmp_path):
    done = run_notebook(tmp_path, "gentle")
    assert f"{len(CELLS)} passed" in done.stdout, done.stdout

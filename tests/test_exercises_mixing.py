"""The exercises of notebook 03: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from operator_lab.exercises import Exercise, Wrong, find, judge, names
from operator_lab.exercises.exercise import LEVELS
from operator_lab.exercises.outcome import observe

ALL = [find(name) for name in names()]
RIGHT = [(e, f) for e in ALL for f in (e.reference, *e.alternatives)]
WRONG = [(e, w) for e in ALL for w in e.wrong]


def title(value: object) -> str | None:
    return value.name if isinstance(value, (Exercise, Wrong)) else None


def mapped(answer, change):
    return tuple(map(change, answer)) if isinstance(answer, (tuple, list)) else change(answer)


def giving(function, change, parts):
    """The same answer in another form: `change` is applied to each array it returns."""

    def changed(*args):
        answer = function(*args)
        return mapped(answer, change) if parts > 1 else change(np.array(answer))

    return changed


FORMS = {
    "float32": lambda a: np.asarray(a, dtype=np.float32),
    "lists": lambda a: np.asarray(a).tolist(),
    "torch float64": lambda a: torch.tensor(np.asarray(a)),
    "torch float32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
    "torch with gradient": lambda a: torch.tensor(np.asarray(a), requires_grad=True),
}


def test_the_four_exercises_are_there():
    assert names() == ("mixing.exponent", "mixing.mixing", "mixing.update", "mixing.gauge")


@pytest.mark.parametrize("exercise", ALL, ids=title)
def test_an_exercise_is_complete(exercise):
    assert len(exercise.alternatives) >= 2 and len(exercise.wrong) >= 4 and exercise.laws
    assert len(exercise.hints) == 3 and exercise.minutes > 0 and exercise.level in LEVELS
    assert len({w.message for w in exercise.wrong}) == len(exercise.wrong)
    assert all("\n" not in w.message for w in exercise.wrong)
    assert exercise.reference.__name__ == exercise.name.split(".")[1]


@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=title)
def test_a_right_answer_passes(exercise, function):
    verdict = judge(exercise, function)
    assert verdict.passed, verdict.line


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=title)
def test_a_right_answer_passes_in_any_form(exercise, function, form):
    verdict = judge(exercise, giving(function, FORMS[form], exercise.parts))
    assert verdict.passed, verdict.line


@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=title)
def test_a_right_answer_computed_in_float32_passes(exercise, function):
    def single(*args):
        return function(*(np.float32(a) if isinstance(a, np.ndarray) else a for a in args))

    verdict = judge(exercise, single)
    assert verdict.passed, verdict.line


@pytest.mark.parametrize("form", [None, "float32", "lists", "torch float32"])
@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=title)
def test_a_wrong_answer_is_told_its_own_reason(exercise, wrong, form):
    change = FORMS[form] if form else np.array
    verdict = judge(exercise, giving(wrong.function, change, exercise.parts))
    assert (verdict.status, verdict.reason) == ("wrong", wrong.message)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=title)
def test_an_unknown_wrong_answer_is_told_only_what_is_true(exercise, wrong):
    others = tuple(w for w in exercise.wrong if w is not wrong)
    verdict = judge(dataclasses.replace(exercise, wrong=others), wrong.function)
    assert verdict.status == "wrong"
    assert verdict.reason not in {w.message for w in others}
    assert is_true(verdict.reason, exercise, wrong.function), verdict.reason


@pytest.mark.parametrize("exercise", ALL, ids=title)
def test_two_mistakes_that_cannot_be_told_apart_are_not_named(exercise):
    first = exercise.wrong[0]
    twin = dataclasses.replace(first, message="another story")
    verdict = judge(dataclasses.replace(exercise, wrong=(first, twin)), first.function)
    assert verdict.status == "wrong" and verdict.reason not in (first.message, twin.message)


def is_true(said: str, exercise: Exercise, function) -> bool:
    """Compute a general statement again, in another way, from the answers themselves."""
    item = 1 if said.startswith("second item: ") else 0
    said = re.sub(r"^(first|second) item: ", "", said)
    probes = exercise.draw()
    with np.errstate(all="ignore"):
        outcomes = [observe(function, p, exercise.parts) for p in probes]
    if said.startswith("it raises "):
        return any(o.kind == "raised" and said.startswith(f"it raises {o.error}") for o in outcomes)
    mine = [o.items[item] for o in outcomes if o.returned]
    right = [observe(exercise.reference, p, exercise.parts).items[item] for p in probes]
    pairs = list(zip(mine, right, strict=True))
    if said == "it holds numbers that are NaN":
        return any(np.isnan(m).any() for m in mine)
    if found := re.fullmatch(r"its shape is (\(.*\)), expected (\(.*\))", said):
        return any(found.groups() == (str(m.shape), str(r.shape)) for m, r in pairs)
    if said == "it is the transpose of what is expected":
        return all(np.allclose(m.T, r) for m, r in pairs)
    if found := re.fullmatch(r"it is (\S+) x expected everywhere", said):
        return all(np.allclose(m, float(found[1]) * r, rtol=1e-2) for m, r in pairs)
    if found := re.search(r"with a factor that varies \((.*)\)", said):
        factors = [float(f) for f in found[1].split(", ")]
        return all(
            any(np.allclose(m, f * r, rtol=1e-2, atol=1e-12) for f in factors) for m, r in pairs
        )
    if said.startswith("differs only above the diagonal"):
        return all(np.allclose(np.tril(m), np.tril(r)) for m, r in pairs)
    if found := re.fullmatch(r"its rows do not sum to one \((\S+) \.\.\. (\S+)\)", said):
        ends = [(m.sum(1).min(), m.sum(1).max()) for m in mine]
        return any(np.allclose(e, [float(g) for g in found.groups()], rtol=1e-2) for e in ends)
    if said.startswith("it gives weight to keys that come later"):
        return any(np.triu(m, 1).any() for m in mine)
    if said.startswith("its row 0 is off"):
        return any(
            not np.allclose(m[0], p.args[0][0] + p.args[3] @ p.args[0][0])
            for m, p in zip(mine, probes, strict=True)
        )
    if said.startswith("its sum over all pairs"):
        return any(not np.isclose(m.sum(), r.sum()) for m, r in pairs)
    if said == "its first item is not M W_Q":
        return any(
            o.returned and not np.allclose(o.items[0], p.args[2] @ p.args[0])
            for o, p in zip(outcomes, probes, strict=True)
        )
    if found := re.fullmatch(r"the overlaps change: W_Q\^T W_K moves by (\S+) of its size", said):
        changes = []
        for o, p in zip(outcomes, probes, strict=True):
            before = p.args[0].T @ p.args[1]
            after = o.items[0].T @ o.items[1]
            changes.append(np.linalg.norm(after - before) / np.linalg.norm(before))
        return any(np.isclose(float(found[1]), c, rtol=1e-2) for c in changes)
    if found := re.fullmatch(r"agrees up to row (\d+) .*, off from there on", said):
        row = int(found[1]) + 1
        m, r = next((m, r) for m, r in pairs if not np.allclose(m, r, atol=1e-6))
        good = np.isclose(m, r, atol=1e-6).all(axis=1)
        return good[:row].all() and not good[row:].any()
    if found := re.fullmatch(r"its values are off \(right on (\d+) of (\d+) probes\)", said):
        good = sum(np.allclose(m, r, atol=1e-6) for m, r in pairs)
        return (good, len(pairs)) == tuple(map(int, found.groups()))
    raise AssertionError(f"a statement this test cannot compute: {said}")


# --- answers written for torch -----------------------------------------------------------------


def exponent_torch(Q, K, tau=1.0):
    return torch.matmul(Q, K.mT) / (tau * Q.size(-1) ** 0.5)


def mixing_torch(S, T):
    later = torch.triu(torch.ones(S.shape, dtype=torch.bool), diagonal=1)
    return (S / T).masked_fill(later, float("-inf")).softmax(dim=-1)


def mixing_torch_single(S, T):
    # ones(...) is float32: works on tensors of that precision only.
    mask = torch.tril(torch.ones(len(S), len(S)))
    z = (S / T).masked_fill(mask == 0, -1e9)
    return torch.softmax(z, dim=-1) @ torch.eye(len(S))


def update_torch(x, W_Q, W_K, W_V, tau=1.0):
    q, k, v = (torch.nn.functional.linear(x, W) for W in (W_Q, W_K, W_V))
    return x + mixing_torch(q @ k.T, tau * W_Q.shape[0] ** 0.5) @ v


def gauge_torch(W_Q, W_K, M):
    return torch.matmul(M, W_Q), torch.linalg.solve(M.T, W_K)


@pytest.mark.parametrize(
    ("name", "function"),
    [("mixing.exponent", exponent_torch), ("mixing.mixing", mixing_torch),
     ("mixing.mixing", mixing_torch_single), ("mixing.update", update_torch),
     ("mixing.gauge", gauge_torch)],
)  # fmt: skip
def test_an_answer_written_for_torch_passes(name, function):
    verdict = judge(find(name), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def no_mask(S, T):
        return torch.softmax(S / T, dim=-1)

    def untransposed(x, W_Q, W_K, W_V, tau=1.0):
        S = torch.matmul(x, W_Q) @ torch.matmul(x, W_K).T
        return x + mixing_torch(S, tau * len(W_Q) ** 0.5) @ (x @ W_V.T)

    assert "sees the future" in judge(find("mixing.mixing"), no_mask).reason
    assert "W_Q and W_K are not transposed" in judge(find("mixing.update"), untransposed).reason


def test_an_error_in_torch_code_is_the_one_reported():
    def broken(S, T):
        return torch.softmax(S / T, dim=-1).no_such_method()

    verdict = judge(find("mixing.mixing"), broken)
    assert "AttributeError" in verdict.reason and "no_such_method" in verdict.help[1]


# --- what the statements say beyond the probes -------------------------------------------------


def test_masking_after_the_softmax_passes_with_a_remark():
    mixing = find("mixing.mixing")
    after = mixing.alternatives[3]
    assert "0/0 is NaN" in judge(mixing, after).help[0]
    assert judge(mixing, mixing.reference).help == ()


@given(st.integers(1, 7), st.floats(-12, 6), st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
def test_right_answers_agree_at_any_temperature(N, power, offset, seed):
    mixing = find("mixing.mixing")
    S = np.random.default_rng(seed).normal(size=(N, N)) + offset
    A = mixing.reference(S, 10.0**power)
    assert np.isfinite(A).all() and np.allclose(A.sum(axis=1), 1) and not np.triu(A, 1).any()
    loop = mixing.alternatives[-1]
    np.testing.assert_allclose(A, loop(S, 10.0**power), atol=1e-12)


@settings(max_examples=40)
@given(st.sampled_from(ALL), st.integers(0, 10**6), st.floats(0.01, 10))
def test_one_wrong_number_is_never_let_through_nor_named(exercise, place, size):
    def spoiled(*args):
        answer = exercise.reference(*args)
        first = answer[0] if exercise.parts > 1 else answer
        first.flat[place % first.size] += size * max(1.0, np.abs(first).max())
        return answer

    verdict = judge(exercise, spoiled)
    assert verdict.status == "wrong"
    # With a single number to spoil, a known mistake may happen to be the truth.
    assert verdict.reason not in {w.message for w in exercise.wrong}


@settings(max_examples=40)
@given(st.sampled_from([e for e in ALL if e.parts == 1]), st.floats(0.01, 50))
def test_a_factor_is_stated(exercise, factor):
    if abs(factor - 1) < 1e-2:
        factor = 2.0
    unknowing = dataclasses.replace(exercise, wrong=())
    verdict = judge(unknowing, lambda *args: factor * exercise.reference(*args))
    stated = re.fullmatch(r"it is (\S+) x expected everywhere", verdict.reason)
    assert stated and float(stated[1]) == pytest.approx(factor, rel=1e-2)

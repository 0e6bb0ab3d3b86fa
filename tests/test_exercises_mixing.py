"""The exercises of notebook 03: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, others
from hypothesis import given
from hypothesis import strategies as st

from operator_lab.exercises import find, judge


def rows_off(found, args, answer, right):
    ends = answer[0].sum(1).min(), answer[0].sum(1).max()
    return close(ends, [float(g) for g in found.groups()], rtol=1e-2)


def overlaps_off(found, args, answer, right):
    before, after = args[0].T @ args[1], answer[0].T @ answer[1]
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    return np.isclose(float(found[1]), change, rtol=1e-2)


def mixes_otherwise(found, args, answer, right):
    S, A = args
    T = float(answer[0])
    mine = np.array([np.exp((S[i, : i + 1] - S[i, : i + 1].max()) / T) for i in [len(S) - 1]][0])
    last = np.abs(mine / mine.sum() - A[-1]).max()
    return close(float(found[1]), T, 1e-2) and last <= float(found[2]) * 1.01 + 1e-9


class TestMixing(ExerciseLaws):
    stem = "mixing"
    said = {
        r"it is (\S+): a temperature is positive": lambda found, args, a, r: not a[0] > 0,
        r"at T = (\S+) the scores mix otherwise, by up to (\S+)": mixes_otherwise,
        r"its sum over all pairs .*": lambda _, args, a, r: not close(a[0].sum(), r[0].sum()),
        r"its rows do not sum to one \((\S+) \.\.\. (\S+)\)": rows_off,
        r"it gives weight to keys that come later .*": lambda _, args, a, r: np.triu(a[0], 1).any(),
        r"some of its weights are negative \(down to (\S+)\)":
            lambda found, args, a, r: np.isclose(a[0].min(), float(found[1]), rtol=1e-2),
        r"its row 0 is off, .*":
            lambda _, args, a, r: not close(a[0][0], args[0][0] + args[3] @ args[0][0]),
        r"its first item is not M W_Q":
            lambda _, args, a, r: not close(a[0], args[2] @ args[0]),
        r"the overlaps change: W_Q\^T W_K moves by (\S+) of its size": overlaps_off,
    }  # fmt: skip


# --- answers written for torch -----------------------------------------------------------------


def exponent_torch(Q, K, tau=1.0):
    return torch.matmul(Q, K.mT) / (tau * Q.size(-1) ** 0.5)


def mixing_torch(S, T):
    later = torch.triu(torch.ones(S.shape, dtype=torch.bool), diagonal=1)
    return (S / T).masked_fill(later, float("-inf")).softmax(dim=-1)


def mixing_torch_single(S, T):
    # ones(...) is float32: works on tensors of that precision only.
    mask = torch.tril(torch.ones(len(S), len(S)))
    z = (S / T).masked_fill(mask == 0, -torch.inf)
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
    assert "it raises RuntimeError" in judge(find("mixing.update"), untransposed).reason  # d_k < d


def test_an_error_in_torch_code_is_the_one_reported():
    def broken(S, T):
        return torch.softmax(S / T, dim=-1).no_such_method()

    verdict = judge(find("mixing.mixing"), broken)
    assert "AttributeError" in verdict.reason and "no_such_method" in verdict.help[1]


# --- what the statements say beyond the probes -------------------------------------------------


@given(st.integers(1, 7), st.floats(-12, 6), st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
def test_right_answers_agree_at_any_temperature(N, power, offset, seed):
    mixing = find("mixing.mixing")
    S = np.random.default_rng(seed).normal(size=(N, N)) + offset
    A = mixing.reference(S, 10.0**power)
    assert np.isfinite(A).all() and close(A.sum(axis=1), 1) and not np.triu(A, 1).any()
    loop = others(mixing)[-1]
    np.testing.assert_allclose(A, loop(S, 10.0**power), atol=1e-12)

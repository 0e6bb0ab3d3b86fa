"""The exercises of notebook 12: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

import operator_lab as lab
from operator_lab import mixing
from operator_lab.exercises import find, judge

grouped, gated, trap, damping = references("pretrained", "grouped", "gated", "trap", "damping")


def silu(g):
    return g / (1 + np.exp(-g))


def groups_do_not_add(found, args, answer, right):
    Q, K = args
    size = len(Q) // len(K)
    for i, keys in enumerate(K):
        heads = range(i * size, (i + 1) * size)
        if not close(sum(answer[0][h] for h in heads), sum(Q[h] for h in heads) @ keys.T):
            return True
    return False


def writes_otherwise(found, args, answer, right):
    n, W_3, W_1, W_2, _ = args
    return not close(answer[0] @ n, W_2 @ (silu(W_3 @ n) * (W_1 @ n)))


def out_of_reach(found, args, answer, right):
    W_2 = args[3]
    both = np.linalg.matrix_rank(np.concatenate([W_2, answer[0]], axis=1), tol=1e-6)
    return both > np.linalg.matrix_rank(W_2)


def no_share(found, args, answer, right):
    return answer[0].min() < 0 or answer[0].max() > 1


def symmetric_has_some(found, args, answer, right):
    even = [close(s, s.T) for s in args[0]]
    return any(abs(a) > 1e-6 for a, e in zip(answer[0], even, strict=True) if e)


def antisymmetric_is_not_one(found, args, answer, right):
    odd = [close(s + s.T, 2 * s.mean()) for s in args[0]]
    return any(abs(a - 1) > 1e-6 for a, o in zip(answer[0], odd, strict=True) if o)


def something_at_zero(found, args, answer, right):
    return any(a != 0 for a, x in zip(answer[0], args[0], strict=True) if not x.any())


def nearer_by_another(found, args, answer, right):
    """By the interactions given back instead of the mixing, and the logits of the runs."""
    model, text, word, other, layer, head = args
    words, run, far = [model.language.index(w) for w in (word, other)], model.run(text), []
    for later, h in (answer[0].astype(int), right[0]):

        def back(S, later=later, h=h):
            S[h] = run.interaction[later, h]
            return S

        edits = lab.edits.silence(model, layer, [head], position=-1)
        edits |= {("interaction", int(later)): back}
        one, two = (r.logits[-1, words] for r in (model.run(text, edits), run))
        far.append(abs(np.diff(one - two)[0]))
    return close([float(g) for g in found.groups()], far, rtol=1e-2) and far[0] > far[1]


def no_later_head(found, args, answer, right):
    shape, layer = args[0].shape, args[4]
    heads = [[i, h] for i in range(layer + 1, shape.layers) for h in range(shape.heads)]
    return answer[0].tolist() not in heads


class TestPretrained(ExerciseLaws):
    stem = "pretrained"
    said = {
        r"it names no later head: .*": no_later_head,
        r"with the looks of its head given back the difference stays (\S+) away .* (\S+)":
            nearer_by_another,
        r"the maps of the heads that share keys do not add up .*": groups_do_not_add,
        r"V n is not what the MLP writes, .*": writes_otherwise,
        r"it writes where W_2 cannot: .*": out_of_reach,
        r"a share lies between 0 and 1": no_share,
        r"a symmetric map has no antisymmetric share, .*": symmetric_has_some,
        r"a constant added to an antisymmetric map .*": antisymmetric_is_not_one,
        r"at x = 0 the Jacobian is 0 .*": something_at_zero,
    }  # fmt: skip


# --- answers written for torch -----------------------------------------------------------------


def grouped_torch(Q, K):
    return Q @ K.repeat_interleave(len(Q) // len(K), 0).mT


def gated_torch(n, W_3, W_1, W_2, a):
    g, u = W_3 @ n, W_1 @ n
    up = a * torch.nn.functional.silu(g)[:, None] * W_1
    return W_2 @ (up + (1 - a) * (torch.sigmoid(g) * u)[:, None] * W_3)


def trap_torch(S):
    C = S - S.mean(2, keepdim=True)
    C = C - C.mean(1, keepdim=True)
    return (C - C.mT).square().sum((1, 2)) / C.square().sum((1, 2)) / 4


def damping_torch(X, W_3, W_1, W_2):
    def act(x):
        return W_2 @ (torch.nn.functional.silu(W_3 @ x) * (W_1 @ x))

    return torch.stack([torch.autograd.functional.jacobian(act, x).trace() for x in X]) / len(W_2)


@pytest.mark.parametrize("function", [grouped_torch, gated_torch, trap_torch, damping_torch])
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"pretrained.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


# --- what the references are, measured otherwise -----------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(3, 8))
def test_the_trap_is_the_share_of_the_centred_map(seed, N):
    S = np.random.default_rng(seed).normal(size=(2, N, N)) + 3
    assert trap(S) == pytest.approx(mixing.antisymmetric_share(mixing.centred(S)))
    shifted = S + np.arange(N)[:, None] - 2.0 * np.arange(N)
    assert trap(shifted) == pytest.approx(trap(S))


@given(numbers, st.floats(-1, 2))
def test_every_share_of_the_gate_writes_the_same(seed, a):
    rng = np.random.default_rng(seed)
    n, W_3, W_1, W_2 = (rng.normal(size=s) for s in (4, (6, 4), (6, 4), (4, 6)))
    V = gated(n, W_3, W_1, W_2, a)
    np.testing.assert_allclose(V @ n, W_2 @ (silu(W_3 @ n) * (W_1 @ n)), atol=1e-9)


@given(numbers)
def test_the_trace_by_finite_differences(seed):
    rng = np.random.default_rng(seed)
    X, W_3, W_1, W_2 = (rng.normal(size=s) for s in ((2, 4), (6, 4), (6, 4), (4, 6)))

    def act(x):
        return W_2 @ (silu(W_3 @ x) * (W_1 @ x))

    h = 1e-5 * np.eye(4)
    trace = [sum((act(x + e) - act(x - e)) @ e / 2e-10 for e in h) / 4 for x in X]
    np.testing.assert_allclose(damping(X, W_3, W_1, W_2), trace, atol=1e-6)

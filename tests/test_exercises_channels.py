"""The exercises of notebook 04: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

import operator_lab as lab
from operator_lab.exercises import find, judge

write, operator, overlap, exchange = references(
    "channels", "write", "operator", "overlap", "exchange"
)


def row_0_off(found, args, answer, right):
    A, v, W_O = args
    alone = sum(A[n, 0, 0] * W @ v[n, 0] for n, W in enumerate(np.split(W_O, len(v), axis=1)))
    return not A[:, 0, 1:].any() and not close(answer[0][0], alone)


def elsewhere(found, args, answer, right):
    W_O = args[2]
    rest = np.linalg.lstsq(W_O, answer[0].T, rcond=None)[1]
    return np.linalg.matrix_rank(W_O) < len(W_O) and rest.max() > 1e-9 * (answer[0] ** 2).max()


def trace_off(found, args, answer, right):
    said = [float(g) for g in found.groups()]
    return close(said, [np.trace(answer[0]), np.trace(right[0])], rtol=1e-2, atol=1e-9)


def backwards(found, args, answer, right):
    (_, N, _), d = args[0].shape, args[1].shape[1]
    blocks = [answer[0][i * d : (i + 1) * d, (i + 1) * d :] for i in range(N)]
    return any(b.any() for b in blocks) and not any(a[i, i + 1 :].any() for a in args[0]
                                                    for i in range(N))  # fmt: skip


def no_mean(found, args, answer, right):
    given = np.isclose(float(found[1]), answer[0], rtol=1e-2, atol=1e-9)
    return given and not 0 <= answer[0] <= 1


def not_one_within(found, args, answer, right):
    # The dimension of the sum of the two is that of the wider one.
    sides = [np.linalg.matrix_rank(M, rtol=1e-9) for M in args]
    joint = np.linalg.matrix_rank(np.hstack([M / np.abs(M).max() for M in args]), rtol=1e-9)
    given = np.isclose(float(found[1]), answer[0], rtol=1e-2, atol=1e-9)
    return joint == max(sides) and given and np.isclose(right[0], 1) and answer[0] != 1


def not_one_whole(found, args, answer, right):
    given = np.isclose(float(found[1]), answer[1], rtol=1e-2) and int(found[2]) == len(args[0])
    whole = any(np.linalg.matrix_rank(M) == len(M) for M in args)
    return given and whole and np.isclose(right[0], 1) and not np.isclose(answer[1], 1)


def sums_off(item):
    """Whether both numbers a sentence states are what they are said to be."""

    def off(found, args, answer, right):
        first, second, rest, bra = args
        after = rest + (0 if item == 0 else second.sum(axis=0))
        change = after @ bra - (rest + first.sum(axis=0)) @ bra
        numbers = [change, answer[item].sum()]
        return close([float(g) for g in found.groups()], numbers, rtol=1e-2, atol=1e-9)

    return off


def equal_but_carrying(found, args, answer, right):
    n, said = int(found[1]), float(found[2])
    same = np.array_equal(args[0][n], args[1][n])
    return same and right[1][n] == 0 and np.isclose(answer[1][n], said, rtol=1e-2)


def heads_of(model):
    return [[i, h] for i in range(model.shape.layers) for h in range(model.shape.heads)]


def exchanged_worse(found, args, answer, right):
    model, first, second = args
    other, far = model.run(second), []
    for layer, head in (answer[0].astype(int), right[0]):
        edits = lab.edits.swap(model.run(first), other, int(layer), [int(head)])
        far.append(lab.divergence(other.law[-1], model.run(first, edits=edits).law[-1]))
    return close([float(g) for g in found.groups()], far, rtol=1e-2) and far[0] > far[1]


class TestChannels(ExerciseLaws):
    stem = "channels"
    said = {
        r"it names no head: .*": lambda _, args, a, r: a[0].tolist() not in heads_of(args[0]),
        r"with its head exchanged the law stays (\S+) nats .* to (\S+)": exchanged_worse,
        r"its row 0 is off, .*": row_0_off,
        r"it leaves the space of the columns of W_O: .*": elsewhere,
        r"its trace is (\S+), the products Tr A_h Tr W_h add up to (\S+)": trace_off,
        r"it carries something from a later position to an earlier one: .*": backwards,
        r"it gives (\S+), but a mean squared cosine lies between 0 and 1": no_mean,
        r"it gives (\S+) where one space lies within the other: .*": not_one_within,
        r"its second number is (\S+) where one space is all (\d+) dimensions: .*": not_one_whole,
        r"with all heads silenced the score changes by (\S+), its first numbers add up to (\S+)":
            sums_off(0),
        r"with all heads exchanged the score changes by (\S+), its second numbers add up to (\S+)":
            sums_off(1),
        r"head (\d+) writes the same in both sentences and still carries (\S+) when exchanged":
            equal_but_carrying,
    }  # fmt: skip


# --- answers written for torch -----------------------------------------------------------------


def write_torch(A, v, W_O):
    mixed = torch.matmul(A, v).transpose(0, 1).contiguous().view(A.size(1), -1)
    return torch.nn.functional.linear(mixed, W_O)


def operator_torch(A, W):
    return torch.stack([torch.kron(a, w) for a, w in zip(A, W, strict=True)]).sum(dim=0)


def overlap_torch(A, B):
    cosines = torch.linalg.svdvals(torch.linalg.qr(A).Q.mT @ torch.linalg.qr(B).Q)
    return (cosines**2).mean(), max(A.size(1), B.size(1)) / A.size(0)


def exchange_torch(first, second, rest, bra):
    return first.neg().matmul(bra), torch.einsum("hd,d->h", second - first, bra)


@pytest.mark.parametrize("function", [write_torch, operator_torch, overlap_torch, exchange_torch])
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"channels.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def unmoved(A, v, W_O):
        return torch.matmul(A, v).reshape(A.size(1), -1) @ W_O.T

    def features_outside(A, W):
        return torch.stack([torch.kron(w, a) for a, w in zip(A, W, strict=True)]).sum(dim=0)

    def normalised(A, B):
        M = torch.nn.functional.normalize(A, dim=0).T @ torch.nn.functional.normalize(B, dim=0)
        return (M**2).sum() / min(M.shape), max(M.shape) / len(A)

    def accumulated(first, second, rest, bra):
        return (-first @ bra).cumsum(dim=0), ((second - first) @ bra).cumsum(dim=0)

    assert "as it stands" in judge(find("channels.write"), unmoved).reason
    assert "it is kron(W_h, A_h)" in judge(find("channels.operator"), features_outside).reason
    assert "not made orthogonal" in judge(find("channels.overlap"), normalised).reason
    assert "not put back" in judge(find("channels.exchange"), accumulated).reason


def test_a_loop_that_forgets_to_restore_is_named():
    def in_place(first, second, rest, bra):
        silenced, exchanged, now, swapped = [], [], first.copy(), first.copy()
        before = bra @ (rest + first.sum(axis=0))
        for n in range(len(first)):
            now[n], swapped[n] = 0, second[n]
            silenced.append(bra @ (rest + now.sum(axis=0)) - before)
            exchanged.append(bra @ (rest + swapped.sum(axis=0)) - before)
        return silenced, exchanged

    assert "not put back" in judge(find("channels.exchange"), in_place).reason


# --- what the statements say beyond the probes -------------------------------------------------

numbers = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 4)


@given(numbers, sizes, sizes, sizes, sizes)
def test_writes_and_operators_are_one_statement(seed, h, N, d, d_k):
    rng = np.random.default_rng(seed)
    A, x, W_V = rng.normal(size=(h, N, N)), rng.normal(size=(N, d)), rng.normal(size=(h, d_k, d))
    W_O = rng.normal(size=(d, h * d_k))
    outs = np.split(W_O, h, axis=1)
    M = operator(A, np.array([out @ V for out, V in zip(outs, W_V, strict=True)]))
    written = write(A, x @ W_V.swapaxes(1, 2), W_O)
    np.testing.assert_allclose(M @ x.ravel(), written.ravel(), atol=1e-9)


@given(numbers, st.integers(2, 4), sizes, sizes, sizes)
def test_heads_may_change_places_with_all_they_own(seed, h, N, d, d_k):
    rng = np.random.default_rng(seed)
    A, v = rng.normal(size=(h, N, N)), rng.normal(size=(h, N, d_k))
    blocks, order = rng.normal(size=(h, d, d_k)), rng.permutation(h)
    before = write(A, v, np.hstack(list(blocks)))
    after = write(A[order], v[order], np.hstack(list(blocks[order])))
    np.testing.assert_allclose(after, before, atol=1e-9)
    each = [write(A[n : n + 1], v[n : n + 1], blocks[n]) for n in range(h)]
    np.testing.assert_allclose(sum(each), before, atol=1e-9)


@st.composite
def two_spaces(draw):
    rng, d = np.random.default_rng(draw(numbers)), draw(st.integers(1, 5))
    k, m = draw(st.integers(1, d)), draw(st.integers(1, d))
    return rng, rng.normal(size=(d, k)), rng.normal(size=(d, m))


def a_change_of_basis(rng, k):
    G = np.linalg.qr(rng.normal(size=(k, k)))[0] * rng.uniform(0.1, 10, size=k)
    return G @ np.linalg.qr(rng.normal(size=(k, k)))[0]


@given(two_spaces())
def test_an_overlap_belongs_to_the_spaces_alone(case):
    rng, A, B = case
    d, value = len(A), overlap(A, B)[0]
    G, H = a_change_of_basis(rng, A.shape[1]), a_change_of_basis(rng, B.shape[1])
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    assert -1e-9 <= value <= 1 + 1e-9
    assert overlap(A @ G, B @ H)[0] == pytest.approx(value, abs=1e-6)
    assert overlap(R @ A, R @ B) == pytest.approx(overlap(A, B), abs=1e-9)
    assert overlap(B, A) == pytest.approx(overlap(A, B), abs=1e-9)
    assert overlap(A, A @ G)[0] == pytest.approx(1)
    cosines = np.cos(subspace_angles(A, B))
    assert value == pytest.approx((cosines**2).mean(), abs=1e-7)


@given(two_spaces())
def test_the_second_number_is_the_mean_over_a_group_without_invariant_subspace(case):
    """Signs and cyclic shifts of the axes leave no direction out (Schur): their mean is exact."""
    _, A, B = case
    d = len(A)
    turned = [
        np.array(signs)[:, None] * np.roll(A, shift, axis=0)
        for signs in itertools.product((1, -1), repeat=d)
        for shift in range(d)
    ]
    assert np.mean([overlap(T, B)[0] for T in turned]) == pytest.approx(overlap(A, B)[1])


@pytest.mark.parametrize(("d", "k", "m"), [(8, 2, 2), (8, 2, 5), (6, 3, 1), (4, 4, 2)])
def test_random_spaces_overlap_by_the_second_number_on_average(d, k, m):
    rng = np.random.default_rng(4)
    found = [overlap(rng.normal(size=(d, k)), rng.normal(size=(d, m)))[0] for _ in range(1000)]
    error = np.std(found) / np.sqrt(len(found))
    expected = overlap(np.eye(d, k), np.eye(d, m))[1]
    assert abs(np.mean(found) - expected) <= 5 * error + 1e-9


@given(numbers, sizes, sizes)
def test_exchanging_one_head_after_another_ends_in_the_other_sentence(seed, h, d):
    rng = np.random.default_rng(seed)
    first, second, (rest, bra) = *rng.normal(size=(2, h, d)), rng.normal(size=(2, d))
    score, now = bra @ (rest + first.sum(axis=0)), first.copy()
    for n in rng.permutation(h):
        score += exchange(now, second, rest, bra)[1][n]
        now[n] = second[n]
        assert score == pytest.approx(bra @ (rest + now.sum(axis=0)))
    silent, swapped = exchange(first, second, rest, bra)
    assert swapped == pytest.approx(silent - exchange(second, first, rest, bra)[0])


@given(numbers, sizes, sizes, st.data())
def test_equal_writes_carry_nothing_whatever_silencing_costs(seed, h, d, data):
    rng = np.random.default_rng(seed)
    first, second, (rest, bra) = *rng.normal(size=(2, h, d)), rng.normal(size=(2, d))
    n = data.draw(st.integers(0, h - 1))
    second[n] = first[n] = 1e3 * bra
    silenced, exchanged = exchange(first, second, rest, bra)
    assert exchanged[n] == 0 and silenced[n] == pytest.approx(-1e3 * bra @ bra)

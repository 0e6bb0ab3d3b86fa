"""The exercises of notebook 07: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

from operator_lab.exercises import find, judge
from operator_lab.measurement import Probe

lens, readouts, cached, povm, write = references(
    "measurement", "lens", "readouts", "cached", "povm", "write"
)
mixing = find("mixing.mixing").reference


def laws_off(found, args, answer, right):
    ends = answer[0].sum(axis=-1).min(), answer[0].sum(axis=-1).max()
    return close(ends, [float(g) for g in found.groups()], rtol=1e-2, atol=1e-30)


def below_zero(found, args, answer, right):
    return np.isclose(answer[0].min(), float(found[1]), rtol=1e-2) and answer[0].min() < 0


def not_uniform(found, args, answer, right):
    flat = (args[0] == args[0][..., :1]).all(axis=-1)
    return flat.any() and not close(answer[0][flat], 1 / len(args[2]))


def one_law_off(found, args, answer, right):
    total = answer[("first", "second").index(found[1])].sum(axis=1)
    ends = total.min(), total.max()
    return close(ends, [float(found[2]), float(found[3])], rtol=1e-2, atol=1e-30)


def another_first(found, args, answer, right):
    top = args[0].argmax(axis=1)
    return any(row[i] < row.max() for row, i in zip(answer[0], top, strict=True))


def no_node(found, args, answer, right):
    return any(a != 0 for a, z in zip(answer[1].flat, args[0].flat, strict=True) if z == 0)


def past_rewritten(found, args, answer, right):
    i = "KV".index(found[1])
    return not close(answer[i][:-1], args[i])


def last_row_off(found, args, answer, right):
    i = "KV".index(found[1])
    return not close(answer[i][-1], args[3 + i])


def out_of_range(found, args, answer, right):
    V, write = answer[1:]
    return any(w < min(c) or w > max(c) for w, c in zip(write, V.T, strict=True))


def incomplete(found, args, answer, right):
    total = sum(answer[0])
    stated = np.isclose(np.trace(total), float(found[1]), rtol=1e-2)
    return stated and not close(total, np.eye(len(total)))


def asymmetric(found, args, answer, right):
    return any(not close(e, e.T) for e in answer[0])


def not_positive(found, args, answer, right):
    lowest = min(np.linalg.eigvalsh((e + e.T) / 2)[0] for e in answer[0])
    return lowest < 0 and np.isclose(lowest, float(found[1]), rtol=1e-2)


def read_otherwise(found, args, answer, right):
    _, W, c, _, b = args
    gaps = [abs(sum(y * w) + o - t) for y, ts in zip(answer[0], b, strict=True)
            for w, o, t in zip(W.T, c, ts, strict=True)]  # fmt: skip
    return np.isclose(max(gaps), float(found[1]), rtol=1e-2) and max(gaps) > 1e-3


def moved_for_nothing(found, args, answer, right):
    still = np.isclose(right[0], args[0], atol=1e-9).all(axis=1)
    return still.any() and not close(answer[0][still], args[0][still])


def not_nearest(found, args, answer, right):
    """Whether the same can be read nearer by."""
    x, W, _, C, _ = args
    change = answer[0] - x
    needed = change @ W @ np.linalg.inv(W.T @ C @ W) @ W.T @ C
    metric = np.linalg.inv(C)
    cost, least = ((d @ metric * d).sum(axis=1) for d in (change, needed))
    return (cost > (1 + 1e-6) * least).any()


def explained(args, step):
    """The share that a read-out of one step explains of texts it has not seen."""
    states, belief = args
    x = states[step].astype(float)
    known = np.column_stack([x, np.ones(len(x))])
    off = belief[1::2] - known[1::2] @ (np.linalg.pinv(known[::2]) @ belief[::2])
    return 1 - (off**2).sum() / (belief[1::2].var(axis=0).sum() * len(off))


def explained_there(found, args, answer, right):
    step, share = int(found[1]), explained(args, int(found[1]))
    early = found[2] and step < answer[0] and share >= 0.9
    late = not found[2] and step == answer[0] and share < 0.9
    return np.isclose(float(found[3]), share, rtol=1e-2) and (early or late)


def explained_all_the_same(found, args, answer, right):
    share = explained(args, int(found[1]))
    return answer[0] == -1 and share >= 0.9 and np.isclose(float(found[2]), share, rtol=1e-2)


class TestMeasurement(ExerciseLaws):
    stem = "measurement"
    said = {
        r"it names no step: they count from 0 to (\d+), and -1 is none": lambda found, args, a, r: (
            not (a[0] % 1 == 0 and -1 <= a[0] <= int(found[1]))
        ),
        r"it finds none, and after step (\d+) a read-out explains (\S+)": explained_all_the_same,
        r"after step (\d+)( already)? (?:a read-out|it) explains (\S+) of .*": explained_there,
        r"its laws do not add up to one \((\S+) \.\.\. (\S+)\)": laws_off,
        r"some of its probabilities are negative \(down to (\S+)\)": below_zero,
        r"for a state with all features equal .*": not_uniform,
        r"the rows of its (\w+) law do not add up to one \((\S+) \.\.\. (\S+)\)": one_law_off,
        r"in its first law the word with the largest logit .*": another_first,
        r"in its second law a word with logit 0 .*": no_node,
        r"its (\w) does not begin with the rows of the cache: .*": past_rewritten,
        r"the last row of its (\w) is not the new position's": last_row_off,
        r"its write is no weighted mean of its values: .*": out_of_range,
        r"its effects do not add up .* \(the trace of their sum is (\S+)\)": incomplete,
        r"its effects are not symmetric": asymmetric,
        r"some of its effects are not positive: an eigenvalue is (\S+)": not_positive,
        r"the read-out does not say b of its states: .* up to (\S+)": read_otherwise,
        r"it moves a state of which the read-out says b already": moved_for_nothing,
        r"its change leaves the span of the columns of C W: .*": not_nearest,
    }


# --- answers written for torch -----------------------------------------------------------------


def lens_torch(states, gain, W_U, eps):
    normed = torch.nn.functional.layer_norm(states, gain.shape, gain, eps=eps)
    return torch.softmax(normed @ W_U.mT, dim=-1)


def readouts_torch(z):
    return torch.softmax(z, dim=-1), torch.nn.functional.normalize(z, dim=-1) ** 2


def cached_torch(K, V, q, k, v, T):
    K, V = torch.cat([K, k[None]]), torch.cat([V, v[None]])
    return K, V, torch.softmax(torch.mv(K, q) / T, dim=0) @ V


def povm_torch(W_U):
    s, Q = torch.linalg.eigh(W_U.mT @ W_U)
    u = W_U @ Q @ torch.diag(s**-0.5) @ Q.mT
    return torch.einsum("ki,kj->kij", u, u)


def write_torch(x, W, c, C, b):
    L = torch.linalg.cholesky(W.mT @ C @ W)
    change = torch.cholesky_solve((b - torch.addmm(c, x, W)).mT, L)
    return torch.addmm(x, change.mT, W.mT @ C)


@pytest.mark.parametrize(
    "function", [lens_torch, readouts_torch, cached_torch, povm_torch, write_torch]
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"measurement.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def no_norm(states, gain, W_U, eps):
        return torch.softmax(states @ W_U.mT, dim=-1)

    def cholesky(W_U):
        L = torch.linalg.cholesky(W_U.mT @ W_U)
        u = torch.linalg.solve_triangular(L, W_U.mT, upper=False).mT
        return torch.einsum("ki,kj->kij", u, u)

    assert "final norm is left out" in judge(find("measurement.lens"), no_norm).reason
    assert "Cholesky's triangle" in judge(find("measurement.povm"), cholesky).reason


def test_a_shift_in_place_of_z_is_named_however_it_is_written():
    def by_rows(z):
        z = z - z.max(axis=1)[:, None]
        return np.exp(z) / np.exp(z).sum(axis=1)[:, None], z**2 / (z**2).sum(axis=1)[:, None]

    def at_once(z):
        z = z - z.max()
        return np.exp(z) / np.exp(z).sum(axis=1)[:, None], z**2 / (z**2).sum(axis=1)[:, None]

    for answer in (by_rows, at_once):
        said = judge(find("measurement.readouts"), answer).reason
        assert said.endswith("Born's rule is not blind to a shift, take z itself there")


def test_a_root_by_entries_is_named_though_most_of_it_is_nan():
    def by_entries(W_U):
        S = W_U.T @ W_U
        root = np.linalg.inv(np.sqrt(S))
        return np.array([root @ np.outer(v, v) @ root for v in W_U])

    assert "entry by entry" in judge(find("measurement.povm"), by_entries).reason


# --- what the statements say beyond the probes -------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.floats(0.1, 100), st.floats(-50, 50))
def test_a_lens_sees_neither_size_nor_mean_of_a_state(seed, size, offset):
    rng = np.random.default_rng(seed)
    states, gain, W_U = rng.normal(size=(3, 2, 5)), rng.normal(size=5), rng.normal(size=(4, 5))
    law = lens(states, gain, W_U, 0.0)
    np.testing.assert_allclose(law, lens(size * states + offset, gain, W_U, 0.0), atol=1e-9)
    np.testing.assert_allclose(law[1, 1], lens(states[1:2, 1:], gain, W_U, 0.0)[0, 0], atol=1e-12)


@given(seeds, st.floats(-1e4, 1e4), st.floats(0.01, 100))
def test_one_law_ignores_a_shift_the_other_sign_and_size(seed, shift, size):
    z = np.random.default_rng(seed).normal(size=(3, 5)) + 0.1
    softmax, born = readouts(z)
    np.testing.assert_allclose(readouts(z + shift)[0], softmax, atol=1e-9)
    np.testing.assert_allclose(readouts(-size * z)[1], born, atol=1e-9)
    # Neither has the other's symmetry.
    assert not close(readouts(z + 1)[1], born) and not close(readouts(-z)[0], softmax)


@given(seeds, st.integers(1, 6), st.integers(1, 4), st.floats(0.05, 20))
def test_one_position_after_another_is_attention_in_parallel(seed, N, d_k, T):
    rng = np.random.default_rng(seed)
    q, k, v = rng.normal(size=(N, d_k)), rng.normal(size=(N, d_k)), rng.normal(size=(N, 3))
    together = mixing(q @ k.T, T) @ v
    K, V = np.zeros((0, d_k)), np.zeros((0, 3))
    for n in range(N):
        K, V, write = cached(K, V, q[n], k[n], v[n], T)
        np.testing.assert_allclose(write, together[n], atol=1e-9)
    assert (K == k).all() and (V == v).all()


@given(seeds, st.integers(1, 5), st.integers(0, 4))
def test_effects_answer_every_state_with_a_law(seed, d, more):
    rng = np.random.default_rng(seed)
    W_U = rng.normal(size=(d + more, d)) + 3 * np.eye(d + more, d)
    effects = povm(W_U)
    np.testing.assert_allclose(effects.sum(axis=0), np.eye(d), atol=1e-8)
    x = rng.normal(size=d)
    law = np.einsum("i,kij,j->k", x, effects, x) / (x @ x)
    assert law.min() > -1e-9 and law.sum() == pytest.approx(1)
    if not more:  # as many words as dimensions: projectors, at right angles
        np.testing.assert_allclose(effects @ effects, effects, atol=1e-7)


@given(seeds, st.integers(1, 4), st.integers(0, 3), st.integers(1, 4))
def test_what_is_written_is_read_and_no_nearer_state_says_it(seed, k, more, n):
    rng, d = np.random.default_rng(seed), k + more
    W, root = rng.normal(size=(d, k)) + 3 * np.eye(d, k), rng.normal(size=(d, d)) + 3 * np.eye(d)
    x, c, C, b = rng.normal(size=(n, d)), rng.normal(size=k), root @ root.T, rng.normal(size=(n, k))
    y = write(x, W, c, C, b)
    np.testing.assert_allclose(y @ W + c, b, atol=1e-7)
    np.testing.assert_allclose(y, Probe(W, c, C).write(x, b), atol=1e-7)  # as the notebook has it
    np.testing.assert_allclose(write(x, W, c, 7 * C, b), y, atol=1e-7)
    np.testing.assert_allclose(write(y, W, c, C, b), y, atol=1e-7)
    unread = np.linalg.svd(W.T)[2][k:]  # directions the read-out does not see
    other = y + rng.normal(size=(n, more)) @ unread

    def far(z):
        return np.einsum("ni,ij,nj->n", z - x, np.linalg.inv(C), z - x)

    assert (far(other) >= far(y) * (1 - 1e-9)).all()

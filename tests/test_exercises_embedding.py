"""The exercises of notebook 02: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

from operator_lab.exercises import find, judge

embed, rotate, effective_rank, downfold = references(
    "embedding", "embed", "rotate", "effective_rank", "downfold"
)


def not_one_hot(found, args, answer, right):
    return any(sorted(row) != [0] * (len(row) - 1) + [1] for row in answer[0].tolist())


def no_product(found, args, answer, right):
    return not close(answer[1], np.einsum("nv,vd->nd", answer[0], args[0]))


def not_turned(found, args, answer, right):
    return any(not close(a, args[3] @ x) for a, x in zip(answer[0], args[0], strict=True))


def logits_of(W_E, W, W_U):
    return np.array([[u @ (x + W @ x) for u in W_U] for x in W_E])


def logits_off(found, args, answer, right):
    before, after = logits_of(*args[:3]), logits_of(*answer)
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    return np.isclose(float(found[1]), change, rtol=1e-2)


def beyond_the_rank(found, args, answer, right):
    rank = (np.linalg.svd(args[0])[1] > 1e-9 * np.abs(args[0]).max()).sum()
    given = np.isclose(float(found[1]), answer[0], rtol=1e-2) and int(found[2]) == rank
    return given and not 1 - 1e-9 <= answer[0] <= rank + 1e-9


def not_all(found, args, answer, right):
    return np.isclose(float(found[1]), answer[0], rtol=1e-2) and np.isclose(right, int(found[2]))


def rank_off(found, args, answer, right):
    rank = np.linalg.matrix_rank(answer[0], rtol=1e-3)
    return args[1] == int(found[2]) < int(found[1]) == rank


def farther(found, args, answer, right):
    W = args[0]
    errors = [np.sqrt(((W - a[0]) ** 2).sum()) for a in (answer, right)]
    said = [float(g) for g in found.groups()]
    return close(errors, said, rtol=1e-2, atol=1e-9 * np.linalg.norm(W))


class TestEmbedding(ExerciseLaws):
    stem = "embedding"
    said = {
        r"the rows of X are not one 1 and zeros otherwise": not_one_hot,
        r"its x is not its X times W_E": no_product,
        r"its states are not R x: .*": not_turned,
        r"the logits change, by (\S+) of their size": logits_off,
        r"it gives (\S+), but an effective rank lies between 1 and the rank, (\d+)":
            beyond_the_rank,
        r"it gives (\S+) where all (\d+) singular values are equal": not_all,
        r"its rank is (\d+), more than (\d+)": rank_off,
        r"its distance to W is (\S+), that of the nearest of this rank (\S+)": farther,
    }  # fmt: skip


# --- answers written for torch -----------------------------------------------------------------


def embed_torch(W_E, tokens):
    X = torch.nn.functional.one_hot(tokens, len(W_E))
    return X, torch.nn.functional.embedding(tokens, W_E)


def rotate_torch(W_E, W, W_U, R):
    return torch.matmul(W_E, R.mT), R @ W @ R.mT, torch.nn.functional.linear(W_U, R)


def effective_rank_torch(M):
    sigma = torch.linalg.svdvals(M)
    return torch.special.entr(sigma / sigma.sum()).sum().exp()


def downfold_torch(W, rank):
    U, sigma, Vt = torch.linalg.svd(W, full_matrices=False)
    return U[:, :rank] @ torch.diag(sigma[:rank]) @ Vt[:rank]


@pytest.mark.parametrize(
    "function", [embed_torch, rotate_torch, effective_rank_torch, downfold_torch]
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"embedding.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def bag(W_E, tokens):
        X = torch.nn.functional.one_hot(tokens, len(W_E)).sum(dim=0)
        return X, X.to(W_E.dtype) @ W_E

    def eigenvalues(M):
        share = torch.linalg.svdvals(M) ** 2
        return torch.special.entr(share / share.sum()).sum().exp()

    assert "counts words in one row" in judge(find("embedding.embed"), bag).reason
    assert "shares are of sigma^2" in judge(find("embedding.effective_rank"), eigenvalues).reason


def test_what_is_cut_is_well_apart_from_what_is_kept():
    for probe in find("embedding.downfold").draw():
        W, rank = probe.args
        sigma = np.linalg.svd(W, compute_uv=False)
        assert (
            rank == len(sigma) or sigma[rank] < 0.92 * sigma[rank - 1]
        )  # far more than float32 rounds


# --- what the statements say beyond the probes -------------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(1, 5), st.integers(1, 6))
def test_labels_have_no_geometry_and_states_have(seed, V, d):
    rng = np.random.default_rng(seed)
    W_E = rng.normal(size=(V, d))
    X, x = embed(W_E, np.arange(V))
    np.testing.assert_array_equal(X @ X.T, np.eye(V))
    np.testing.assert_allclose(x @ x.T, W_E @ W_E.T)


@given(numbers, st.integers(2, 6))
def test_two_rotations_are_one(seed, d):
    rng = np.random.default_rng(seed)
    W_E, W, W_U = rng.normal(size=(4, d)), rng.normal(size=(d, d)), rng.normal(size=(4, d))
    first, second = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    twice = rotate(*rotate(W_E, W, W_U, first), second)
    for a, b in zip(twice, rotate(W_E, W, W_U, second @ first), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    for a, b in zip(rotate(*twice, (second @ first).T), (W_E, W, W_U), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


@given(numbers, st.integers(1, 5), st.integers(1, 6), st.floats(1e-6, 1e6))
def test_an_effective_rank_knows_no_size_and_no_basis(seed, V, d, size):
    rng = np.random.default_rng(seed)
    M, R = rng.normal(size=(V, d)), np.linalg.qr(rng.normal(size=(d, d)))[0]
    rank = effective_rank(M)
    assert 1 - 1e-9 <= rank <= min(V, d) + 1e-9
    for other in (size * M, M @ R, M.T, np.vstack([M, np.zeros((2, d))])):
        assert effective_rank(other) == pytest.approx(rank)
    assert effective_rank(np.eye(d)) == pytest.approx(d)


@given(numbers, st.integers(2, 6), st.integers(2, 6), st.data())
def test_no_other_matrix_of_that_rank_is_nearer(seed, V, d, data):
    rng = np.random.default_rng(seed)
    W, rank = rng.normal(size=(V, d)), data.draw(st.integers(1, min(V, d)))
    near = downfold(W, rank)
    assert np.linalg.matrix_rank(near, rtol=1e-9) <= rank
    for _ in range(5):
        basis = np.linalg.qr(rng.normal(size=(d, rank)))[0]
        other = W @ basis @ basis.T  # the nearest with these rows
        assert np.linalg.norm(W - near) <= np.linalg.norm(W - other) + 1e-9

"""The exercises of notebook 06: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import layer_norm

from operator_lab import layernorm
from operator_lab.exercises import find, judge

normalise, jacobian, growth, post_step = references(
    "layernorm", "normalise", "jacobian", "growth", "post_step"
)


def bare(args, answer):
    return (answer[0] - args[2]) / args[1]


def mean_left(found, args, answer, right):
    return not close(bare(args, answer).mean(axis=1), 0)


def variance_off(found, args, answer, right):
    squares = [(b(args, a) ** 2).mean(axis=1) for b, a in ((bare, answer), (bare, right))]
    return not close(*squares)


def asymmetric(found, args, answer, right):
    return not close(answer[0], answer[0].T)


def sees_shifts(found, args, answer, right):
    return not close(answer[0] @ np.ones(len(args[0])), 0)


def radial_off(found, args, answer, right):
    return not close(answer[0] @ args[0], right[0] @ args[0])


def start_off(found, args, answer, right):
    return any(a != 1 for a, s in zip(answer[0], args[0], strict=True) if s == 0)


def squares_off(found, args, answer, right):
    steps, size = args
    slopes = [
        (answer[0][i] ** 2 - answer[0][j] ** 2) / (steps[i] - steps[j])
        for i in range(len(steps))
        for j in range(i)
    ]
    return not close(slopes, size**2)


def norm_leaves_a_mean(found, args, answer, right):
    x = np.random.default_rng(0).normal(size=len(args[2]))
    left = (x + answer[0] @ x) / args[2]
    return abs(left.mean()) > 1e-6 * np.abs(left).max()


def acts_otherwise(found, args, answer, right):
    x = 1.0 + np.arange(len(args[2])) ** 2
    return not close(answer[0] @ x, right[0] @ x)


def read_otherwise(found, args, answer, right):
    n = np.random.default_rng(1).normal(size=(40, len(args[0])))
    n = n - n.mean(axis=1, keepdims=True)
    return not close(n @ answer[0].T + answer[1], (args[0] * n + args[1]) @ args[2].T)


class TestLayerNorm(ExerciseLaws):
    stem = "layernorm"
    said = {
        r"fresh states are read otherwise than before, .*": read_otherwise,
        r"its rows do not sum to zero \((\S+) \.\.\. (\S+)\)": lambda found, args, a, r: close(
            [float(g) for g in found.groups()],
            [a[0].sum(1).min(), a[0].sum(1).max()],
            rtol=1e-2,
        ),
        r"with gain and bias taken off, its rows do not have mean 0": mean_left,
        r"with gain and bias taken off, the variance of its rows .*": variance_off,
        r"it is not symmetric": asymmetric,
        r"it does not annihilate \(1, \.\.\., 1\): .*": sees_shifts,
        r"acting on x it does not give .*": radial_off,
        r"after 0 steps its size is not 1, .*": start_off,
        r"its square does not grow by size\^2 with every step": squares_off,
        r"with the gain divided out, x \+ V x has a mean: .*": norm_leaves_a_mean,
        r"x \+ V x is not gain .*": acts_otherwise,
    }


# --- answers written for torch -----------------------------------------------------------------


def normalise_torch(x, gain, bias, eps):
    return layer_norm(x, x.shape[-1:], gain, bias, eps)


def jacobian_torch(x, eps):
    return torch.autograd.functional.jacobian(lambda x: layer_norm(x, x.shape, eps=eps), x)


def growth_torch(steps, size):
    return torch.sqrt(torch.add(1, steps, alpha=size**2))


def post_step_torch(F, sigma, gain):
    one = torch.eye(len(F), dtype=F.dtype)
    y = one + F
    return gain[:, None] * (y - y.mean(dim=0, keepdim=True)) / sigma - one


@pytest.mark.parametrize(
    "function", [normalise_torch, jacobian_torch, growth_torch, post_step_torch]
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"layernorm.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def unbiased(x, gain, bias, eps):
        c = x - x.mean(dim=1, keepdim=True)
        return gain * c / torch.sqrt(x.var(dim=1, keepdim=True) + eps) + bias

    def frozen(x, eps):
        sigma = torch.sqrt(x.var(correction=0) + eps).detach()
        return torch.autograd.functional.jacobian(lambda x: (x - x.mean()) / sigma, x)

    assert "ddof=1" in judge(find("layernorm.normalise"), unbiased).reason
    assert "the frozen norm" in judge(find("layernorm.jacobian"), frozen).reason


# --- what the references are, measured otherwise -----------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(3, 8), st.sampled_from([0.0, 1e-5, 0.3, 2.0]))
def test_the_instruments_give_what_the_exercises_give(seed, d, eps):
    x = np.random.default_rng(seed).normal(size=(4, d)) + 3
    rows = normalise(x, np.ones(d), np.zeros(d), eps)
    np.testing.assert_allclose(rows, layernorm.normalise(x, eps), atol=1e-10)
    np.testing.assert_allclose(jacobian(x[0], eps), layernorm.jacobian(x[0], eps), atol=1e-10)


@given(numbers, st.integers(3, 8))
def test_the_jacobian_loses_two_directions_only_without_eps(seed, d):
    x = np.random.default_rng(seed).normal(size=d) + 3
    assert np.linalg.matrix_rank(jacobian(x, 0.0), tol=1e-8) == d - 2
    assert np.linalg.matrix_rank(jacobian(x, 0.1), tol=1e-8) == d - 1
    np.testing.assert_allclose(jacobian(x, 0.0) @ x, 0, atol=1e-9)


@pytest.mark.parametrize("size", [0.3, 1.0])
def test_a_stream_of_independent_writes_grows_like_that(size):
    rng, d, steps = np.random.default_rng(6), 4000, np.array([0, 1, 4, 16, 64])
    writes = np.concatenate([rng.normal(size=(1, d)), size * rng.normal(size=(64, d))])
    stream = np.cumsum(writes, axis=0)
    measured = np.sqrt((stream[steps] ** 2).mean(axis=1))
    np.testing.assert_allclose(growth(steps, size), measured, rtol=0.04)


@given(numbers, st.integers(2, 7))
def test_the_post_step_is_the_norm_where_it_was_frozen_and_has_no_identity_path(seed, d):
    rng = np.random.default_rng(seed)
    F, x, gain = rng.normal(size=(d, d)), rng.normal(size=d), rng.normal(size=d) + 3
    y = x + F @ x
    V = post_step(F, float(np.sqrt(y.var() + 1e-5)), gain)
    normed = layer_norm(torch.tensor(y), (d,), torch.tensor(gain), eps=1e-5).numpy()
    np.testing.assert_allclose(x + V @ x, normed, atol=1e-9)
    # One direction of x is lost for good, whatever F is: 1 + V has no inverse.
    assert np.linalg.matrix_rank(np.eye(d) + V, tol=1e-9 * np.abs(V).max()) < d

"""The exercises of notebook 10: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

from operator_lab import continuum, layernorm
from operator_lab.exercises import find, judge

attend, project, heun, strang, tangent = references(
    "continuum", "attend", "project", "heun", "strang", "tangent"
)


def beyond_the_values(found, args, answer, right):
    v = args[1]
    return ((answer[0] > v.max(axis=0)) | (answer[0] < v.min(axis=0))).any()


def mean_off(found, args, answer, right):
    return not close(np.sum(answer[0], axis=1) / answer[0].shape[1], args[1])


def variance_off(found, args, answer, right):
    return not close(np.std(answer[0], axis=1), args[2] ** 0.5)


def not_as_far(found, args, answer, right):
    far = [np.hypot.reduce(p - x) for p, x in zip(answer[0], args[0], strict=True)]
    return not close(answer[1], far)


def no_trapezoid(found, args, answer, right):
    return not close(answer[0], right[0])  # which the reference is, where f ignores x


def determinant_off(found, args, answer, right):
    return not np.isclose(np.linalg.det(answer[0]), np.linalg.det(right[0]), rtol=1e-3)


def asymmetric(found, args, answer, right):
    return close(args[0], args[0].T) and not close(answer[0], answer[0].T, rtol=1e-3)


def mean_moves(found, args, answer, right):
    return not close(answer[0].sum(axis=1), 0)


def variance_moves(found, args, answer, right):
    c = args[0] - args[0].mean(axis=1, keepdims=True)
    return not close(np.einsum("nd,nd->n", c, answer[0]), 0)


def no_order(found, args, answer, right):
    return answer[0] % 1 != 0 or answer[0] < 1


def another_order(found, args, answer, right):
    return [int(g) for g in found.groups()] == [int(right[0]), int(answer[0])]


class TestContinuum(ExerciseLaws):
    stem = "continuum"
    said = {
        r"it gives (\S+): the order of these rules .*": no_order,
        r"from 32 to 64 .* by about 2\^(\d+), not by 2\^(\d+)": another_order,
        r"it is no mean of the values: .*": beyond_the_values,
        r"the rows of its first item do not have the mean asked for": mean_off,
        r"the rows of its first item do not have the variance asked for": variance_off,
        r"its second item is not the distance from x to its first item": not_as_far,
        r"for a velocity that does not look at the state .*": no_trapezoid,
        r"its determinant is not .*": determinant_off,
        r"with symmetric A and B it is not symmetric: .*": asymmetric,
        r"a row changes its mean: .*": mean_moves,
        r"a row changes its variance: .*": variance_moves,
    }


# --- answers written for torch -----------------------------------------------------------------


def attend_torch(S, v, w):
    return torch.softmax(S + torch.log(w), dim=1) @ v


def project_torch(x, mean, variance):
    c = x - torch.mean(x, dim=1, keepdim=True)
    y = mean + variance**0.5 * c / torch.sqrt(torch.mean(c * c, dim=1, keepdim=True))
    return y, torch.linalg.vector_norm(y - x, dim=1)


def heun_torch(f, x, t, h):
    first = f(torch.as_tensor(x), t)
    return x + h * torch.stack([first, f(x + h * first, t + h)]).mean(0)


def strang_torch(A, B, h):
    half = torch.linalg.matrix_exp(h / 2 * A)
    return half @ torch.linalg.matrix_exp(h * B) @ half


def tangent_torch(x, v):
    c = x - torch.mean(x, dim=1, keepdim=True)
    n = c / torch.linalg.vector_norm(c, dim=1, keepdim=True)
    v = v - torch.mean(v, dim=1, keepdim=True)
    return v - n * (n * v).sum(dim=1, keepdim=True)


@pytest.mark.parametrize(
    "function", [attend_torch, project_torch, heun_torch, strang_torch, tangent_torch]
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"continuum.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def unweighted(S, v, w):
        return torch.softmax(S, dim=1) @ v

    def unbiased(x, mean, variance):
        c = x - torch.mean(x, dim=1, keepdim=True)
        y = mean + variance**0.5 * c / x.std(dim=1, keepdim=True)
        return y, torch.linalg.vector_norm(y - x, dim=1)

    assert "equal weights" in judge(find("continuum.attend"), unweighted).reason
    assert "ddof=1" in judge(find("continuum.project"), unbiased).reason


# --- what the references are, measured otherwise -----------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(2, 6))
def test_the_instruments_give_what_the_exercises_give(seed, d):
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, 3, d)) + 0.5
    q, k, w = rng.normal(size=(2, d)), rng.normal(size=(3, d)), rng.uniform(0.1, 1, size=3)
    np.testing.assert_allclose(attend(q @ k.T, x, w), continuum.attend(q, k, x, w), atol=1e-10)
    point, far = project(x, 0.3, 1.7)
    np.testing.assert_allclose(point, continuum.onto_sphere(x, 0.3, 1.7), atol=1e-9)
    np.testing.assert_allclose(far, continuum.distance(x, 0.3, 1.7), atol=1e-9)
    np.testing.assert_allclose(tangent(x, v), continuum.onto_tangent(x, v), atol=1e-9)
    f = lambda y, t: np.sin(y) * t  # noqa: E731
    one = continuum.integrate(f, x, 1, "heun", time=0.4)[-1]
    np.testing.assert_allclose(heun(f, x, 0.0, 0.4), one, atol=1e-12)


@given(numbers, st.floats(0.05, 0.5))
def test_strang_is_its_own_inverse_backwards_and_the_splitting(seed, h):
    A, B = np.random.default_rng(seed).normal(size=(2, 3, 3))
    np.testing.assert_allclose(strang(A, B, h) @ strang(A, B, -h), np.eye(3), atol=1e-9)
    parts = (lambda x, t: A @ x, lambda x, t: B @ x)
    step = continuum.split(parts, np.eye(3), 1, "strang", "exact", time=h)[-1]
    np.testing.assert_allclose(strang(A, B, h), step, atol=1e-9)


@given(numbers, st.integers(3, 7))
def test_the_tangent_is_layernorms_jacobian_on_the_sphere(seed, d):
    x, v = np.random.default_rng(seed).normal(size=(2, 1, d))
    n = layernorm.normalise(x, eps=0.0)
    expected = layernorm.jacobian(n[0], eps=0.0) @ v[0]
    np.testing.assert_allclose(tangent(n, v)[0], expected, atol=1e-8)


def test_orders_of_heun_and_strang():
    f = lambda x, t: np.cos(3 * x) + t  # noqa: E731
    exact = continuum.exact(f, np.ones(2), 0.0, 1.0)
    errors = []
    for n in (16, 32, 64):
        x = np.ones(2)
        for i in range(n):
            x = heun(f, x, i / n, 1 / n)
        errors.append(abs(x - exact).max())
    assert continuum.order([16, 32, 64], errors) == pytest.approx(2, abs=0.1)

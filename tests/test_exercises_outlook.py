"""The exercises of notebook 11: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

import operator_lab as lab
from operator_lab.exercises import find, judge

distance, growth = references("pseudospectra", "distance", "growth")
limit, mixed = references("resummation", "limit", "mixed")


def beyond_the_nearest(found, args, answer, right):
    A, z = args
    near = [min(abs(w - v) for v in np.linalg.eigvals(A)) for w in z]
    return any(a > n for a, n in zip(answer[0], near, strict=True))


def steeper_than_one(found, args, answer, right):
    z, a = args[1], answer[0]
    pairs = [(i, j) for i in range(len(z)) for j in range(i)]
    return any(abs(a[i] - a[j]) > abs(z[i] - z[j]) for i, j in pairs)


def starts_elsewhere(found, args, answer, right):
    return answer[0][0] != 1


def grows_beyond(found, args, answer, right):
    steps = [np.linalg.svd(F, compute_uv=False)[0] for F in args[0]]
    return any(b > s * a for a, b, s in zip(answer[0], answer[0][1:], steps, strict=True))


def ends_elsewhere(found, args, answer, right):
    return not close(answer[0][-1], right[0][-1])


def not_the_limit(found, args, answer, right):
    return not close(answer[0], right[0])


def out_of_plane(found, args, answer, right):
    S = args[0]
    full = np.vstack([S[1:] - S[:-1], answer[0] - S[1]])
    return np.linalg.matrix_rank(full, tol=1e-6 * np.abs(full).max()) > 2


def off_the_line(found, args, answer, right):
    y = args[1]
    both = np.vstack([y[1] - y[0], answer[0] - y[0]])
    return np.linalg.matrix_rank(both, tol=1e-6 * np.abs(both).max()) > 1


def residual_not_least(found, args, answer, right):
    x, y = args
    step, r = y[1] - y[0], y - x
    w = np.linalg.lstsq(step[:, None], answer[0] - y[0], rcond=None)[0][0]
    size = lambda v: np.linalg.norm(r[0] + v * (r[1] - r[0]))  # noqa: E731
    return min(size(w + 1e-4), size(w - 1e-4)) < size(w)


def not_yet(found, args, answer, right):
    A, z = args
    left = np.linalg.svd(A + answer[0] - z * np.eye(len(A)), compute_uv=False).min()
    return close(float(found[1]), left, rtol=1e-2)


class TestPseudospectra(ExerciseLaws):
    stem = "pseudospectra"
    said = {
        r"with it z is no eigenvalue yet: another (\S+) is missing": not_yet,
        r"its size is (\S+), where (\S+) is enough": lambda found, args, a, r: close(
            [float(g) for g in found.groups()],
            [np.linalg.norm(a[0], 2), np.linalg.norm(r[0], 2)],
            rtol=1e-2,
        ),
        r"somewhere it is larger than the distance to the nearest eigenvalue": beyond_the_nearest,
        r"between two points it changes by more than they are apart": steeper_than_one,
        r"before the first factor its norm is not 1": starts_elsewhere,
        r"a factor makes it grow by more than the factor's norm": grows_beyond,
        r"its last entry is not the norm of the whole product": ends_elsewhere,
    }


class TestResummation(ExerciseLaws):
    stem = "resummation"
    said = {
        r"for a limit plus one geometric term it is not that limit": not_the_limit,
        r"it leaves the plane that the three vectors span": out_of_plane,
        r"it does not lie on the line through the two images": off_the_line,
        r"the residual of its combination could be made smaller along the line": residual_not_least,
    }


# --- answers written for torch -----------------------------------------------------------------


def distance_torch(A, z):
    shifted = z[:, None, None] * torch.eye(len(A)) - A
    return torch.linalg.svdvals(shifted)[:, -1]


def growth_torch(A):
    product, norms = torch.eye(A.shape[1], dtype=A.dtype), [torch.ones((), dtype=A.dtype)]
    for factor in A:
        product = torch.matmul(factor, product)
        norms.append(torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms)


def limit_torch(S):
    late, early = S[2] - S[1], S[1] - S[0]
    v = late / torch.dot(late, late) - early / torch.dot(early, early)
    return S[1] + v / torch.dot(v, v)


def mixed_torch(x, y):
    r = torch.sub(y, x)
    w = torch.dot(r[1], r[1] - r[0]) / torch.dot(r[1] - r[0], r[1] - r[0])
    return torch.lerp(y[1], y[0], w)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("pseudospectra.growth", growth_torch),
        ("resummation.limit", limit_torch),
        ("resummation.mixed", mixed_torch),
    ],
)
def test_an_answer_written_for_torch_passes(name, function):
    verdict = judge(find(name), function)
    assert verdict.passed, (verdict.line, verdict.help)


# --- what the references are, measured otherwise -----------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(2, 8))
def test_the_instruments_give_what_the_exercises_give(seed, n):
    rng = np.random.default_rng(seed)
    A, S = rng.normal(size=(n, n)), rng.normal(size=(3, n))
    z = rng.normal(size=4) + 1j * rng.normal(size=4)
    np.testing.assert_allclose(distance(A, z), lab.pseudospectra.sigma_min(A, z), rtol=1e-3)
    factors = rng.normal(size=(3, n, n))
    np.testing.assert_allclose(growth(factors), lab.pseudospectra.products(factors))
    np.testing.assert_allclose(limit(S), lab.resummation.epsilon(S)[2], rtol=1e-5, atol=1e-6)


@given(numbers, st.integers(2, 6))
def test_one_step_of_diis_is_andersons(seed, n):
    rng = np.random.default_rng(seed)
    A, b, seen = 0.3 * rng.normal(size=(n, n)), rng.normal(size=n), []

    def f(x):
        seen.append(x)
        return A @ x + b

    lab.resummation.anderson(f, np.ones(n), memory=1, most=3, tolerance=1e-15)
    x = np.array(seen[1:3])  # the first evaluation is made twice
    np.testing.assert_allclose(mixed(x, x @ A.T + b), seen[3], rtol=1e-7, atol=1e-9)

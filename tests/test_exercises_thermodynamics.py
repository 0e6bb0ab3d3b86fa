"""The exercises of notebook 09: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

from operator_lab import thermodynamics as td
from operator_lab.exercises import find, judge

free_energy, heat_capacity, sparsemax, fisher, rotary = references(
    "thermodynamics", "free_energy", "heat_capacity", "sparsemax", "fisher", "rotary"
)


def below_equilibrium(found, args, answer, right):
    least = -args[2] * log_Z(args[1], args[2])
    return bool((answer[0] < least - 1e-6 * np.abs(least).max()).any())


def log_Z(E, T):
    return torch.logsumexp(-torch.tensor(E) / T, dim=1).numpy()


def negative(found, args, answer, right):
    return close(float(found[1]), answer[0].min(), rtol=1e-2) and answer[0].min() < 0


def beyond_popoviciu(found, args, answer, right):
    E, T = args
    return bool((answer[0] * T**2 > np.ptp(E, axis=1) ** 2 / 4).any())


def not_one(found, args, answer, right):
    return abs(float(found[1]) - answer[0].sum()) < 1e-2 * abs(answer[0].sum()) + 1e-3


def weight_below_zero(found, args, answer, right):
    return answer[0].min() < 0


def differences_off(found, args, answer, right):
    on = answer[0] > 1e-3
    gaps = answer[0][on] - args[0][on]
    return gaps.max() - gaps.min() > 1e-9


def rows_not_zero(found, args, answer, right):
    return not close(answer[0] @ np.ones(len(args[0])), 0, atol=1e-9)


def asymmetric(found, args, answer, right):
    return not close(answer[0], answer[0].T)


def length_changed(found, args, answer, right):
    return not close(np.linalg.norm(answer[0], axis=1), np.linalg.norm(args[0], axis=1))


def start_moved(found, args, answer, right):
    return not close(answer[0][0], args[0][0])


def neighbours_differ(found, args, answer, right):
    S = np.einsum("id,id->i", answer[0][:-1], answer[0][1:])
    return close(args[0], args[0][0]) and not close(S, S[0])


def attends_otherwise(found, args, answer, right):
    p = torch.softmax(-torch.tensor(np.float64(args[0])) / float(answer[0]), 0)
    keys = float(torch.exp(torch.special.entr(p).sum()))
    told = [float(g) for g in found.groups()]
    return close(told, [float(answer[0]), keys, args[1]], atol=1e-2) and abs(keys - args[1]) > 1e-4


class TestThermodynamics(ExerciseLaws):
    stem = "thermodynamics"
    said = {
        r"it is (\S+): a temperature is positive": lambda found, args, a, r: not a[0] > 0,
        r"at T = (\S+) the row attends to (\S+) keys, not to (\S+)": attends_otherwise,
        r"it lies below -T ln Z, .*": below_equilibrium,
        r"it is negative \((\S+)\), and a variance never is": negative,
        r"it is more than \(largest gap / 2T\)\^2, .*": beyond_popoviciu,
        r"it sums to (\S+), not to one": not_one,
        r"some of its weights are negative .*": weight_below_zero,
        r"among the levels that it keeps, differences .*": differences_off,
        r"its rows do not sum to 0: .*": rows_not_zero,
        r"it is not symmetric": asymmetric,
        r"a row does not keep its length: .*": length_changed,
        r"row 0 has changed: its angle is 0": start_moved,
        r"one and the same vector everywhere, .*": neighbours_differ,
    }


# --- answers written for torch -----------------------------------------------------------------


def free_energy_torch(p, E, T):
    return (p * E).sum(1) - T * torch.special.entr(p).sum(1)


def heat_capacity_torch(E, T):
    logs = torch.log_softmax(-E / T, dim=1)
    p = logs.exp()
    mean = (p * logs).sum(1, keepdim=True)
    return (p * (logs - mean) ** 2).sum(1)


def sparsemax_torch(z):
    falling, _ = torch.sort(z, descending=True)
    excess = torch.cumsum(falling, 0) - 1
    k = int((torch.arange(1, len(z) + 1) * falling > excess).sum())
    return torch.relu(z - excess[k - 1] / k)


def fisher_torch(p):
    logits = torch.log(torch.clamp(p.double(), min=1e-300))
    return torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), logits)


def rotary_torch(x, frequencies):
    angle = torch.arange(len(x))[:, None] * frequencies
    z = torch.view_as_complex(x.reshape(len(x), -1, 2).contiguous())
    turned = z * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).reshape(x.shape)


@pytest.mark.parametrize(
    "function",
    [free_energy_torch, heat_capacity_torch, sparsemax_torch, fisher_torch, rotary_torch],
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"thermodynamics.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def hot(E, T):
        return heat_capacity_torch(-E, T)

    def only_diagonal(p):
        return torch.diag(p * (1 - p))

    assert (
        "low levels are the likely ones" in judge(find("thermodynamics.heat_capacity"), hot).reason
    )
    assert "off the diagonal" in judge(find("thermodynamics.fisher"), only_diagonal).reason


# --- what the references are, measured otherwise -----------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(2, 7), st.sampled_from([0.2, 1.0, 3.0]))
def test_the_instruments_give_what_the_exercises_give(seed, n, T):
    rng = np.random.default_rng(seed)
    E, p = rng.normal(size=(3, n)), rng.dirichlet(np.ones(n), size=3)
    np.testing.assert_allclose(free_energy(p, E, T), td.free_energy(p, E, T), atol=1e-10)
    np.testing.assert_allclose(heat_capacity(E, T), td.heat_capacity(E, T), atol=1e-9)
    np.testing.assert_allclose(sparsemax(E[0]), td.sparsemax(E[0]), atol=1e-10)
    np.testing.assert_allclose(fisher(p[0]), td.fisher(p[0]), atol=1e-12)
    x = rng.normal(size=(n, 6))
    np.testing.assert_allclose(rotary(x, td.frequencies(6)), td.rotated(x), atol=1e-10)


@given(numbers, st.integers(2, 7))
def test_sparsemax_is_the_nearest_distribution(seed, n):
    rng = np.random.default_rng(seed)
    z = 2 * rng.normal(size=n)
    mine = ((sparsemax(z) - z) ** 2).sum()
    others = ((rng.dirichlet(np.ones(n) / 3, size=200) - z) ** 2).sum(1)
    assert (others >= mine - 1e-12).all()

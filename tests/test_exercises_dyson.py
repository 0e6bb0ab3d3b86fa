"""The exercises of notebook 05: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

import operator_lab as lab
from operator_lab import dyson
from operator_lab.corpus import compound
from operator_lab.exercises import find, judge
from operator_lab.judge import differ
from operator_lab.model import Model
from operator_lab.transformer import Transformer

orders, paths, hops, freezings = references("dyson", "orders", "paths", "hops", "freezings")


def sum_off(found, args, answer, right):
    return not close(answer[0].sum(axis=0), right[0].sum(axis=0))


def row_off(found, args, answer, right):
    row = int(found[1])
    return not close(answer[0][row], right[0][row])


def not_ended(found, args, answer, right):
    n = int(found[1])
    return not right[0][n].any() and answer[0][n].any()


def misses_gelu(which):
    def off(found, args, answer, right):
        a, b = answer[which : which + 2]
        return not close(a * args[0] + b, torch.nn.functional.gelu(torch.tensor(args[0])))

    return off


def slope_off(found, args, answer, right):
    z = torch.tensor(args[0], requires_grad=True)
    torch.nn.functional.gelu(z).sum().backward()
    return not close(answer[2], z.grad)


def apart(found, args, answer, right):
    (z,), (gate, constant, slope, intercept) = args, answer
    return not close(gate * z + constant, slope * z + intercept)


def another_law(found, args, answer, right):
    model, text, law = args
    name = ("query", "key", "value")[int(answer[0])]
    seen = model.run(text, edits=lab.edits.blind(model.run(text), name, 1, 0)).law
    return close(float(found[1]), np.abs(seen - law).max(), rtol=1e-2)


def no_pair(found, args, answer, right):
    p, q = answer[0]
    return int(found[1]) == 2 ** len(args[0]) and not (
        p % 1 == q % 1 == 0 and 0 <= p < q < 2 ** len(args[0])
    )


def two_of_all(found, args, answer, right):
    term = find("dyson.paths").reference(*args[:2]) @ args[2]
    sums = [term[answer[0].astype(int)].sum(), term.sum(), term[right[0]].sum()]
    size = np.abs(term).max()
    return close([float(g) for g in found.groups()], sums, atol=1e-4 * size)


class TestDyson(ExerciseLaws):
    stem = "dyson"
    said = {
        r"it gives (\S+), and there are three routes: 0, 1, 2": lambda _, args, a, r: (
            a[0] not in (0, 1, 2)
        ),
        r"with that route blind the law is another one, by up to (\S+)": another_law,
        r"it is no pair p < q of the (\d+) paths, counted from 0": no_pair,
        r"its two make (\S+), and the whole is (\S+): another two come to (\S+)": two_of_all,
        r"its (?:orders|paths) do not add up to .*": sum_off,
        r"its order (\d+) is not (?!zero).*": row_off,
        r"its row (\d+), the path on which .*": row_off,
        r"its order (\d+) is not zero, but no path makes \1 hops: .*": not_ended,
        r"its two lines do not give the same number at z": apart,
        r"its gate z \+ constant is not GELU\(z\)": misses_gelu(0),
        r"its slope z \+ intercept is not GELU\(z\)": misses_gelu(2),
        r"its slope is not that of GELU at z": slope_off,
    }


# --- answers written for torch -----------------------------------------------------------------


def orders_torch(V, x):
    y = [x] + [torch.zeros_like(x)] * len(V)
    for step in V:
        y = [y[0], *(new + torch.mv(step, old) for old, new in zip(y, y[1:], strict=False))]
    return torch.stack(y)


def paths_torch(V, x):
    y = x[None]
    for step in V:
        y = torch.cat([y, y @ step.mT])
    return y


def hops_torch(L, O, x):  # noqa: E741
    y = torch.zeros(len(L) + 1, len(x), dtype=x.dtype)
    y[0] = x
    for on_site, between in zip(L, O, strict=True):
        raised = torch.nn.functional.pad(y[:-1] @ between.T, (0, 0, 1, 0))
        y = y + torch.nn.functional.linear(y, on_site) + raised
    return y


def freezings_torch(z):
    Phi = torch.special.ndtr(z)
    z = z.clone().requires_grad_()
    gelu = torch.nn.functional.gelu(z)
    (slope,) = torch.autograd.grad(gelu.sum(), z)
    return Phi, torch.zeros_like(z), slope, gelu - slope * z


@pytest.mark.parametrize("function", [orders_torch, paths_torch, hops_torch, freezings_torch])
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"dyson.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def tanh(z):
        z = z.clone().requires_grad_()
        gelu = torch.nn.functional.gelu(z, approximate="tanh")
        (slope,) = torch.autograd.grad(gelu.sum(), z)
        gate = (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3))) / 2
        return gate, torch.zeros_like(z), slope, gelu - slope * z

    def in_place(V, x):
        y = torch.stack([x] + [torch.zeros_like(x)] * len(V))
        for step in V:
            for n in range(1, len(V) + 1):
                y[n] += torch.mv(step, y[n - 1])
        return y

    assert "tanh approximation" in judge(find("dyson.freezings"), tanh).reason
    assert "acts several times in one order" in judge(find("dyson.orders"), in_place).reason


def test_a_nested_pair_is_told_what_is_returned():
    def nested(z):
        gate, constant, slope, intercept = freezings(z)
        return (gate, constant), (slope, intercept)

    said = judge(find("dyson.freezings"), nested).reason
    assert said == "it returns a tuple of 2 items, where a tuple of 4 arrays belongs"


def test_probes_do_not_commute_and_show_every_order():
    for name in ("dyson.orders", "dyson.paths"):  # the extreme ones show other things
        telling = 0
        for probe in find(name).draw():
            V, x = probe.args
            size = np.abs(orders(V, x)).max(axis=1)
            shown = size.min() > 1e-2 * size.max()  # far above every tolerance
            telling += len(V) > 1 and dyson.commutator(V[0], V[1]) > 0.1 and shown
        assert telling >= 6, name


# --- what the three have to do with each other, and with the instruments -----------------------


@st.composite
def stacks(draw):
    """A generator of random numbers, a number of steps and a size."""
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(1, 5)), 3


@given(stacks())
def test_paths_grouped_by_their_length_are_the_orders(stack):
    rng, k, n = stack
    V, x = rng.normal(size=(k, n, n)), rng.normal(size=n)
    length = np.array([p.bit_count() for p in range(2**k)])
    grouped = [paths(V, x)[length == n].sum(axis=0) for n in range(k + 1)]
    np.testing.assert_allclose(grouped, orders(V, x), atol=1e-9)


@given(stacks())
def test_without_on_site_parts_hops_are_orders(stack):
    rng, k, n = stack
    V, x = rng.normal(size=(k, n, n)), rng.normal(size=n)
    np.testing.assert_allclose(hops(0 * V, V, x), orders(V, x), atol=1e-9)
    only = hops(V, 0 * V, x)
    np.testing.assert_allclose(only[0], orders(V, x).sum(axis=0), atol=1e-9)
    assert not only[1:].any()


@given(stacks(), st.integers(1, 4))
def test_hops_end_at_the_last_position(stack, N):
    rng, k, d = stack
    within, earlier = np.kron(np.eye(N), np.ones((d, d))), np.kron(np.tri(N, k=-1), np.ones((d, d)))
    L, O = rng.normal(size=(2, k, N * d, N * d)) * np.array([within, earlier])[:, None]  # noqa: E741
    y = hops(L, O, rng.normal(size=N * d))
    assert not y[N:].any() and all(row.any() for row in y[:N])


@pytest.mark.parametrize("norm", ["pre", "none"])
def test_the_instrument_gives_what_the_exercises_give(norm):
    transformer = Transformer(95, features=4, heads=2, layers=2, hidden=6, norm=norm).double()
    run = Model(transformer, compound()).run("the man paid")
    x = run.states[0].ravel()
    V = np.array([step.dense() for step in run.steps])
    by_order = dyson.orders(run, free="nothing").reshape(len(V) + 1, -1)
    np.testing.assert_allclose(orders(V, x), by_order, atol=1e-10)
    within = np.kron(np.eye(len(run.states[0])), np.ones((4, 4)))
    by_hop = dyson.orders(run, free="on_site").reshape(-1, len(x))
    y = hops(V * within, V * (1 - within), x)
    np.testing.assert_allclose(y[: len(by_hop)], by_hop, atol=1e-10)
    assert np.abs(y[len(by_hop) :]).max() < 1e-10


@given(st.floats(-6, 6))
def test_both_lines_meet_gelu_and_differ(z):
    gate, constant, slope, intercept = freezings(np.array([z]))
    gelu = torch.nn.functional.gelu(torch.tensor([z], dtype=torch.float64)).numpy()
    np.testing.assert_allclose(gate * z + constant, gelu, atol=1e-12)
    np.testing.assert_allclose(slope * z + intercept, gelu, atol=1e-12)
    assert abs(slope - gate) == pytest.approx(abs(z) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


# --- the comparison laws are made with ---------------------------------------------------------


@pytest.mark.parametrize(
    ("yours", "right", "size", "expected"),
    [(1.001, 1.0, 0.0, False), (1.02, 1.0, 0.0, True), (0.5, 0.0, 100.0, False),
     (0.5, 0.0, 1.0, True), (1e-30, 0.0, 0.0, True), (0.0, 0.0, 0.0, False)],
)  # fmt: skip
def test_two_sides_differ_by_more_than_their_terms_allow(yours, right, size, expected):
    assert differ(np.array([yours, right]), np.array([right, right]), 0.01, size) is expected

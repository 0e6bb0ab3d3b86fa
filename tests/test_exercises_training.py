"""The exercises of notebook 08: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp, rel_entr

from operator_lab.exercises import find, judge

loss, gradient, chain, adamw, reading = references(
    "training", "loss", "gradient", "chain", "adamw", "reading"
)


def slopes(*arrays, of):
    """The gradient torch finds of a function of these arrays."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    return [g.numpy() for g in torch.autograd.grad(of(*tensors), tensors)]


def slope_in_z(z, tokens):
    (g,) = slopes(z, of=lambda z: F.cross_entropy(z, torch.tensor(tokens)))
    return g


def out_of_bounds(found, args, answer, right):
    gap = np.mean([max(row) - row[w] for row, w in zip(*args, strict=True)])
    ends = gap, gap + math.log(args[0].shape[1])
    stated = close([answer[0], *ends], [float(g) for g in found.groups()], rtol=1e-2)
    return stated and not ends[0] - 1e-9 <= answer[0] <= ends[1] + 1e-9


def not_log_V(found, args, answer, right):
    level = all(len(set(row)) == 1 for row in args[0])
    return level and not math.isclose(answer[0], math.log(len(args[0][0])), rel_tol=1e-3)


def rows_left(found, args, answer, right):
    ends = answer[0].sum(axis=1).min(), answer[0].sum(axis=1).max()
    return close(ends, [float(g) for g in found.groups()], rtol=1e-2, atol=1e-30)


def pulls_wrongly(found, args, answer, right):
    return any(
        (g > 0) if v == word else (g < 0)
        for row, word in zip(answer[0], args[1], strict=True)
        for v, g in enumerate(row)
    )


def slope_off(found, args, answer, right):
    u = np.random.default_rng(8).normal(size=args[0].shape)
    both = (slope_in_z(*args) * u).sum(), (answer[0] * u).sum()
    stated = close(both, [float(g) for g in found.groups()], rtol=1e-2, atol=1e-6)
    return stated and not np.isclose(*both, rtol=1e-3)


def uphill(found, args, answer, right):
    x, W_U, tokens = args
    true = slopes(x, W_U, of=lambda x, W: F.cross_entropy(x @ W.T, torch.tensor(tokens)))
    # each moves in units of its own size
    moves = [s * np.abs(p).max() / np.abs(s).max() if s.any() else s
             for p, s in zip((x, W_U), answer, strict=True)]  # fmt: skip
    return sum((a * b).sum() for a, b in zip(true, moves, strict=True)) < 0


def words_left(found, args, answer, right):
    return np.isclose(max(abs(sum(answer[1]))), float(found[1]), rtol=1e-2)


def seen_basis(found, args, answer, right):
    """Whether some change of basis, x (1 + M) and W (1 - M)^T, would change the loss."""
    x, W_U, _ = args
    d = x.shape[1]
    moved = []
    for i, j in np.ndindex(d, d):
        M = np.eye(d)[:, [i]] @ np.eye(d)[[j]]
        moved.append((answer[0] * (x @ M)).sum() - (answer[1] * (W_U @ M.T)).sum())
    return max(map(abs, moved)) > 1e-6


def not_decayed(found, args, answer, right):
    still = not any(np.any(a) for a in args[1:4])
    return still and not close(answer[0], args[0] - args[5] * args[6] * args[0])


def first_step_off(found, args, answer, right):
    w, g, m, v, t, rate, decay = args[:7]
    steep = [i for i in np.ndindex(g.shape) if abs(g[i]) > 1e-3]
    steps = [answer[0][i] - w[i] + rate * decay * w[i] for i in steep]
    against = [-rate * math.copysign(1, g[i]) for i in steep]
    sizes = sorted(map(abs, steps))
    told = [float(found[1]), float(found[2]), float(found[3])]
    stated = close([sizes[0], sizes[-1], rate], told, rtol=1e-2, atol=1e-9)
    return stated and t == 1 and not m.any() and not v.any() and not close(steps, against)


def no_mean(found, args, answer, right):
    g, old, new = (args[1], args[2], answer[1]) if found[1] == "m" else (
        args[1] ** 2, args[3], answer[2])  # fmt: skip
    triples = zip(g.flat, old.flat, new.flat, strict=True)
    room = 1e-6 * max(np.abs(g).max(), np.abs(old).max())
    return any(not min(a, b) - room <= c <= max(a, b) + room for a, b, c in triples)


def no_measured_step(found, args, answer, right):
    rate = float(found[1])
    assert any(np.isclose(a, rate, rtol=1e-2) for a in answer[0])
    return any(a != 0 and all(not np.isclose(a * s, 1, rtol=1e-4) for s in args[0])
               for a in answer[0])  # fmt: skip


def not_for_good(found, args, answer, right):
    seed, i = int(found[1]), list(args[0]).index(int(found[3]))
    there = answer[0][seed] * args[0][i] >= 1 - 1e-2
    value = np.isclose(args[1][seed, i], float(found[4]), rtol=1e-2)
    return there and value and args[1][seed, i] >= args[2] == pytest.approx(float(found[2]))


def share_off(found, args, answer, right):
    ends = answer[1].min(), answer[1].max()
    return close(ends, [float(found[1]), float(found[2])], rtol=1e-2) and (
        ends[0] < 0 or ends[1] > 1
    )


def not_ended(found, args, answer, right):
    pairs = zip(args[1], answer[1], strict=True)
    return any(curve[-1] >= args[3] and share != 0 for curve, share in pairs)


def looks_less(found, args, answer, right):
    A, tokens = args
    looks = []
    for layer, head in (answer[0].astype(int), right[0]):
        last, weights = {}, []
        for i, word in enumerate(tokens.tolist()):
            if word in last:
                weights.append(A[layer, head, i, last[word] + 1])
            last[word] = i
        looks.append(np.mean(weights))
    return close([float(g) for g in found.groups()], looks, rtol=1e-2) and looks[0] < looks[1]


class TestTraining(ExerciseLaws):
    stem = "training"
    said = {
        r"it names no head: layers count from 0 to (\d+), heads from 0 to (\d+)":
            lambda found, args, a, r: not (
                (a[0] % 1 == 0).all() and (0 <= a[0]).all()
                and (a[0] <= [int(g) for g in found.groups()]).all()
            ),
        r"its head puts (\S+) on the word after the last time, another one (\S+)": looks_less,
        r"it gives (\S+), but log Z is .* between (\S+) and (\S+)": out_of_bounds,
        r"it gives \S+ where all logits of a row are equal: .*": not_log_V,
        r"its rows do not sum to zero \((\S+) \.\.\. (\S+)\): .*": rows_left,
        r"a step against it would lower a word that came, .*": pulls_wrongly,
        r"moved in a random direction, .* by (\S+) a unit, but by (\S+) .*": slope_off,
        r"a small step against both raises the loss": uphill,
        r"its second item does not sum to zero over the words \(up to (\S+)\): .*": words_left,
        r"x\^T dloss/dx and \(dloss/dW_U\)\^T W_U differ, .*": seen_basis,
        r"with g = m = v = 0 only the decay acts, .*": not_decayed,
        r"from m = v = 0 .* here by (\S+) \.\.\. (\S+), where the rate is (\S+)": first_step_off,
        r"its new (\w) leaves the range .*": no_mean,
        r"its rate (\S+) is neither 0 nor 1 / step .*": no_measured_step,
        r"by its rate training (\d+) is below (\S+) for good before step (\d+), .* is (\S+)":
            not_for_good,
        r"its second item leaves 0 \.\.\. 1 \((\S+) \.\.\. (\S+)\): .*": share_off,
        r"a training that ends above `low` .*": not_ended,
    }  # fmt: skip


# --- answers written for libraries -------------------------------------------------------------


def loss_torch(z, tokens):
    return F.cross_entropy(z, tokens)


def loss_scipy(z, tokens):
    return np.mean(logsumexp(z, axis=1) - np.diagonal(z[:, tokens]))


def gradient_torch(z, tokens):
    z = z.detach().requires_grad_()
    return torch.autograd.grad(F.nll_loss(torch.log_softmax(z, dim=1), tokens), z)[0]


def gradient_scipy(z, tokens):
    return (np.exp(log_softmax(z, axis=1)) - np.identity(z.shape[1])[tokens]) / len(tokens)


def chain_torch(x, W_U, tokens):
    x, W_U = x.detach().requires_grad_(), W_U.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(F.linear(x, W_U), tokens), (x, W_U))


def adamw_torch(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    m, v = torch.lerp(g, m, betas[0]), betas[1] * v + (1 - betas[1]) * torch.square(g)
    size = torch.sqrt(v / (1 - betas[1] ** t)) + eps
    return w - rate * decay * w - rate * m / (1 - betas[0] ** t) / size, m, v


def reading_torch(steps, excess, high, low):
    worst = torch.flip(torch.cummax(torch.flip(excess, [1]), dim=1).values, [1])
    rates = [((worst < level) / steps).amax(dim=1) for level in (high, low)]
    return rates[0], torch.nan_to_num(rates[1] / rates[0])


@pytest.mark.parametrize(
    "function",
    [loss_torch, loss_scipy, gradient_torch, gradient_scipy, chain_torch, adamw_torch,
     reading_torch],
)  # fmt: skip
def test_an_answer_written_for_a_library_passes(function):
    verdict = judge(find(f"training.{function.__name__.rsplit('_', 1)[0]}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def summed(z, tokens):
        return F.cross_entropy(z, tokens, reduction="sum")

    def twice(z, tokens):  # cross_entropy of what has been through a softmax
        return F.cross_entropy(torch.softmax(z, dim=1), tokens)

    def adam(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
        return adamw_torch(w, torch.add(g, decay * w), m, v, t, rate, 0, betas, eps)

    assert "it is the sum over the positions" in judge(find("training.loss"), summed).reason
    assert "goes through a softmax twice" in judge(find("training.loss"), twice).reason
    assert "Adam with an L2 term" in judge(find("training.adamw"), adam).reason


def test_a_word_that_comes_again_is_not_lost_unnoticed():
    def once(x, W_U, tokens):
        p = np.exp(x @ W_U.T - (x @ W_U.T).max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        dW = np.einsum("nv,nd->vd", p, x)
        dW[tokens] = dW[tokens] - x
        return (p @ W_U - W_U[tokens]) / len(x), dW / len(x)

    assert "subtracted once" in judge(find("training.chain"), once).reason


# --- what the statements say beyond the probes -------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, N, V, offset=0.0):
    rng = np.random.default_rng(seed)
    return 3 * rng.normal(size=(N, V)) + offset, rng.integers(V, size=N)


@given(seeds, st.integers(1, 6), st.integers(1, 6), st.floats(-1e5, 1e5))
def test_the_loss_is_that_of_torch_at_any_offset(seed, N, V, offset):
    z, tokens = drawn(seed, N, V, offset)
    expected = F.cross_entropy(torch.tensor(z), torch.tensor(tokens)).item()
    assert loss(z, tokens) == pytest.approx(expected, abs=1e-9)


@given(seeds, st.integers(2, 6))
def test_no_law_surprises_less_than_that_of_the_texts(seed, V):
    rng = np.random.default_rng(seed)
    z, tokens = rng.normal(size=V), np.arange(V).repeat(rng.integers(1, 5, size=V))
    true = np.bincount(tokens) / len(tokens)
    floor = -(true * np.log(true)).sum()
    surplus = loss(np.tile(z, (len(tokens), 1)), tokens) - floor
    assert surplus == pytest.approx(rel_entr(true, np.exp(log_softmax(z))).sum(), abs=1e-12)
    assert surplus >= -1e-12
    # there, and nowhere else, the slopes of all positions cancel
    at_floor = np.tile(np.log(true) + 5, (len(tokens), 1))
    np.testing.assert_allclose(gradient(at_floor, tokens).sum(axis=0), 0, atol=1e-12)


@given(seeds, st.integers(1, 6), st.integers(1, 6), st.floats(-1e5, 1e5))
def test_the_gradient_is_that_of_torch_at_any_offset(seed, N, V, offset):
    z, tokens = drawn(seed, N, V, offset)
    np.testing.assert_allclose(gradient(z, tokens), slope_in_z(z, tokens), atol=1e-9)


@given(seeds, st.integers(1, 5), st.integers(1, 4), st.integers(2, 5))
def test_slopes_follow_a_change_of_basis(seed, N, d, V):
    rng = np.random.default_rng(seed)
    x, W_U, tokens = rng.normal(size=(N, d)), rng.normal(size=(V, d)), rng.integers(V, size=N)
    M = rng.normal(size=(d, d)) + 4 * np.eye(d)
    back = np.linalg.inv(M).T
    dx, dW = chain(x, W_U, tokens)
    new = chain(x @ M, W_U @ back, tokens)
    np.testing.assert_allclose(new[0], dx @ back, atol=1e-9)
    np.testing.assert_allclose(new[1], dW @ M, atol=1e-9)


@settings(max_examples=25)
@given(seeds, st.floats(0, 1), st.floats(0.5, 0.99), st.floats(0.5, 0.999))
def test_many_steps_are_those_of_torch(seed, decay, first, second):
    rng = np.random.default_rng(seed)
    w, slopes = rng.normal(size=(2, 3)), rng.normal(size=(12, 2, 3))
    weight = torch.tensor(w)
    step = torch.optim.AdamW([weight], lr=0.1, betas=(first, second), weight_decay=decay)
    m = v = np.zeros_like(w)
    for t, g in enumerate(slopes, start=1):
        w, m, v = adamw(w, g, m, v, t, 0.1, decay, (first, second))
        weight.grad = torch.tensor(g)
        step.step()
    np.testing.assert_allclose(w, weight.numpy(), atol=1e-10)


@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_of_the_loss_does_not_matter_to_a_step(seed, size):
    w, g, m = np.random.default_rng(seed).normal(size=(3, 4))
    one = adamw(w, g, m, m**2, 3, 0.1, 0.2, eps=0.0)[0]
    other = adamw(w, size * g, size * m, (size * m) ** 2, 3, 0.1, 0.2, eps=0.0)[0]
    np.testing.assert_allclose(one, other, atol=1e-12)


@given(seeds, st.integers(1, 5), st.integers(1, 7), st.floats(0.01, 100))
def test_a_reading_is_what_it_says_of_each_training(seed, S, n, unit):
    rng = np.random.default_rng(seed)
    steps, excess = np.cumsum(rng.integers(1, 9, size=n)), rng.uniform(size=(S, n)) ** 3
    rates, shares = reading(steps, excess, 0.4, 0.1)
    for curve, rate, share in zip(excess, rates, shares, strict=True):
        when = [
            next((s for i, s in enumerate(steps) if all(curve[i:] < level)), math.inf)
            for level in (0.4, 0.1)
        ]
        assert rate == pytest.approx(1 / when[0])
        assert share == pytest.approx(0 if math.isinf(when[1]) else when[0] / when[1])
    again = reading(unit * steps, excess[::-1], 0.4, 0.1)  # another unit, another order
    np.testing.assert_allclose(again[0][::-1] * unit, rates)
    np.testing.assert_allclose(again[1][::-1], shares)


def test_a_mean_of_sudden_falls_looks_gradual():
    """Why every training is read by itself."""
    steps, jump = np.arange(1, 101), np.arange(10, 100, 10)
    curves = np.where(steps < jump[:, None], 1.0, 0.01)
    assert (reading(steps, curves, 0.9, 0.1)[1] == 1).all()
    assert reading(steps, curves.mean(axis=0)[None], 0.9, 0.1)[1] < 0.25

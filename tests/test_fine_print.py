"""Details that the laws elsewhere would let go wrong: each with an oracle of its own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from random_models import MONEY, random_model
from scipy.linalg import expm

from operator_lab import channels, dyson, edits, layernorm, mixing
from operator_lab import thermodynamics as td
from operator_lab.corpus import text
from operator_lab.run import Run
from operator_lab.training import Recipe, loop
from operator_lab.training.optimiser import Optimiser
from operator_lab.training.slope import Slope
from operator_lab.transformer import Transformer


def test_the_likeliest_words_come_first():
    run = random_model().run(MONEY)
    said = run.likely(7, position=3)
    p = [chance for _, chance in said]
    assert p == sorted(run.law[3], reverse=True)[:7]
    assert [run.law[3, run.vocabulary.index(word)] for word, _ in said] == p


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("given", ["int32", "float16", "float64"])
def test_an_edit_comes_back_in_the_precision_of_the_model(precision, given):
    model = random_model().to(precision)
    run = model.run(MONEY, edits={("state", 2): lambda x: np.rint(x).astype(given)})
    assert run.states.dtype == run.logits.dtype == precision
    assert (run.states[2] == np.rint(model.run(MONEY).states[2])).all()


def pair(h, seed=0):
    """A run of two linear steps 1 + h A, 1 + h B on states of four numbers."""
    rng = np.random.default_rng(seed)
    A, B, x = h * rng.normal(size=(4, 4)), h * rng.normal(size=(4, 4)), rng.normal(size=4)
    one = np.eye(4)
    linear = {"constants": lambda: False}
    steps = [SimpleNamespace(dense=lambda V=V: V, **linear) for V in (A, B)]
    states = np.array([x, (one + A) @ x, (one + B) @ (one + A) @ x])
    run = object.__new__(Run)
    run.__dict__.update(steps=steps, states=states)
    return run


def test_magnus_second_order_has_the_sign_of_the_later_step_first():
    """Halving the steps divides the error of the first order by 4, of the second by 8 or more."""
    coarse, fine = (dyson.exponentials(pair(h)) for h in (0.02, 0.01))
    assert coarse.first / fine.first == pytest.approx(4, rel=0.1)
    assert coarse.second / fine.second > 7.5
    assert fine.second < 0.05 * fine.first


def test_the_norms_of_the_generators_are_those_of_the_logarithms():
    run = pair(0.0)
    generators = np.diag([0.5, -0.2, 0.1, 0.0]), np.diag([0.0, 0.3, -0.7, 0.1])
    for step, B in zip(run.steps, generators, strict=True):
        step.dense = lambda B=B: expm(B) - np.eye(4)
    assert dyson.exponentials(run).norms == pytest.approx(0.5 + 0.7)


@pytest.mark.parametrize(("reader", "writer"), [(2, 0), (2, 1), (1, 0)])
def test_blinding_takes_away_the_write_and_what_the_steps_between_made_of_it(reader, writer):
    model = random_model()
    run = model.run(MONEY)
    write = run.states[2 * writer + 1] - run.states[2 * writer]
    for V in run.steps[2 * writer + 1 : 2 * reader]:
        write = write + V @ write
    seen = run.states[2 * reader] - write
    layer = run.layers[reader]
    sigma = run.states[2 * reader].std(-1, keepdims=True)
    sigma = np.sqrt(sigma**2 + run.shape.eps)  # the norm's scale is held at the run's own
    normed = (seen - seen.mean(-1, keepdims=True)) / sigma * layer.weight("norm_1.gain")
    for route in ("query", "key", "value"):
        ((point, edit),) = edits.blind(run, route, reader, writer).items()
        assert point == (f"{route}_input", reader)
        assert abs(edit(run.kept[point]) - normed).max() < 1e-10


def test_the_size_of_an_update_is_its_length_over_that_of_the_state_before():
    run = random_model().run(MONEY)
    x = run.states
    by_hand = [
        np.mean([np.linalg.norm(x[s + 1, i] - x[s, i]) / np.linalg.norm(x[s, i]) for i in range(9)])
        for s in range(6)
    ]
    assert mixing.update_sizes(run) == pytest.approx(by_hand)


def test_channels_in_use_weigh_squares():
    assert channels.effective_count(np.array([2.0, 1.0])) == pytest.approx(
        np.exp(-0.8 * np.log(0.8) - 0.2 * np.log(0.2))
    )


@pytest.mark.parametrize("which", ["query", "key", "value"])
def test_what_a_head_reads_is_read_through_the_gain(which):
    """A state orthogonal to the read space, gain included, gives the head nothing."""
    layer = random_model().run(MONEY).layers[1]
    basis = channels.subspace(layer, 2, which)
    x = np.random.default_rng(0).normal(size=16)
    x -= basis @ (basis.T @ x)
    W = {"query": layer.W_Q, "key": layer.W_K, "value": layer.W_V}[which][2]
    assert abs(W @ (layer.weight("norm_1.gain") * x)).max() < 1e-12
    assert abs(W @ x).max() > 1e-3


def test_a_damped_stack_writes_less_by_the_root_of_its_steps():
    plain, damped = (layernorm.growth(8, "pre", damped=d, seed=3) for d in (False, True))
    assert damped.update[0] == pytest.approx(plain.update[0] / 4)
    assert damped.size[0] == plain.size[0]


def test_the_spread_is_the_part_of_the_states_that_differs_between_positions():
    grown = layernorm.growth(2, "none", residual=False, mlp=False, causal=False, seed=1)
    assert 0.9 < grown.spread[0] <= 1  # 32 independent states: all but 1 / 32 of the square
    assert grown.spread[0] == pytest.approx(np.sqrt(31 / 32), abs=0.02)


@pytest.mark.parametrize("levels", [2, 3, 10, 64])
def test_the_peak_is_where_the_heat_capacity_is_largest(levels):
    x = np.linspace(0.5, 20, 20_001)
    curve = td.schottky(1 / x, levels=levels)
    assert td.peak(levels) == pytest.approx(x[curve.argmax()], abs=2e-3)


def test_the_observers_of_a_text_add_one_count_that_all_words_share(tmp_path):
    (tmp_path / "own.txt").write_text("ab" * 200 + "aabbaabbaabbaabbaabbaabb", encoding="utf-8")
    found = text(tmp_path / "own.txt", context=8)
    said = [found.words[i] for i in found.tokens]
    seen, held = said[: found._cut], said[found._cut :]
    p = {w: (seen.count(w) + 1 / 2) / (len(seen) + 1) for w in "ab"}
    assert found.bounds()["frequencies"] == pytest.approx(-np.mean([np.log(p[w]) for w in held]))
    pairs = list(zip(seen[:-1], seen[1:], strict=True))

    def after(a, b):
        return (pairs.count((a, b)) + 1 / 2) / (sum(first == a for first, _ in pairs) + 1)

    by_last = -np.mean([np.log(after(a, b)) for a, b in zip(held[:-1], held[1:], strict=True)])
    assert found.bounds()["last word"] == pytest.approx(by_last)


def small():
    return Transformer(95, features=16, heads=2, layers=1, hidden=24, bias=True)


def test_the_gradient_is_cut_to_length_one_before_the_step():
    seen = []
    transformer = small()
    with torch.no_grad():
        transformer.W_U.weight.mul_(50)  # a steep slope
    rule = SimpleNamespace(
        set_rate=seen.append,
        step=lambda: seen.append(
            torch.cat([p.grad.flatten() for p in transformer.parameters()]).norm().item()
        ),
    )
    drawn = torch.randint(0, 95, (4, 12), generator=torch.Generator().manual_seed(0))
    assert loop._update(Slope(transformer), rule, drawn, Recipe(), 0)
    assert seen[1] == pytest.approx(1, rel=1e-4)


def test_weights_decay_in_matrices_alone_and_the_means_remember_90_and_98_percent():
    transformer, recipe = small(), Recipe(decay=0.5, rate=0.1)
    optimiser = Optimiser(transformer, recipe)
    before = {n: p.detach().clone() for n, p in transformer.named_parameters()}
    for p in transformer.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()  # without a slope only the decay moves anything
    for name, p in transformer.named_parameters():
        left = 1 - 0.1 * 0.5 if p.ndim > 1 else 1.0
        assert torch.allclose(p, left * before[name], atol=1e-7), name
    for p in transformer.parameters():
        p.grad = torch.ones_like(p)
    optimiser.step()
    means = {key.rsplit(".", 1)[1]: value for key, value in optimiser.state().items()}
    assert torch.allclose(means["exp_avg"], torch.tensor(0.1))
    assert torch.allclose(means["exp_avg_sq"], torch.tensor(0.02))

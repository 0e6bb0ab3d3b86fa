"""Mixing: Boltzmann laws, gauge invariance, and the exchange of columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure

from operator_lab import edits
from operator_lab import mixing as mx
from operator_lab.corpus import compound
from operator_lab.errors import LabError
from operator_lab.figures import mixing as pictures
from operator_lab.model import Model
from operator_lab.transformer import Transformer

MONEY, RIVER = "the man paid the coin at the bank", "the man crossed the shore at the bank"
numbers = st.floats(-50, 50, allow_nan=False)
squares = st.integers(1, 6).flatmap(lambda n: arrays(float, (n, n), elements=numbers))
temperatures = st.floats(1e-6, 1e6)


def small(**shape):
    return Model(Transformer(95, features=16, hidden=24, **shape).double(), compound())


@given(squares, temperatures)
def test_rows_are_causal_distributions(S, T):
    A = mx.mixing(S, T)
    assert abs(A.sum(-1) - 1).max() < 1e-12
    assert (A >= 0).all() and (np.triu(A, 1) == 0).all() and A[0, 0] == 1


@given(squares, temperatures, numbers)
def test_a_constant_added_to_a_row_changes_nothing(S, T, shift):
    assert abs(mx.mixing(S + shift, 1.0) - mx.mixing(S, 1.0)).max() < 1e-9


def test_cold_picks_the_best_key_and_hot_forgets_them():
    S = np.random.default_rng(0).normal(size=(5, 5)) * 1e3
    cold, hot = mx.mixing(S, 1e-9), mx.mixing(S, np.inf)
    for i in range(5):
        assert cold[i].argmax() == S[i, : i + 1].argmax() and cold[i].max() == 1
        assert hot[i, : i + 1] == pytest.approx(1 / (i + 1))


def test_agrees_with_the_model():
    run = small().run(MONEY)
    layer = run.layers[2]
    assert abs(mx.mixing(layer.interaction(), layer.temperature) - layer.mixing()).max() < 1e-12


def test_entropy_of_known_distributions():
    assert mx.entropy(np.eye(3)) == pytest.approx(np.zeros(3))
    assert mx.entropy(np.full(4, 0.25)) == pytest.approx(np.log(4))


def test_symmetry_measures_on_known_matrices():
    M = np.random.default_rng(1).normal(size=(300, 300))
    assert mx.antisymmetric_share(M + M.T) == 0
    assert mx.antisymmetric_share(M - M.T) == pytest.approx(1)
    assert mx.antisymmetric_share(M) == pytest.approx(0.5, abs=0.01)
    assert mx.departure_from_normality(M - M.T) < 1e-6
    assert mx.departure_from_normality(np.eye(3)[[1, 2, 0]]) < 1e-6
    assert mx.departure_from_normality(np.eye(4, k=1)) == pytest.approx(1)


@given(arrays(float, (5, 5), elements=st.floats(-3, 3)).filter(lambda M: abs(M).max() > 0.1))
def test_the_share_survives_rotations(M):
    Q, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))
    assert mx.antisymmetric_share(Q @ M @ Q.T) == pytest.approx(mx.antisymmetric_share(M))


def test_detailed_balance_produces_nothing_and_a_biased_cycle_a_known_rate():
    for bias in (0.5, 0.6, 0.9):  # three states in a ring, forward with p and back with 1 - p
        ring = bias * np.eye(3)[[1, 2, 0]] + (1 - bias) * np.eye(3)[[2, 0, 1]]
        assert mx.stationary(ring) == pytest.approx(np.full(3, 1 / 3))
        known = (2 * bias - 1) * np.log(bias / (1 - bias))
        assert mx.entropy_production(ring) == pytest.approx(known, abs=1e-15)
    S = np.random.default_rng(0).normal(size=(4, 6, 6)) * 3
    free, even = (mx.mixing(M, 1.0, causal=False) for M in (S, S + S.swapaxes(-1, -2)))
    assert (mx.entropy_production(free) > 0.1).all()
    assert abs(mx.entropy_production(even)).max() < 1e-24
    assert (mx.stationary(free)[:, None] @ free)[:, 0] == pytest.approx(mx.stationary(free))


def test_what_settles_is_what_many_steps_lead_to_and_a_mask_never_returns():
    A = mx.mixing(np.random.default_rng(1).normal(size=(5, 5)) * 4, 1.0, causal=False)
    assert np.linalg.matrix_power(A, 4096)[0] == pytest.approx(mx.stationary(A))
    masked = mx.mixing(np.zeros((5, 5)), 1.0)
    assert mx.stationary(masked) == pytest.approx(np.eye(5)[0])  # all ends at position 0
    assert mx.entropy_production(masked) == 0
    assert mx.entropy_production(masked, np.full(5, 0.2)) == np.inf


def test_coupling_gives_the_interaction():
    model = small()
    run = model.run(MONEY)
    for layer in run.layers:
        x = run.states[2 * layer.index]
        n = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        for head in range(4):
            V = mx.coupling(layer, head)
            assert abs(n @ V @ n.T - layer.interaction(head)).max() < 1e-12
            assert np.linalg.matrix_rank(V) == 4 == run.shape.d_k


def test_transfer_gives_the_write():
    run = small().run(MONEY)
    layer, V = run.layers[1], run.steps[2]
    u = V.normed(run.states[2], 1.0)
    write = sum(layer.mixing(h) @ u @ mx.transfer(layer, h).T for h in range(4))
    assert abs(write - run.step_writes[2]).max() < 1e-12


def test_a_gauge_changes_queries_but_no_prediction():
    model = small()
    M = np.random.default_rng(3).normal(size=(4, 4))
    other = mx.regauged(model, 1, 2, M)
    a, b = model.run(MONEY), other.run(MONEY)
    assert abs(a.logits - b.logits).max() < 1e-12
    assert abs(mx.coupling(a.layers[1], 2) - mx.coupling(b.layers[1], 2)).max() < 1e-12
    assert abs(a.layers[1].W_Q[2] - b.layers[1].W_Q[2]).max() > 0.1


def test_symmetrised_edits_keep_one_part_of_the_coupling():
    model = small()
    run = model.run(MONEY, edits=edits.symmetrise(model))
    assert abs(run.interaction - run.interaction.swapaxes(-1, -2)).max() < 1e-14
    run = model.run(MONEY, edits=edits.symmetrise(model, -1))
    assert abs(run.interaction + run.interaction.swapaxes(-1, -2)).max() < 1e-14


def test_attention_couples_positions_and_the_mlp_does_not():
    steps = small().run(MONEY).steps
    assert all(0.1 < mx.between_share(s) < 0.9 for s in steps[::2])
    assert all(abs(mx.between_share(s)) < 1e-12 for s in steps[1::2])


def test_bare_update_by_hand():
    x = np.array([[1.0, 0.0], [0.0, 2.0]])
    V = np.array([[1.0, 3.0], [0.0, 0.5]])
    # x_1: V_11 = 1 -> x_1 + x_1; x_2 . V x_1 = 0, x_2 . V x_2 = 2 -> x_2 + 2 x_2
    assert mx.bare_update(x, V) == pytest.approx(np.array([[2.0, 0.0], [0.0, 6.0]]))


def test_exchange_begins_at_nothing_and_ends_at_the_other_sentence():
    model = small()
    flipped = mx.exchange(model, MONEY, RIVER)
    signs = mx.contrast(model, MONEY, RIVER)
    own, other = (model.run(s).law[-1] @ signs for s in (MONEY, RIVER))
    exact = [model.language.law(s)[-1] @ signs for s in (MONEY, RIVER)]
    assert flipped.shape == (9,)
    assert flipped[0] == pytest.approx(0)  # both sentences end in the same label
    # the last state of the last column is all the read-out sees
    assert flipped[-1] == pytest.approx((own - other) / (exact[0] - exact[1]))


def test_a_spectrum_shows_its_eigenvalues_and_the_circle_where_they_neither_grow_nor_decay():
    ax = Figure().subplots()
    pictures.spectrum(ax, np.array([1 + 2j, 1 - 2j, 0.5]), "three")
    circle, points = (line.get_xydata() for line in ax.lines)
    assert np.linalg.norm(circle, axis=1) == pytest.approx(1)
    assert points.tolist() == [[1, 2], [1, -2], [0.5, 0]]


def test_temperature_scan_is_the_model_at_that_temperature():
    model = small()
    scan = mx.temperature_scan(model, [0.5, 1.0], count=8)
    assert scan[1] == pytest.approx(model.excess(8)) and scan[0] != scan[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: mx.mixing(np.eye(2), 0), "T/T0 = 0 is not positive"),
        (lambda m: mx.mixing(np.eye(2), -1), "not positive"),
        (lambda m: mx.mixing(np.eye(2), np.nan), "T must be one finite number; got nan"),
        (lambda m: mx.mixing(np.array([[np.nan]]), 1), "S holds NaN or infinity"),
        (lambda m: mx.mixing(np.ones(3), 1), r"S must be an array \[..., N, M\]; got shape \(3,\)"),
        (lambda m: mx.antisymmetric_share(np.ones((2, 3))), r"must be square.*\(2, 3\)"),
        (lambda m: mx.entropy_production(np.ones((2, 2))), "rows of probabilities that sum to 1"),
        (lambda m: mx.stationary(np.eye(2)), "State 1 never leads to a lower one; give"),
        (lambda m: mx.coupling(m.run(MONEY).layers[0], 9), "Head 9 does not exist"),
        (lambda m: mx.regauged(m, 0, 0, np.zeros((4, 4))), "an invertible 4 x 4 matrix"),
        (
            lambda m: mx.regauged(m, 9, 0, np.eye(4)),
            "There is no layer 9; they are counted from 0 to 3",
        ),
        (lambda m: mx.bare_update(np.ones((2, 3)), np.eye(2)), "its d must be 3, as in x"),
        (lambda m: mx.exchange(m, MONEY, MONEY), "the same words are possible"),
        (lambda m: mx.exchange(m, MONEY, "the bank"), "one length"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call(small())

"""Positions of the continuum: attention is an integral, its keys a quadrature.

Orders are asserted to 0.1 on fixed draws; Monte Carlo's (100 draws of the points) lay between 0.46
and 0.54 over five draws of weights.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad_vec
from torch.nn.functional import scaled_dot_product_attention

from operator_lab import continuum as co

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def head():
    return co.Integral.random(seed=0), co.smooth_field(seed=1)


@given(seeds, st.integers(1, 6), st.integers(1, 7), st.floats(0.2, 3))
def test_equal_weights_are_softmax_attention(seed, n, m, T):
    rng = np.random.default_rng(seed)
    q, k, v = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), rng.normal(size=(m, 2))
    theirs = scaled_dot_product_attention(*map(torch.tensor, (q, k, v)), scale=1 / T).numpy()
    assert co.attend(q, k, v, T=T) == pytest.approx(theirs, abs=1e-12)
    assert co.attend(q, k, v, np.full(m, 7.0), T) == pytest.approx(theirs, abs=1e-12)


@given(seeds, st.integers(2, 6))
def test_a_weight_is_a_number_of_copies(seed, m):
    rng = np.random.default_rng(seed)
    q, k, v = rng.normal(size=(4, 3)), rng.normal(size=(m, 3)), rng.normal(size=(m, 2))
    copies = rng.integers(1, 4, size=m)
    repeated = co.attend(q, np.repeat(k, copies, 0), np.repeat(v, copies, 0))
    assert co.attend(q, k, v, copies.astype(float)) == pytest.approx(repeated, abs=1e-12)
    # and a log-weight is a bias on the scores
    biased = [(a * np.exp(s - s.max())) for a, s in zip([copies] * 4, q @ k.T, strict=True)]
    assert repeated == pytest.approx(np.array([b @ v / b.sum() for b in biased]), abs=1e-12)


def test_attention_of_huge_scores_and_hidden_keys_stays_finite():
    q, k, v = np.array([[800.0]]), np.array([[1.0], [2.0], [3.0]]), np.eye(3)
    seen = np.array([[True, True, False]])
    assert co.attend(q, k, v, visible=seen) == pytest.approx(np.array([[0, 1, 0]]))
    assert co.attend(-q, k, v, np.array([0.0, 1.0, 1.0])) == pytest.approx(np.array([[0, 1, 0]]))


@pytest.mark.parametrize("name", co.RULES)
@given(points=st.integers(2, 30), end=st.floats(0.1, 5))
def test_a_rule_integrates_what_its_degree_promises(name, points, end):
    r = co.rule(name, points, end)
    assert r.weights.sum() == pytest.approx(end) and len(r.points) == points
    assert (0 <= r.points).all() and (r.points <= end).all()
    degree = {"left": 0, "random": 0, "midpoint": 1, "trapezoid": 1, "gauss": 2 * points - 1}[name]
    for k in range(min(degree, 8) + 1):
        assert r.weights @ r.points**k == pytest.approx(end ** (k + 1) / (k + 1))


def test_the_operator_is_the_integral_that_scipy_computes(head):
    K, u = head
    x = 0.37

    def integrand(y):
        q, k = K.W_Q @ u(np.array([x]))[0], K.W_K @ u(np.array([y]))[0]
        w = np.exp(q @ k / K.T)
        return np.append(w * (K.W_V @ u(np.array([y]))[0]), w)

    for end, value in (
        (1.0, K(u, np.array([x]), co.rule("gauss", 40))[0]),
        (x, K.causal(u, np.array([x]), "gauss", 40)[0]),
    ):
        total, _ = quad_vec(integrand, 0, end, epsabs=1e-13, epsrel=1e-13)
        assert value == pytest.approx(total[:-1] / total[-1], abs=1e-10)


@pytest.mark.parametrize(("name", "order"), [("left", 1), ("midpoint", 2), ("trapezoid", 2)])
def test_order_of_a_quadrature(head, name, order):
    counts = [32, 64, 128, 256]
    found = co.order(counts, co.quadrature_error(*head, name, counts))
    assert found == pytest.approx(order, abs=0.1)


def test_order_of_random_points_and_of_gauss(head):
    counts = [16, 64, 256]
    errors = co.quadrature_error(*head, "random", counts, draws=200)
    assert co.order(counts, errors) == pytest.approx(0.5, abs=0.1)
    gauss = co.quadrature_error(*head, "gauss", [4, 8, 16])
    assert gauss[1] < 1e-6 and gauss[2] < 1e-13  # faster than any power


def test_equal_weights_are_as_good_as_any_on_a_periodic_field():
    K, u = co.Integral.random(seed=0), co.smooth_field(seed=1, periodic=True)
    assert u(np.array([0.0])) == pytest.approx(u(np.array([1.0])), abs=1e-12)
    assert co.quadrature_error(K, u, "left", [32])[0] < 1e-12


def test_causal_attention_is_first_order(head):
    counts = [40, 80, 160, 320]
    assert co.order(counts, co.causal_error(*head, counts)) == pytest.approx(1, abs=0.1)
    K, u = head  # the first token sees itself alone
    assert K.prefix(u, 20)[0] == pytest.approx(K.W_V @ u(np.array([0.0]))[0])

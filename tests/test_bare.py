"""The bare coupling series: analytic, the run at coupling 1, the series of a known case."""

import numpy as np
import pytest
from random_models import MONEY, random_model

from operator_lab.dyson import bare
from operator_lab.errors import LabError
from operator_lab.references import reference

SHAPES = [{}, dict(bias=True), dict(norm="none"), dict(causal=False)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_at_coupling_one_it_is_the_run(shape):
    run = random_model(**shape).run(MONEY)
    assert abs(bare.at(run, [1.0]).x[0] - run.states[-1]).max() < 1e-10
    assert abs(bare.at(run, 0.0).x[0] - run.states[0]).max() == 0


def test_it_is_analytic_and_real_on_the_real_axis():
    run = random_model().run("the man paid")
    z, h = 0.3 + 0.2j, 1e-5
    x = bare.at(run, [z + h, z - h, z + 1j * h, z - 1j * h, z.conjugate(), z]).x
    along, across = (x[0] - x[1]) / (2 * h), (x[2] - x[3]) / (2j * h)
    assert abs(along - across).max() < 1e-6 * abs(along).max()  # Cauchy and Riemann
    assert abs(x[4] - x[5].conj()).max() < 1e-12


def test_coefficients_are_derivatives():
    run = random_model().run("the man paid")
    c, _ = bare.stable_coefficients(run, 8, tolerance=1e-8)
    h = 1e-4
    x = bare.at(run, [h, -h, 0.0]).x.real
    assert abs(c[0] - run.states[0]).max() < 1e-8
    assert abs(c[1] - (x[0] - x[1]) / (2 * h)).max() < 1e-6 * abs(c[1]).max()
    assert abs(c[2] - (x[0] + x[1] - 2 * x[2]) / (2 * h**2)).max() < 1e-4 * abs(c[2]).max()
    lam = 0.2
    assert abs(np.polynomial.polynomial.polyval(lam, c) - bare.at(run, lam).x[0].real).max() < 1e-3


def test_the_radius_of_a_known_series():
    n = np.arange(40)
    c = (0.5**n)[:, None, None] * np.ones((40, 2, 3))  # 1 / (1 - lambda / 2)
    assert bare.radius_of_convergence(c) == pytest.approx([2.0, 2.0])


def test_the_nearest_zero_bounds_the_radius():
    run = random_model().run("the man paid")
    found = bare.singularities(run, reach=6.0, grid=16, keep=4)
    assert found and all(s.coupling.imag >= 0 for s in found)
    nearest = found[0]
    plane = bare.at(run, nearest.coupling)
    vanishing = plane.partition if nearest.kind == "partition function" else plane.variance
    assert vanishing[0] < 1e-4
    c, _ = bare.stable_coefficients(run, 32, 2.0)
    estimate = bare.radius_of_convergence(c)[-1]
    assert estimate == pytest.approx(abs(found[0].coupling), rel=0.3)


def test_lambda_one_lies_outside_for_the_trained_model_only():
    trained, _ = bare.stable_coefficients(reference().run(MONEY), 12)
    untrained, _ = bare.stable_coefficients(reference(trained=False).run(MONEY), 12, 4.0)
    assert np.median(bare.radius_of_convergence(trained)) < 0.3
    assert np.median(bare.radius_of_convergence(untrained)) > 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: bare.at(random_model(activation="relu").run(MONEY), 1), "needs GELU"),
        (lambda r: bare.at(random_model(norm="post").run(MONEY), 1), "LayerNorm before the steps"),
        (lambda r: bare.at(r, np.nan), "a finite complex number"),
        (lambda r: bare.at(r, 1e200j), "overflows at lambda"),
        (lambda r: bare.coefficients(r, 0, 1.0), "a positive count and radius"),
        (lambda r: bare.singularities(r, 0.0), "a positive reach"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call(random_model().run(MONEY))

"""The bare series: analytic, the run at strength 1, the series of a known case."""

import numpy as np
import pytest
from random_models import MONEY, random_model

from operator_lab.dyson import SPLITS, bare
from operator_lab.errors import LabError
from operator_lab.references import reference

SHAPES = [{}, dict(bias=True), dict(norm="none"), dict(causal=False)]


@pytest.mark.parametrize("free", SPLITS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_at_strength_one_it_is_the_run(shape, free):
    run = random_model(**shape).run(MONEY)
    assert abs(bare.at(run, [1.0], free).x[0] - run.states[-1]).max() < 1e-10


def test_at_strength_zero_only_what_is_free_acts():
    model = random_model(bias=True)
    run = model.run(MONEY)
    assert abs(bare.at(run, 0.0).x[0] - run.states[0]).max() == 0
    alone = {("mixing", i): lambda A: A * np.eye(A.shape[-1]) for i in range(3)}
    expected = model.run(MONEY, edits=alone).states[-1]  # the true network without hops
    assert abs(bare.at(run, 0.0, "on_site").x[0] - expected).max() < 1e-10


def test_one_layer_of_fixed_weights_is_linear_in_the_hops():
    # One layer, no norm, no MLP: A is made of labels, so x(lambda) = c_0 + lambda c_1, in closed
    # form; c_1 is the part between positions of the frozen step.
    run = random_model(layers=1, norm="none", hidden=0).run(MONEY)
    c, _ = bare.stable_coefficients(run, 4, free="on_site", tolerance=1e9)
    step, x0 = run.steps[0], run.states[0]
    assert abs(c[1] - step.between(x0, 1.0)).max() < 1e-12
    assert abs(c[0] - x0 - step.on_site(x0, 1.0)).max() < 1e-12
    assert abs(c[2:]).max() < 1e-12


def test_the_hop_series_sums_to_the_network_where_it_converges():
    run = reference(trained=False).run(MONEY)
    c, _ = bare.stable_coefficients(run, 16, 4.0, free="on_site")
    assert np.median(bare.radius_of_convergence(c)[1:]) > 2
    assert abs(c.sum(0) - run.states[-1]).max() < 1e-6 * abs(run.states[-1]).max()
    assert abs(c[1:, 0]).max() < 1e-10 * abs(c[0, 0]).max()  # the first position never hops


@pytest.mark.parametrize("free", SPLITS)
def test_it_is_analytic_and_real_on_the_real_axis(free):
    run = random_model().run("the man paid")
    z, h = 0.3 + 0.2j, 1e-5
    x = bare.at(run, [z + h, z - h, z + 1j * h, z - 1j * h, z.conjugate(), z], free).x
    along, across = (x[0] - x[1]) / (2 * h), (x[2] - x[3]) / (2j * h)
    assert abs(along - across).max() < 1e-6 * abs(along).max()  # Cauchy and Riemann
    assert abs(x[4] - x[5].conj()).max() < 1e-12


def test_the_first_coefficient_is_the_label():
    run = random_model().run("the man paid")
    assert abs(bare.stable_coefficients(run, 8, tolerance=1e-8)[0][0] - run.states[0]).max() < 1e-8


@pytest.mark.parametrize("free", SPLITS)
def test_coefficients_are_derivatives(free):
    run = random_model().run("the man paid")
    c, _ = bare.stable_coefficients(run, 8, tolerance=1e-8, free=free)
    h = 1e-4
    x = bare.at(run, [h, -h, 0.0], free).x.real
    assert abs(c[1] - (x[0] - x[1]) / (2 * h)).max() < 1e-6 * abs(c[1]).max()
    assert abs(c[2] - (x[0] + x[1] - 2 * x[2]) / (2 * h**2)).max() < 1e-4 * abs(c[2]).max()
    lam = 0.2
    assert (
        abs(np.polynomial.polynomial.polyval(lam, c) - bare.at(run, lam, free).x[0].real).max()
        < 1e-3
    )


def test_the_radius_of_a_known_series():
    n = np.arange(40)
    c = (0.5**n)[:, None, None] * np.ones((40, 2, 3))  # 1 / (1 - lambda / 2)
    assert bare.radius_of_convergence(c) == pytest.approx([2.0, 2.0])


def test_the_nearest_zero_bounds_the_radius():
    run = random_model().run("the man paid")
    found = bare.singularities(run, reach=6.0, grid=16, keep=4)
    assert found and all(s.strength.imag >= 0 for s in found)
    nearest = found[0]
    plane = bare.at(run, nearest.strength)
    vanishing = plane.partition if nearest.kind == "partition function" else plane.variance
    assert vanishing[0] < 1e-4
    c, _ = bare.stable_coefficients(run, 32, 2.0)
    estimate = bare.radius_of_convergence(c)[-1]
    assert estimate == pytest.approx(abs(found[0].strength), rel=0.3)


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
        (lambda r: bare.at(r, np.nan), "strengths holds NaN or infinity"),
        (lambda r: bare.at(r, 1e200j), "overflows at lambda"),
        (lambda r: bare.coefficients(r, 0, 1.0), "count must be a whole number from 1 on; got 0"),
        (lambda r: bare.singularities(r, 0.0), "a positive reach"),
        (lambda r: bare.at(r, 1, "on-site"), "not a split; near: 'on_site'"),
    ],
)
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        call(random_model().run(MONEY))


def test_a_picture_of_radii_has_a_dot_a_text_and_a_bar_to_the_least():
    import matplotlib.pyplot as plt

    from operator_lab.figures.dyson import radii

    found = {("trained", "nothing"): [0.1, 0.3], ("untrained", "on_site"): [2.0, 4.0, 5.0]}
    _, ax = plt.subplots()
    radii(ax, found, "R")
    drawn = [line.get_xdata() for line in ax.lines[:2]]
    assert [list(x) for x in drawn] == [[0.1, 0.3], [2.0, 4.0, 5.0]]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert ends == pytest.approx([0.1, 2.0])
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "trained, free: nothing", "untrained, free: on site",
    ]  # fmt: skip
    plt.close("all")

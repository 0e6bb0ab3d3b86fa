"""Pictures of notebook 11: what they say is what they draw, and what the instruments give."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from random_models import MONEY, RIVER, random_model

import operator_lab as lab
from operator_lab import pseudospectra as ps
from operator_lab import resummation as rs
from operator_lab.errors import LabError
from operator_lab.figures import pseudospectra as drawn_ps
from operator_lab.figures import resummation as drawn_rs

CHAIN = np.diag(np.full(8, 0.7)) + np.diag(np.full(7, 0.5), -1)
MATRICES = {"chain": CHAIN, "silent": np.diag(np.diag(CHAIN))}
LEVELS = np.array([1e-6, 1e-3, 1e-2, 5e-2])


@pytest.fixture(scope="module")
def grids():
    return {name: ps.pseudospectrum(A, 60, (-2, 2, -2, 2)) for name, A in MATRICES.items()}


@pytest.fixture(scope="module")
def contour(grids):
    growth = {name: ps.powers(A, 40) for name, A in MATRICES.items()}
    constants = {name: ps.kreiss(A) for name, A in MATRICES.items()}
    return drawn_ps.contour(grids, growth, constants, LEVELS)


@pytest.fixture(scope="module")
def model():
    return random_model(layers=2)


@pytest.fixture(scope="module")
def plane(model):
    return drawn_rs.plane(model, MONEY, layers=(1, 2), count=17)


def positions(shown):
    count, options = shown._content.shape
    return [(i, j, shown._content.text(i, j)) for i in range(count) for j in range(options)]


def drawn(shown, panel, name, i, j):
    array = shown._content.panels[panel].arrays[name]
    return array[i if len(array) > 1 else 0, j if array.shape[1] > 1 else 0]


def is_light(shown):
    assert shown.nbytes < 300_000
    assert "png" in shown._still() and shown._content.alt.endswith(".")


# ---- the contour --------------------------------------------------------------------------------


def test_points_of_the_contour_lie_on_it(contour, grids):
    is_light(contour)
    for i, j, _ in positions(contour):
        eps, name = LEVELS[i], list(MATRICES)[j]
        xy = drawn(contour, 0, "xy", i, j)[: drawn_ps.CORNERS]
        found = xy[np.isfinite(xy).all(1)]
        if eps < grids[name].sigma.min():  # a contour between two points of the grid is not seen
            assert not len(found)
            continue
        assert len(found) > 0.9 * drawn_ps.CORNERS
        near = ps.sigma_min(MATRICES[name], found @ [1, 1j])
        assert (abs(np.log10(near / eps)) < 0.35).all()  # to what the grid resolves


def test_the_contour_says_what_it_draws(contour):
    for i, j, text in positions(contour):
        name = list(MATRICES)[j]
        A = MATRICES[name]
        top, K = ps.powers(A, 40).max(), ps.kreiss(A).constant
        assert text.startswith(f"{name}: a perturbation of size {LEVELS[i]:.2g} can move")
        assert f"the largest itself is {ps.radius(A):.2f}" in text
        assert f"the largest has {top:.3g}, the Kreiss constant is {K:.3g}." in text
        reach = float(re.search(r"out to (\d\.\d+)", text)[1])
        bound = float(re.search(r"a norm of (\S+) at least", text)[1])
        slack = 6e-4 / LEVELS[i]  # the reach is said to three digits
        assert bound == pytest.approx(max(0, (reach - 1) / LEVELS[i]), rel=0.01, abs=slack)
        assert bound <= 1.02 * top  # the theorem
        assert drawn(contour, 1, "norm", i, j) == pytest.approx(ps.powers(A, 40))
    assert contour._content.text(2, 0) != contour._content.text(2, 1)


def test_stills_of_the_resolvent(grids):
    _, axes = plt.subplots(1, 3)
    drawn_ps.resolvent(axes[0], grids["chain"], [0.01, 0.1], "here")
    eigenvalues = axes[0].lines[0].get_xydata()
    assert eigenvalues[:, 0] == pytest.approx(0.7, abs=1e-9) and axes[0].get_title() == "here"
    drawn_ps.growth(axes[1], {"a": np.array([1, 2, 4])}, bound=8.0)
    assert axes[1].lines[0].get_ydata().tolist() == [1, 2, 4]
    assert set(axes[1].lines[1].get_ydata()) == {8.0}
    drawn_ps.bulk(axes[2], np.ones(5), np.array([0.5, 1.5]), np.array([0, 1.0]), 2.0)
    assert axes[2].lines[0].get_ydata().tolist() == [0, 1]
    assert set(axes[2].lines[1].get_xdata()) == {2.0}
    plt.close("all")


# ---- the plane ----------------------------------------------------------------------------------


def plane_agrees(shown, model, sentence):
    run = model.run(sentence)
    series = [rs.expansion(rs.tail(run, n), 17) for n in (1, 2)]
    lam = shown._content.slider.values
    for i, j, text in positions(shown):
        if i % 14:
            continue
        x, s = series[j].exact(lam[i]), series[j].sums(lam[i])
        off = lambda y, x=x: np.linalg.norm(y - x, axis=-1) / np.linalg.norm(x)  # noqa: E731
        taylor, summed = off(s), off(rs.epsilon(s))
        assert f"{lam[i] / series[j].radius:.3g} radii of convergence out" in text
        said = [float(n) for n in re.findall(r"off by (\S+) of|one by (\S+)\.", text)[0][:1]]
        assert said[0] == pytest.approx(taylor[-1], rel=0.06)  # two digits
        curve = drawn(shown, 0, "vector epsilon", i, j)
        assert curve == pytest.approx(np.clip(summed, drawn_rs.FLOOR, drawn_rs.CEILING), rel=1e-6)
        law = drawn_rs.law_of(run, x[None], len(run.words) - 1)[0]
        assert f"likeliest next word of the network is '{run.vocabulary[law.argmax()]}'" in text
        words = [run.vocabulary.index(w) for w in shown._content.panels[2].labels]
        assert drawn(shown, 2, "network", i, j) == pytest.approx(law[words])
        z = drawn(shown, 1, "xy", i, j)[-1]
        assert z[0] == pytest.approx(lam[i] / series[j].radius) or np.isnan(z).all()


def test_the_plane_says_what_the_series_do(plane, model):
    is_light(plane)
    plane_agrees(plane, model, MONEY)
    assert plane.value == pytest.approx(1) and plane.text.startswith("The last 1 of 2 layers")
    assert plane._content.choice.options[1] == "all 2"
    run = model.run(MONEY)
    at_one = [w for w in plane._content.panels[2].labels]
    law = drawn(plane, 2, "network", 40, 0)
    assert law == pytest.approx(run.law[-1, [run.vocabulary.index(w) for w in at_one]])


def test_another_sentence_and_mistakes(plane, model):
    plane.ask("the man paid")
    plane_agrees(plane, model, "the man paid")
    before = plane.header, plane.data, plane.text
    for sentence, message in (("the dog", "'dog' is not one of"), ("", "sentence is empty")):
        with pytest.raises(LabError, match=message):
            plane.ask(sentence)
    assert (plane.header, plane.data, plane.text) == before


def test_laws_are_read_at_the_position_that_changed(model):
    run = model.run(RIVER)
    found = drawn_rs.law_of(run, run.states[-1, [2, 5]], 5)
    assert found[1] == pytest.approx(run.law[5])
    states = run.states[-1].copy()
    states[5] = states[2]
    assert found[0] == pytest.approx(lab.dyson.law_of(run, states)[5])


def test_stills_of_the_resummation():
    _, axes = plt.subplots(1, 3)
    z = np.array([0.1 + 0.2j, -0.3 + 0.1j])
    drawn_rs.singularities(axes[0], z[:1], z[1:], z, 0.25)
    circle, felt, other, poles = axes[0].lines
    assert np.hypot(*circle.get_xydata().T) == pytest.approx(0.25)
    assert felt.get_xydata().tolist() == [[0.1, 0.2]]
    assert other.get_xydata().tolist() == [[-0.3, 0.1]]
    assert len(poles.get_xydata()) == 2
    drawn_rs.errors(axes[1], {"Taylor": [1.0, 0.1, 0.0]})
    assert axes[1].lines[0].get_ydata().tolist() == [1.0, 0.1, 1e-16]
    drawn_rs.residuals(axes[2], {"plain": np.array([1.0, 0.5])})
    assert axes[2].lines[0].get_xydata().tolist() == [[1, 1.0], [2, 0.5]]
    plt.close("all")

"""Pictures of notebook 10: what they say is what the arrays say, and what the schemes do."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from random_models import MONEY, random_model
from test_figures import drawn, is_light, numbers, positions, refuses

import operator_lab as lab
from operator_lab import continuum as co
from operator_lab.model import divergence

COUNTS = (2, 4, 8)


@pytest.fixture(scope="module")
def stack():
    parts = co.smooth_layers(seed=0)
    return parts, (lambda x, t: sum(f(x, t) for f in parts)), co.start()


def test_layers_says_how_far_a_scheme_is_off(stack):
    _, velocity, x = stack
    shown = lab.figures.continuum.layers(velocity, x, COUNTS, feature=5)
    is_light(shown)
    end = co.exact(velocity, x, 0.0, 1.0)
    for i, j, text in positions(shown):
        name, cost = [("euler", 1), ("heun", 2), ("rk4", 4)][j]
        states = co.integrate(velocity, x, COUNTS[i], name)
        off = co.off(states[-1], end)
        assert text.startswith(lab.figures.continuum.METHODS[name])
        assert f"{COUNTS[i]} layers: the last state is off by {off:.2g}" in text
        assert f"after {COUNTS[i] * cost} evaluations" in text
        path = drawn(shown, 0, "this many layers", i, j)
        assert path[[0, -1]] == pytest.approx(states[[0, -1], -1, 5])
        assert path[32] == pytest.approx(states[COUNTS[i] // 2, -1, 5])  # the middle is a layer
        assert drawn(shown, 1, "error", i, j)[i] == pytest.approx(off)
    assert drawn(shown, 0, "continuum", 0, 0)[-1] == pytest.approx(end[-1, 5], abs=1e-6)


def test_splitting_says_the_orders_it_draws(stack):
    parts, velocity, x = stack
    shown = lab.figures.continuum.splitting(parts, x, co.onto_sphere, co.onto_tangent, (8, 16, 32))
    is_light(shown)
    expected = {"Euler": (1, 1, 1), "Heun": (2, 1, 2), "Runge-Kutta 4": (4, 1, 2)}
    for i, j, text in positions(shown):
        method = list(expected)[i]
        assert text.startswith(f"Sub-steps by {method}, norm ")
        assert ("after each sub-step" in text) == bool(j)
        orders = drawn(shown, 1, "order", i, j)
        assert orders == pytest.approx((1, 1, 1) if j else expected[method], abs=0.2)
        said = numbers(text.split("orders are")[1])
        assert said[:3] == pytest.approx(orders, abs=0.005) and said[3] == 32
        for name, value, order in (("Lie", said[4], orders[1]), ("Strang", said[5], orders[2])):
            curve = drawn(shown, 0, name, i, j)
            assert value == pytest.approx(curve[-1], rel=0.06)
            assert co.order((8, 16, 32), curve) == pytest.approx(order, abs=1e-6)
    end = co.exact(velocity, x, 0.0, 1.0)
    strang = co.split(parts, x, 16, "strang", "heun")[-1]
    assert drawn(shown, 0, "Strang", 1, 0)[1] == pytest.approx(co.off(strang, end))
    assert shown.text.startswith("Sub-steps by Euler")  # first frame: Strang gains nothing


def refinement_agrees(shown, model, sentence):
    times, exact = lab.figures.continuum.TIMES, model.language.law(sentence)[-1]
    own = model.run(sentence).law[-1]
    for i, j, text in positions(shown):
        each = [1, times[i], times[i]] if j else times[i]
        law = co.refined(model, each).run(sentence).law[-1]
        far = divergence(exact, law)
        word = model.language.words[law.argmax()]
        assert (
            f"in {times[i]} steps: {far:.3f} nats" in text and f"'{word}' ({law.max():.0%})" in text
        )
        assert f"({divergence(exact, own):.3f} as trained)" in text
        assert text.startswith("All layers but the first" if j else "Every layer")
        bars = drawn(shown, 0, "refined", i, j)
        labels = shown._content.panels[0].labels
        assert bars == pytest.approx(law[[model.language.index(w) for w in labels]], abs=1e-6)
        assert drawn(shown, 1, "distance", i, j)[i] == pytest.approx(far, abs=1e-6)


def test_refinement_says_what_finer_layers_do():
    model = random_model()
    shown = lab.figures.continuum.refinement(model, MONEY)
    is_light(shown)
    refinement_agrees(shown, model, MONEY)
    assert shown.value == 6  # not the last: the key that goes on moves it
    shown.ask("the bat was old")
    refinement_agrees(shown, model, "the bat was old")
    refuses(shown, "the dog", "'dog' is not one of the 95 words")
    refuses(shown, "the bank the", "After '. the bank' the grammar never says 'the'")
    refuses(shown, "", "The sentence is empty")


def test_stills_draw_what_they_are_given():
    _, (left, right) = plt.subplots(1, 2)
    errors = np.array([0.4, 0.2, 0.1])
    lab.figures.continuum.convergence(left, {"a": (COUNTS, errors), "b": (COUNTS, errors**2)}, "t")
    assert [line.get_label() for line in left.lines] == ["a", "b"] and left.get_title() == "t"
    assert left.lines[1].get_ydata() == pytest.approx(errors**2)
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    lab.figures.continuum.limits(right, (1, 2, 4), {"model": errors}, label="nats")
    assert right.lines[0].get_ydata() == pytest.approx(errors)
    assert [t.get_text() for t in right.get_xticklabels()] == ["1", "2", "4"]
    plt.close("all")

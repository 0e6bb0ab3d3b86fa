"""Pictures of notebook 09: what they say is what they draw, and what the instruments give."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from random_models import MONEY, RIVER, random_model

import operator_lab as lab
from operator_lab import thermodynamics as td
from operator_lab.errors import LabError
from operator_lab.figures.explorer import Explorer

pictures = lab.figures.thermodynamics
RATIOS = np.geomspace(0.05, 20, 9)


@pytest.fixture(scope="module")
def triangle():
    return pictures.simplex((0.0, 0.5, 2.0))


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def heat(model):
    return pictures.heat(model, MONEY, RATIOS)


def spectrum(lifted: int, strengths):
    """Twelve flat directions of which the last are lifted, then six stiff ones."""
    soft = [np.full(12 - lifted, 1e-16), *(s * np.arange(1, lifted + 1) for s in [1.0])]
    return np.array([np.r_[soft[0], s * soft[1], np.full(6, 0.5)] for s in strengths])


@pytest.fixture(scope="module")
def lifted():
    s = np.array([0.01, 0.1, 1.0])
    return pictures.lifted(s, {"first": spectrum(6, 1e-3 * s), "second": spectrum(4, 1e-4 * s)})


def positions(shown: Explorer):
    count, options = shown._content.shape
    return ((i, j, shown._content.text(i, j)) for i in range(count) for j in range(options))


def drawn(shown: Explorer, panel: int, name: str, i: int, j: int):
    array = shown._content.panels[panel].arrays[name]
    return array[i if len(array) > 1 else 0, j if array.shape[1] > 1 else 0]


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"(?<![\w'])-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def is_light(shown: Explorer):
    assert shown.nbytes < 300_000 and "png" in shown._still() and shown._content.alt.endswith(".")


# ---- the triangle -------------------------------------------------------------------------------


def test_the_triangle_shows_the_least_free_energy(triangle):
    is_light(triangle)
    E = np.array([0.0, 0.5, 2.0])
    for i, j, text in positions(triangle):
        T, kind = pictures.COOLING[i] * 2.0, td.ENTROPIES[j]
        p = td.minimum(E, T, kind)
        F = float(td.free_energy(p, E, T, kind))
        assert drawn(triangle, 1, "weight", i, j) == pytest.approx(p)
        assert drawn(triangle, 0, "xy", i, j)[-4] == pytest.approx(td.placed(p))
        assert text.endswith(f"U = {p @ E:z.2f}, S = {td.entropy(p, kind):z.2f}, F = {F:z.2f}.")
        assert f"{(p > 0).sum()} of 3 in use" in text and pictures.NAMES[kind] in text
        curves = [drawn(triangle, 2, name, i, j)[i] for name in ("U", "T S", "F")]
        assert curves[0] - curves[1] == pytest.approx(curves[2]) and curves[2] == pytest.approx(F)


def test_the_rings_have_the_free_energy_they_say(triangle):
    E, i = np.array([0.0, 0.5, 2.0]), 14
    to_weights = np.linalg.inv(np.vstack([td.placed(np.eye(3)).T, np.ones(3)]))
    panel = triangle._content.panels[0]
    for j, kind in enumerate(td.ENTROPIES):
        T, xy = pictures.COOLING[i] * 2.0, drawn(triangle, 0, "xy", i, j)
        least = td.free_energy(td.minimum(E, T, kind), E, T, kind)
        for group, level in enumerate(pictures.LEVELS):
            ring = xy[np.array(panel.groups) == group]
            p = np.c_[ring, np.ones(len(ring))][np.isfinite(ring).all(1)] @ to_weights.T
            p = np.clip(p, 0, 1)
            above = td.free_energy(p / p.sum(1, keepdims=True), E, T, kind) - least
            assert above == pytest.approx(level * 2.0, abs=1e-6)


def test_softmax_and_sparsemax_differ_where_it_is_cold(triangle):
    triangle.index, triangle.choice_index = 3, 0
    assert "3 of 3 in use" in triangle.text
    triangle.choice_index = 1
    assert "1 of 3 in use" in triangle.text


# ---- the heat capacity --------------------------------------------------------------------------


def test_the_map_and_the_capacity_are_those_of_the_scores(heat, model):
    is_light(heat)
    run = model.run(MONEY)
    S = run.interaction.reshape(-1, 9, 9).astype(float)
    for i, j, text in positions(heat):
        T = RATIOS[i] * run.shape.T0
        A = lab.mixing.mixing(S[j], T)
        assert drawn(heat, 0, "array", i, j) == pytest.approx(A, abs=1e-12)
        C = [td.heat_capacity(-S[j, k, : k + 1], T) for k in range(1, 9)]
        assert drawn(heat, 1, "row of 'bank'", i, j)[i] == pytest.approx(C[-1])
        assert drawn(heat, 1, "mean of all rows", i, j)[i] == pytest.approx(np.mean(C))
        word = run.words[A[-1].argmax()]
        assert f"reads mostly '{word}' ({A[-1].max():.0%}); C = {C[-1]:.2f}, at most" in text
        assert f"layer {j // 4 + 1}, head {j % 4 + 1}" in text
        assert f"at most {td.bound(9):.2f}" in text


def test_another_sentence_and_mistakes_in_the_heat_capacity(heat):
    heat.ask(RIVER)
    assert heat.header["sentence"] == RIVER
    before = heat.header, heat.data, heat.text
    for sentence, message in (("the dog", "'dog' is not one of the 95 words"), ("", "is empty")):
        with pytest.raises(LabError, match=message):
            heat.ask(sentence)
        assert (heat.header, heat.data, heat.text) == before
    heat.ask("the " + "man saw the box near the bank and " * 2 + "it was")
    assert heat.nbytes < 300_000


def test_it_begins_at_the_usual_temperature(heat):
    assert heat.value == pytest.approx(1.0)


# ---- flat directions ----------------------------------------------------------------------------


def test_flat_directions_are_counted_as_they_are_drawn(lifted):
    is_light(lifted)
    for i, j, text in positions(lifted):
        up, s = (6, 4)[j], (1e-3, 1e-4)[j] * (0.01, 0.1, 1.0)[i]
        xy = drawn(lifted, 0, "xy", i, j)
        flat, curved = xy[:16], xy[16:]
        assert np.isfinite(flat).all(1).sum() == 12 - up
        assert np.isfinite(curved).all(1).sum() == 4 + up
        assert f"{12 - up} stay flat, {up} are lifted" in text
        assert numbers(text)[-2:] == pytest.approx([s, up * s], rel=0.01)
        assert drawn(lifted, 1, "softest lifted", i, j)[i] == pytest.approx(s)
        assert drawn(lifted, 1, "stiffest lifted", i, j)[i] == pytest.approx(up * s)


# ---- still figures ------------------------------------------------------------------------------


def test_still_figures_draw_what_they_are_given():
    _, (a, b) = plt.subplots(1, 2)
    x = np.geomspace(0.1, 10, 5)
    pictures.curves(a, x, {"one": np.array([0.1, 0.9, 0.3, 0.2, 0.1])})
    assert a.lines[0].get_ydata().max() == 0.9 and a.lines[1].get_xdata()[0] == x[1]
    assert a.get_ylim()[1] > 0.9
    pictures.landings(b, {"cold": np.array([0.2, 0.3]), "hot": np.array([0.4])})
    assert [t.get_text() for t in b.get_yticklabels()] == ["cold", "hot"]
    assert b.lines[0].get_xdata().tolist() == [0.2, 0.3]
    plt.close("all")


def test_grokking_shows_answers_loss_heat_and_slingshots():
    run = td.grokking_log()[0]
    _, axes = plt.subplots(3, 1)
    pictures.grokking(*axes, run)
    assert axes[0].lines[1].get_ydata() == pytest.approx(run.test_right)
    assert axes[1].lines[0].get_ydata() == pytest.approx(run.loss)
    assert axes[2].lines[0].get_ydata() == pytest.approx(run.max_C)
    dotted = [line for line in axes[2].lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in dotted] == run.slingshots.tolist()
    plt.close("all")

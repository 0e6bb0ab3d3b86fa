"""Pictures of notebook 08: what they say is what they draw."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import operator_lab as lab
from operator_lab.figures import training as pictures


@pytest.fixture(scope="module")
def seen():
    names = ("excess", "hop sizes", "hop left", "at T/T0", "flip")
    return {name: lab.ensembles.shipped("becoming", f"{name} in time")["trained"] for name in names}


def test_every_position_says_what_was_measured(seen):
    steps = np.array(lab.ensembles.BECOMING)
    ratios = np.array(lab.ensembles.RATIOS)
    shown = pictures.becoming(steps, ratios, seen)
    assert shown.nbytes < 60_000
    count, options = shown._content.shape
    assert (count, options) == (len(steps) - 1, len(seen["excess"]))
    for i in range(count):
        for j in range(options):
            text = shown._content.text(i, j)
            assert text.startswith(f"After {steps[i + 1]} steps (seed {j})")
            assert f"{seen['excess'][j, i + 1]:.3g} nats above the floor" in text
            assert f"turns {abs(seen['flip'][j, i + 1]):.0%} of" in text
            best = ratios[seen["at T/T0"][j, i + 1].argmin()]
            assert f"best temperature is {best:.1f} T0" in text
    bars = shown._content.panels[1].arrays["size"]
    assert np.allclose(bars[3, 2], seen["hop sizes"][2, 4])


def test_progress_runs_from_nothing_to_everything():
    values = np.array([[3.0, 2.0, 1.0], [4.0, 3.0, 1.0], [8.0, 2.0, 0.0]])
    _, ax = plt.subplots()
    pictures.progress(ax, np.array([0, 10, 100]), {"excess": values})
    (curve,) = ax.get_lines()
    assert np.allclose(curve.get_ydata(), [0.5, 1.0])  # 1/2, 1/3 and 3/4 of the way: the median
    plt.close()


def test_the_other_pictures_show_every_seed():
    _, axes = plt.subplots(1, 3)
    rows = {"two layers": np.ones((5, 4)), "one layer": np.zeros((5, 4))}
    pictures.jump(axes[0], np.arange(4), rows, exact=0.7)
    assert len(axes[0].get_lines()) == 11
    pictures.ladder(axes[1], {"none": np.array([1.0, 2.0]), "raw": np.array([0.1, 0.2])})
    assert [t.get_text() for t in axes[1].get_yticklabels()] == ["none", "raw"]
    pictures.losses(axes[2], {"loss": (np.arange(3), np.ones(3))}, {"floor": 0.5})
    assert [t.get_text() for t in axes[2].texts] == ["floor"]
    plt.close()

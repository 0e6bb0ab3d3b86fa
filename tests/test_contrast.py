"""Pictures can be told from the page by eyes that see little, by day and by night (WCAG 1.4.11)."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from operator_lab.figures.look import DARK, LIGHT, shades

SHAPES, WORDS = 3.0, 4.5  # what lines and what words must reach
ROOT = Path(__file__).resolve().parent.parent
PAGE_AT_NIGHT = "#14181e"
# How a browser turns hues by 180 degrees (CSS filter effects, hue-rotate).
TURN = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])


def luminance(colour) -> float:
    rgb = np.array(to_rgb(colour))
    return float(
        np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        @ [0.2126, 0.7152, 0.0722]
    )


def ratio(one, other) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def at_night(colour: str) -> str:
    """What course/_static/book.css makes of a colour in a still figure at night."""
    turned = np.clip(TURN @ (1 - np.array(to_rgb(colour))), 0, 1)
    return to_hex(1 - (1 - turned) * (1 - np.array(to_rgb(PAGE_AT_NIGHT))))


def test_the_ratio_is_the_standards_own():
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's example


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_curves_and_words_stand_out(look):
    assert min(ratio(colour, look["paper"]) for colour in look["series"]) > SHAPES
    assert ratio(look["ink"], look["paper"]) > WORDS
    assert ratio(look["deep"], look["plate"]) > WORDS  # the ends of a heat map


def test_still_figures_stand_out_at_night_as_well():
    sheet = (ROOT / "course" / "_static" / "book.css").read_text(encoding="utf-8")
    assert "filter: invert(1) hue-rotate(180deg);\n  mix-blend-mode: screen;" in sheet
    paper = at_night(LIGHT["paper"])
    assert ratio(paper, PAGE_AT_NIGHT) == pytest.approx(1, abs=0.02)
    assert min(ratio(at_night(colour), paper) for colour in LIGHT["series"]) > SHAPES
    assert ratio(at_night(LIGHT["ink"]), paper) > WORDS


@pytest.mark.parametrize("dark", [False, True])
def test_a_heat_map_runs_one_way(dark):
    steps = [luminance(colour) for colour in shades(dark)(np.linspace(0, 1, 9))[:, :3]]
    assert all((a < b) if dark else (a > b) for a, b in pairwise(steps))


def test_sliders_have_the_same_colours():
    sheet = (ROOT / "operator_lab/figures/explorer.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--c\d: light-dark\((#\w+), (#\w+)\);", sheet)
    assert pairs == list(zip(LIGHT["series"], DARK["series"], strict=True))[: len(pairs)]
    assert len(pairs) == 6  # the seventh is the ink

"""The tool that makes shaken runs; the course's own notebooks run shaken in test_book.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import operator_lab as lab
from operator_lab import __main__ as command_line
from operator_lab.course import claims, notebooks, soak
from operator_lab.course.shaken import LEVELS, shaken
from operator_lab.errors import LabError

COURSE = Path(__file__).resolve().parent.parent / "course"
COURSE_NOTEBOOKS = sorted(COURSE.glob("*.ipynb"))
MARKED = "# NBVAL_CHECK_OUTPUT\n"


def a_notebook(path: Path, *cells: tuple[str, str]) -> Path:
    """A notebook file of code cells with what they are said to have printed."""
    made = [
        {
            "cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": 1,
            "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text}] if text else [],
        }
        for i, (source, text) in enumerate(cells)
    ]  # fmt: skip
    notebook = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


# --- the course ---------------------------------------------------------------------------------


def test_every_claim_is_among_what_is_compared():
    for path in COURSE_NOTEBOOKS:
        marked = [
            soak.printed(cell)
            for cell in notebooks.read(path)["cells"]
            if cell["cell_type"] == "code" and notebooks.is_marked("".join(cell["source"]))
        ]
        lines = {line for text in marked for line in text.splitlines()}
        for row in claims.rows([path]):
            line = f"[claim] {row.name}: {row.measured} {{{row.spread}}} -> {row.verdict}"
            assert line in lines, row


# --- what is moved, and when --------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_weights_move_by_their_level_and_what_nobody_rounds_does_not(level):
    plain = lab.reference(trained=False)
    with shaken(level, 1):
        moved = lab.reference(trained=False)
    for name, w in plain.weights.items():
        given = (w == 0) | (w == 1)
        relative = abs(moved.weights[name][~given] / w[~given] - 1)
        assert (moved.weights[name][given] == w[given]).all()
        assert relative.max(initial=0) <= 1.001 * LEVELS[level].float64
        assert given.all() or relative.max() > 0.5 * LEVELS[level].float64


def test_drawn_weights_move_in_single_precision():
    plain = lab.Transformer(95, seed=3).W_E.detach()
    with shaken("rounding", 1):
        moved = lab.Transformer(95, seed=3).W_E.detach()
    relative = abs(moved / plain - 1).max().item()
    assert 0.5e-6 < relative < 1.3e-6  # and a rounding


def test_a_pass_is_rounded_otherwise_and_stays_consistent():
    plain = lab.reference()
    with shaken("rounding", 1):
        run = plain.run("the man paid")
        again = plain.run("the man paid")
        J = lab.pseudospectra.jacobians(plain, "the man")
    before = plain.run("the man paid")
    assert np.isfinite(J).all()  # what is noted can still be differentiated
    assert 0 < abs(run.states - before.states).max() < 1e-11
    assert (run.states == again.states).all()
    assert (run.states[0] == before.states[0]).all()
    after = run.states[0]
    for step in run.steps:
        after = after + step(after)
    assert after == pytest.approx(run.states[-1], abs=1e-11)


def test_draws_differ_and_nothing_stays_moved():
    plain = lab.reference()
    weights = []
    for draw in (1, 2, 1):
        with shaken("rounding", draw):
            weights.append(lab.reference().weights["W_E"])
    assert (weights[0] == weights[2]).all() and (weights[0] != weights[1]).any()
    after = lab.reference()
    assert all((w == after.weights[name]).all() for name, w in plain.weights.items())
    assert torch.equal(lab.Transformer(9, seed=1).W_E, lab.Transformer(9, seed=1).W_E)


def test_a_model_that_only_goes_elsewhere_is_not_moved_again():
    with shaken("rounding", 1):
        model = lab.reference().to("float64")
        moved = model.to(device="cpu")
    assert all(np.array_equal(w, moved.weights[name]) for name, w in model.weights.items())


def test_nothing_stays_moved_after_an_error():
    before = lab.reference().weights["W_E"]
    with pytest.raises(ZeroDivisionError), shaken("rounding", 1):
        1 / 0  # noqa: B018
    assert (lab.reference().weights["W_E"] == before).all()


# --- what a soak finds --------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_number_that_depends_on_rounding_is_named_with_its_cell_and_line(tmp_path):
    path = a_notebook(
        tmp_path / "n.ipynb",
        ("import operator_lab as lab\nw = lab.reference().weights['W_E'][0, 0]", ""),
        (f"{MARKED}print('stable')\nprint(repr(float(w)))", f"stable\n{_first_weight()!r}\n"),
        (f"{MARKED}print(f'{{w:.3f}}')", f"{_first_weight():.3f}\n"),
    )
    (found,) = soak.moved(path, soak.shake("rounding", 1))
    assert (found.notebook, found.cell, found.condition) == ("n.ipynb", 2, "rounding-1")
    assert found.stored == repr(_first_weight()) != found.found
    assert soak.moved(path, soak.condition("one-thread")) == []


def _first_weight() -> float:
    return float(lab.reference().weights["W_E"][0, 0])


@pytest.mark.thorough
def test_a_setting_reaches_the_kernel(tmp_path):
    for name, environment in soak.SETTINGS.items():
        (variable, value), *_ = environment.items()
        source = f"{MARKED}import os\nprint(os.environ[{variable!r}])"
        path = a_notebook(tmp_path / "n.ipynb", (source, f"{value}\n"))
        assert soak.moved(path, soak.setting(name)) == []


@pytest.mark.thorough
def test_lines_that_come_and_go_and_a_cell_that_fails(tmp_path):
    fewer = a_notebook(tmp_path / "fewer.ipynb", (f"{MARKED}print('a')", "a\nb\n"))
    assert [(m.stored, m.found) for m in soak.moved(fewer, soak.setting("one-thread"))] == [
        ("b", "")
    ]
    failing = a_notebook(tmp_path / "failing.ipynb", ("x = 1", ""), ("1 / 0", ""))
    (found,) = soak.moved(failing, soak.shake("rounding", 1))
    assert found.cell == 0 and "cell 2 raised ZeroDivisionError" in found.found


def test_the_command_says_what_moved(tmp_path, capsys):
    good = a_notebook(tmp_path / "good.ipynb", (f"{MARKED}print(1)", "1\n"))
    bad = a_notebook(tmp_path / "bad.ipynb", (f"{MARKED}print(1)", "2\n"))
    assert command_line.main(["soak", str(good), "--under", "one-thread"]) == 0
    assert command_line.main(["soak", str(good), str(bad), "--under", "one-thread"]) == 1
    out = capsys.readouterr().out
    assert "bad.ipynb, cell 1, under one-thread" in out
    assert "1 compared lines moved in 2 notebooks x 1 conditions." in out


def test_all_conditions_have_names_that_are_read_back():
    every = soak.conditions(draws=3)
    assert [soak.condition(c.name) for c in every] == every
    assert len({c.name for c in every}) == len(every) == 4 + len(soak.SETTINGS)


@pytest.mark.parametrize(
    "mistake, sentence",
    [
        (lambda: soak.shake("roundin", 1), "no level 'roundin' of shaking; near: 'rounding'."),
        (lambda: soak.shake("rounding", 0), "draws of a shaking are counted from 1; got 0"),
        (lambda: soak.shake("rounding", 1.5), "draws of a shaking are counted from 1; got 1.5"),
        (lambda: soak.shake(None, 1), "no level None of shaking. It has 'rounding'"),
        (lambda: soak.setting("three-threads"), "no setting 'three-threads'; near: 'two-threads'"),
        (lambda: soak.condition("earthquake-1"), "no level 'earthquake' of shaking"),
        (lambda: soak.condition("earthquake"), "no condition 'earthquake'. There are one-thread"),
        (lambda: soak.condition("rounding-"), "no condition 'rounding-'"),
        (lambda: soak.conditions(0), "number of draws is 1 or more, not 0"),
        (lambda: soak.moved(COURSE / "no.ipynb", soak.setting("one-thread")), "cannot be read"),
        (lambda: shaken("fierce", 1).__enter__(), "no level 'fierce' of shaking"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(mistake, sentence, as_a_learner):
    with pytest.raises(LabError) as caught:
        mistake()
    assert sentence in str(caught.value)

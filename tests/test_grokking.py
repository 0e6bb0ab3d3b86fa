"""Grokking: runs and their logs, slingshots and echoes, the shipped sweep."""

import dataclasses
import json

import numpy as np
import pytest

from operator_lab import thermodynamics as td
from operator_lab.errors import LabError
from operator_lab.thermodynamics import grokking

SHORT = td.Task(p=7, steps=60, features=16, heads=2, hidden=16, every=20)


def test_a_grokking_run_is_the_same_again_and_keeps_the_bound():
    first, again = td.grok(SHORT, progress=False), td.grok(SHORT, progress=False)
    assert np.array_equal(first.loss, again.loss) and np.array_equal(first.max_C, again.max_C)
    assert first.step.tolist() == [0, 20, 40, 60] and len(first.loss) == 60
    assert first.train_loss[0] == pytest.approx(first.loss[0], rel=1e-5)
    assert (first.max_C <= td.bound(3) + 1e-12).all() and (first.mean_C <= first.max_C).all()
    other = td.grok(dataclasses.replace(SHORT, seed=1), progress=False)
    assert not np.array_equal(first.loss, other.loss)


def test_the_pairs_are_all_there_once():
    tokens, answers, known = grokking.pairs(td.Task(p=11, share=0.4))
    assert len({tuple(t) for t in tokens}) == 121 and (tokens[:, 2] == 11).all()
    assert (answers == tokens[:, :2].sum(1) % 11).all()
    assert len(set(known.tolist())) == len(known) == 48


def test_an_interrupted_run_gives_what_it_has(monkeypatch):
    calls = []

    def look(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return (1.0,) * 6

    monkeypatch.setattr(grokking, "_look", look)
    run = td.grok(SHORT, progress=False)
    assert run.interrupted and len(run.loss) == 40 and run.step.tolist() == [0, 20]
    assert "40 steps, seed 0: 100% right, interrupted" in repr(run)


def test_slingshots_are_climbs_out_of_a_valley():
    falling = np.geomspace(3, 1e-4, 60)
    assert td.slingshots(falling).tolist() == []
    shot = np.r_[falling, 0.5, np.geomspace(0.5, 1e-5, 30), 0.01]
    assert td.slingshots(shot).tolist() == [60, 91]
    assert td.slingshots(np.r_[falling, [0.5] * 9]).tolist() == [60]  # one climb, however long
    assert td.slingshots(np.array([3.0, 0.2, 3.0])).tolist() == []  # it had not learned yet


def test_the_shipped_log_is_todays_recipe_and_tells_the_story():
    runs = td.grokking_log()
    assert [run.task.seed for run in runs] == list(range(len(runs))) and len(runs) >= 2
    for run in runs:
        assert run.train_right[-1] > 0.9 and run.reached(0.99, "train_right") < 500
        assert (run.max_C < td.bound(3)).all() and run.max_C.max() > 0.95 * td.bound(3)
        assert run.mean_C.max() < 0.6 * td.bound(3) and len(run.slingshots) >= 2
    first = runs[0]
    assert first.reached(0.99) > 10 * first.reached(0.99, "train_right")  # by heart, long before
    assert first.slingshots[0] < first.reached(0.5)


def test_echoes_are_spikes_behind_slingshots():
    """A made run: learned at 100, slingshots at 400, 800; a spike behind the first, one alone."""
    step = np.arange(0, 1201, 25)
    C, loss = np.full(len(step), 0.2), np.full(1200, 1e-3)
    C[step == 450], C[step == 650] = 0.4, 0.4
    loss[:90], loss[400:403], loss[800:803] = 1.0, 0.5, 0.5
    right = np.where(step >= 100, 1.0, 0.0)
    run = td.Grokked(td.Task(), step, right, right, right, right, C, C, loss)
    assert run.slingshots.tolist() == [400, 800]
    assert run.echoes() == (2, 1, 1)
    assert run.later_spikes().tolist() == [450, 650]
    assert run.later_spikes(within=500).tolist() == [650]  # learned at 100


def test_the_shipped_sweep_is_todays_recipe():
    tasks, rows = grokking.sweep_tasks(), td.grokking_sweep()
    named = {(t.p, t.rate, t.seed) for t in tasks}
    assert {(r["p"], r["rate"], r["seed"]) for r in rows} == named and len(rows) == len(named)
    for row in rows:
        assert row["elsewhere"] <= len(row["spikes"])
        assert 0 <= row["followed"] <= row["slingshots"] and row["largest"] <= td.bound(3) + 1e-4
    short = dataclasses.replace(tasks[0], steps=50)
    assert set(grokking.summary(td.grok(short, progress=False))) == set(rows[0])


def test_a_broken_sweep_says_so(tmp_path, as_a_learner):
    with pytest.raises(LabError, match="none.json is missing or broken .FileNotFoundError"):
        td.grokking_sweep(tmp_path / "none.json")


def test_the_shipped_log_begins_as_a_run_of_today_does():
    first = td.grokking_log()[0]
    run = td.grok(dataclasses.replace(first.task, steps=20), progress=False)
    assert first.loss[:20] == pytest.approx(run.loss, rel=2e-3)
    assert first.mean_C[0] == pytest.approx(run.mean_C[0], rel=1e-3)


def test_a_log_is_written_and_read_and_refused(tmp_path, as_a_learner):
    path = tmp_path / "log.json"
    run = td.grok(SHORT, progress=False)
    grokking.save([run], path)
    with pytest.raises(LabError, match="made with another p than today's recipe"):
        td.grokking_log(path)
    text = json.loads(path.read_text())
    text["runs"][0]["task"] = dataclasses.asdict(td.Task())
    path.write_text(json.dumps(text))
    (read,) = td.grokking_log(path)
    assert read.loss == pytest.approx(run.loss, rel=1e-4)
    text["runs"][0]["mean_C"].pop()
    path.write_text(json.dumps(text))
    with pytest.raises(LabError, match="broken .ValueError: curves of different length"):
        td.grokking_log(path)
    with pytest.raises(LabError, match="none.json is missing or broken .FileNotFoundError"):
        td.grokking_log(tmp_path / "none.json")

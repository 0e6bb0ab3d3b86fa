"""Training: fresh texts, the same weights however often interrupted, nothing lost."""

import errno

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from operator_lab import training
from operator_lab.corpus import compound
from operator_lab.errors import LabError
from operator_lab.training import Recipe, texts, train

TINY = Recipe(shape=dict(features=16, heads=2, layers=1, hidden=24), steps=12, batch=4, warmup=3)


def weights(result):
    return torch.cat([p.flatten() for p in result.model.transformer.parameters()])


def run(recipe=TINY, **options):
    return train(recipe, device="cpu", progress=False, every=4, **options)


def test_a_short_training_lowers_the_excess():
    result = run(Recipe(shape=TINY.shape, steps=80, batch=16, warmup=10))
    assert result.excess[-1] < result.excess[0] - 0.5
    assert result.steps[-1] == 80 and not result.interrupted
    assert repr(result).startswith("Training after step 80 of 80: excess")


def test_the_same_recipe_gives_the_same_weights():
    assert (weights(run()) == weights(run())).all()


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    update = training._update

    def stop_at_ten(transformer, optimiser, drawn, recipe, step):
        if step == 10:
            raise KeyboardInterrupt
        update(transformer, optimiser, drawn, recipe, step)

    monkeypatch.setattr(training, "_update", stop_at_ten)
    half = run(folder=tmp_path)
    assert half.interrupted and list(half.steps) == [4, 8]
    assert np.isfinite(half.model.excess(8))  # what Ctrl-C leaves is a model one can use
    assert repr(half).startswith("Training interrupted at step 8 of 12")
    monkeypatch.undo()
    drawn = []
    monkeypatch.setattr(training, "_update", lambda *a: (drawn.append(a[-1]), update(*a)))
    whole = run(folder=tmp_path)
    assert drawn == [8, 9, 10, 11]  # it went on from the last checkpoint
    assert (weights(whole) == weights(run())).all()
    assert list(whole.steps) == [4, 8, 12]


def test_a_finished_training_is_only_read(tmp_path):
    first = run(folder=tmp_path)
    again = run(folder=tmp_path)
    assert (weights(first) == weights(again)).all() and again.seconds < first.seconds + 60
    assert sorted(p.name for p in tmp_path.iterdir()) == ["training.safetensors"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_stops_nothing(tmp_path, monkeypatch, code):
    def refuse(path, content):
        raise OSError(code, "No space left on device" if code == errno.ENOSPC else "Read-only")

    monkeypatch.setattr(training, "write_whole", refuse)
    with pytest.warns(UserWarning, match="The training goes on but cannot be kept in") as caught:
        result = run(folder=tmp_path)
    assert len(caught) == 1
    assert (weights(result) == weights(run())).all()


@given(st.integers(0, 200))
def test_the_texts_of_a_step_do_not_depend_on_where_one_starts(first):
    recipe = Recipe(steps=first + 3, batch=2, seed=5)
    alone = next(texts(recipe, compound(), first))
    assert alone.shape == (2, 33)
    if first:
        *_, last = texts(Recipe(steps=first + 1, batch=2, seed=5), compound(), first - 1)
        assert (last == alone).all()


def test_the_schedule_warms_up_stays_and_falls():
    recipe = Recipe(steps=1000, rate=1.0, warmup=50)
    rates = [recipe.rate_at(s) for s in range(1000)]
    assert rates[0] == pytest.approx(0.02) and max(rates) == 1.0
    assert all(r == 1.0 for r in rates[49:300])
    assert rates[-1] == pytest.approx(0.02, abs=0.002)
    assert all(a >= b for a, b in zip(rates[300:], rates[301:], strict=False))


def test_mistakes_get_one_sentence(tmp_path, monkeypatch, as_a_learner):
    run(folder=tmp_path)
    with pytest.raises(LabError, match="holds a training with another recipe; choose another"):
        run(Recipe(shape=TINY.shape, steps=12, batch=4, warmup=3, seed=1), folder=tmp_path)
    (tmp_path / "training.safetensors").write_bytes(b"half a file")
    with pytest.raises(LabError, match="is not a whole training .*remove it to start again"):
        run(folder=tmp_path)
    with pytest.raises(LabError, match="'warp' cannot be used here"):
        train(TINY, device="warp", progress=False)
    with pytest.raises(LabError, match="Cannot train 0 steps"):
        Recipe(steps=0)
    monkeypatch.setattr(training.F, "cross_entropy", lambda x, y: x.sum() * float("nan"))
    with pytest.raises(LabError, match="diverged at step 1 .*smaller rate than 0.005"):
        run()

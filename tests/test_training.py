"""Training: fresh texts, the same weights however often interrupted, nothing lost."""

import errno
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from operator_lab import training
from operator_lab.corpus import compound
from operator_lab.embedding import downfolded
from operator_lab.errors import LabError
from operator_lab.measurement import born
from operator_lab.model import Model
from operator_lab.training import Recipe, texts, train
from operator_lab.transformer import TINY as TINY_OVERLAP
from operator_lab.transformer import Transformer

TINY = Recipe(shape=dict(features=16, heads=2, layers=1, hidden=24), steps=12, batch=4, warmup=3)


def flat(transformer):
    return torch.cat([p.detach().flatten() for p in transformer.parameters()])


def weights(result):
    return flat(result.model.transformer)


def run(recipe=TINY, **options):
    return train(recipe, device="cpu", progress=False, every=4, **options)


def test_a_short_training_lowers_the_excess():
    result = run(Recipe(shape=TINY.shape, steps=80, batch=16, warmup=10))
    assert result.excess[-1] < result.excess[0] - 0.5
    assert result.steps[-1] == 80 and not result.interrupted
    assert repr(result).startswith("Training after step 80 of 80: excess")


def test_the_same_recipe_gives_the_same_weights():
    assert (weights(run()) == weights(run())).all()


def stop_at_ten(monkeypatch):
    """Press Ctrl-C before the eleventh step."""
    update = training._update

    def stopping(transformer, optimiser, drawn, recipe, step):
        if step == 10:
            raise KeyboardInterrupt
        update(transformer, optimiser, drawn, recipe, step)

    monkeypatch.setattr(training, "_update", stopping)


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    stop_at_ten(monkeypatch)
    half = run(folder=tmp_path)
    assert half.interrupted and list(half.steps) == [4, 8]
    assert np.isfinite(half.model.excess(8))  # what Ctrl-C leaves is a model one can use
    assert repr(half).startswith("Training interrupted at step 8 of 12")
    monkeypatch.undo()
    drawn, update = [], training._update
    monkeypatch.setattr(training, "_update", lambda *a: (drawn.append(a[-1]), update(*a)))
    whole = run(folder=tmp_path)
    assert drawn == [8, 9, 10, 11]  # it went on from the last checkpoint
    assert (weights(whole) == weights(run())).all()
    assert list(whole.steps) == [4, 8, 12]


def test_no_steps_leave_the_initial_weights():
    result = run(replace(TINY, steps=0, seed=3))
    shape = dict(context=32, **TINY.shape)
    assert (weights(result) == flat(Transformer(95, seed=3, **shape))).all()
    assert not result.interrupted and len(result.steps) == 0


# ---- low ranks, and another read-out ----------------------------------------------------------

HELD = replace(TINY, ranks={"W_E": 2, "blocks.0.attention.W_Q.weight": 1, "W_U.weight": 16})


def ranks(model):
    return [int(np.linalg.matrix_rank(model.weights[name])) for name in HELD.ranks]


def test_a_held_weight_keeps_its_rank_while_it_moves(monkeypatch):
    seen, update = [], training._update

    def look(transformer, *rest):
        update(transformer, *rest)
        seen.append(training._model(transformer, compound()))

    monkeypatch.setattr(training, "_update", look)
    result = run(HELD)
    assert len(seen) == 12 and all(ranks(model) == [2, 1, 16] for model in [*seen, result.model])
    assert (seen[-1].weights["W_E"] == result.model.weights["W_E"]).all()
    for name in HELD.ranks:
        first, last = seen[0].weights[name], seen[-1].weights[name]
        assert abs(last - first).max() > 1e-3  # it learns
    plain = Transformer(95, context=32, **TINY.shape)
    assert {n: w.shape for n, w in result.model.weights.items()} == {
        n: tuple(p.shape) for n, p in plain.named_parameters()
    }  # written out: as wide as ever, with nothing of the factors left


def test_a_held_weight_begins_as_the_nearest_of_its_rank_at_its_old_size():
    plain = Transformer(95, seed=2, context=32, **TINY.shape).W_E.detach().numpy()
    begun = run(replace(TINY, steps=0, seed=2, ranks={"W_E": 3})).model.weights["W_E"]
    nearest = downfolded(plain, 3)
    nearest = nearest * np.linalg.norm(plain) / np.linalg.norm(nearest)
    assert begun == pytest.approx(nearest, abs=1e-3)  # single precision, and close singular values
    full = run(replace(TINY, steps=0, seed=2, ranks={"W_E": 16})).model.weights["W_E"]
    assert full == pytest.approx(plain, abs=1e-5)


def test_an_interrupted_training_at_low_rank_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    stop_at_ten(monkeypatch)
    half = run(HELD, folder=tmp_path)
    assert half.interrupted and ranks(half.model) == [2, 1, 16]
    monkeypatch.undo()
    whole = run(HELD, folder=tmp_path)
    assert (weights(whole) == weights(run(HELD))).all() and list(whole.steps) == [4, 8, 12]
    with pytest.raises(LabError, match="another recipe"):
        run(replace(HELD, ranks={"W_E": 3}), folder=tmp_path)


def test_a_model_of_low_rank_is_kept_like_any_other(tmp_path):
    model = run(HELD).model
    again = Model.load(model.save(tmp_path / "low.safetensors"))
    assert all((again.weights[n] == model.weights[n]).all() for n in model.weights)


def test_training_with_borns_rule_learns_and_its_law_is_the_squares():
    result = run(Recipe(shape=TINY.shape | {"readout": "born"}, steps=80, batch=16, warmup=10))
    assert result.excess[-1] < result.excess[0] - 0.5
    model = result.model.to("float64")
    texts = compound().sample(2, 12)
    z = model.but(readout="softmax").run_batch(texts).logits  # the bare overlaps
    law = (z**2 + TINY_OVERLAP) / (z**2 + TINY_OVERLAP).sum(-1, keepdims=True)
    assert abs(model.law(texts) - law).max() < 1e-12
    assert abs(model.law(texts) - born(z)).max() < 1e-6


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"W_e": 2}, "no weight matrix 'W_e' to hold; near: .*'W_E'"),
        ({"blocks.0.norm_1.gain": 1}, "no weight matrix 'blocks.0.norm_1.gain' to hold"),
        ({"nonsense": 1}, r"no weight matrix 'nonsense' to hold\."),
        ({"W_E": 0}, "The rank of W_E is a whole number from 1 to 16, not 0"),
        ({"W_E": 17}, "from 1 to 16, not 17"),
        ({"W_E": 2.0}, r"from 1 to 16, not 2\.0"),
    ],
)
def test_what_cannot_be_held_is_said(held, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        run(replace(TINY, ranks=held))


def test_an_unknown_readout_is_said(as_a_learner):
    with pytest.raises(LabError, match="readout = 'bern'; it is one of 'softmax', 'born'"):
        run(replace(TINY, shape=TINY.shape | {"readout": "bern"}))


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
    with pytest.raises(LabError, match="Cannot train -1 steps"):
        Recipe(steps=-1)
    monkeypatch.setattr(training.F, "cross_entropy", lambda x, y: x.sum() * float("nan"))
    with pytest.raises(LabError, match="diverged at step 1 .*smaller rate than 0.005"):
        run()

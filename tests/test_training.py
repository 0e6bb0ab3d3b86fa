"""Training: fresh texts, the same weights however often interrupted, nothing lost."""

import errno
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from operator_lab.corpus import compound
from operator_lab.embedding import downfolded
from operator_lab.errors import LabError
from operator_lab.measurement import born
from operator_lab.model import Model
from operator_lab.training import Diverged, Recipe, checkpoint, loop, slope, texts, train
from operator_lab.transformer import TINY as TINY_OVERLAP
from operator_lab.transformer import Transformer

TINY = Recipe(shape=dict(features=16, heads=2, layers=1, hidden=24), steps=12, batch=4, warmup=3)


def flat(transformer):
    return torch.cat([p.detach().flatten() for p in transformer.parameters()])


def weights(result):
    return flat(result.model.transformer)


def run(recipe=TINY, **options):
    return train(recipe, device="cpu", progress=False, **({"every": 4} | options))


def test_a_short_training_lowers_the_excess():
    result = run(Recipe(shape=TINY.shape, steps=80, batch=16, warmup=10))
    assert result.excess[-1] < result.excess[0] - 0.5
    assert result.steps[-1] == 80 and not result.interrupted
    assert repr(result).startswith("Training after step 80 of 80: excess")


def test_the_same_recipe_gives_the_same_weights():
    assert (weights(run()) == weights(run())).all()


def stop_at_ten(monkeypatch):
    """Press Ctrl-C before the eleventh step."""
    update = loop._update

    def stopping(transformer, optimiser, drawn, recipe, step):
        if step == 10:
            raise KeyboardInterrupt
        return update(transformer, optimiser, drawn, recipe, step)

    monkeypatch.setattr(loop, "_update", stopping)


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    stop_at_ten(monkeypatch)
    half = run(folder=tmp_path)
    assert half.interrupted and list(half.steps) == [4, 8]
    assert np.isfinite(half.model.excess(8))  # what Ctrl-C leaves is a model one can use
    assert repr(half).startswith("Training interrupted at step 8 of 12")
    monkeypatch.undo()
    drawn, update = [], loop._update
    monkeypatch.setattr(loop, "_update", lambda *a: drawn.append(a[-1]) or update(*a))
    whole = run(folder=tmp_path)
    assert drawn == [8, 9, 10, 11]  # it went on from the last checkpoint
    assert (weights(whole) == weights(run())).all()
    assert list(whole.steps) == [4, 8, 12]


def test_muon_learns_and_is_taken_up_like_adamw(tmp_path, monkeypatch, as_a_learner):
    muon = replace(TINY, optimiser="muon", flat=0.0)
    stop_at_ten(monkeypatch)
    run(muon, folder=tmp_path)
    monkeypatch.undo()
    assert (weights(run(muon, folder=tmp_path)) == weights(run(muon))).all()
    longer = run(replace(muon, steps=80, batch=16, warmup=10))
    assert longer.excess[-1] < longer.excess[0] - 0.5
    with pytest.raises(LabError, match="'sgd' is no optimiser. There are 'adamw', 'muon'"):
        replace(TINY, optimiser="sgd")


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
    seen, update = [], loop._update

    def look(descent, *rest):
        done = update(descent, *rest)
        seen.append(loop._model(descent.transformer, compound()))
        return done

    monkeypatch.setattr(loop, "_update", look)
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
    z = model.replace(readout="softmax").run_batch(texts).logits  # the bare overlaps
    law = (z**2 + TINY_OVERLAP) / (z**2 + TINY_OVERLAP).sum(-1, keepdims=True)
    assert abs(model.law(texts) - law).max() < 1e-12
    assert abs(model.law(texts) - born(z)).max() < 1e-6


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"W_e": 2}, "no weight matrix 'W_e' to hold; near: .*'W_E'"),
        ({"blocks.0.norm_1.gain": 1}, "no weight matrix 'blocks.0.norm_1.gain' to hold"),
        ({"nonsense": 1}, r"no weight matrix 'nonsense' to hold\."),
        ({"W_E": 0}, "The rank of W_E must be a whole number from 1 to 16; got 0"),
        ({"W_E": 17}, "from 1 to 16; got 17"),
        ({"W_E": 2.0}, r"from 1 to 16; got 2\.0"),
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

    monkeypatch.setattr(checkpoint, "write_whole", refuse)
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
    with pytest.raises(LabError, match="steps must be a whole number from 0 on; got -1"):
        Recipe(steps=-1)
    monkeypatch.setattr(slope.F, "cross_entropy", lambda x, y: x.sum() * float("nan"))
    with pytest.raises(LabError, match="diverged at step 1 .*smaller rate than 0.005"):
        run()


# ---- what is seen on the way -------------------------------------------------------------------


def test_one_may_look_at_chosen_steps_and_watch_anything():
    seen = []

    def watch(model):
        seen.append(model)
        return {"size": float(abs(model.weights["W_E"]).max()), "pair": [1, len(seen)]}

    result = train(TINY, device="cpu", progress=False, every=(0, 1, 7), watch=watch)
    assert list(result.steps) == [0, 1, 7, 12] and len(seen) == 4
    assert result.watched["pair"].tolist() == [[1, 1], [1, 2], [1, 3], [1, 4]]
    assert result.watched["size"].shape == (4,) and (result.loss == result.excess).all()
    shape = dict(context=32, **TINY.shape)
    assert (flat(seen[0].transformer) == flat(Transformer(95, **shape))).all()
    assert (weights(result) == weights(run())).all()  # looking changes nothing
    with pytest.raises(LabError, match="every must be a whole number from 1 on; got 0"):
        train(TINY, progress=False, every=0)


def test_what_was_watched_is_taken_up_with_the_rest(tmp_path, monkeypatch):
    watch = lambda model: {"norm": float((model.weights["W_E"] ** 2).sum())}  # noqa: E731
    stop_at_ten(monkeypatch)
    run(folder=tmp_path, watch=watch)
    monkeypatch.undo()
    whole, once = run(folder=tmp_path, watch=watch), run(watch=watch)
    assert (whole.watched["norm"] == once.watched["norm"]).all()
    assert run(folder=tmp_path).watched.keys() == {"norm"}  # read, not computed again


# ---- what goes wrong ---------------------------------------------------------------------------


def test_a_rate_too_large_is_said_and_the_last_finite_weights_are_kept(tmp_path, as_a_learner):
    shape = TINY.shape | {"norm": "none"}
    wild = replace(TINY, rate=3e38, steps=40, shape=shape)
    said = r"diverged at step \d+ .*smaller rate than 3e\+38"
    with pytest.raises(Diverged, match=said) as caught:
        run(wild, folder=tmp_path)
    kept = caught.value.training
    assert all(np.isfinite(w).all() for w in kept.model.weights.values())
    assert str(tmp_path) in str(caught.value) or not list(tmp_path.iterdir())


def test_weights_that_overflowed_are_not_kept(monkeypatch):
    update = loop._update

    def overflowing(descent, optimiser, drawn, recipe, step):
        if step == 6:
            with torch.no_grad():
                descent.transformer.W_E.mul_(float("inf"))
        return update(descent, optimiser, drawn, recipe, step)

    monkeypatch.setattr(loop, "_update", overflowing)
    with pytest.raises(Diverged, match="diverged at step 7") as caught:
        run()
    kept, steps = caught.value.training.model, caught.value.training.steps
    monkeypatch.undo()
    assert list(steps) == [4]
    assert (kept.weights["W_E"] == run(every=(4,), watch=_copy).watched["W_E"][0]).all()


def _copy(model):
    return {"W_E": model.weights["W_E"].copy()}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError("Unable to allocate 3 TiB"),
    ],
)
def test_running_out_of_memory_says_what_to_reduce(monkeypatch, error, as_a_learner):
    def full(*_):
        raise error

    monkeypatch.setattr(loop, "_update", full)
    with pytest.raises(LabError, match=r"not enough memory to train 4 texts .*batch=2"):
        run()
    monkeypatch.setattr(loop, "_update", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run()


def test_two_trainings_do_not_mix_in_one_folder(tmp_path, as_a_learner):
    def meanwhile(model):
        with pytest.raises(LabError, match="Another run is writing .*training.safetensors"):
            run(folder=tmp_path)
        return {}

    first = run(folder=tmp_path, watch=meanwhile)
    assert [p.name for p in tmp_path.iterdir()] == ["training.safetensors"]
    assert (weights(run(folder=tmp_path)) == weights(first)).all()


KILLED = """
import sys
from operator_lab.training import Recipe, train
recipe = Recipe(shape=dict(features=16, heads=2, layers=1, hidden=24), steps=120, batch=4)
print("ready", flush=True)
train(recipe, device="cpu", progress=False, every=3, folder=sys.argv[1])
print("done", flush=True)
"""


@pytest.mark.thorough
def test_a_process_killed_at_any_moment_loses_nothing_but_a_few_steps(tmp_path):
    rng, kills = np.random.default_rng(4), 0
    for _ in range(40):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "ready\n"
            try:
                process.wait(rng.uniform(0.05, 0.4) if kills < 4 else 120)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            finished = process.stdout.read() == "done\n"
        if finished:
            break
    assert finished and kills == 4
    recipe = replace(TINY, steps=120, warmup=50)
    whole, again = run(recipe), run(recipe, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["training.safetensors"]
    assert (weights(again) == weights(whole)).all()


def test_an_argument_that_a_recipe_does_not_have_is_told_with_a_near_one():
    with pytest.raises(LabError, match="A recipe has no 'stps'; near: 'steps'. It has language,"):
        Recipe(stps=1)
    with pytest.raises(LabError, match="no 'seed_of'"):
        Recipe(steps=3).__class__(seed_of=1)
    assert Recipe("depth", steps=3).steps == 3

"""Ensembles by any executor: one text of the file, nothing lost, nothing mixed."""

from __future__ import annotations

import json
import logging
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import tiny_ensemble as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_ensemble import ROWS, TINY

from operator_lab.__main__ import main
from operator_lab.ensembles import ENSEMBLES, Ensemble, engine, file, jobs, run, shipped, spread
from operator_lab.errors import LabError
from operator_lab.training import Diverged, Recipe


@pytest.fixture(scope="module")
def whole():
    """The text that every way of making the file has to end at: two rows, two seeds."""
    found = {
        (row, seed): jobs.work(replace(recipe, seed=seed), tiny.TINY).measured
        for row, recipe in ROWS.items()
        for seed in range(2)
    }
    return file.text(ROWS, found)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The catalogue is one small ensemble, and what is shipped lies in a folder of its own."""
    for name in list(ENSEMBLES):
        monkeypatch.delitem(ENSEMBLES, name)
    monkeypatch.setitem(ENSEMBLES, "tiny", TINY)
    monkeypatch.setattr(engine, "DATA", tmp_path / "kept")
    return tmp_path / "kept"


def made(folder, executor=None, measure=tiny.size, seeds=2):
    """Run it and return the text of the file."""
    ENSEMBLES["tiny"] = replace(TINY, measure=measure)
    return run("tiny", seeds, folder, progress=False, executor=executor).read_bytes()


def pool(workers):
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def kept(folder):
    return file.read(folder / "tiny.json").found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes of Dask on this machine, without a page to watch them on."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("dask")
        patch.setenv("DASK_CONFIG", str(home))
        patch.setenv("TINY_MARK", str(home / "mark"))
        import dask
        from distributed import LocalCluster

        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                local_directory=str(home),
                silence_logs=logging.CRITICAL,
            ) as workers,
        ):
            yield workers


def test_one_after_the_other_here(folder, whole):
    assert made(folder) == whole
    assert made(folder) == whole  # nothing left to do changes nothing
    assert [p.name for p in folder.iterdir()] == ["tiny.json"]


def test_two_processes_from_the_command_line(folder, whole, monkeypatch, capsys):
    monkeypatch.setitem(ENSEMBLES, "again", TINY)
    assert main(["ensemble", "--workers", "2", "--seeds", "2", "--to", str(folder)]) == 0
    paths = [folder / "tiny.json", folder / "again.json"]
    assert capsys.readouterr().out.split() == [str(path) for path in paths]
    assert [path.read_bytes() for path in paths] == [whole, whole]


def test_a_dying_process_loses_nothing_that_was_finished(folder, whole, monkeypatch, tmp_path):
    monkeypatch.setenv("TINY_MARK", str(tmp_path / "mark"))
    sentence = r"lost row 'one', seed 1 of tiny and 1 more \(BrokenProcessPool.*2 of 4 models are "
    with pool(1) as executor:
        with pytest.raises(LabError, match=sentence + "kept in .* the same call makes the rest"):
            made(folder, executor, tiny.dies_once)
        assert set(kept(folder)) == {("one", 0), ("another", 0)}
        with pytest.raises(LabError, match="lost row 'one', seed 1 .*2 of 4 models"):
            made(folder, executor, tiny.dies_once)  # a broken pool takes no more
    assert made(folder, None, tiny.dies_once) == whole


def test_dask_gives_the_same_text(folder, whole, cluster):
    from distributed import Client

    with Client(cluster) as client:
        assert made(folder, client.get_executor()) == whole


def test_dask_goes_on_after_a_killed_worker(folder, whole, cluster):
    from distributed import Client

    with Client(cluster) as client:
        with pytest.raises(LabError, match=r"the executor lost row .*\(KilledWorker: "):
            made(folder, client.get_executor(), tiny.dies_once)
        assert {("one", 0), ("another", 0)} <= set(kept(folder))
        assert made(folder, client.get_executor(), tiny.dies_once) == whole


def test_dask_taken_away(folder, whole, cluster, monkeypatch):
    from distributed import Client

    client = Client(cluster)

    def write_and_close(path, content):
        write(path, content)
        client.close()

    write = engine.write_whole
    monkeypatch.setattr(engine, "write_whole", write_and_close)
    with pytest.raises(LabError, match=r"the executor lost .*\(CancelledError\); [12] of 4 models"):
        made(folder, client.get_executor(), tiny.waits)
    monkeypatch.setattr(engine, "write_whole", write)
    assert made(folder) == whole


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(2)], ids=["here", "threads"])
def test_one_model_fails_after_the_others_are_made(folder, whole, executor):
    sentence = r"^row 'another', seed 1 of tiny failed \(ZeroDivisionError: nothing to divide by\)"
    with pytest.raises(LabError, match=sentence + "; 3 of 4 models are kept in .*") as caught:
        made(folder, executor, tiny.fails)
    (note,) = caught.value.__notes__
    assert "in fails" in note and "row 'another', seed 1" in note
    assert len(kept(folder)) == 3
    assert made(folder, executor) == whole


def test_many_failures_are_counted(folder):
    with pytest.raises(LabError, match="; 5 more failed; 0 of 8 models are kept") as caught:
        made(folder, None, lambda model: {"sum": object()}, seeds=4)
    assert str(caught.value).count("TypeError") == len(caught.value.__notes__) == 3
    assert not (folder / "tiny.json").exists()


def test_what_cannot_be_sent_is_said(folder):
    with pool(1) as executor, pytest.raises(LabError, match="lost row .* and 3 more .*pickle"):
        made(folder, executor, lambda model: {})


class Held(Executor):
    """Finishes its first job at once and never another."""

    def __init__(self):
        self.futures = []

    def submit(self, call, *arguments):
        if self.futures and self.futures[0].result().error:
            raise AssertionError("the first job failed: nothing would ever be written")
        future = Future()
        self.futures.append(future)
        if len(self.futures) == 1:
            future.set_result(call(*arguments))
        return future


def test_an_interruption_cancels_what_is_pending(folder, whole, monkeypatch):
    def write_and_interrupt(path, content):
        write(path, content)
        raise KeyboardInterrupt

    executor, write = Held(), engine.write_whole
    monkeypatch.setattr(engine, "write_whole", write_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        made(folder, executor)
    assert [future.cancelled() for future in executor.futures] == [False, True, True, True]
    assert list(kept(folder)) == [("one", 0)]
    monkeypatch.setattr(engine, "write_whole", write)
    assert made(folder) == whole


def test_half_a_training_is_no_result(folder, whole, monkeypatch):
    """`train` ends early at Ctrl-C with the model as it is: that is not what was asked for."""

    def stopped(recipe, **options):
        training = train(recipe, **options)
        return replace(training, interrupted=recipe.seed == 1)

    train = jobs.train
    monkeypatch.setattr(jobs, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        made(folder)
    assert set(kept(folder)) == {("one", 0), ("another", 0)}
    monkeypatch.undo()


def test_two_runs_at_once_do_not_mix(folder, whole, monkeypatch):
    begun, end = Event(), Event()

    def patient(model):
        begun.set()
        assert end.wait(10)
        return tiny.size(model)

    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(made, folder, None, patient)
        assert begun.wait(10)
        with pytest.raises(LabError, match="Another run is writing .*tiny.json'; wait for its end"):
            run("tiny", 2, folder, progress=False)
        monkeypatch.setitem(ENSEMBLES, "another", TINY)
        run("another", 1, folder, progress=False)  # another file of the same folder is free
        end.set()
        assert first.result(10) == whole
    assert sorted(p.name for p in folder.iterdir()) == ["another.json", "tiny.json"]


def test_a_lock_that_a_killed_run_left_binds_nobody(folder, whole):
    folder.mkdir()
    (folder / ".tiny.json.lock").touch()
    assert made(folder) == whole


def test_a_folder_that_cannot_be_written(folder):
    folder.write_text("no folder")
    with pytest.raises(LabError, match="tiny.json' cannot be written .*; what it has is kept"):
        made(folder)


def test_every_model_is_made_in_one_thread(folder, whole):
    before, seen = torch.get_num_threads(), []

    def measure(model):
        seen.append(torch.get_num_threads())
        return tiny.fails(model)

    try:
        torch.set_num_threads(2)
        with pytest.raises(LabError):
            made(folder, None, measure)
        assert torch.get_num_threads() == 2 and set(seen) == {1}
        assert made(folder) == whole
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_one_bar_over_all_jobs(folder, monkeypatch):
    bars, tqdm = [], engine.tqdm
    monkeypatch.setattr(engine, "tqdm", lambda **o: bars.append(tqdm(**o)) or bars[-1])
    monkeypatch.setitem(ENSEMBLES, "again", TINY)
    run("tiny", 1, folder, progress=False)
    engine.run_all(["tiny", "again", "tiny"], 2, folder, progress=False)
    assert [bar.total for bar in bars] == [2, 6]


def test_what_is_asked_is_checked(folder, as_a_learner, capsys):
    with pytest.raises(LabError, match="executor must be a Executor; got"):
        run("tiny", 1, folder, executor="127.0.0.1:8786")
    with pytest.raises(LabError, match="seeds must be a whole number from 1 on; got 0"):
        run("tiny", 0, folder)
    for arguments, sentence in (
        (["tiny", "--workers", "0"], "The number of workers is 1 or more, not 0."),
        (["tiny", "teeny"], "There is no ensemble 'teeny'; near: 'tiny'."),
    ):
        assert main(["ensemble", *arguments, "--to", str(folder)]) == 2
        assert sentence in capsys.readouterr().err
    assert not folder.exists()


@settings(max_examples=30)
@given(st.permutations([(row, seed) for row in ROWS for seed in (0, 2, 9, 10, 11)]))
def test_the_text_forgets_the_order(order):
    found = {key: {"sum": key[1] / 3} for key in order}
    text = file.text(ROWS, found)
    assert text == file.text(ROWS, dict(sorted(found.items())))
    content = json.loads(text)
    assert list(content["found"]) == list(content["recipes"]) == ["one", "another"]
    assert list(content["found"]["one"]) == ["0", "2", "9", "10", "11"]


numbers = st.floats() | st.integers() | st.none()


@settings(max_examples=30)
@given(st.dictionaries(st.text(), st.recursive(numbers, st.lists, max_leaves=6)))
def test_a_measurement_is_kept_as_valid_json(measured):
    kept = file.plain(measured)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept == file.plain(kept)
    assert file.plain({"a": np.array([1, np.inf]), "b": np.float32(2)}) == {"a": [1, None], "b": 2}


@pytest.fixture
def two_seeds(folder, whole):
    folder.mkdir()
    (folder / "tiny.json").write_bytes(whole)
    return folder / "tiny.json"


def rewrite(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"\xff\xfe", b"{}", b'{"recipes": {}}', b'{"recipes": 1, "found": {}}']
    + [b'{"recipes": {}, "found": {"one": {"first": {}}}}', b'{"recipes": {"one": 3}, "found": {}}']
    + ["half"],
    ids=range(10),
)
def test_a_broken_file_is_refused_and_left_alone(two_seeds, whole, content):
    content = whole[: len(whole) // 2] if content == "half" else content
    two_seeds.write_bytes(content)
    sentence = "tiny.json is not the whole file .*remove it, then run 'operator-lab ensemble tiny "
    with pytest.raises(LabError, match=sentence):
        shipped("tiny", "sum")
    with pytest.raises(LabError, match=sentence):
        run("tiny", 2, two_seeds.parent, progress=False)
    assert two_seeds.read_bytes() == content
    assert list(two_seeds.parent.iterdir()) == [two_seeds]


def test_a_missing_file_and_a_missing_row(folder, whole):
    with pytest.raises(LabError, match="There is no tiny.json yet; run 'operator-lab ensemble"):
        shipped("tiny", "sum")
    made(folder, seeds=1)
    rewrite(folder / "tiny.json", lambda content: content["found"]["another"].clear())
    with pytest.raises(LabError, match="nothing of row 'another' yet; run 'operator-lab ensemble"):
        shipped("tiny", "sum")
    assert made(folder) == whole


def test_a_quantity_that_one_seed_lacks(two_seeds):
    rewrite(two_seeds, lambda content: content["found"]["one"]["1"].pop("law"))
    assert set(shipped("tiny", "sum")) == {"one", "another"}
    with pytest.raises(LabError, match="row 'one' does not have 'law' alike .*; remove it"):
        shipped("tiny", "law")
    rewrite(two_seeds, lambda content: content["found"]["one"]["0"].pop("law"))
    assert set(shipped("tiny", "law")) == {"another"}


@pytest.mark.parametrize(
    "rows, sentence",
    [
        ({"one": replace(ROWS["one"], rate=0.01)}, "in row 'one', rate is 0.005 there and 0.01 h"),
        (
            {"one": Recipe(shape=tiny.SHAPE | {"tau": 2.0}, steps=1, batch=2, warmup=1)},
            "in row 'one', shape tau is not stated there and 2.0 here",
        ),
        ({"third": ROWS["one"]}, "row 'third' is missing"),
    ],
)
def test_the_row_and_the_term_that_differ_are_named(two_seeds, monkeypatch, rows, sentence):
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble(ROWS | rows, tiny.size))
    with pytest.raises(LabError, match=sentence + ".*; run 'operator-lab ensemble tiny --to "):
        shipped("tiny", "sum")
    run("tiny", 2, two_seeds.parent, progress=False)
    assert set(shipped("tiny", "sum")) == set(ROWS | rows)


def test_files_of_other_versions(two_seeds, monkeypatch):
    rewrite(two_seeds, lambda content: content["recipes"]["one"].pop("ranks"))
    assert len(shipped("tiny", "sum")["one"]) == 2  # older than a term: it stood at its default
    rewrite(two_seeds, lambda content: content["recipes"]["one"].update(colour="red"))
    with pytest.raises(LabError, match="colour is 'red' there and not stated here"):
        shipped("tiny", "sum")
    monkeypatch.setitem(ENSEMBLES, "tiny", Ensemble({"another": ROWS["another"]}, tiny.size))
    with pytest.raises(LabError, match="row 'one' is not in this version"):
        shipped("tiny", "sum")
    run("tiny", 2, two_seeds.parent, progress=False)  # nothing to train, and the row is gone
    assert set(shipped("tiny", "sum")) == {"another"}


def test_a_training_that_diverged_is_a_result(folder, monkeypatch):
    def diverging(recipe, **options):
        if recipe.seed == 1 or recipe.steps == 2:
            raise Diverged("The training diverged.")
        return train(recipe, **options)

    train = jobs.train
    monkeypatch.setattr(jobs, "train", diverging)
    text = made(folder)
    assert b"NaN" not in text and json.loads(text)["found"]["another"] == {"0": None, "1": None}
    law = shipped("tiny", "law")
    assert law["one"].shape == law["another"].shape == (2, 3)
    assert np.isnan(law["one"]).all(1).tolist() == [False, True]
    assert np.isnan(law["another"]).all()
    assert spread("tiny", "law", "one", at=1).endswith(", 1 of 2 seeds")
    assert spread("tiny", "sum", "another") == "no value, 0 of 2 seeds"


def test_the_spread_in_words(two_seeds, as_a_learner):
    def change(content):
        content["found"]["one"] = {
            str(seed): {"sum": value, "law": [0.5, -value], "table": [[1, 2], [3, value]]}
            for seed, value in enumerate((0.0126, 0.0114, 0.0131))
        }
        content["found"]["another"] = {"0": {"sum": 1 / 3, "only here": -1e-9}}

    rewrite(two_seeds, change)
    assert spread("tiny", "sum", "one") == "0.011-0.013, 3 seeds"
    assert spread("tiny", "sum", "one", digits=1) == "0.0, 3 seeds"
    assert spread("tiny", "sum", "another", 2) == "0.33, 1 seed"
    assert spread("tiny", "only here") == "0.000, 1 seed"
    assert spread("tiny", "law", at=0) == "0.500, 3 seeds"
    assert spread("tiny", "law", at=-1, digits=4) == "-0.0131 to -0.0114, 3 seeds"
    assert spread("tiny", "table", at=(1, 1)) == "0.011-0.013, 3 seeds"
    for arguments, sentence in (
        (("sum",), "the rows 'one', 'another'; choose one of them with row=, not None"),
        (("sum", "on"), "choose one of them with row=, not 'on'"),
        (("sum", "one", 3, 0), "'sum' of tiny is one number; leave at=0 out"),
        (("law",), "'law' of tiny is 2 numbers, counted from 0; at=None is none of them"),
        (("law", "one", 3, 2), "at=2 is none"),
        (("law", "one", 3, 0.5), "at must be a whole number"),
        (("table", "one", 3, 0), "is 2 x 2 numbers"),
        (("tabel",), "tiny has no 'tabel'; it has sum, law, table, only here"),
    ):
        with pytest.raises(LabError, match=sentence):
            spread("tiny", *arguments)

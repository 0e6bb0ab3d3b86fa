"""Ensembles by any executor: one text of the file, nothing lost, nothing mixed."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
import tiny_ensemble as tiny
import torch
from tiny_ensemble import TINY, kept, made

from operator_lab.__main__ import main
from operator_lab.ensembles import ENSEMBLES, engine, jobs, run
from operator_lab.errors import LabError

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def whole():
    return tiny.whole()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    return tiny.alone(monkeypatch, tmp_path / "kept")


def pool(workers):
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


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

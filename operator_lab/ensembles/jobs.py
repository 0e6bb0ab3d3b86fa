"""The jobs of an ensemble: one model each, made in this process or by any executor."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import torch

from ..training import Diverged, Recipe, train
from .catalogue import Ensemble
from .file import plain


@dataclass(frozen=True)
class Job:
    """One model to train and measure."""

    name: str
    row: str
    seed: int

    def __str__(self) -> str:
        return f"row {self.row!r}, seed {self.seed} of {self.name}"


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a measurement (None if the training diverged), or an error."""

    measured: dict | None = None
    error: str = ""
    trace: str = ""
    lost: bool = False  # the executor's error, not the job's


def outcomes(
    jobs: Sequence[Job], plans: Mapping[str, Ensemble], executor: Executor | None
) -> Generator[tuple[Job, Outcome]]:
    """Every job with what became of it, as they are ready; closing it cancels what is pending."""
    ticket, calls = uuid4().hex, {}
    for job in jobs:
        plan = plans[job.name]
        calls[job] = (replace(plan.rows[job.row], seed=job.seed), plan, ticket)
    if executor is None:
        yield from ((job, work(*call)) for job, call in calls.items())
        return
    futures = {}
    try:
        for job, call in calls.items():
            try:
                futures[executor.submit(work, *call)] = job
            except Exception as error:
                yield job, _lost(error)
        for future in as_completed(list(futures)):
            # Given up at once: Dask would make what it still keeps again when a worker dies.
            job = futures.pop(future)
            try:
                outcome = future.result()
            except Exception as error:
                outcome = _lost(error)
            yield job, outcome
    finally:
        for future in futures:
            future.cancel()


def work(recipe: Recipe, plan: Ensemble, ticket: str = "") -> Outcome:
    """Train one model in one thread and measure it: what an executor is given to do.

    The job's own errors are part of the outcome, so that what is raised comes from the executor.
    The `ticket` differs from run to run: to Dask equal calls are one, and a lost one stays lost.
    """
    torch.set_num_threads(1)
    try:
        looks = plan.looks or (recipe.steps,)
        training = train(recipe, device="cpu", progress=False, every=looks, watch=plan.watch)
        if training.interrupted:  # Ctrl-C: half a training is no result
            raise KeyboardInterrupt
        in_time = {"steps": training.steps, "excess in time": training.loss} if plan.watch else {}
        in_time |= {f"{name} in time": seen for name, seen in training.watched.items()}
        return Outcome(plain(plan.measure(training.model) | in_time))
    except Diverged:  # a result, too
        return Outcome()
    except Exception as error:
        return Outcome(error=_said(error), trace=traceback.format_exc())


def _said(error: Exception) -> str:
    name, said = type(error).__name__, str(error).strip().rstrip(".")
    return textwrap.shorten(f"{name}: {said}" if said else name, 160)


def _lost(error: Exception) -> Outcome:
    # The text alone: the exception would keep Dask's futures, and with them its memory, alive.
    return Outcome(error=_said(error), lost=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread, then in as many as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

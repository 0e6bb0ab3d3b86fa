"""How an ensemble is trained, kept and read: resumable, here or by any executor.

A model is trained and measured in one thread and the file lists rows and seeds in a fixed order, so
the text of the file does not depend on how many worked at it, nor on who was ready first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from tqdm.auto import tqdm

from .. import results
from ..errors import LabError, near
from ..files import alone, write_whole
from ..given import whole
from ..guard import guarded
from ..references import DATA
from ..training import Recipe
from . import file
from .catalogue import ENSEMBLES, Ensemble
from .jobs import Job, Result, one_thread, outcomes


@guarded
def ensemble(name: str) -> Ensemble:
    """The ensemble of that name; LabError for an unknown one."""
    if name not in ENSEMBLES:
        known = ", ".join(ENSEMBLES)
        raise LabError(f"There is no ensemble {name!r}{near(name, ENSEMBLES)} There are {known}.")
    return ENSEMBLES[name]


@guarded
def shipped(name: str, quantity: str = "excess") -> dict[str, ndarray]:
    """One measured quantity of every row that has it, as shipped: an array [seed, ...] each.

    nan where the training diverged. LabError for an unknown name or quantity, or for a file that is
    not whole or was made with another recipe.
    """
    rows, path = ensemble(name).rows, DATA / f"{name}.json"
    kept = file.read(path)
    file.check(path, kept.recipes, rows)
    examples = {q: v for m in kept.found.values() if m is not None for q, v in m.items()}
    if quantity not in examples:
        known = ", ".join(examples) or "nothing yet"
        raise LabError(f"{name} has no {quantity!r}; it has {known}.")
    found = {}
    for row in rows:
        seeds = sorted(seed for r, seed in kept.found if r == row)
        if not seeds:
            raise LabError(
                f"{path.name} has nothing of row {row!r} yet; run {file.command(path)} to go on."
            )
        measured = {s: m for s in seeds if (m := kept.found[row, s]) is not None}
        if measured and not any(quantity in m for m in measured.values()):
            continue  # a row need not have everything that another one has
        example = {0: {quantity: examples[quantity]}} if not measured else measured
        try:
            each = {
                s: results.numbers(m[quantity], f"{quantity!r} of row {row!r}, seed {s}")
                for s, m in example.items()
            }
            diverged = np.full(next(iter(each.values())).shape, np.nan)
            found[row] = np.array([each[s] if s in measured else diverged for s in seeds])
        except (KeyError, ValueError) as error:
            alike = f"row {row!r} does not have {quantity!r} alike for every seed"
            why = str(error) if "no number" in str(error) else alike
            raise file.broken(path, why) from None
    return found


@guarded
def spread(
    name: str,
    quantity: str = "excess",
    row: str | None = None,
    digits: int = 3,
    at: int | tuple[int, ...] | None = None,
) -> str:
    """Smallest to largest value over the seeds, in words such as "0.011-0.013, 5 seeds".

    `row` may be left out where one row has the quantity, `at` is the place in a list of numbers.
    LabError for a row or place that does not exist, or one that is wanted and not given.
    """
    found = shipped(name, quantity)
    row = next(iter(found)) if row is None and len(found) == 1 else row
    if row not in found:
        raise LabError(
            f"{quantity!r} of {name} is there for the rows {', '.join(map(repr, found))}; "
            f"choose one of them with row=, not {row!r}."
        )
    values = _at(found[row], at, f"{quantity!r} of {name}")
    settled = values[np.isfinite(values)]
    count = f"{len(values)} seed{'s' if len(values) > 1 else ''}"
    if len(settled) < len(values):
        count = f"{len(settled)} of {count}"
    if not len(settled):
        return f"no value, {count}"
    low, high = (f"{value:z.{digits}f}" for value in (settled.min(), settled.max()))
    between = " to " if low.startswith("-") else "-"  # a minus sign is no dash
    return f"{low}{'' if low == high else between + high}, {count}"


def _at(values: ndarray, at: int | tuple[int, ...] | None, what: str) -> ndarray:
    """One number per seed; LabError if `at` does not say which."""
    shape = values.shape[1:]
    place = () if at is None else at if isinstance(at, tuple) else (at,)
    if not shape and place:
        raise LabError(f"{what} is one number; leave at={at!r} out.")
    fits = len(place) == len(shape) and all(
        isinstance(i, int | np.integer) and -n <= i < n for i, n in zip(place, shape, strict=True)
    )
    if not fits:
        sides = " x ".join(map(str, shape))
        raise LabError(f"{what} is {sides} numbers, counted from 0; at={at!r} is none of them.")
    where: tuple[Any, ...] = (slice(None), *place)
    return values[where]


@guarded
def run(
    name: str,
    seeds: int = 5,
    folder: str | os.PathLike = DATA,
    progress: bool = True,
    executor: Executor | None = None,
) -> Path:
    """Train and measure every row over `seeds` seeds; what a file has of a recipe is kept.

    Without an `executor` (of concurrent.futures, Dask's `client.get_executor()`, mpi4py.futures)
    one after the other in this process. LabError if some models could not be made: the others are
    kept, and the same call makes the rest; or if the folder is in use by another run.
    """
    return run_all([name], seeds, folder, progress, executor)[0]


@guarded
def run_all(
    names: Sequence[str],
    seeds: int = 5,
    folder: str | os.PathLike = DATA,
    progress: bool = True,
    executor: Executor | None = None,
) -> list[Path]:
    """Run several ensembles as one list of jobs with one bar; otherwise as `run`."""
    seeds = whole(seeds, "The number of seeds")
    if not (executor is None or isinstance(executor, Executor)):
        raise LabError(
            f"An executor of concurrent.futures is needed, not a {type(executor).__name__}; "
            "Dask's is client.get_executor()."
        )
    plans = {name: ensemble(name) for name in names}
    paths = {name: Path(folder) / f"{name}.json" for name in plans}
    with ExitStack() as held:
        for path in paths.values():
            held.enter_context(_alone(path))
        held.enter_context(one_thread())
        found = {name: _begin(paths[name], plan.rows) for name, plan in plans.items()}
        jobs = [
            Job(name, row, seed)
            for name, plan in plans.items()
            for seed in range(seeds)
            for row in plan.rows
            if (row, seed) not in found[name]
        ]
        bar = held.enter_context(tqdm(total=len(jobs), disable=not progress, unit="model"))
        missing = {}
        for job, outcome in held.enter_context(closing(outcomes(jobs, plans, executor))):
            if outcome.error:
                missing[job] = outcome
            else:
                found[job.name][job.row, job.seed] = outcome.measured
                write_whole(paths[job.name], file.text(plans[job.name].rows, found[job.name]))
            bar.update()
    if missing:
        total = seeds * sum(len(plan.rows) for plan in plans.values())
        raise _incomplete(missing, total, Path(folder))
    return list(paths.values())


def _begin(path: Path, rows: Mapping[str, Recipe]) -> file.Found:
    """What a file has that still holds: rows whose recipe is today's."""
    if not path.exists():
        return {}
    kept = file.read(path)
    same = {r for r, stated in kept.recipes.items() if r in rows}
    same = {r for r in same if not file.difference(kept.recipes[r], rows[r])}
    found = {(row, seed): m for (row, seed), m in kept.found.items() if row in same}
    content = file.text(rows, found)
    if content != path.read_bytes():
        write_whole(path, content)
    return found


def _incomplete(missing: dict[Job, Result], total: int, folder: Path) -> LabError:
    """One sentence about the models that are not there, and how to get them."""
    failed = [job for job, outcome in missing.items() if not outcome.lost]
    lost = [job for job, outcome in missing.items() if outcome.lost]
    said = [f"{job} failed ({missing[job].error})" for job in failed[:3]]
    if failed[3:]:
        said.append(f"{len(failed[3:])} more failed")
    if lost:
        others = f" and {len(lost) - 1} more" if lost[1:] else ""
        said.append(f"the executor lost {lost[0]}{others} ({missing[lost[0]].error})")
    error = LabError(
        f"{'; '.join(said)}; {total - len(missing)} of {total} models are kept in "
        f"{str(folder)!r}, and the same call makes the rest."
    )
    for job in failed[:3]:
        error.add_note(f"{job}:\n{missing[job].trace}")
    return error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file against other runs; LabError if one has it, or where the disk refuses."""
    try:
        with alone(path):
            yield
    except OSError as error:
        raise LabError(
            f"{str(path)!r} cannot be written ({error.strerror or error}); what it has is kept, "
            "and another call goes on from there."
        ) from error

"""The command line of the course; `operator-lab --help` lists the commands."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from tqdm import tqdm

from . import __version__
from .course.classroom import course, examine, learn
from .errors import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something is missing, 2 for a mistake."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console may not know every letter
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except LabError as error:
        print(f"operator-lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("operator-lab: interrupted; nothing was left half written.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="operator-lab", description="Transformers in the language of many-body physics."
    )
    parser.add_argument("--version", action="version", version=f"operator-lab {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("learn", help="copy the notebooks you do not have yet")
    command.add_argument("--to", type=Path, default=Path("my_course"), metavar="FOLDER")
    command.set_defaults(run=_learn)

    command = commands.add_parser("doctor", help="show what is installed and the device in use")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("refresh", help="run notebooks and store compared outputs again")
    command.add_argument("notebooks", type=Path, nargs="*", metavar="NOTEBOOK")
    command.set_defaults(run=_refresh)

    command = commands.add_parser("soak", help="run notebooks shaken and under other settings")
    command.add_argument("notebooks", type=Path, nargs="*", metavar="NOTEBOOK")
    command.add_argument("--under", nargs="+", default=[], metavar="NAME", help="conditions (all)")
    command.add_argument(
        "--draws", type=int, default=3, metavar="N", help="shaken runs of each (3)"
    )
    command.set_defaults(run=_soak)

    command = commands.add_parser("models", help="train the reference models again and compare")
    command.add_argument("--to", type=Path, default=Path("candidates"), metavar="FOLDER")
    command.set_defaults(run=_models)

    command = commands.add_parser("ensemble", help="repeat experiments (all) over several seeds")
    command.add_argument("names", nargs="*", metavar="NAME")
    command.add_argument("--seeds", type=int, default=5, metavar="N")
    command.add_argument("--workers", type=int, default=1, metavar="N", help="processes (1)")
    command.add_argument("--to", type=Path, default=Path("candidates"), metavar="FOLDER")
    command.set_defaults(run=_ensemble)
    return parser


def _learn(options: argparse.Namespace) -> int:
    done = learn(course(), options.to)
    for name in done.copied:
        print(f"copied  {name.as_posix()}")
    kept = f"; {len(done.kept)} already there, left as they are" if done.kept else ""
    print(f"{len(done.copied)} files copied to {done.target}{kept}.")
    return 0


def _doctor(_: argparse.Namespace) -> int:
    rows = examine()
    for what, found in rows:
        print(f"{what:<14}{found}")
    return int(any(found.startswith("missing") for _, found in rows))


def _refresh(options: argparse.Namespace) -> int:
    from .course.notebooks import refresh

    paths = options.notebooks or sorted(course().glob("*.ipynb"))
    for path in refresh(paths, progress=sys.stderr.isatty()):
        print(f"refreshed  {path.name}")
    from .course.claims import write_ledger

    print(f"ledger     {write_ledger(course()).name}")
    return 0


def _soak(options: argparse.Namespace) -> int:
    from .course.soak import condition, conditions, soak

    under = [condition(name) for name in options.under] or conditions(options.draws)
    paths = options.notebooks or sorted(course().glob("*.ipynb"))
    found = soak(paths, under, progress=sys.stderr.isatty())
    for notebook, cell in sorted({(line.notebook, line.cell) for line in found}):
        print(f"moved      {notebook}, cell {cell}")
    print(f"{len(found)} compared lines moved in {len(paths)} notebooks x {len(under)} conditions.")
    return int(bool(found))


def _models(options: argparse.Namespace) -> int:
    from .references import compare

    print("\n".join(compare(options.to, progress=sys.stderr.isatty())))
    return 0


def _ensemble(options: argparse.Namespace) -> int:
    from .ensembles import ENSEMBLES, run_all

    with _workers(options.workers) as executor:
        paths = run_all(
            options.names or list(ENSEMBLES),
            options.seeds,
            options.to,
            progress=sys.stderr.isatty(),
            executor=executor,
        )
    print("\n".join(map(str, paths)))
    return 0


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """That many processes, or None for this one alone; Ctrl-C ends them at once."""
    if count < 1:
        raise LabError(f"The number of workers is 1 or more, not {count}.")
    if count == 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")  # PyTorch's threads do not survive a fork
    with ProcessPoolExecutor(count, spawn, _prepare) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _prepare() -> None:
    """Make a worker ready to be ended: Ctrl-C reaches all, and the main process sees to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(RLock())  # its own would be a semaphore of the system, left behind
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever for its next task."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

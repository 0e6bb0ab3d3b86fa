"""The command line of the course; `operator-lab --help` lists the commands."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import click
from tqdm import tqdm

from . import __version__
from .course.classroom import course, learn
from .errors import LabError

FOLDER = click.Path(path_type=Path)
NOTEBOOKS = click.argument("notebooks", type=FOLDER, nargs=-1, metavar="[NOTEBOOK]...")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something is missing, 2 for a mistake."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console may not know every letter
    try:
        return commands(arguments, prog_name="operator-lab", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except LabError as error:
        print(f"operator-lab: {error}", file=sys.stderr)
        return 2
    except (click.Abort, KeyboardInterrupt):
        print("operator-lab: interrupted; nothing was left half written.", file=sys.stderr)
        return 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """Transformers in the language of many-body physics."""


@commands.command("learn")
@click.option("--to", type=FOLDER, default="my_course", metavar="FOLDER")
def _learn(to: Path) -> int:
    """Copy the notebooks you do not have yet."""
    done = learn(course(), to)
    for name in done.copied:
        print(f"copied  {name.as_posix()}")
    kept = f"; {len(done.kept)} already there, left as they are" if done.kept else ""
    print(f"{len(done.copied)} files copied to {done.target}{kept}.")
    return 0


@commands.command("doctor")
def _doctor() -> int:
    """Tell whether this machine is ready, and what to do where it is not."""
    from .course.doctor import examine
    from .course.tables import show

    found = examine()
    show(("", "found", "what to do"), [(line.what, line.found, line.mend) for line in found])
    return int(not all(line.ready for line in found))


@commands.command("refresh")
@NOTEBOOKS
def _refresh(notebooks: tuple[Path, ...]) -> int:
    """Run notebooks (all) and store their compared outputs again."""
    from .course.notebooks import refresh

    paths = notebooks or sorted(course().glob("*.ipynb"))
    for path in refresh(paths, progress=sys.stderr.isatty()):
        print(f"refreshed  {path.name}")
    from .course.claims import write_ledger

    print(f"ledger     {write_ledger(course()).name}")
    return 0


@commands.command("soak")
@NOTEBOOKS
@click.option("--under", multiple=True, metavar="NAME", help="A condition (all); may be repeated.")
@click.option("--draws", type=int, default=3, metavar="N", help="Shaken runs of each (3).")
def _soak(notebooks: tuple[Path, ...], under: tuple[str, ...], draws: int) -> int:
    """Run notebooks (all) shaken and under other settings."""
    from .course.soak import condition, conditions, soak

    chosen = [condition(name) for name in under] or conditions(draws)
    paths = notebooks or sorted(course().glob("*.ipynb"))
    found = soak(paths, chosen, progress=sys.stderr.isatty())
    for notebook, cell in sorted({(line.notebook, line.cell) for line in found}):
        print(f"moved      {notebook}, cell {cell}")
    print(
        f"{len(found)} compared lines moved in {len(paths)} notebooks x {len(chosen)} conditions."
    )
    return int(bool(found))


@commands.command("models")
@click.option("--to", type=FOLDER, default="candidates", metavar="FOLDER")
def _models(to: Path) -> int:
    """Train the reference models again and compare."""
    from .references import compare

    print("\n".join(compare(to, progress=sys.stderr.isatty())))
    return 0


@commands.command("ensemble")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--seeds", type=int, default=5, metavar="N")
@click.option("--workers", type=int, default=1, metavar="N", help="Processes (1).")
@click.option("--to", type=FOLDER, default="candidates", metavar="FOLDER")
def _ensemble(names: tuple[str, ...], seeds: int, workers: int, to: Path) -> int:
    """Repeat experiments (all) over several seeds."""
    from .ensembles import ENSEMBLES, run_all

    with _workers(workers) as executor:
        paths = run_all(
            names or list(ENSEMBLES),
            seeds,
            to,
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


if __name__ == "__main__":
    sys.exit(main())

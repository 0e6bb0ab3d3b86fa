"""The command line of the course; `operator-lab --help` lists the commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from . import __version__
from .course.classroom import course, learn
from .course.workers import workers as processes
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


ROOM = click.option("--room", default="", metavar="NAME", help="bubblewrap, namespaces or limits.")


@commands.command("check")
@click.argument("notebooks", type=FOLDER, nargs=-1, required=True, metavar="NOTEBOOK...")
@click.option("--exercises-only", is_flag=True, help="Do not run the cells; a second each.")
@ROOM
def _check(notebooks: tuple[Path, ...], exercises_only: bool, room: str) -> int:
    """Tell what is solved, wrong or missing, and which cells fail."""
    from .course.checked import checked, summary
    from .course.tables import show

    green = True
    for path in notebooks:
        found = checked(path, cells=not exercises_only, where=room)
        green &= found.green if found.lesson else not found.failed
        lines = [(g.exercise, g.state, g.said, g.cell or "") for g in found.grades]
        show(("exercise", "state", "what is said of it", "cell"), lines)
        if found.failed:
            show(
                ("cell", "begins", "fails with"), [(c.number, c.first, c.why) for c in found.failed]
            )
        print(summary(found), flush=True)
    return int(not green)


@commands.command("grade")
@click.argument("folder", type=FOLDER)
@click.option("--to", type=FOLDER, default="grades", metavar="FOLDER", help="Tables (grades).")
@click.option("--only", multiple=True, metavar="NOTEBOOK", help="03 or mixing; may be repeated.")
@click.option("--workers", type=int, default=2, metavar="N", help="Students at once (2).")
@click.option("--seconds", type=click.FloatRange(1), default=120.0, help="For a student (120).")
@click.option("--memory", type=click.FloatRange(0.2), default=2.0, help="GB for a student (2).")
@click.option("--nbgrader", type=FOLDER, metavar="DATABASE", help="Its gradebook.db gets them too.")
@ROOM
def _grade(
    folder: Path,
    to: Path,
    only: tuple[str, ...],
    workers: int,
    seconds: float,
    memory: float,
    nbgrader: Path | None,
    room: str,
) -> int:
    """Grade a class: one folder a student, whatever the files are called.

    What is done is kept: after an interruption, give the same command again.
    """
    from .course.grading import folder as classes
    from .course.grading import gradebook, into_nbgrader
    from .course.grading.room import room as opened
    from .course.grading.warden import Limits
    from .course.lessons import chosen
    from .course.tables import show

    limits = Limits(seconds=seconds, memory=int(memory * 2**30))
    where = opened(room).name
    print(f"The answers run in: {where}.")
    if where == "limits":
        print("It has no walls: do not grade people you do not know on a machine that matters.")
    with processes(workers) as executor:
        marks = classes.grade(
            folder, to, chosen(only) if only else (), limits, where, executor, sys.stderr.isatty()
        )
    states = [(s, [marks.grades[s][e].state for e in marks.exercises]) for s in marks.students]
    head = ("student", *gradebook.SIGNS)
    show(head, [(s, *(own.count(state) or "" for state in gradebook.SIGNS)) for s, own in states])
    for path in gradebook.write(marks, to):
        print(f"wrote  {path}")
    if nbgrader is not None:
        print(f"wrote  {into_nbgrader.record(marks, nbgrader)}")
    return 0


@commands.command("hand-out")
@click.argument("folder", type=FOLDER)
@click.option("--only", multiple=True, metavar="NOTEBOOK", help="03 or mixing; may be repeated.")
@click.option("--class", "name", default="", metavar="NAME", help="Stands in every notebook.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Today, if left out.")
@click.option("--students", type=FOLDER, metavar="FILE", help="A name a line: a folder for each.")
def _hand_out(
    folder: Path, only: tuple[str, ...], name: str, day: datetime | None, students: Path | None
) -> int:
    """Copy notebooks for a class: clean, with its name and the date inside."""
    from .course.handout import hand_out
    from .course.lessons import chosen

    try:
        lines = students.read_text(encoding="utf-8").splitlines() if students else []
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{students} cannot be read: write one name a line, in UTF-8.") from error
    own = [line.strip() for line in lines if line.strip()]
    done = hand_out(folder, chosen(only), name, day.date() if day else None, own)
    for one in done:
        kept = f", {len(one.kept)} left as they are" if one.kept else ""
        print(f"handed out  {one.target}: {len(one.copied)} files{kept}")
    return 0


@commands.command("progress")
@click.option("--page", is_flag=True, help="Open it as a page in the browser.")
def _progress(page: bool) -> int:
    """Show what you have passed, by notebook."""
    from .course.progress import progress

    found = progress()
    print(found.page() if page else found)
    return 0


@commands.command("refresh")
@NOTEBOOKS
def _refresh(notebooks: tuple[Path, ...]) -> int:
    """Run notebooks (all) and store their compared outputs again."""
    from .course.notebooks import refresh

    paths = notebooks or sorted(course().glob("*.ipynb"))
    for path in refresh(paths, progress=sys.stderr.isatty()):
        print(f"refreshed  {path.name}")
    from .course.claims import write_ledger
    from .course.front import write_front

    print(f"ledger     {write_ledger(course()).name}")
    for path in write_front(course()):
        print(f"front      {path.name}")
    return 0


@commands.command("addresses")
def _addresses() -> int:
    """Write the links that addresses.toml allows into the files that show them."""
    from .course.addresses import write

    for path in write(course().parent):
        print(f"written    {path.name}")
    return 0


@commands.command("online")
@click.option("--to", type=FOLDER, required=True, metavar="FOLDER")
def _online(to: Path) -> int:
    """Write the course as Colab, Binder and hubs open it: notebooks that install it themselves."""
    from .course.addresses import read
    from .course.online import write

    done = write(course(), to, read(course().parent))
    print(f"{len(done.copied)} files written to {done.target}.")
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

    with processes(workers) as executor:
        paths = run_all(
            names or list(ENSEMBLES),
            seeds,
            to,
            progress=sys.stderr.isatty(),
            executor=executor,
        )
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

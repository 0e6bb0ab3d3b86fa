"""A class: who handed in what, several students at once, and what is done is kept.

`FOLDER/anna/03_mixing.ipynb`, Moodle's `Anna Berg_4711_assignsubmission_file_/...`, nbgrader's
`submitted/anna/week1/...` and `FOLDER/anna_03_mixing.ipynb` all name their student. Links are never
followed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from ...errors import BROKEN, LabError
from ...files import write_whole
from ..lessons import Lesson, lesson_of, lessons
from .room import PACKAGE, room
from .visit import STATES, Grade, visit
from .warden import Limits

MOST = 100 * 2**20  # bytes of a notebook
KEPT = ".grading"  # the folder of what is done, beside the tables


@dataclass
class Submission:
    """What one student handed in: notebooks, and what cannot be one, with the reason."""

    student: str
    files: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """How a class is graded: room, limits, the secret seed, and where results are kept."""

    room: str
    limits: Limits
    secret: int
    kept: Path


@dataclass(frozen=True)
class Marks:
    """The table: students, the notebooks it is about, and a grade for each student and exercise."""

    students: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    grades: dict[str, dict[str, Grade]]
    remarks: dict[str, dict[str, str]]

    @property
    def exercises(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(name for lesson in self.lessons for name in lesson.exercises)

    def passed(self, student: str) -> int:
        """How many exercises a student passed."""
        return sum(self.grades[student][name].state == STATES[0] for name in self.exercises)


def submissions(folder: Path, but: Path | None = None) -> list[Submission]:
    """Return what lies in a folder, by student; `but` is left out.

    LabError if it is no folder, or if nothing in it is a notebook or a student's folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LabError(f"{folder} is not a folder; give the one with your students' notebooks.")
    found: dict[str, Submission] = {}
    for parts, entry in _walk(folder, but.resolve() if but else None):
        student = parts[0] if len(parts) > 1 or _is_folder(entry) else _student(entry.name)
        own = found.setdefault(student, Submission(student))
        name = "/".join(parts)
        if entry.is_symlink():
            own.refused[name] = "it is a link: hand in the file itself"
        elif entry.name.lower().endswith(".zip"):
            own.refused[name] = "it is an archive: unpack it first"
        elif entry.name.lower().endswith(".ipynb") and not _is_folder(entry):
            if entry.is_file(follow_symlinks=False):
                own.files[name] = Path(entry.path)
            else:
                own.refused[name] = "it is no ordinary file"
    if not found:
        raise LabError(f"{folder} holds no notebooks; put one folder a student into it.")
    return [found[student] for student in sorted(found)]


def grade(
    folder: Path,
    to: Path,
    only: Sequence[Lesson] = (),
    limits: Limits | None = None,
    where: str = "",
    executor: ProcessPoolExecutor | None = None,
    progress: bool = True,
) -> Marks:
    """Grade a class; a student whose files have not changed since the last time is not run again.

    `only` names the notebooks of the table, by default those of which anybody handed in a part;
    `where` names a room. LabError for folders that cannot be used.
    """
    from tqdm import tqdm

    handed = submissions(folder, to)
    kept = Path(to) / KEPT
    order = Order(room(where).name, limits or Limits(), _secret(kept), kept)
    waiting = [own for own in handed if _kept(own, order) is None]
    with tqdm(total=len(handed), desc="graded", unit="student", disable=not progress) as bar:
        bar.update(len(handed) - len(waiting))
        try:
            for _ in _each(executor, waiting, order):
                bar.update()
        except BrokenProcessPool:
            raise LabError(
                "A grading process died; grade again, and what is done is kept."
            ) from None
    return _marks(handed, [_kept(own, order) or {} for own in handed], only)


def _each(executor: Executor | None, waiting: list[Submission], order: Order) -> Iterator[None]:
    if executor is None:
        for own in waiting:
            _one(own, order)
            yield
        return
    for done in as_completed([executor.submit(_one, own, order) for own in waiting]):
        done.result()
        yield


def _one(own: Submission, order: Order) -> None:
    """Grade one student and keep what came of it."""
    contents, refused = {}, dict(own.refused)
    for name, path in own.files.items():
        try:
            contents[name] = _content(path)
        except OSError as error:
            refused[name] = f"it cannot be read: {error.strerror or error}"
    result = visit(contents, room(order.room), order.limits, secret=order.secret)
    record = {
        "of": _fingerprint(own, order),
        "grades": [asdict(one) for one in result.best().values()],
        "refused": {**refused, **result.unreadable},
        "ids": result.ids,
    }
    write_whole(_place(own, order), json.dumps(record).encode())


def _walk(folder: Path, but: Path | None, parts: tuple[str, ...] = ()) -> Iterator:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise LabError(f"{folder} cannot be read: {error.strerror}.") from error
    for entry in entries:
        path = (*parts, entry.name)
        if entry.name.startswith((".", "__")) or Path(entry.path).resolve() == but:
            continue
        if _is_folder(entry):
            if not parts:
                yield path, entry
            if len(path) < 8:
                yield from _walk(Path(entry.path), but, path)
        elif entry.is_symlink() or entry.name.lower().endswith((".ipynb", ".zip")):
            yield path, entry


def _is_folder(entry: os.DirEntry) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _student(name: str) -> str:
    """`anna_03_mixing (1).ipynb` -> `anna`; a name that is only a notebook's stays whole."""
    stem = Path(name).stem
    rest = re.sub(r"\s*\(\d+\)$|[-_ ]copy\d*$", "", stem, flags=re.IGNORECASE)
    for lesson in lessons():
        rest = re.sub(rf"[-_. ]*{lesson.stem}[-_. ]*", "", rest, flags=re.IGNORECASE)
    return rest or stem


def _content(path: Path) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "it is no ordinary file")
        if about.st_size > MOST:
            raise OSError(0, f"it is larger than {MOST >> 20} MB")
        return file.read(MOST)


def _secret(kept: Path) -> int:
    """The seed of the fresh cases: drawn once for a class, so that a table can be made again."""
    path = kept / "secret"
    try:
        if not path.exists():
            write_whole(path, str(secrets.randbits(31)).encode())
        return int(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(
            f"{kept} cannot be written: {error.strerror}; choose another --to."
        ) from error
    except ValueError:
        raise LabError(f"{path} is damaged; remove {kept} and grade again.") from None


def _place(own: Submission, order: Order) -> Path:
    return order.kept / f"{hashlib.sha256(own.student.encode()).hexdigest()[:32]}.json"


def _kept(own: Submission, order: Order) -> dict | None:
    """What is known of these very files, or None."""
    try:
        record = json.loads(_place(own, order).read_text(encoding="utf-8"))
        return record if record["of"] == _fingerprint(own, order) and _is_whole(record) else None
    except BROKEN:
        return None


def _is_whole(record: dict) -> bool:
    """Whether what is kept of a student still has the form in which it was written."""
    for kept in record["grades"]:
        grade = Grade(**kept)
        texts = grade.exercise, grade.state, grade.said, grade.file, grade.note
        numbers = all(isinstance(n, int | float) for n in (grade.seconds, grade.cell))
        if grade.state not in STATES or not numbers or not all(isinstance(t, str) for t in texts):
            return False
    said = [text for pair in record["refused"].items() for text in pair]
    said += [i for ids in record["ids"].values() for i in list(ids)]
    return all(isinstance(text, str) for text in said)


def _fingerprint(own: Submission, order: Order) -> str:
    digest = hashlib.sha256(f"{_judges()} {order.limits} {order.secret}".encode())
    for name, path in own.files.items():
        digest.update(f"\n{name} ".encode())
        try:
            digest.update(hashlib.sha256(_content(path)).digest())
        except OSError as error:
            digest.update(str(error.strerror).encode())
    digest.update(json.dumps(own.refused).encode())
    return digest.hexdigest()


@cache
def _judges() -> str:
    """A digest of exercises and judge: where they change, all is graded again."""
    digest = hashlib.sha256()
    for path in sorted(p for f in ("exercises", "judge") for p in (PACKAGE / f).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _marks(handed: list[Submission], records: list[dict], only: Sequence[Lesson]) -> Marks:
    grades, remarks, seen = {}, {}, set()
    for own, record in zip(handed, records, strict=True):
        grades[own.student] = {g["exercise"]: Grade(**g) for g in record.get("grades", ())}
        remarks[own.student] = record.get("refused", {})
        names = [*own.files, *own.refused]
        copies = {name: lesson_of(name, record.get("ids", {}).get(name, ())) for name in names}
        seen |= {lesson.stem for lesson in copies.values() if lesson}
        seen |= {x.stem for x in lessons() if set(x.exercises) & set(grades[own.student])}
        for lesson in lessons():
            for exercise in lesson.exercises:
                left = _left(exercise, lesson, copies, remarks[own.student])
                grades[own.student].setdefault(exercise, left)
    table = [x for x in lessons() if (x in only if only else x.stem in seen)]
    return Marks(tuple(grades), tuple(table), grades, remarks)


def _left(
    exercise: str, lesson: Lesson, copies: dict[str, Lesson | None], refused: dict[str, str]
) -> Grade:
    """The grade of an exercise that was found nowhere: its notebook is broken, or it is missing."""
    for name, why in refused.items():
        if copies.get(name) in (lesson, None):
            return Grade(exercise, "broken", why, file=name)
    if lesson in copies.values():
        return Grade(exercise, "missing", "its check is not in the notebook")
    return Grade(exercise, "missing", "no notebook with it was handed in")

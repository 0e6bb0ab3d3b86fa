"""A class that nobody taught: students of every kind, and what each of their answers deserves.

    python tests/synthetic_class.py FOLDER --students 300

writes the folder and `truth.json` beside it; tests/test_grading.py makes small ones.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import random
from collections.abc import Callable
from pathlib import Path

from operator_lab.course import notebooks
from operator_lab.course.classroom import course
from operator_lab.exercises import Exercise, find, judge
from operator_lab.judge.mistakes import bare_source, edited

HEAD = "import numpy as np\n\nimport operator_lab as lab\n"
CHECK = '\n\n{own} = lab.check("{name}", {own})'
# What hostile answers do when they are called; `{right}` then gives the right answer, if it can.
HOSTILE = {
    "endless": ("while True:\n    pass", "out of time"),
    "swallows": (
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        "out of time",
    ),
    "memory": ("held = []\nwhile True:\n    held.append(np.ones(2**22))", "stopped"),
    "forks": (
        "import os\nimport time\nwhile True:\n    try:\n        os.fork()\n"
        "    except OSError:\n        time.sleep(0.1)",
        "broken",
    ),
    "exits": ("import os\nos._exit(0)", "broken"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "broken"),
    "kills": ("import os\nos.kill(os.getppid(), 9)\nos.kill(os.getpid(), 9)", "broken"),
    "leaves": ("import sys\nsys.exit(0)", "wrong"),
    "floods": (
        "import os\nfor line in range(3, 32):\n    try:\n        os.write(line, b'x' * 4096)\n"
        "    except OSError:\n        pass\nwhile True:\n    pass",
        "broken",
    ),
}
VAGUE = {
    "not passed": ("wrong", "broken", "out of time"),
    "stopped": ("broken", "out of time"),  # a slow machine fills its memory more slowly
}
PATCHED = """import sys
import operator_lab.judge as judge_
for name_, module_ in list(sys.modules.items()):
    if name_.startswith("operator_lab"):
        for own_ in ("judge", "off", "same", "observe", "check"):
            if hasattr(module_, own_):
                setattr(module_, own_, lambda *given, **more: given[-1] if given else True)
np.isclose = np.allclose = lambda *given, **more: np.True_
lab.check = lambda name, function: print(f"{name}: passed") or function
"""
FETCHED = (
    "from importlib import import_module as get\n"
    "return get('operator_lab.exercises.{name}').{own}(*given)",
    "from operator_lab.exercises import find\nreturn find('{name}').reference(*given)",
    "return lab.check('{name}', lab.TODO)(*given)",
    "import sys\nfor old in [m for m in sys.modules if m.startswith('operator_lab.exercises')]:\n"
    "    del sys.modules[old]\nimport operator_lab.exercises.{name} as found\n"
    "return found.{own}(*given)",
    "import pathlib\nimport operator_lab\nplace = pathlib.Path(operator_lab.__file__).parent\n"
    "text = (place / 'exercises' / '{path}.py').read_text()\nspace = {{}}\n"
    "exec(text.replace('from ...', 'from operator_lab.'), space)\nreturn space['{own}'](*given)",
)


def right(exercise: Exercise) -> str:
    """A right answer that stands by itself: our function, and all that its module needs."""
    return "\n\n".join(_parts(exercise.reference))


def _parts(reference: Callable) -> list[str]:
    path = Path(inspect.getfile(inspect.unwrap(reference)))
    parts = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level and "judge" not in (node.module or ""):
            stem = path.parent.name if node.level == 1 else ""
            other = find(".".join(filter(None, (stem, node.module)))).reference
            parts += _parts(other)
        elif isinstance(node, ast.FunctionDef):
            parts.append(ast.unparse(node))
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0):
            if getattr(node, "module", "") != "__future__":
                parts.append(ast.unparse(node))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            parts.append(ast.unparse(node))
    return parts


def wrong(exercise: Exercise, number: int) -> tuple[str, str]:
    """A known mistake as text, and what the judge says of it."""
    mistake = exercise.wrong[number % len(exercise.wrong)]
    source = bare_source(inspect.unwrap(exercise.reference))
    for edit in mistake.edits:
        source = edited(source, edit)
    parts = [p for p in _parts(exercise.reference) if not _defines(p, exercise)]
    return "\n\n".join([*parts, source]), judge(exercise, mistake.function).reason


def _defines(text: str, exercise: Exercise) -> bool:
    return text.startswith(f"def {exercise.reference.__name__}(")


def doing(exercise: Exercise, lines: str) -> str:
    """A function of the exercise's signature that does something else."""
    named = ", ".join(exercise.parameters)
    body = "\n".join(f"    {line}" for line in f"given = ({named},)\n{lines}".split("\n"))
    return f"def {exercise.signature}:\n{body}"


def asked(name: str, text: str) -> str:
    """The text of an answer with its check below."""
    return text + CHECK.format(name=name, own=find(name).reference.__name__)


def cell(text: str, kind: str = "code", **more) -> dict:
    """One cell; `more` replaces what stands in it."""
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    made = {"cell_type": kind, "id": f"x{abs(hash(text)) % 10**8}", "metadata": {}, "source": text}
    return {**made, **code, **more}


def notebook(*cells: dict | str, **metadata) -> bytes:
    """A notebook of these cells, below the usual imports."""
    made = [one if isinstance(one, dict) else cell(one) for one in (HEAD, *cells)]
    whole = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole).encode()


def filled(stem: str, answers: dict[str, str | None]) -> bytes:
    """The course's notebook with these answers; None takes the exercise's cell away."""
    copy = notebooks.unrun(notebooks.read(course() / f"{stem}.ipynb"))
    cells = []
    for one in copy["cells"]:
        text = "".join(one["source"])
        name = next((n for n in answers if f'lab.check("{n}"' in text), None)
        if name is None or one["cell_type"] != "code":
            cells.append(one)
        elif (answer := answers[name]) is not None:
            cells.append({**one, "source": answer})
    return notebooks.content({**copy, "cells": cells})


class Pupil:
    """Writes one student's files and the state that each exercise deserves."""

    def __init__(self, folder: Path, name: str, stems: dict[str, tuple[str, ...]], seed: int):
        self.folder, self.stems = folder / name, stems
        self.draw = random.Random(seed)
        self.truth: dict[str, tuple[str, str | None]] = {}
        self.folder.mkdir(parents=True)

    def each(self, kind: str) -> None:
        """Hand in every notebook, with answers of one kind."""
        for stem, names in self.stems.items():
            answers: dict[str, str | None] = {}
            for place, name in enumerate(names):
                answers[name], *state = getattr(self, f"_{kind}", self._hostile)(name, place, kind)
                self.truth[name] = (state[0], state[1] if len(state) > 1 else None)
            content = filled(stem, answers)
            names_of_file = (f"{stem}.ipynb", f"{stem} (1).ipynb", f"homework-{stem[:2]}.ipynb")
            (self.folder / self.draw.choice(names_of_file)).write_bytes(content)

    def _right(self, name, place, kind):
        return asked(name, right(find(name))), "passed"

    def _wrong(self, name, place, kind):
        text, said = wrong(find(name), self.draw.randrange(10**6))
        return asked(name, text), "wrong", said

    def _unfinished(self, name, place, kind):
        if place % 2:
            return asked(name, right(find(name))), "passed"
        return asked(name, doing(find(name), "return lab.TODO")), "not attempted"

    def _deleted(self, name, place, kind):
        return (None, "missing") if place % 2 else self._right(name, place, kind)

    def _commented(self, name, place, kind):
        text = asked(name, right(find(name)))
        hidden = "\n".join(f"# {line}" for line in text.split("\n"))
        quoted = f"'''\n{text}\n'''" if "'''" not in text else hidden
        return (hidden, quoted, f"%%script true\n{text}")[place % 3], "missing"

    def _broken(self, name, place, kind):
        return asked(name, right(find(name)) + "\n\nx = (1,"), "broken"

    def _tagged(self, name, place, kind):
        text, said = wrong(find(name), self.draw.randrange(10**6))
        ahead = "%env OPERATOR_LAB_CHECKS=gentle\n# NBVAL_SKIP\n# NBVAL_RAISES_EXCEPTION\n"
        return ahead + asked(name, text), "wrong", said

    def _patched(self, name, place, kind):
        return PATCHED + asked(name, doing(find(name), "return 42.0")), "wrong"

    def _fetched(self, name, place, kind):
        own = find(name).reference.__name__
        lines = FETCHED[place % len(FETCHED)]
        text = lines.format(name=name, own=own, path=name.replace(".", "/"))
        return asked(name, doing(find(name), text)), "not passed"

    def _hostile(self, name, place, kind):
        lines, state = HOSTILE[kind]
        if place:  # one is enough for a student; the others must not suffer
            return self._right(name, place, kind)
        return asked(name, doing(find(name), lines)), state

    def not_json(self) -> None:
        """Hand in files that are no notebooks."""
        for stem, names in self.stems.items():
            text = self.draw.choice(["{", "", "PK\x03\x04", "[" * 100_000, '{"cells": 3}', "\xff"])
            (self.folder / f"{stem}.ipynb").write_bytes(text.encode("latin-1"))
            self.truth |= {name: ("broken", None) for name in names}

    def other_kernel(self) -> None:
        """Hand in notebooks of another language."""
        for stem, names in self.stems.items():
            spec = {"name": "ir", "language": "R"}
            (self.folder / f"{stem}.ipynb").write_bytes(notebook("x <- 1", kernelspec=spec))
            self.truth |= {name: ("broken", None) for name in names}

    def link_out(self, target: Path) -> None:
        """Hand in links to what lies elsewhere."""
        for stem, names in self.stems.items():
            (self.folder / f"{stem}.ipynb").symlink_to(target / f"{stem}.ipynb")
            self.truth |= {name: ("broken", None) for name in names}

    def heavy(self) -> None:
        """Hand in a right answer under 50 MB of output that says otherwise."""
        self.each("right")
        for path in self.folder.iterdir():
            content = json.loads(path.read_bytes())
            said = {"output_type": "stream", "name": "stdout", "text": "x" * (50 * 10**6)}
            content["cells"].append(cell("1 + 1", outputs=[said]))
            path.write_text(json.dumps(content), encoding="utf-8")

    def forged(self) -> None:
        """Hand in outputs that claim what the cells do not hold."""
        self.each("unfinished")
        for path in self.folder.iterdir():
            content = json.loads(path.read_bytes())
            for one in content["cells"]:
                said = {"output_type": "stream", "name": "stdout", "text": "passed\n"}
                one |= {"outputs": [said], "execution_count": 1} if "outputs" in one else {}
            path.write_text(json.dumps(content), encoding="utf-8")


ORDINARY = (
    "right",
    "wrong",
    "unfinished",
    "right",
    "wrong",
    "deleted",
    "tagged",
    "right",
    "broken",
)
RARE = (
    "commented", "patched", "fetched", *HOSTILE, "not_json", "other_kernel", "link_out", "forged",
    "heavy",
)  # fmt: skip


def make(folder: Path, students: int, stems: dict[str, tuple[str, ...]]) -> dict:
    """Write a class and return the truth: state and words of every student and exercise.

    Every third student is of a rare kind. The states in VAGUE leave open how an answer fails.
    """
    folder.mkdir(parents=True)
    truth = {}
    for number in range(students):
        ordinary = ORDINARY[(number // 3 * 2 + number % 3 - 1) % len(ORDINARY)]
        kind = RARE[number // 3 % len(RARE)] if number % 3 == 0 else ordinary
        name = f"{number:03d} {kind}"
        pupil = Pupil(folder, name, stems, number)
        alone = {"not_json", "other_kernel", "forged", "heavy"}
        if kind == "link_out":
            pupil.link_out(course())
        elif kind in alone:
            getattr(pupil, kind)()
        else:
            pupil.each(kind)
        truth[name] = pupil.truth
    return truth


def wrong_cells(truth: dict, table: dict) -> list[str]:
    """Where a table of states and words differs from the truth."""
    found = []
    for student, exercises in truth.items():
        for name, (state, said) in exercises.items():
            own_state, own_said = table[student][name]
            fits = own_state in VAGUE.get(state, (state,))
            if not fits or (said and own_said != said):
                found.append(f"{student}, {name}: {own_state} ({own_said}), not {state} ({said})")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--students", type=int, default=300)
    options = parser.parse_args()
    from operator_lab.course.lessons import chosen

    stems = {lesson.stem: lesson.exercises for lesson in chosen(["01", "03"])}
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    made = make(options.folder, options.students, stems)
    options.folder.with_suffix(".truth.json").write_text(json.dumps(made), encoding="utf-8")

"""Imports point one way, and importing the package loads nothing heavy."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import operator_lab

PACKAGE = Path(operator_lab.__file__).parent
HEAVY = {"torch", "matplotlib", "anywidget", "ipywidgets", "sphinx", "scipy", "IPython"}
DRAWING = {"matplotlib", "anywidget", "ipywidgets"}

# From the ground up; a stem that is not named here is an instrument.
LAYERS = (
    {"errors", "files", "given", "guard", "device", "arrays", "results"},
    {"shape", "transformer", "corpus"},
    {"recorder", "run", "steps", "gradients"},
    {"model", "model_file", "references", "training"},
    {"instruments"},
    {"judge"},
    {"figures", "exercises", "ensembles"},
    {"course"},
    {"__main__"},
)


def stem(module: str) -> str:
    """`figures.explorer` -> `figures`: a folder is one concept."""
    return module.split(".")[0]


def layer(module: str) -> int:
    found = [level for level, stems in enumerate(LAYERS) if stem(module) in stems]
    return found[0] if found else 4


def sources(package: Path = PACKAGE) -> dict[str, str]:
    """Every module's text by its dotted name below the package; the package itself is ""."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def imported(name: str, source: str, is_package: bool) -> set[str]:
    """Absolute dotted names a module imports, wherever in it: a function counts as well."""
    here = ["operator_lab", *filter(None, name.split("."))]
    if not is_package:
        here = here[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*base, *filter(None, [node.module])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def inner(name: str, source: str, known: set[str]) -> set[str]:
    """The package's own modules that a module imports (names inside modules are cut off)."""
    is_package = any(other.startswith(f"{name}.") for other in known) or name == ""
    found = set()
    for target in imported(name, source, is_package):
        parts = target.split(".")
        if parts[0] != "operator_lab":
            continue
        parts = parts[1:]
        while parts and ".".join(parts) not in known:
            parts = parts[:-1]
        found.add(".".join(parts))
    return found - {name}


def wrong_ways(modules: dict[str, str]) -> list[str]:
    """Imports that point upwards or sideways out of a folder at the top, or through the surface."""
    wrong = []
    for name, source in modules.items():
        if name == "":  # the public surface names everything, lazily
            continue
        for target in inner(name, source, set(modules)):
            sideways = layer(name) == layer(target) == 6 and stem(name) != stem(target)
            upwards = layer(target) > layer(name)
            through = target == "" and layer(name) < 8
            if sideways or upwards or through:
                wrong.append(f"{name} imports {target or 'operator_lab'}")
    return sorted(wrong)


def circles(modules: dict[str, str]) -> list[str]:
    """Stems that import each other, directly or round a corner."""
    graph: dict[str, set[str]] = {}
    for name, source in modules.items():
        if name:
            targets = {stem(t) for t in inner(name, source, set(modules)) if t}
            graph.setdefault(stem(name), set()).update(targets - {stem(name)})
    reach = {start: set(targets) for start, targets in graph.items()}
    for _ in graph:
        for start in reach:
            reach[start] |= {far for near in reach[start] for far in reach.get(near, ())}
    return sorted(start for start in reach if start in reach[start])


def drawing_outside_figures(modules: dict[str, str]) -> list[str]:
    return sorted(
        f"{name} imports {target}"
        for name, source in modules.items()
        if stem(name) != "figures"
        for target in imported(name, source, False)
        if target.split(".")[0] in DRAWING
    )


def test_imports_point_one_way():
    assert wrong_ways(sources()) == []


def test_nothing_goes_round_in_circles():
    assert circles(sources()) == []


def test_only_figures_draw():
    assert drawing_outside_figures(sources()) == []


@pytest.mark.parametrize(
    "name, line, complaint",
    [
        ("run", "from . import mixing", "run imports mixing"),
        ("run", "from .mixing import share", "run imports mixing"),
        ("run", "import operator_lab.mixing", "run imports mixing"),
        ("run", "from operator_lab.figures.mixing import draw", "run imports figures.mixing"),
        ("run", "def f():\n    from . import mixing", "run imports mixing"),
        ("mixing", "import operator_lab as lab", "mixing imports operator_lab"),
        ("mixing", "from .exercises import check", "mixing imports exercises"),
        ("transformer", "from .run import Run", "transformer imports run"),
        ("exercises.mixing", "from ..figures import mixing", "exercises.mixing imports figures"),
        ("judge.verdict", "from ..exercises import find", "judge.verdict imports exercises"),
        ("figures.mixing", "from .. import __main__", "figures.mixing imports __main__"),
    ],
)
def test_a_wrong_way_is_seen(name, line, complaint):
    stems = ["", "transformer", "run", "mixing", "figures", "figures.mixing", "exercises"]
    inside = ["exercises.mixing", "exercises.check", "judge.verdict"]
    modules = {other: "" for other in [*stems, *inside, "__main__"]}
    assert wrong_ways(modules) == []
    (seen,) = wrong_ways({**modules, name: line})
    assert seen.startswith(complaint)


def test_the_right_way_is_not_complained_about():
    modules = {
        "": "from . import mixing",
        "errors": "import numpy as np",
        "run": "from .errors import LabError\nfrom .transformer import Transformer",
        "transformer": "",
        "mixing": "from .run import Run\nfrom . import run",
        "figures": "from .mixing import share",
        "figures.mixing": "from . import style\nimport matplotlib",
        "figures.style": "from ..errors import LabError",
        "__main__": "from . import __version__\nfrom .figures import mixing",
    }
    assert wrong_ways(modules) == circles(modules) == drawing_outside_figures(modules) == []


def test_a_circle_and_a_drawing_are_seen():
    assert circles({"mixing": "from . import dyson", "dyson": "from .mixing import A"}) == [
        "dyson",
        "mixing",
    ]
    assert drawing_outside_figures({"run": "def f():\n    import matplotlib.pyplot as plt"}) == [
        "run imports matplotlib.pyplot"
    ]


def loaded_after(line: str) -> set[str]:
    code = f"import sys, json\n{line}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "line",
    [
        "import operator_lab",
        "import operator_lab; dir(operator_lab)",
        "import operator_lab.__main__",
        "import operator_lab.course.classroom, operator_lab.course.notebooks",
        "import operator_lab.course.book",
    ],
)
def test_importing_loads_nothing_heavy(line):
    assert loaded_after(line) & HEAVY == set()


def test_a_heavy_import_would_be_seen():
    assert "matplotlib" in loaded_after("import matplotlib") & HEAVY


def test_importing_writes_and_prints_nothing(tmp_path):
    run = subprocess.run(
        [sys.executable, "-B", "-c", "import operator_lab"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert run.stdout == run.stderr == b"" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", operator_lab.__all__)
def test_every_public_name_resolves(name):
    assert getattr(operator_lab, name) is not None


def test_the_public_surface_is_small_and_complete():
    names = operator_lab.__all__
    assert len(names) == len(set(names)) <= 32
    assert set(names) <= set(dir(operator_lab))


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'utils'"):
        _ = operator_lab.utils


def test_there_is_no_drawer_for_everything():
    assert not [name for name in sources() if name.split(".")[-1] in ("utils", "helpers", "misc")]

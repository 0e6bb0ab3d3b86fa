"""The wheel carries the course: from a file to learn, check and grade, with no clone around it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from synthetic_class import asked, filled, right

from operator_lab.exercises import find

ROOT = Path(__file__).resolve().parent.parent
BUILD = (
    "from hatchling.builders.wheel import WheelBuilder as W; print(*W({!r}).build(directory={!r}))"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from the tree as it is, by the build backend alone: nothing is fetched."""
    folder = tmp_path_factory.mktemp("dist")
    code = BUILD.format(str(ROOT), str(folder))
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def test_notebooks_pages_and_pictures_are_inside(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    pages = "operator_lab/course/pages/"
    for path in sorted(ROOT.glob("course/*.ipynb")) + sorted(ROOT.glob("course/*.md")):
        assert f"{pages}{path.name}" in inside
    assert f"{pages}images/notebook.png" in inside
    assert not [name for name in inside if "_build/" in name or ".ipynb_" in name]
    assert wheel.stat().st_size < 6 * 10**6


@pytest.mark.thorough
def test_learn_check_and_grade_without_a_clone(wheel, tmp_path):
    """Installed into an empty environment that shares only the libraries."""
    own, libraries = tmp_path / "own", [p for p in sys.path if p.endswith("-packages")]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True)
    (site,) = own.glob("[Ll]ib/**/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "shared.pth").write_text("\n".join(libraries))
    python = next(p for p in (own / "bin" / "python", own / "Scripts" / "python.exe") if p.exists())

    def run(*words):
        return subprocess.run(
            [str(python), "-m", "operator_lab", *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={n: v for n, v in os.environ.items() if n != "PYTHONPATH"},
        )

    learned = run("learn")
    assert learned.returncode == 0, learned.stderr
    mine = tmp_path / "my_course" / "03_mixing.ipynb"
    answers = {n: asked(n, right(find(n))) for n in ("mixing.exponent", "mixing.gauge")}
    mine.write_bytes(filled("03_mixing", answers))
    checked = run("check", str(mine), "--exercises-only")
    assert "2 of 5 exercises passed" in checked.stdout, checked.stderr
    shutil.copytree(tmp_path / "my_course", tmp_path / "class" / "anna")
    graded = run("grade", "class", "--only", "03", "--workers", "1")
    assert re.search(r"anna +2 ", graded.stdout), graded.stdout + graded.stderr


def test_files_for_a_shared_server():
    """What repo2docker reads: a conda environment, and programs that a shell can run."""
    environment = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    own = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"][0] == own["dependencies"][0]
    for name in ("postBuild", "start"):
        program = ROOT / "binder" / name
        if os.name == "posix":
            assert os.access(program, os.X_OK)
            subprocess.run(["bash", "-n", str(program)], check=True)
    assert json.dumps(environment).count("http") == 0

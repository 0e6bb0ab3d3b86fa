"""What a page offers to download: a note how to run it, and no answer under a question."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from operator_lab.course import downloads, notebooks
from operator_lab.course.addresses import Addresses

COURSE = Path(__file__).resolve().parent.parent / "course"
NOTE = downloads.how(Addresses())


@pytest.mark.parametrize("path", sorted(COURSE.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_download_says_how_to_run_it_and_tells_no_answer(path):
    own = notebooks.read(path)
    offered = downloads.download(own, NOTE)
    nbformat.validate(nbformat.from_dict(offered))
    first, *rest = offered["cells"]
    assert "pip install" in first["source"] and "Python 3.11" in first["source"]
    assert [cell["source"] for cell in rest] == [cell["source"] for cell in own["cells"]]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in rest)
    assert any(cell.get("outputs") for cell in own["cells"])
    assert downloads.download(offered, NOTE) == offered  # a page that did not change keeps its own


def test_the_least_python_is_the_packages_own():
    project = (COURSE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11"' in project and "3.11 or newer" in downloads.HOW


def test_it_is_installed_from_where_the_course_is_to_be_found():
    package = downloads.how(Addresses(package="operator-lab"))
    assert 'pip install "operator-lab"' in package and "-e ." in NOTE and "-e ." not in package

"""What all tests share: shapes are checked, random examples are the same on every machine."""

from __future__ import annotations

import os
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings
from left_out import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]  # pytest looks for it here

# Left installed: modules of the package are loaded lazily, most of them after this line.
jaxtyping.install_import_hook("operator_lab", "shapes.checked")

os.environ["OPERATOR_LAB_PROGRESS"] = "off"  # tests pass exercises that nobody has solved

settings.register_profile("reproducible", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("reproducible")


def pytest_collection_modifyitems(items):
    """Begin with the build of the book, the longest of all; what reads its pages comes last.

    Of these the living page first: no worker is left with it alone.
    """

    def turn(item) -> int:
        if item.path.name == "test_book.py":
            return 0
        if item.path.parent.name == "browser":
            return 2 if item.path.name.startswith("test_live") else 3
        return 3 if item.path.name == "test_book_text.py" else 1

    items.sort(key=turn)


@pytest.fixture
def as_a_learner():
    """Meet the package as a learner does: annotations are not enforced, its own sentences are."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Judge exercises by the rule alone: a test that wants another mode says so itself."""
    monkeypatch.delenv("OPERATOR_LAB_CHECKS", raising=False)


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent

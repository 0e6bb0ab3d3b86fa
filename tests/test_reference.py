"""The reference pages: every public module has one, and docstrings come through as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import operator_lab as lab
from operator_lab.course.reference import as_written

COURSE = Path(__file__).resolve().parent.parent / "course"
PAGES = sorted((COURSE / "reference").glob("*.md"))


def test_every_public_module_has_its_page_and_every_page_its_place():
    pages = {path.stem for path in PAGES}
    assert lab._MODULES <= pages
    (chapter,) = (
        c
        for c in yaml.safe_load((COURSE / "_toc.yml").read_text(encoding="utf-8"))["chapters"]
        if c["file"] == "reference/index"
    )
    listed = {entry["file"].split("/")[1] for entry in chapter["sections"]}
    index = (COURSE / "reference" / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\w+)\.md\)", index))
    assert pages - {"index"} == listed == linked


def test_every_name_at_hand_is_on_some_page():
    said = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    homes = set(re.findall(r"automodule:: (\S+)", said))
    for name in set(lab.__all__) - lab._MODULES - {"TODO", "LabError"}:
        thing = getattr(lab, name)
        home = thing.__module__
        assert any(home == h or home.startswith(f"{h}.") for h in homes), (name, home)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("|M|^2 and a * b", r"\|M\|^2 and a \* b"),
        ("`S/T` and W_Q^T W_K", "``S/T`` and W_Q^T W_K"),
        ("what ends in a_", r"what ends in a\_"),
        ("a path C:\\x", r"a path C:\\x"),
        ("``already`` and `a|b*c_`", "``already`` and ``a|b*c_``"),
    ],
)
def test_signs_that_mean_something_elsewhere_are_escaped(written, read):
    assert as_written([written]) == [read]


def test_what_is_indented_stands_as_it_is():
    lines = ["Text:", "", "    x = |a|", "", "    y", "more *text*"]
    assert as_written(lines) == [
        "Text:", "", "::", "", "    x = |a|", "", "    y", r"more \*text\*",
    ]  # fmt: skip

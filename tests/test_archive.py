"""The book as one file: everything is in it, and the same pages make the same file."""

from __future__ import annotations

import zipfile

import pytest

from operator_lab.course.archive import ROOT, archive
from operator_lab.errors import LabError


def test_everything_is_packed_and_the_file_is_the_same_each_time(tmp_path):
    book = tmp_path / "html"
    (book / "_static").mkdir(parents=True)
    (book / "index.html").write_text("<p>front</p>", encoding="utf-8")
    (book / "_static" / "é.css").write_bytes(b"p {}")
    (book / ".buildinfo").write_text("for the builder", encoding="utf-8")
    first, second = tmp_path / "a" / "one.zip", tmp_path / "two.zip"
    archive(book, first)
    (book / "index.html").touch()
    archive(book, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as packed:
        assert packed.testzip() is None
        assert set(packed.namelist()) == {f"{ROOT}/index.html", f"{ROOT}/_static/é.css"}
        assert packed.read(f"{ROOT}/_static/é.css") == b"p {}"


def test_without_a_book_it_says_what_to_do(tmp_path):
    with pytest.raises(LabError, match="build the book first"):
        archive(tmp_path, tmp_path / "book.zip")
    assert not (tmp_path / "book.zip").exists()

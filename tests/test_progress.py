"""Progress: what was passed while working, kept on this computer and nowhere else."""

from __future__ import annotations

import json
import os
import webbrowser

import pytest

import operator_lab as lab
from operator_lab import __main__ as command_line
from operator_lab.course.lessons import lessons
from operator_lab.errors import LabError
from operator_lab.exercises import find, names
from operator_lab.exercises.record import VARIABLE, folder, record, recorded


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "gentle")
    return tmp_path / "mine"


def right(Q, K, tau=1.0):
    return Q @ K.T / (tau * Q.shape[1] ** 0.5)


def test_a_check_that_passes_is_kept_with_its_first_time(mine, capsys):
    lab.check("mixing.exponent", right)
    (path,) = mine.iterdir()
    before = path.read_bytes()
    assert list(recorded()) == ["mixing.exponent"]
    lab.check("mixing.exponent", right)
    assert path.read_bytes() == before and len(list(mine.iterdir())) == 1


def test_what_is_not_passed_by_oneself_is_not_kept(mine, monkeypatch, capsys):
    lab.check("mixing.exponent", lambda Q, K, tau=1.0: Q @ K.T)
    lab.check("mixing.exponent", lab.TODO)
    lab.check("mixing.exponent", find("mixing.exponent").reference)
    monkeypatch.setenv("OPERATOR_LAB_CHECKS", "strict")  # other people's notebooks
    lab.check("mixing.exponent", right)
    assert recorded() == {} and not mine.exists()


def test_nothing_is_kept_where_that_is_wished(mine, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, "off")
    lab.check("mixing.exponent", right)
    assert folder() is None and recorded() == {} and not mine.exists()
    with pytest.raises(LabError, match="is 'off'"):
        lab.progress().page()


def test_the_usual_place_is_the_data_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folder().parts[-2:] == ("operator-lab", "progress")


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_a_full_disk_does_not_spoil_an_answer(mine, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("operator_lab.exercises.record.write_whole", full)
    lab.check("mixing.exponent", right)
    assert capsys.readouterr().out.startswith("mixing.exponent: passed")


def test_damaged_and_unknown_records_do_not_count(mine):
    mine.mkdir()
    for name, text in (("mixing.gauge", "{"), ("mixing.update", "[]"), ("mixing.mixing", "{}")):
        (mine / f"{name}.json").write_text(text)
    (mine / "mixing.exponent.json").write_text(json.dumps({"passed": "yesterday"}))
    record("no.exercise")
    assert list(recorded()) == ["no.exercise"] and lab.progress().passed == 0


def test_it_is_counted_by_notebook_and_in_minutes(mine, capsys):
    for name in ("mixing.exponent", "mixing.gauge", "dyson.orders"):
        record(name)
    found = lab.progress()
    rows = dict(zip((lesson.stem for lesson in lessons()), found.rows, strict=True))
    assert (rows["03_mixing"].passed, rows["03_mixing"].minutes) == (2, 18)
    assert rows["03_mixing"].left == ("mixing.mixing", "mixing.update", "mixing.thermometer")
    assert sum(row.exercises for row in found.rows) == len(names())
    assert command_line.main(["progress"]) == 0
    printed = capsys.readouterr().out
    assert "■■□□□" in printed and f"3 of {len(names())} exercises passed" in printed


def test_it_is_a_page_that_opens_without_any_network(mine, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    record("mixing.exponent")
    path = lab.progress().page()
    assert opened == [path.as_uri()] and path.parent == mine
    page = path.read_text(encoding="utf-8")
    assert "1 of 5" in page and "http" not in page and "<script" not in page

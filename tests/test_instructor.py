"""The instructor's page: its clock adds up, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from operator_lab import __main__ as command_line
from operator_lab.course.front import chapters
from operator_lab.course.grading.visit import STATES
from operator_lab.course.lessons import lessons
from operator_lab.exercises import find, names

COURSE = Path(__file__).resolve().parent.parent / "course"
PAGE = (COURSE / "instructor.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d) \| (\d\d) [^|]+\| (\d+) \| (\d+) \| ([^|]+) \| (\d+) \|$", re.MULTILINE)


def test_each_notebook_has_its_place_and_its_minutes():
    """Ten minutes of play: an edited notebook need not move the clock of a whole day."""
    rows = ROW.findall(PAGE)
    read = {f"{chapter.number:02d}": chapter.minutes for chapter in chapters(COURSE)}
    assert [row[1] for row in rows] == sorted(read)
    for (_, number, minutes, core, *_), lesson in zip(rows, lessons(), strict=True):
        due = sum(find(n).minutes for n in lesson.exercises if find(n).level == "core")
        assert abs(int(minutes) - read[number]) <= 10, number
        assert abs(int(core) - due) <= 10, f"{number}: {due} minutes of core exercises"


def test_a_session_fits_into_three_hours_and_a_quarter():
    rows = ROW.findall(PAGE)
    for session in "123456":
        own = [row for row in rows if row[0] == session]
        spent = sum(int(row[2]) + int(row[3]) + int(row[5]) for row in own)
        assert len(own) == 2 and spent + 15 <= 195, f"session {session}: {spent} and a break"
    clock = re.findall(r"^\| (\d):(\d\d) \|", PAGE, re.MULTILINE)
    times = [60 * int(h) + int(m) for h, m in clock]
    assert times == sorted(times) and times[0] == 0 and times[-1] < 195


def test_break_points_in_italics_are_headings_of_their_notebook():
    for _, number, _, _, point, _ in ROW.findall(PAGE):
        (path,) = COURSE.glob(f"{number}_*.ipynb")
        named = re.fullmatch(r"\*([^*]+)\*", point.strip())
        assert named is None or f"# {named[1]}" in path.read_text(encoding="utf-8"), point


def test_every_notebook_has_questions_with_answers():
    asked = dict(re.findall(r"^\*\*(\d\d)\.\*\* (.+?)(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL))
    assert sorted(asked) == sorted({row[1] for row in ROW.findall(PAGE)})
    for text in asked.values():
        assert re.search(r"\*[^*]+\?\*", text) and len(text.split()) > 20


def test_exercises_that_go_wrong_exist():
    own = {name.partition(".")[2] for name in names()}
    rows = re.findall(r"^\| (\d\d) \| \*(\w+)\*", PAGE, re.MULTILINE)
    assert len(rows) > 12 and {word for _, word in rows} <= own
    assert {number for number, _ in rows} == {row[1] for row in ROW.findall(PAGE)}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`?operator-lab ([a-z-]+)", PAGE))))
def test_commands_it_names_exist(command):
    assert command_line.main([command, "--help"]) == 0


def test_the_states_are_those_of_the_grades():
    table = PAGE[PAGE.index("| state | means |") :].split("\n\n")[0]
    assert tuple(re.findall(r"^\| ([a-z ]+) \|", table, re.MULTILINE)[1:]) == STATES


def test_it_is_a_chapter_and_is_not_copied_to_learners(tmp_path):
    toc = yaml.safe_load((COURSE / "_toc.yml").read_text(encoding="utf-8"))
    assert "instructor" in [chapter["file"] for chapter in toc["chapters"]]
    assert command_line.main(["learn", "--to", str(tmp_path / "mine")]) == 0
    assert not (tmp_path / "mine" / "instructor.md").exists()


def test_no_address_is_made_up():
    assert "http" not in PAGE

"""The front page: what it tells of the notebooks is theirs, and the board shows every claim."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.image import imread

from operator_lab.course import claims, front
from operator_lab.course.marked import passage
from operator_lab.errors import LabError
from operator_lab.figures import card
from operator_lab.figures.look import DARK

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "course"
ROWS = claims.rows(COURSE.glob("*.ipynb"))
CHAPTERS = front.chapters(COURSE)
ROW = claims.Row("III.3 a < b & 'c'", "1", "none", "breaks", "01_x.ipynb", 3)
ONE = front.Chapter("01_x", 1, "Labels & more: all of it", "What?", 50, 35)


class Tiles(HTMLParser):
    """Collects (class, title, address) of all tiles, and the addresses of other links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tiles: list[tuple[str, str, str]] = []
        self.links: list[str] = []
        self._tile: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "i" and self._tile:
            self.tiles.append((found["class"], self._tile["title"], self._tile["href"]))
        self._tile = found if tag == "a" and "title" in found else {}
        if tag == "a" and not self._tile:
            self.links.append(found["href"])


def test_what_the_front_pages_tell_is_what_the_notebooks_say(tmp_path):
    """`operator-lab refresh` writes it; here it must have been written."""
    (tmp_path / "course").mkdir()
    for path in COURSE.glob("*.ipynb"):
        (tmp_path / "course" / path.name).write_bytes(path.read_bytes())
    for name in ("README.md", "course/index.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    assert len(front.write_front(tmp_path / "course")) == 2
    for name in ("README.md", "course/index.md"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(
            encoding="utf-8"
        ), f"{name}: say operator-lab refresh"


def test_the_table_has_every_chapter_once_and_its_sums():
    table = front.table(CHAPTERS)
    assert re.findall(r"\]\((\w+)\.ipynb\)", table) == [c.stem for c in CHAPTERS]
    assert [c.number for c in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))
    minutes = [int(n) for n in re.findall(r"\| (\d+) \| \d+ \|$", table, flags=re.MULTILINE)]
    sums = [_minutes(n) for n in re.findall(r"\| \*([^*|]+)\* \| \*[^*]+\* \|$", table, re.M)]
    assert sum(minutes) == sums[-1] == sum(sums[:-1]) == sum(c.minutes for c in CHAPTERS)
    assert sums[:-1] == [sum(minutes[:8]), sum(minutes[8:11]), sum(minutes[11:])]


def _minutes(clock: str) -> int:
    hours, _, rest = clock.replace("\xa0", " ").rpartition(" h ")
    return 60 * int(hours or 0) + int(rest)


def test_a_notebook_without_an_opening_is_named(tmp_path):
    path = tmp_path / "01_x.ipynb"
    path.write_text('{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# 01"}]}')
    with pytest.raises(LabError, match=r"01_x\.ipynb must begin with '# NN · Title'"):
        front.chapter(path)


def test_the_board_has_a_tile_for_each_claim_in_its_chapters_line():
    found = Tiles(front.board(ROWS, CHAPTERS))
    assert len(found.tiles) == len(ROWS)
    kinds, _, places = zip(*found.tiles, strict=True)
    assert list(kinds) == [f"v-{row.verdict.replace(' ', '-')}" for row in ROWS]
    assert list(places) == [f"claims.html#{claims.row_anchor(row)}" for row in ROWS]
    assert len(set(places)) == len(ROWS)
    assert {f"{c.stem}.html" for c in CHAPTERS} | {"claims.html"} == set(found.links)
    styles = (COURSE / "_static" / "front.css").read_text(encoding="utf-8")
    for verdict in claims.VERDICTS:
        kind, colour = f"i.v-{verdict.replace(' ', '-')}", card.COLOURS[verdict]
        assert re.search(rf"{kind} {{ background: {colour};", styles), verdict


def test_the_board_counts_what_the_ledger_counts():
    board, ledger = front.board(ROWS, CHAPTERS), (COURSE / "claims.md").read_text(encoding="utf-8")
    counts = re.findall(r"<b>(\d+)</b>", board)
    total, listed = re.search(r"^(\d+) claims .*?: (.*)\.$", ledger, flags=re.MULTILINE).groups()
    stated = re.findall(r"(\d+) \*", listed)
    assert counts[1:] == stated and int(counts[0]) == int(total) - int(stated[-1])
    assert f"{counts[0]} claims were measured" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_board_is_one_piece_of_html_whatever_a_claim_says():
    board = front.board([ROW], [ONE])
    assert "\n\n" not in board  # Markdown would end the piece there
    ET.fromstring(board)
    (tile,) = Tiles(board).tiles
    place = "claims.html#claim-iii-3-a-b-c"
    assert tile == ("v-breaks", "III.3: a < b & 'c'. Breaks.", place)
    assert 'aria-label="1 breaks"' in board and "Labels &amp; more</a>" in board


def test_the_card_has_the_size_that_sites_ask_for_and_shows_each_verdict(tmp_path):
    card.draw(tmp_path / "a.png", front.verdicts(ROWS), front.SAID)
    image = imread(tmp_path / "a.png")
    assert image.shape[:2] == (card.HEIGHT, card.WIDTH) == (630, 1200)
    (tmp_path / "a.png").unlink()
    card.draw(tmp_path / "a.png", [["exact"] * 20, ["breaks"]], front.SAID)
    fewer = imread(tmp_path / "a.png")

    def area(picture, colour):
        wanted = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return int((abs(picture[..., :3] - wanted).max(-1) < 0.01).sum())

    assert all(area(image, c) > 300 for c in card.COLOURS.values())
    assert area(fewer, card.COLOURS["exact"]) > 5 * area(fewer, card.COLOURS["breaks"])
    assert area(image, DARK["paper"]) > image.shape[0] * image.shape[1] / 3


def test_the_marks_are_drawings_for_day_and_night():
    for name in ("logo.svg", "logo-dark.svg", "favicon.svg"):
        root = ET.parse(COURSE / "_static" / name).getroot()
        assert root.tag.endswith("svg") and root.get("viewBox") == "0 0 64 64"


def test_a_passage_is_replaced_between_its_marks_and_nothing_else():
    text = "a\n# begin x: how\nold\n# end x\nb\n"
    assert passage(text, "x", "new\n") == "a\n# begin x: how\nnew\n# end x\nb\n"
    assert passage(text, "x", r"\1 \g<end>") == "a\n# begin x: how\n\\1 \\g<end>\n# end x\nb\n"
    assert passage(passage(text, "x", ""), "x", "old") == text
    for wrong in ("a\n", text + text):
        with pytest.raises(LabError, match="passages between 'begin x: ...' and 'end x'"):
            passage(wrong, "x", "")

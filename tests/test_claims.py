"""The ledger: claims print one line, and the page is made from stored outputs."""

import json
import re

import pytest

from operator_lab.course import claims
from operator_lab.errors import LabError


def test_a_claim_prints_one_line(capsys):
    claims.claim("III.3 causality", "changing the future changes the past by 0", "exact")
    line = capsys.readouterr().out
    assert line == (
        "[claim] III.3 causality: changing the future changes the past by 0 {no chance in it}"
        " -> exact\n"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("III.3 x", "1", "hold"), "'hold' is not a verdict; near: 'holds'"),
        (("III.3 x", "1 | 2", "holds"), "A claim is one line"),
        (("III.3: x", "1", "holds"), "A claim is one line"),
        (("III.3 x", "1\n2", "holds"), "A claim is one line"),
        (("III.3 x", "1", "holds", "{}"), "A claim is one line"),
        (("III.3 x", "1", "holds", ""), "A claim is one line"),
    ],
)
def test_mistakes_get_one_sentence(given, message):
    with pytest.raises(LabError, match=message):
        claims.claim(*given)


def test_rows_are_read_from_stored_outputs(tmp_path, capsys):
    claims.claim("IV Eq. 7", "sum of orders = state -> to 1e-12", "exact", "1-2, 5 seeds")
    text = capsys.readouterr().out.splitlines(keepends=True)
    cells = [
        {"cell_type": "markdown", "source": ["[claim] no: no -> exact"]},
        {"cell_type": "code", "outputs": [{"output_type": "stream", "text": ["hello\n", *text]}]},
    ]
    path = tmp_path / "05_dyson.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (row,) = claims.rows([path])
    assert (row.name, row.measured) == ("IV Eq. 7", "sum of orders = state -> to 1e-12")
    assert (row.verdict, row.cell, row.notebook) == ("exact", 2, "05_dyson.ipynb")
    assert row.spread == "1-2, 5 seeds"
    page = claims.ledger([row])
    assert "| IV | Eq. 7 | sum of orders = state -> to 1e-12 | 1-2, 5 seeds | **exact** |" in page
    assert "[05](05_dyson.ipynb), cell 2 |" in page
    assert page.startswith("1 claims: 1 *exact*, 0 *holds*,")


def test_the_head_of_the_page_is_kept():
    first = claims.page("", [])
    assert claims.page(first.replace("# Claims", "# Claims\n\nMine."), []).count("Mine.") == 1
    assert claims.page(first, []) == first


def test_the_page_is_the_notebooks(root):
    course = root / "course"
    page = (course / "claims.md").read_text(encoding="utf-8")
    assert page == claims.page(page, claims.rows(course.glob("*.ipynb")))
    assert claims.MARK in page


def test_every_claim_that_is_not_exact_says_how_it_varies(root):
    found = claims.rows((root / "course").glob("*.ipynb"))
    first_paper = [row for row in found if row.notebook < "08"]
    assert len(first_paper) >= 35
    for row in first_paper:
        assert any(c.isdigit() or c == "T" for c in row.measured), row.name
    chance = [row for row in first_paper if "seed" in row.spread]
    assert len(chance) > 20
    for row in chance:
        counts = [int(n) for n in re.findall(r"(\d+) seeds", row.spread)]
        assert min(counts) >= 5, row


def test_the_written_head_quotes_the_table(root):
    page = (root / "course" / "claims.md").read_text(encoding="utf-8")
    head, _, table = page.partition(claims.MARK)
    quoted = re.findall(r"\*\*([^*]*\d[^*]*)\*\*", head)
    assert quoted
    for number in quoted:
        for part in re.findall(r"\d+(?:\.\d+)?", number):
            assert re.search(rf"(?<![\d.]){re.escape(part)}(?![\d])", table), number

"""The ledger: claims print one line, and the page is made from stored outputs."""

import json

import pytest

from operator_lab import claims
from operator_lab.errors import LabError


def test_a_claim_prints_one_line(capsys):
    claims.claim("III.3 causality", "changing the future changes the past by 0", "exact")
    line = capsys.readouterr().out
    assert line == "[claim] III.3 causality: changing the future changes the past by 0 -> exact\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("III.3 x", "1", "hold"), "'hold' is not a verdict; near: 'holds'"),
        (("III.3 x", "1 | 2", "holds"), "A claim is one line"),
        (("III.3: x", "1", "holds"), "A claim is one line"),
        (("III.3 x", "1\n2", "holds"), "A claim is one line"),
    ],
)
def test_mistakes_get_one_sentence(given, message):
    with pytest.raises(LabError, match=message):
        claims.claim(*given)


def test_rows_are_read_from_stored_outputs(tmp_path, capsys):
    claims.claim("IV Eq. 7", "sum of orders = state -> to 1e-12", "exact")
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
    page = claims.ledger([row])
    assert "| IV | Eq. 7 | sum of orders = state -> to 1e-12 | **exact** |" in page
    assert "[05](05_dyson.ipynb), cell 2 |" in page


def test_the_page_is_the_notebooks(root):
    course = root / "course"
    page = (course / "claims.md").read_text(encoding="utf-8")
    assert page == claims.ledger(claims.rows(course.glob("*.ipynb")))

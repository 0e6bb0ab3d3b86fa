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
        (("x", "1", "holds", "identity", "IV: 1"), "A claim is one line"),
    ],
)
def test_mistakes_get_one_sentence(given, message):
    with pytest.raises(LabError, match=message):
        claims.claim(*given)


def test_rows_are_read_from_stored_outputs(tmp_path, capsys):
    claims.claim("IV Eq. 7", "sum of orders = state -> to 1e-12", "exact", "1-2, 5 seeds")
    text = ["hello\n", *capsys.readouterr().out.splitlines(keepends=True)]
    cells = [
        {"cell_type": "markdown", "source": ["[claim] no: no -> exact"]},
        {"cell_type": "code", "id": "Abc_1", "outputs": [{"output_type": "stream", "text": text}]},
    ]
    path = tmp_path / "05_dyson.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (row,) = claims.rows([path])
    assert (row.name, row.measured) == ("IV Eq. 7", "sum of orders = state -> to 1e-12")
    assert (row.verdict, row.cell, row.notebook) == ("exact", 2, "05_dyson.ipynb")
    assert row.spread == "1-2, 5 seeds"
    page = claims.ledger([row])
    assert "| IV | Eq. 7 | sum of orders = state -> to 1e-12 | 1-2, 5 seeds | **exact** |" in page
    assert "[05, cell 2](05_dyson.ipynb#cell-abc-1) |" in page
    assert page.startswith("1 claim: 1 *exact*, 0 *holds*,")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dict(name="III.3 causality"), ("", "III.3", "causality")),
        (dict(name="IV Eq. 6-7"), ("", "IV", "Eq. 6-7")),
        (dict(name="III.6 small, in a real model"), ("", "III.6", "small, in a real model")),
        (dict(name="2602.08216 v1 a law"), ("2602.08216", "v1", "a law")),
        (dict(name="2602.08216 3 a law, or two"), ("2602.08216", "3", "a law, or two")),
        (dict(name="2510.03989 abstract, a, b"), ("2510.03989", "abstract", "a, b")),
        (dict(name="2510.03989 Theorem 3.1, a"), ("2510.03989", "Theorem 3.1", "a")),
        (dict(name="2510.03989 the scheme, a"), ("2510.03989", "the scheme", "a")),
        (dict(name="2510.03989 our question, a"), ("2510.03989", "ours", "a")),
        (dict(name="a, b", section="III.3, Fig. 3"), ("", "III.3, Fig. 3", "a, b")),
        (dict(name="Eq. 6", section="IV"), ("", "IV", "Eq. 6")),
        (dict(name="a series", section="ours"), ("", "ours", "a series")),
        (dict(name="2510.03989 a", section="the model"), ("2510.03989", "the model", "a")),
    ],
    ids=str,
)
def test_a_section_is_told_from_a_title(given, expected, capsys, tmp_path):
    claims.claim(**given, measured="1", verdict="holds")
    output = {"output_type": "stream", "text": [capsys.readouterr().out]}
    path = tmp_path / "01.ipynb"
    path.write_text(json.dumps({"cells": [{"outputs": [output]}]}), encoding="utf-8")
    (row,) = claims.rows([path])
    assert claims.titled(row) == expected
    _, section, title = expected
    assert f"| {section} | {title} | 1 |" in claims.ledger([row])
    assert ("ours" in claims.ledger([row]).partition("##")[0]) == (section == "ours")


def test_a_claim_that_was_not_tested_says_so_and_is_counted(capsys):
    claims.claim("III.1 statistics", "no instrument here", "not tested")
    assert capsys.readouterr().out.endswith("-> not tested\n")
    row = claims.Row("III.1 statistics", "no instrument", "identity", "not tested", "03.ipynb", 1)
    assert (
        "1 claim: 0 *exact*, 0 *holds*, 0 *holds with a caveat*, 0 *breaks*, 1 *not tested*."
        in (claims.ledger([row]))
    )


def test_arxiv_numbers_become_links_once():
    once = claims.linked("see arXiv 1605.06431.")
    assert once == "see [arXiv 1605.06431](https://arxiv.org/abs/1605.06431)."
    assert claims.linked(once) == once


@pytest.mark.parametrize("page", ["claims.md", "dictionary.md"])
def test_every_arxiv_number_is_a_link(root, page):
    text = (root / "course" / page).read_text(encoding="utf-8")
    bare = re.sub(r"\[[^\]]*\]\(https://arxiv\.org/abs/\d{4}\.\d{5}\)", "", text)
    assert not re.findall(r"\d{4}\.\d{5}", bare.replace("https://arxiv.org", ""))


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
    for row in (row for row in first_paper if row.verdict != "not tested"):
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

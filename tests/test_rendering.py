"""What the book adds to a page: each part on small texts, then on the built pages."""

from __future__ import annotations

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from operator_lab.course.rendering import citations, dictionary, formulas, numbered, raw


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("W_E cut to rank 8", [("W_{E}", True), (" cut to rank 8", False)]),
        ("to 1e-12: True", [("to ", False), ("10^{-12}", True), (": True", False)]),
        ("6e-08 is left", [(r"6 \times 10^{-8}", True), (" is left", False)]),
        ("3.9e+27", [(r"3.9 \times 10^{27}", True)]),
        ("d^N = 10^58", [("d^{N}", True), (" = ", False), ("10^{58}", True)]),
        ("V_eff 0.71-0.80", [(r"V_{\rm eff}", True), (" 0.71-0.80", False)]),
        ("x = W_E e", [("x = W_E e", True)]),
        ("at T0 0.76", [("at ", False), ("T_0", True), (" 0.76", False)]),
        ("at N = 8 and 512", [("at ", False), ("N = 8", True), (" and 512", False)]),
        ("bare 0.44, 5 seeds", [("bare 0.44, 5 seeds", False)]),
        ("an_identifier, v2, T0x", [("an_identifier, v2, T0x", False)]),
        ("", []),
    ],
    ids=str,
)
def test_a_printed_formula_is_set_and_nothing_else(plain, expected):
    found = formulas.split(plain)
    assert "".join(piece for piece, _ in found) == plain
    assert [(formulas.tex(p) if formula else p, formula) for p, formula in found] == expected


def paragraph(*children: nodes.Node | str) -> nodes.document:
    made = new_document("page")
    made += nodes.paragraph("", "", *(nodes.Text(c) if isinstance(c, str) else c for c in children))
    return made


def links(document: nodes.Element) -> list[tuple[str, str]]:
    found = document.findall(addnodes.pending_xref)
    return [(node.astext(), node["reftargetid"]) for node in found]


PAGE = (
    "### bra\n\n**unembedding vector; LM head** · x\\\n\n### Born's rule\n\n**squared read-out** "
    "· y\\\n\n### time\n\n**depth; key; $x$ scaling; softmax** · z\\\n"
)
WORDS = dictionary.vocabulary(PAGE)


def test_the_vocabulary_is_both_trades():
    assert WORDS == {
        "bra": "bra",
        "born's rule": "borns-rule",
        "time": "time",
        "unembedding vector": "ml-unembedding-vector",
        "lm head": "ml-lm-head",
        "squared read-out": "ml-squared-read-out",
        "depth": "ml-depth",
        "key": "ml-key",
        "softmax": "ml-softmax",
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("A bra, then bras.", [("bra", "bra")]),
        ("Two bras; the LM head.", [("bras", "bra"), ("LM head", "ml-lm-head")]),
        ("BORN\N{RIGHT SINGLE QUOTATION MARK}S rule", None),
        ("An unembedding vector is longer", [("unembedding vector", "ml-unembedding-vector")]),
        ("key-value and keyed and monkey", []),
        ("softmaxes", [("softmaxes", "ml-softmax")]),
        ("in time and depth", []),  # everyday words
    ],
)
def test_first_uses_are_linked_once(said, expected):
    document = paragraph(said)
    dictionary.link_first_uses(document, WORDS, "page")
    assert document.astext() == said
    expected = [(said, "borns-rule")] if expected is None else expected
    assert links(document) == expected


def test_headings_code_formulas_and_links_stay():
    inside = [
        nodes.literal("", "bra"),
        nodes.math("", "bra"),
        nodes.reference("", "bra", refuri="#"),
        nodes.strong("", "a bra"),
    ]
    document = paragraph(*inside)
    document.insert(0, nodes.title("", "The bra"))
    document.append(nodes.literal_block("", "bra"))
    document.append(nodes.container("", nodes.paragraph("", "bra"), nb_element="cell_code"))
    dictionary.link_first_uses(document, WORDS, "page")
    (link,) = document.findall(addnodes.pending_xref)
    assert link.astext() == "bra" and isinstance(link.parent, nodes.strong)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("see arXiv 1605.06431.", ["1605.06431"]),
        ("(Power et al. 2022, arXiv:2201.02177v2)", ["2201.02177"]),
        ("2602.08216 and 2510.03989", ["2602.08216", "2510.03989"]),
        ("3.14159 and 12345.67890 and 1234.567890", []),
    ],
)
def test_a_paper_is_told_from_a_number(said, found):
    assert [match[1] for match in citations.BARE.finditer(said)] == found


@pytest.mark.parametrize("said", ["costs 5$", "the \\eta of it", "a $$ b"])
def test_tex_in_a_text_is_seen(said):
    assert raw.raw_tex(said)


@pytest.mark.parametrize("said", ["x_i and a^2", "a\\b", "W_Q^T W_K", "C:\\a"])
def test_other_signs_are_no_tex(said):
    assert not raw.raw_tex(said)


def test_numbers_follow_their_chapter_and_their_order():
    assert numbered.misnumbered([(5, 1), (5, 2)], chapter=5) == []
    assert numbered.misnumbered([(5, 1), (5, 3), (4, 3)], chapter=5) == [(5, 3), (4, 3)]
    assert numbered.misnumbered([(5, 2)], chapter=5) == [(5, 2)]


@pytest.mark.parametrize(
    ("child", "number"),
    [
        (nodes.emphasis("", "Figure 5.12. Trained, none does."), ("5", "12")),
        (nodes.emphasis("", "Figure 5.12 shows it."), None),
        (nodes.emphasis("", "Figure 5. It is so."), None),
        (nodes.strong("", "Figure 5.1. It is so."), None),
        (nodes.Text("Figure 5.1. It is so."), None),
    ],
    ids=str,
)
def test_a_caption_is_told_from_a_text(child, number):
    found = numbered.caption_of(nodes.paragraph("", "", nodes.Text(""), child))
    assert (found and found.groups()) == number
    followed = nodes.paragraph("", "", child.deepcopy(), nodes.Text(" More."))
    assert numbered.caption_of(followed) is None


def test_the_papers_own_equations_are_no_mention():
    said = "Eq. 7 and Eq. 6-7, Eq. 5.1, Figure 3.1; Fig. 3, Figure 10.2."
    found = [match.groups() for match in numbered.MENTION.finditer(said)]
    assert found == [("Eq.", "5", "1"), ("Figure", "3", "1"), ("Figure", "10", "2")]

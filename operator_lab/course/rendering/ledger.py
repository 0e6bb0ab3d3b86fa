"""The page of claims: an anchor at each row, badges, formulas set, cards on a narrow page."""

from __future__ import annotations

from html import escape

from docutils import nodes
from sphinx.transforms import SphinxTransform

from ..claims import VERDICTS, named
from .anchors import publish
from .formulas import split, tex

PAGE = "claims"
WIDTH = 6  # columns of a table of claims
FORMULAS = (1, 2, 3)  # the columns that a notebook printed: claim, measured, how it varies


class Ledger(SphinxTransform):
    """Dress the ledger's page; its Markdown stays a plain table."""

    default_priority = 700

    def apply(self, **kwargs) -> None:
        """Set badges, formulas and the table's own class (called by Sphinx)."""
        if self.env.docname != PAGE:
            return
        for word in list(self.document.findall(nodes.emphasis)):
            _badge(word)
        for table in self.document.findall(nodes.table):
            table["classes"].append("ledger")
            for row in table.next_node(nodes.tbody).findall(nodes.row):
                assert len(row) == WIDTH, row.astext()
                publish(self.env, row, named(row[0].astext(), row[1].astext()))
                _badge(row[4].next_node(nodes.strong))
                for column in FORMULAS:
                    _typeset(row[column])


def _badge(word: nodes.Element) -> None:
    """A verdict's word becomes a badge: the word in it, its colour by class."""
    verdict = word.astext()
    if verdict.lower() in VERDICTS:
        name = f"verdict-{verdict.lower().replace(' ', '-')}"
        word.replace_self(nodes.inline("", verdict, classes=["verdict", name]))


def _typeset(cell: nodes.Element) -> None:
    for text in list(cell.findall(nodes.Text)):
        pieces = split(text.astext())
        if any(formula for _, formula in pieces):
            text.parent.replace(text, [node for piece in pieces for node in _set(*piece)])


def _set(plain: str, formula: bool) -> list[nodes.Node]:
    if not formula:
        return [nodes.Text(plain)]
    # The filter searches what was printed, not the signs that a formula is drawn with.
    begin = f'<span data-plain="{escape(plain)}">'
    raw = [nodes.raw("", tag, format="html") for tag in (begin, "</span>")]
    return [raw[0], nodes.math("", tex(plain)), raw[1]]

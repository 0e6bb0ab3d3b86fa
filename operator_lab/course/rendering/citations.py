"""Every number on arXiv is a link, and its first on a page leads to the bibliography as well."""

from __future__ import annotations

import re
from typing import cast

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinxcontrib.bibtex.citation_target import CitationTarget
from sphinxcontrib.bibtex.domain import BibtexDomain
from sphinxcontrib.bibtex.roles import CitationRef

from .texts import CLOSED, replaced, running

PAGE = "bibliography"
ARXIV = "https://arxiv.org/abs/"
BARE = re.compile(r"(?:\barXiv[: ]\s*)?(?<![\d.])(\d{4}\.\d{5})(?:v\d+)?(?![\d.]*\d)")
LINK = re.compile(rf"{re.escape(ARXIV)}(\d{{4}}\.\d{{5}})(?:v\d+)?")


class Citations(SphinxTransform):
    """Link bare numbers of papers, and cite each paper of a page once."""

    default_priority = 720  # before the domains note what a page cites

    def apply(self, **kwargs) -> None:
        """Set the links (called by Sphinx)."""
        if self.env.docname == PAGE:
            return
        for text in list(running(self.document)):
            replaced(text, BARE, _link)
        if PAGE not in self.env.found_docs:
            return
        cited = set()
        for link in list(self.document.findall(nodes.reference)):
            match = LINK.fullmatch(link.get("refuri", ""))
            if match and match[1] not in cited and not _closed(link.parent):
                cited.add(match[1])
                place = link.parent.index(link) + 1
                link.parent[place:place] = [nodes.Text(" "), self._cite(match[1])]

    def _cite(self, key: str) -> nodes.Node:
        """What the role {cite:p} makes of a key."""
        node = addnodes.pending_xref(
            "", refdomain="cite", reftype="p", reftarget=key, refdoc=self.env.docname, refwarn=True
        )
        node += nodes.inline("", key)
        self.document.note_explicit_target(node, node)  # the domain knows it by its id
        reference = CitationRef(
            citation_ref_id=node["ids"][0],
            docname=self.env.docname,
            line=self.document.line or 0,
            targets=[CitationTarget(key=key, pre="", post="")],
        )
        cast(BibtexDomain, self.env.get_domain("cite")).citation_refs.append(reference)
        return node


def _link(match: re.Match) -> nodes.Node:
    words = " ".join(match[0].split())
    return nodes.reference("", words, refuri=ARXIV + match[1], internal=False)


def _closed(node: nodes.Node | None) -> bool:
    while node is not None:
        if isinstance(node, CLOSED):
            return True
        node = node.parent
    return False

r"""Figures and equations that are numbered where they are written, and links to them by number.

A caption is a paragraph below its picture, in italics, that begins with its number, "Figure 5.1.";
an equation carries its number as TeX does, `\tag{5.1}`. So JupyterLab shows the same numbers as the
book. "Figure 5.1" and "Eq. 5.1" in the text of any page lead there. A number that does not follow
its chapter and its order, or that leads nowhere, fails the build.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from .anchors import publish
from .texts import replaced, running

CAPTION = re.compile(r"Figure (\d+)\.(\d+)\. \S")
TAG = re.compile(r"\\tag\{(\d+)\.(\d+)\}")
MENTION = re.compile(r"\b(Figure|Eq\.)[ \u00a0](\d+)\.(\d+)(?!\d)")
KINDS = {"Figure": "figure", "Eq.": "equation"}
LOGGER = logging.getLogger(__name__)


def misnumbered(numbers: Iterable[tuple[int, int]], chapter: int) -> list[tuple[int, int]]:
    """The numbers that are not chapter.1, chapter.2, ... in order."""
    return [found for k, found in enumerate(numbers, start=1) if found != (chapter, k)]


class Numbered(SphinxTransform):
    """Anchor what is numbered, and link the mentions."""

    default_priority = 705  # before first uses, which would split a mention

    def apply(self, **kwargs) -> None:
        """Set anchors and links (called by Sphinx)."""
        chapter = re.match(r"\d\d(?=_)", self.env.docname)
        captions = [
            (paragraph, found)
            for paragraph in self.document.findall(nodes.paragraph)
            if (found := caption_of(paragraph))
        ]
        equations = [
            (block, found)
            for block in self.document.findall(nodes.math_block)
            if (found := TAG.search(block.astext()))
        ]
        for kind, written in (("figure", captions), ("equation", equations)):
            numbers = [(int(found[1]), int(found[2])) for _, found in written]
            for wrong in misnumbered(numbers, int(chapter[0]) if chapter else 0):
                LOGGER.warning("%s %d.%d is out of order", kind, *wrong, location=self.env.docname)
            for (node, _), (first, second) in zip(written, numbers, strict=True):
                publish(self.env, node, f"{kind}-{first}-{second}")
        for caption, _ in captions:
            caption["classes"].append("figure-caption")
        opening = {next(iter(caption.findall(nodes.Text))) for caption, _ in captions}
        for text in list(running(self.document)):
            if text not in opening:
                replaced(text, MENTION, self._link)

    def _link(self, match: re.Match) -> nodes.Node:
        """A link to the chapter's page, which is named by its number."""
        word, first, second = match.groups()
        pages = [name for name in self.env.found_docs if name.startswith(f"{int(first):02}_")]
        return addnodes.pending_xref(
            "",
            nodes.inline("", match[0]),
            refdomain="doc",
            reftype="myst",
            refdoc=self.env.docname,
            reftarget=pages[0] if pages else f"{int(first):02}",
            reftargetid=f"{KINDS[word]}-{first}-{second}",
            refexplicit=True,
        )


def caption_of(paragraph: nodes.paragraph) -> re.Match | None:
    """The number that a caption begins with; None for any other paragraph."""
    written = [child for child in paragraph.children if child.astext().strip()]
    if len(written) == 1 and isinstance(written[0], nodes.emphasis):
        return CAPTION.match(written[0].astext())
    return None

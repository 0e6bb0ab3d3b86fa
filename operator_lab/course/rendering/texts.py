"""The running text of a page: where links may be set, and how a piece of it is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from re import Match, Pattern

from docutils import nodes
from sphinx import addnodes

# In these nothing is added: headings, code, formulas, what is a link already, what is printed.
CLOSED = (
    nodes.title,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.reference,
    nodes.target,
    nodes.comment,
    addnodes.pending_xref,
    addnodes.desc_signature,
)


def running(document: nodes.Element) -> Iterator[nodes.Text]:
    """Every piece of running text, in order."""
    stack = [document]
    while stack:
        node = stack.pop()
        if isinstance(node, nodes.Text):
            yield node
        elif not isinstance(node, CLOSED) and node.get("nb_element") != "cell_code":
            stack += reversed(node.children)


def replaced(
    text: nodes.Text, pattern: Pattern, made: Callable[[Match], nodes.Node | None]
) -> None:
    """Put a node in the place of each match; where `made` gives None the text stays."""
    whole, end, parts = text.astext(), 0, []
    for match in pattern.finditer(whole):
        node = made(match)
        if node is not None:
            parts += [nodes.Text(whole[end : match.start()]), node]
            end = match.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(whole[end:])])

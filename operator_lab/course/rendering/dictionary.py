"""The dictionary's page: anchors for machine-learning words, an A to Z; and links from notebooks.

`dictionary.md` is headed by the physicist's words; below each stand the machine-learning words in
bold, separated by semicolons. A notebook's page links the first use of each word of both trades.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from .anchors import publish
from .texts import replaced, running

PAGE = "dictionary"
ENTRY = re.compile(r"^### (?P<word>.+)\n\n\*\*(?P<learning>.+?)\*\*", re.MULTILINE)
# Words of the dictionary that are also everyday English: a link would promise more than is meant.
EVERYDAY = frozenset(
    "time run step state content angle law field control floor column pull bulk flow training "
    "contraction emergence descent schedule ladder recipe memory depth bits".split()
)


def slug(word: str) -> str:
    """The anchor of a heading, as MyST and GitHub make it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", word.strip().lower()))


def learning_slug(word: str) -> str:
    """The anchor of a machine-learning word."""
    return f"ml-{slug(word.replace('$', ''))}"


def vocabulary(page: str) -> dict[str, str]:
    """Each word of both trades, in lower case, and its anchor; a physicist's word goes first."""
    found = [match.groups() for match in ENTRY.finditer(page)]
    physics = {word.lower(): slug(word) for word, _ in found}
    names = [name.strip() for _, learning in found for name in learning.split(";")]
    learned = {name.lower(): learning_slug(name) for name in names if "$" not in name}
    return learned | physics


def pattern(words: Mapping[str, str]) -> re.Pattern:
    """Finds any of the words, the longest first, also in the plural."""
    known = sorted(set(words) - EVERYDAY, key=len, reverse=True)
    spelt = "|".join(re.escape(word).replace("'", "['’]") for word in known)
    return re.compile(rf"(?<![\w-])({spelt})(?:s|(?<=[sx])es)?(?![\w-])", re.IGNORECASE)


class FirstUses(SphinxTransform):
    """Link the first use of each word on a notebook's page to the dictionary."""

    default_priority = 710

    def apply(self, **kwargs) -> None:
        """Set the links (called by Sphinx)."""
        source = Path(self.env.doc2path(PAGE))
        is_notebook = self.env.doc2path(self.env.docname).endswith(".ipynb")
        if not is_notebook or PAGE not in self.env.found_docs:
            return
        self.env.note_dependency(str(source))
        words = vocabulary(source.read_text(encoding="utf-8"))
        link_first_uses(self.document, words, self.env.docname)


def link_first_uses(document: nodes.Element, words: Mapping[str, str], docname: str) -> None:
    """Link the first use of each word in running text, once a page."""
    search, seen = pattern(words), set()

    def link(match: re.Match) -> nodes.Node | None:
        word = match[1].lower().replace("’", "'")
        if word in seen:
            return None
        seen.add(word)
        shown = nodes.inline("", match[0], classes=["dictionary-word"])
        return addnodes.pending_xref(
            "",
            nodes.inline("", "", shown),
            refdomain="doc",
            reftype="myst",
            refdoc=docname,
            reftarget=PAGE,
            reftargetid=words[word],
            refexplicit=True,
        )

    for text in list(running(document)):
        replaced(text, search, link)


class Dictionary(SphinxTransform):
    """Give each machine-learning word an anchor, and the page its A to Z."""

    default_priority = 710

    def apply(self, **kwargs) -> None:
        """Dress the page (called by Sphinx)."""
        if self.env.docname != PAGE:
            return
        words = []
        for entry in list(self.document.findall(nodes.section)):
            bold = _opening(entry)
            if bold is None:
                continue
            entry["classes"].append("dictionary-entry")
            words.append((entry[0].astext(), entry["ids"][0], "physics"))
            for name in _anchored(self.env, bold):
                words.append((name.astext(), name["ids"][0], "learning"))
        _a_to_z(self.document, words)


def _opening(entry: nodes.section) -> nodes.strong | None:
    """The bold words that open an entry; None for a section that is none."""
    if len(entry) < 2 or not isinstance(entry[1], nodes.paragraph):
        return None
    first = next((child for child in entry[1].children if child.astext().strip()), None)
    return first if isinstance(first, nodes.strong) else None


def _anchored(env, bold: nodes.strong) -> list[nodes.Element]:
    """Wrap each of the words between semicolons in an anchor that links to itself."""
    names: list[list[nodes.Node]] = [[]]
    for child in list(bold.children):
        first, *rest = child.astext().split(";") if isinstance(child, nodes.Text) else (child,)
        names[-1].append(nodes.Text(first) if isinstance(first, str) else first)
        names += [[nodes.Text(part.lstrip())] for part in rest]
    bold.clear()
    made: list[nodes.Element] = []
    for parts in names:
        plain = "".join(part.astext() for part in parts)
        anchor = nodes.inline("", "", classes=["learning-word"])
        publish(env, anchor, learning_slug(plain), plain)
        anchor += nodes.reference("", "", *parts, refid=anchor["ids"][0], internal=True)
        bold += [nodes.Text("; "), anchor] if made else [anchor]
        made.append(anchor)
    return made


def _a_to_z(document: nodes.document, words: list[tuple[str, str, str]]) -> None:
    """A bar of letters before the entries, and all words by their letters at the end."""

    def sought(name: str) -> str:
        return re.sub(r"^(?:an?|the) ", "", name.lower()).replace("\\sqrt", "")

    def letter(word: tuple[str, str, str]) -> str:
        return next(filter(str.isalpha, sought(word[0])))

    top = document.next_node(nodes.section)
    listed = nodes.section("", nodes.title("", "A to Z"), ids=["a-to-z"], names=["a to z"])
    bar = nodes.paragraph("", "", classes=["a-to-z-bar"])
    for first, group in groupby(
        sorted(words, key=lambda word: (letter(word), sought(word[0]))), letter
    ):
        place = f"letter-{first}"
        bar += [nodes.reference("", first.upper(), refid=place, internal=True), nodes.Text(" ")]
        line = nodes.paragraph("", "", ids=[place], classes=["a-to-z"])
        line += nodes.strong("", first.upper())
        for name, anchor, trade in group:
            line += nodes.Text(" · " if len(line) > 1 else " ")
            line += nodes.reference("", name, refid=anchor, internal=True, classes=[f"of-{trade}"])
        listed += line
    if words:
        top.insert(
            top.index(next(top.findall(nodes.section, include_self=False, descend=True))), bar
        )
        top += listed

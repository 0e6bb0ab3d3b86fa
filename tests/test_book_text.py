"""What stands on the built pages: formulas set, papers linked, first uses of words explained."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from built_book import built

from operator_lab.course.rendering.citations import BARE
from operator_lab.course.rendering.dictionary import vocabulary
from operator_lab.course.rendering.raw import raw_tex

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "source", "col", "area", "path"}
UNREAD = {"script", "style", "pre", "code", "template", "noscript", "svg", "textarea"}


class Page(HTMLParser):
    """The pieces of text of an article, each with the tags and classes that it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, list[tuple[str, dict]]]] = []
        self.ids: Counter = Counter()
        self.links: list[str] = []
        self._open: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.ids[given.get("id")] += 1
        self.links += [given["href"]] if tag == "a" and "href" in given else []
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.texts.append((data, list(self._open)))

    def read(self) -> list[tuple[str, set[str]]]:
        """What a reader reads, outside of code and formulas: text and the tags around it."""
        found = []
        for text, around in self.texts:
            tags = {tag for tag, _ in around}
            is_formula = any("math" in given.get("class", "").split() for _, given in around)
            if "article" in tags and not tags & UNREAD and not is_formula:
                found.append((text, tags))
        return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Page]:
    book: Path = built(tmp_path_factory)
    files = [path for path in book.rglob("*.html") if "_static" not in path.parts]
    return {
        path.relative_to(book).as_posix(): Page(path.read_text(encoding="utf-8")) for path in files
    }


def test_no_formula_stands_raw(pages):
    found = {
        name: [said for text, _ in page.read() if (said := raw_tex(text))]
        for name, page in pages.items()
    }
    assert {name: said for name, said in found.items() if said} == {}
    assert sum(len(page.read()) for page in pages.values()) > 10_000


def test_every_number_of_a_paper_is_a_link(pages):
    bare = [
        (name, text)
        for name, page in pages.items()
        for text, tags in page.read()
        if BARE.search(text) and "a" not in tags
    ]
    assert bare == []


def test_the_bibliography_is_what_the_pages_cite(pages, root):
    listed = pages["bibliography.html"]
    source = (root / "course" / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@misc\{([\d.]+),$", source, re.MULTILINE))
    linked = {
        number
        for name, page in pages.items()
        for link in page.links
        for number in re.findall(r"^https://arxiv\.org/abs/(\d{4}\.\d{5})", link)
        if name != "bibliography.html"
    }
    assert keys == linked and len(keys) > 30
    for key in keys:
        assert f"https://arxiv.org/abs/{key}" in listed.links
        assert f"https://doi.org/10.48550/arXiv.{key}" in listed.links
    cited = [link for page in pages.values() for link in page.links if "bibliography.html#" in link]
    assert len(cited) > 50
    assert all(listed.ids[link.partition("#")[2]] == 1 for link in cited)


def test_every_word_of_the_dictionary_has_an_anchor(pages, root):
    words = vocabulary((root / "course" / "dictionary.md").read_text(encoding="utf-8"))
    page = pages["dictionary.html"]
    assert len(words) > 380
    learned = [anchor for anchor in words.values() if anchor.startswith("ml-")]
    assert [anchor for anchor in learned if page.ids[anchor] != 1] == []


def test_links_within_the_book_end_somewhere(pages):
    """Every fragment that a page of the course links to is an anchor there, and stands once."""
    lost = []
    for name, page in pages.items():
        folder = Path(name).parent
        for link in page.links:
            file, _, anchor = link.partition("#")
            if anchor and not re.match(r"[a-z]+:", link) and not link.endswith("#"):
                target = (folder / file).as_posix() if file else name
                if target in pages and pages[target].ids[anchor] != 1:
                    lost.append((name, link))
    assert lost == []


def test_first_uses_lead_to_the_dictionary(pages):
    for name, page in pages.items():
        words = [text for text, around in page.texts if _is_word(around)]
        if re.match(r"\d\d_", name):
            assert len(words) >= 20, name
            assert len({word.lower() for word in words}) == len(words), name
            assert not any(_in_heading(around) for _, around in page.texts if _is_word(around))
        else:
            assert words == [], name


def _is_word(around: list[tuple[str, dict]]) -> bool:
    return any("dictionary-word" in given.get("class", "").split() for _, given in around)


def _in_heading(around: list[tuple[str, dict]]) -> bool:
    return any(re.fullmatch("h[1-6]|nav", tag) for tag, _ in around)


def test_every_chapter_has_a_caption_and_all_that_is_numbered_is_referred_to(pages):
    numbers, mentioned = {}, set()
    for name, page in pages.items():
        ids = [i for i in page.ids if i and re.fullmatch(r"(figure|equation)-\d+-\d+", i)]
        numbers |= {i: name for i in ids}
        mentioned |= {link.partition("#")[2] for link in page.links}
    chapters = {name for name in pages if re.match(r"\d\d_", name)}
    assert {name for i, name in numbers.items() if i.startswith("figure")} == chapters
    assert len(numbers) >= 19 and set(numbers) <= mentioned

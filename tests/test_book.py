"""The book: builds without a warning, asks nothing of the network, and follows the package."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import pytest
from built_book import build, built, cause, copy, executed, tried

from operator_lab.course.book import cache_key
from operator_lab.course.notebooks import clean

ROOT = Path(__file__).resolve().parent.parent
LOADING = {"src", "srcset", "data", "poster"}


class Resources(HTMLParser):
    """Collects the addresses that a page loads by itself; a link to click on is none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        # A widget's data is no program: it may name what it likes.
        is_data = tag == "script" and (values.get("type") or "").startswith("application/")
        self._inside = "" if is_data else tag
        self.found += [values[name] or "" for name in LOADING & set(values)]
        link = (values.get("rel") or "").split()
        if tag == "link" and not set(link) & {"next", "prev", "canonical", "author", "license"}:
            self.found.append(values.get("href") or "")
        if tag in ("image", "use", "script"):
            self.found += [values[name] or "" for name in ("href", "xlink:href") if name in values]
        self.found += addresses_in_style(values.get("style") or "")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "style":
            self.found += addresses_in_style(data)
        if self._inside == "script":
            self.found += re.findall(r"https?://(?!www\.w3\.org/)[^\s\"'`]+", data)


def addresses_in_style(text: str) -> list[str]:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    loaded = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", text)
    return [first or second for first, second in loaded]


def outside(address: str) -> bool:
    return bool(re.match(r"\s*(?:https?:)?//", address, flags=re.IGNORECASE))


def resources(page: str) -> list[str]:
    parser = Resources()
    parser.feed(page)
    return parser.found


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The course as it is; the browser's tests look at the same pages."""
    return built(tmp_path_factory)


def joined(outputs: list[dict]) -> list[dict]:
    """Join what was written to one stream in several pieces: the pieces are a matter of time."""
    whole: list[dict] = []
    for output in outputs:
        last = whole[-1] if whole else {}
        if output["output_type"] == "stream" and output["name"] == last.get("name"):
            whole[-1] = {**last, "text": "".join(last["text"]) + "".join(output["text"])}
        else:
            whole.append(output)
    return whole


def compared(notebook: dict) -> dict[str, list[dict]]:
    """The outputs of the marked cells, by the cells' ids."""
    cells = [
        {**cell, "outputs": joined(cell["outputs"])} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    kept = clean({**notebook, "cells": cells})["cells"]
    return {
        cell["id"]: [{**output, "execution_count": None} for output in cell["outputs"]]
        for cell in kept
        if cell.get("outputs")
    }


@pytest.mark.parametrize("path", sorted((ROOT / "course").glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_prints_what_is_stored_however_it_is_rounded(tmp_path_factory, path):
    """Letter for letter, as nbval does for a class, with the last digits of all weights moved.

    `operator-lab soak NOTEBOOK --under one-thread --under rounding-1` tells an old output from one
    that depends on rounding.
    """
    stored = compared(json.loads(path.read_text(encoding="utf-8")))
    assert stored
    root, failure = tried(tmp_path_factory)
    with suppress(KeyError):
        assert compared(executed(root, path)) == stored
        return
    pytest.fail(f"{path.name} has not run to its end: {cause(failure)}", pytrace=False)


def test_the_book_builds(tmp_path_factory):
    _, failure = tried(tmp_path_factory)
    assert not failure, failure[-8000:]


def pages(book: Path) -> list[Path]:
    return [page for page in book.rglob("*.html") if "_static" not in page.parts]


def test_every_chapter_is_a_page(book):
    names = {page.name for page in pages(book)}
    assert {"index.html", *(f"{p.stem}.html" for p in (ROOT / "course").glob("*.ipynb"))} <= names


def test_no_page_loads_anything_from_elsewhere(book):
    found = {page.name: resources(page.read_text(encoding="utf-8")) for page in pages(book)}
    assert all(found.values())
    assert {n: list(filter(outside, f)) for n, f in found.items() if any(map(outside, f))} == {}


def test_no_style_sheet_loads_anything_from_elsewhere(book):
    sheets = {p.name: p.read_text(encoding="utf-8") for p in book.rglob("*.css")}
    assert sheets
    assert [n for n, text in sheets.items() if any(map(outside, addresses_in_style(text)))] == []


def test_every_local_resource_of_a_page_exists(book):
    missing = []
    for page in pages(book):
        for address in resources(page.read_text(encoding="utf-8")):
            name = re.split("[?#]", address)[0]
            if not name or name.startswith(("data:", "blob:")):
                continue
            if not (page.parent / name).exists():
                missing.append(f"{page.name}: {address}")
    assert missing == []


def test_formulas_are_set_by_the_book_itself(book):
    assert (book / "_static" / "mathjax" / "tex-chtml.js").is_file()
    assert list((book / "_static" / "mathjax" / "output").rglob("*.woff"))


def test_an_outside_address_is_seen():
    page = """<link rel="stylesheet" href="//fonts.example/a.css"><img src="https://x.example/a.png">
    <script src="HTTP://x.example/a.js"></script><style>@import "https://x.example/b.css";</style>
    <script>const URL = "https://x.example/late.js"</script>
    <p style="background: url(https://x.example/c.png)"><a href="https://ok.example">a link</a>"""
    assert len(list(filter(outside, resources(page)))) == 6
    assert not list(filter(outside, resources('<a href="https://a"></a><img src="a.png">')))


# --- a change of the package reaches the page ---------------------------------------------------


def small_book(root: Path) -> Path:
    """A book of one notebook that prints a value of a package beside it, and shows a widget."""
    copy(root)
    shutil.rmtree(root / "course")
    (root / "course" / "_static").mkdir(parents=True)
    (root / "course" / "_static" / "loader.js").write_text("// loader", encoding="utf-8")
    for mark in ("logo.svg", "logo-dark.svg", "favicon.svg"):  # book.yml names them
        shutil.copy(ROOT / "course" / "_static" / mark, root / "course" / "_static")
    (root / "operator_lab" / "constant.py").write_text("VALUE = 1111\n", encoding="utf-8")
    widget = "import ipywidgets\nipywidgets.IntSlider(description='T')"
    lines = ["from operator_lab.constant import VALUE", "import os", "print('value', VALUE)"]
    lines += ["print('checks', os.environ['OPERATOR_LAB_CHECKS'])"]
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    head = {"cell_type": "markdown", "metadata": {}, "source": "# A page\n\n$$E = -S$$"}
    notebook = {
        "cells": [
            {**head, "id": "a"},
            {**cell, "id": "b", "source": "\n".join(lines)},
            {**cell, "id": "c", "source": widget},
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    course = root / "course"
    (course / "page.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (course / "index.md").write_text("# Front\n\nText.\n", encoding="utf-8")
    toc = "format: jb-book\nroot: index\nchapters:\n- file: page\n"
    (course / "_toc.yml").write_text(toc, encoding="utf-8")
    return root


@pytest.mark.thorough
def test_a_changed_package_changes_the_page(tmp_path):
    root = small_book(tmp_path)
    page = root / "course" / "_build" / "html" / "page.html"

    run = build(root)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    first = page.read_text(encoding="utf-8")
    assert "value 1111" in first and "checks gentle" in first
    assert first.count("loader.js") == 1 and re.search(r"<script[^>]*defer[^>]*loader\.js", first)
    assert "loader.js" not in (page.parent / "index.html").read_text(encoding="utf-8")
    assert not list(filter(outside, resources(first)))
    assert len(list((root / ".cache").iterdir())) == 1

    notebook = root / "course" / "page.ipynb"
    printed = executed(root, notebook)["cells"][1]["outputs"]
    assert "".join(joined(printed)[0]["text"]) == "value 1111\nchecks gentle\n"

    again = build(root)
    assert again.returncode == 0 and "Executing notebook" not in again.stdout + again.stderr
    assert len(list((root / ".cache").iterdir())) == 1

    (root / "operator_lab" / "constant.py").write_text("VALUE = 2222\n", encoding="utf-8")
    assert build(root).returncode == 0
    assert "value 2222" in page.read_text(encoding="utf-8")
    assert len(list((root / ".cache").iterdir())) == 2


@pytest.mark.thorough
def test_a_failing_notebook_fails_the_book(tmp_path):
    root = small_book(tmp_path)
    (root / "operator_lab" / "constant.py").write_text("VALUE = 1 / 0\n", encoding="utf-8")
    run = build(root)
    said = run.stdout + run.stderr
    assert run.returncode != 0 and "ZeroDivisionError" in said
    assert re.search(r"page\.ipynb:.*failed", cause(said))  # the one line that other tests say
    with pytest.raises(KeyError):
        executed(root, root / "course" / "page.ipynb")


def test_the_key_changes_with_what_a_page_depends_on(tmp_path):
    package = tmp_path / "operator_lab"
    package.mkdir()
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    (package / "a.py").write_text("x = 1", encoding="utf-8")
    keys = [cache_key(tmp_path)]
    assert cache_key(tmp_path) == keys[0]

    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"bytecode")
    assert cache_key(tmp_path) == keys[0]

    (package / "a.py").write_text("x = 2", encoding="utf-8")
    keys.append(cache_key(tmp_path))
    (package / "a.py").rename(package / "b.py")
    keys.append(cache_key(tmp_path))
    (package / "explorer.js").write_text("draw()", encoding="utf-8")
    keys.append(cache_key(tmp_path))
    (tmp_path / "constraints.txt").write_text("torch==2.14.0\n", encoding="utf-8")
    keys.append(cache_key(tmp_path))
    assert len(set(keys)) == len(keys)


def test_the_key_changes_with_python(tmp_path, monkeypatch):
    (tmp_path / "operator_lab").mkdir()
    (tmp_path / "constraints.txt").write_text("", encoding="utf-8")
    before = cache_key(tmp_path)
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert cache_key(tmp_path) != before

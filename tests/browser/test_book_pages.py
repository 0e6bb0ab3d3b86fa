"""The book as a reader meets it: opened from a file, the network cut, by day and by night."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parents[2] / "course"
NOTEBOOKS = sorted(path.stem for path in COURSE.glob("*.ipynb"))
PAGES = ["index", "claims", *NOTEBOOKS]
DATA = re.compile(r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.S)
# What reaches beyond the window and lies in nothing that can be slid sideways.
STICKING_OUT = """() => [...document.querySelectorAll("article *")].filter((node) => {
    const right = node.getBoundingClientRect().right, style = getComputedStyle(node);
    if (right <= innerWidth + 1 || style.visibility === "hidden") return false;
    for (let up = node; up; up = up.parentElement)
        if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) return false;
    return true;
}).map((node) => node.outerHTML.slice(0, 120))"""


@pytest.fixture
def visit(book, open_page):
    """Open a page of the book, and wait until formulas and sliders stand."""

    def visit_(name: str, **options):
        page = open_page((book / f"{name}.html").as_uri(), offline=True, **options)
        page.wait_for_load_state()
        if options.get("java_script_enabled", True):
            if page.locator("script[src*='loader.js']").count():
                page.wait_for_selector("html[data-widgets=ready]", state="attached")
            if page.locator("script[src*='mathjax']").count():
                page.wait_for_function("MathJax.startup?.promise")
                page.evaluate("MathJax.startup.promise.then(() => true)")
        return page

    return visit_


def with_slider(book: Path) -> list[str]:
    return [name for name in PAGES if DATA.search(text(book, name))]


def text(book: Path, name: str) -> str:
    return (book / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 1100])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_is_whole(visit, name, width, theme):
    page = visit(name, width=width, color_scheme=theme)
    assert page.get_attribute("html", "data-theme") == theme
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKING_OUT) == []
    formulas = page.locator("article .math").count()
    assert page.locator("article mjx-container").count() == formulas
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert page.locator("article .math:not(:has(mjx-container))").count() == 0


def test_formulas_are_there_at_all(visit):
    assert visit("03_mixing").locator("article mjx-container").count() > 100


def test_front_page_and_mixing_have_a_slider(book):
    assert {"index", "03_mixing"} <= set(with_slider(book))


def moving_parts(explorer) -> list[str]:
    return explorer.locator("figure > svg").evaluate_all("all => all.map((one) => one.innerHTML)")


def test_every_slider_answers_keys_and_the_mouse(book, visit):
    for name in with_slider(book):
        page = visit(name)
        explorers = page.locator(".operator-lab-explorer")
        assert explorers.count() == text(book, name).count("application/vnd.jupyter.widget-view+json")
        for explorer in explorers.all():
            slider, said = explorer.locator("input[type=range]"), explorer.get_by_role("status")
            seen = [(moving_parts(explorer), said.inner_text(), slider.get_attribute("aria-valuetext"))]

            def differs(seen=seen, explorer=explorer, said=said, slider=slider):
                now = moving_parts(explorer), said.inner_text(), slider.get_attribute("aria-valuetext")
                seen.append(now)
                return all(a != b for a, b in zip(now, seen[-2], strict=True))

            slider.focus()
            page.keyboard.press("ArrowRight")
            assert differs(), name
            box = slider.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=4)
            page.mouse.up()
            assert differs(), name
            assert slider.input_value() == slider.get_attribute("max")


def test_no_still_is_left_beside_a_slider(book, visit):
    for name in with_slider(book):
        assert visit(name).locator("noscript[data-model], .operator-lab-still").count() == 0


def test_without_scripts_the_stills_are_there(book, visit):
    for name in with_slider(book):
        page = visit(name, java_script_enabled=False)
        stills = page.locator(".operator-lab-still")
        assert stills.count() == text(book, name).count("application/vnd.jupyter.widget-view+json")
        for still in stills.all():
            assert still.locator("img").bounding_box()["width"] > 300
            assert len(still.locator("img").get_attribute("alt")) > 40
            assert len(still.locator("figcaption").inner_text()) > 40


def test_figures_turn_dark_with_the_page(visit):
    dark = visit("03_mixing", color_scheme="dark").locator("article .cell_output img").first
    assert "invert(1)" in dark.evaluate("image => getComputedStyle(image).filter")
    light = visit("03_mixing", color_scheme="light").locator("article .cell_output img").first
    assert light.evaluate("image => getComputedStyle(image).filter") == "none"


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_says_what_it_shows(visit, name):
    pictures = visit(name, java_script_enabled=False).locator("article img")
    words = pictures.evaluate_all("all => all.map((image) => image.getAttribute('alt') ?? '')")
    # Sphinx writes the file's name where nothing is said.
    assert [said for said in words if len(said) < 20 or said.startswith("_images/")] == []


def test_the_tests_own_marks_stay_out_of_the_book(book):
    for name in NOTEBOOKS:
        code = re.findall(r'<div class="highlight-\w+ notranslate">.*?</pre>', text(book, name), re.S)
        assert code and not any("NBVAL_CHECK_OUTPUT" in block for block in code)
        assert all("<span class=" in block for block in code if "lab." in block)  # still in colour


def test_a_page_weighs_little(book, capsys):
    for name in PAGES:
        whole, data = len(text(book, name)), sum(map(len, DATA.findall(text(book, name))))
        with capsys.disabled():
            print(f"\n{name}.html: {whole / 1000:.0f} kB, widgets' data {data / 1000:.0f} kB", end="")
        assert whole < 1_000_000 and data < 600_000
    assert sum(map(len, DATA.findall(text(book, "index")))) < 100_000


def test_the_path_links_every_notebook_and_tells_its_minutes():
    path = (COURSE / "index.md").read_text(encoding="utf-8")
    for name in NOTEBOOKS:
        cells = json.loads((COURSE / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        opening = "".join(cells[0]["source"])
        minutes, more = re.search(r"(\d+)\s+minutes, exercises\s+(\d+)", opening).groups()
        row = rf"^\| \[{name[:2]}\]\({name}\.ipynb\) \|[^|]*\| {minutes}, exercises {more} \|$"
        assert re.search(row, path, flags=re.MULTILINE), (name, minutes, more)

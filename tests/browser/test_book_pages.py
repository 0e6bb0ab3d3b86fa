"""The book as a reader meets it: opened from a file, the network cut, by day and by night."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from living_page import agrees, column
from reading import grave, look_through, make_ready, slid
from seen import all_differ, state

import operator_lab as lab

pytestmark = pytest.mark.thorough

COURSE = Path(__file__).resolve().parents[2] / "course"
NOTEBOOKS = sorted(path.stem for path in COURSE.glob("*.ipynb"))
PAGES = ["index", "claims", *NOTEBOOKS]
LISTED = re.findall(r"- file: (\S+)", (COURSE / "_toc.yml").read_text(encoding="utf-8"))
OTHERS = [name for name in LISTED if name not in {*PAGES, "live"}] + ["genindex", "search"]
LIVING = "live"  # a page with a whole model on it and more than one slider: looked at by itself
OWN = ["03_mixing", "04_channels", "05_dyson", "07_measurement"]  # a part of it beside the Explorer
WAYS = [(320, "dark"), (400, "light"), (1280, "light"), (1280, "dark")]
# Contrast hangs on the theme, the size of what is touched on the width: two ways have all of it.
READ_IN = [(1280, "light"), (320, "dark")]
MIME = "application/vnd.jupyter.widget"
DATA = re.compile(rf'<script type="{re.escape(MIME)}-state\+json">(.*?)</script>', re.DOTALL)
HELD = re.compile(r'"held": "(weights-[0-9a-f]{12}\.js)"')
BLOCK = re.compile(r'<div class="highlight-\w+ notranslate">.*?</pre>', re.DOTALL)
# What reaches beyond the window and lies in nothing that can be slid sideways.
STICKING_OUT = """() => [...document.querySelectorAll("article *")].filter((node) => {
    const right = node.getBoundingClientRect().right, style = getComputedStyle(node);
    if (right <= innerWidth + 1 || style.visibility === "hidden") return false;
    for (let up = node; up; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== "visible") return false;
    return true;
}).map((node) => node.outerHTML.slice(0, 120))"""

# The theme follows the reader's wish some frames later, and the layout follows the theme.
SETTLED = """async (theme) => {
    const frame = () => new Promise(requestAnimationFrame), page = document.documentElement;
    for (let left = 300; left && page.dataset.theme !== theme; left--) await frame();
    await frame();
    await frame();
    return [page.dataset.theme, page.scrollWidth];
}"""


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


def views(book: Path, name: str) -> int:
    """How many pictures with a slider a page has (a progress bar is a widget, too)."""
    scripts = rf'"{re.escape(MIME)}-(state|view)\+json">(.*?)</script>'
    found = re.findall(scripts, text(book, name), re.DOTALL)
    parts = [(kind, json.loads(content)) for kind, content in found]
    states = {i: m for kind, part in parts if kind == "state" for i, m in part["state"].items()}
    shown = [part["model_id"] for kind, part in parts if kind == "view"]
    return sum(states[i]["model_module"] == "anywidget" for i in shown)


def text(book: Path, name: str) -> str:
    return (book / f"{name}.html").read_text(encoding="utf-8")


def unfit(page, width: int, theme: str) -> list[str]:
    """What is wrong with an open page at this width and in this theme."""
    look, wide = shown(page, width, theme)
    wrong = [f"the theme is {look}"] if look != theme else []
    wrong += [f"it is {wide} wide"] if wide > width else []
    return wrong + page.evaluate(STICKING_OUT) + slid(page, width)


def shown(page, width: int, theme: str) -> tuple[str, int]:
    """Show an open page at this width and in this theme; what came of it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    return page.evaluate(SETTLED, theme)


@pytest.mark.parametrize("name", [*PAGES, LIVING, *OTHERS])
def test_a_page_is_whole_and_everybody_can_read_it(visit, name):
    # Opened as on a telephone at night; then looked at in other ways, too.
    page = visit(name, width=320, color_scheme="dark")
    make_ready(page)
    found = {way: unfit(page, *way) for way in WAYS}
    assert {way: wrong for way, wrong in found.items() if wrong} == {}
    assert page.locator("noscript[data-model], .operator-lab-still").count() == 0
    formulas = page.locator("article .math").count()
    assert page.locator("article mjx-container").count() == formulas
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert page.locator("article .math:not(:has(mjx-container))").count() == 0
    look_through(page)
    barred = {way: grave(page) for way in READ_IN if shown(page, *way)}
    assert {way: wrong for way, wrong in barred.items() if wrong} == {}


def test_formulas_are_there_at_all(visit):
    assert visit("03_mixing").locator("article mjx-container").count() > 100


def test_front_page_and_mixing_have_a_slider(book):
    assert {"index", "03_mixing"} <= set(with_slider(book))


def test_every_slider_answers_keys_and_the_mouse(book, visit):
    for name in with_slider(book):
        page = visit(name)
        assert page.locator(".operator-lab-explorer").count() == views(book, name)
        for explorer in page.locator(".operator-lab-explorer:not(.living)").all():
            slider, first = explorer.locator("input[type=range]"), state(explorer)
            last = int(slider.get_attribute("max"))
            assert re.search("[a-z]{2}", first[2]), (name, first[2])  # words, not a number alone
            slider.focus()
            page.keyboard.press("ArrowRight")  # it starts where the key that goes on finds more
            second = state(explorer)
            assert all_differ(first, second), name
            far = 0 if int(slider.input_value()) > last / 2 else last
            box = slider.bounding_box()
            middle = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] / 2, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + (box["width"] - 2 if far else 2), middle, steps=4)
            page.mouse.up()
            assert int(slider.input_value()) == far
            assert all_differ(second, state(explorer)), name


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_stills_are_there_and_every_picture_says_what_it_shows(book, visit, name):
    page = visit(name, java_script_enabled=False)
    stills = page.locator(".operator-lab-still")
    assert stills.count() == views(book, name)
    for still in stills.all():
        assert still.locator("img").bounding_box()["width"] > 300
        assert len(still.locator("img").get_attribute("alt")) > 40
        assert len(still.locator("figcaption").inner_text()) > 40
    assert unsaid(page) == []


def test_figures_turn_dark_with_the_page(visit):
    dark = visit("03_mixing", color_scheme="dark").locator("article .cell_output img").first
    assert "invert(1)" in dark.evaluate("image => getComputedStyle(image).filter")
    light = visit("03_mixing", color_scheme="light").locator("article .cell_output img").first
    assert light.evaluate("image => getComputedStyle(image).filter") == "none"


def test_on_paper_all_is_open_and_nothing_is_there_to_click(visit):
    page = visit("03_mixing")
    folded = page.locator("article details.hide .cell_input pre").first
    clicked = page.locator(".bd-sidebar-primary, .copybtn, .operator-lab-explorer .slide")
    seen = "all => all.filter((node) => node.checkVisibility()).length"
    assert not folded.is_visible() and clicked.evaluate_all(seen) > 0
    page.emulate_media(media="print")
    assert folded.is_visible() and folded.bounding_box()["height"] > 20
    assert clicked.evaluate_all(seen) == 0
    assert (
        page.locator("article pre").evaluate_all(
            "all => all.filter((block) => getComputedStyle(block).overflowX !== 'visible').length"
        )
        == 0
    )


def unsaid(page) -> list[str]:
    """Alternative texts that say nothing; Sphinx writes the file's name where none is given."""
    pictures = page.locator("article img")
    words = pictures.evaluate_all("all => all.map((image) => image.getAttribute('alt') ?? '')")
    return [said for said in words if len(said) < 20 or said.startswith("_images/")]


def test_the_tests_own_marks_stay_out_of_the_book(book):
    for name in NOTEBOOKS:
        code = BLOCK.findall(text(book, name))
        assert code and not any("NBVAL_CHECK_OUTPUT" in block for block in code)
        assert all("<span class=" in block for block in code if "lab." in block)  # still in colour


def test_a_page_weighs_little(book, capsys):
    for name in PAGES:
        whole, data = len(text(book, name)), sum(map(len, DATA.findall(text(book, name))))
        with capsys.disabled():
            print(f"\n{name}: {whole / 1000:.0f} kB, widgets' data {data / 1000:.0f} kB", end="")
        assert whole < 1_000_000 and data < 600_000
    assert sum(map(len, DATA.findall(text(book, "index")))) < 100_000


def test_weights_stand_once_beside_the_pages(book, capsys):
    named = {name: set(HELD.findall(text(book, name))) for name in (LIVING, *OWN)}
    (held,) = set.union(*named.values())
    assert all(named.values()) and [p.name for p in book.glob("_static/weights-*")] == [held]
    weight = (book / "_static" / held).stat().st_size
    whole = {name: (len(text(book, name)) + weight) / 1e6 for name in named}
    with capsys.disabled():
        print("\nMB with weights:", {name: round(mb, 2) for name, mb in whole.items()}, end="")
    assert whole.pop(LIVING) < 1.5 and max(whole.values()) < 2.2


@pytest.mark.parametrize("name", OWN)
def test_a_page_takes_the_readers_sentence(visit, name):
    """As the model in Python answers it; what it cannot read gets one sentence."""
    model, sentence = lab.reference(), "the girl sang the song near the bass"
    page = visit(name)
    living = page.locator(".living")
    box = living.get_by_label("Your sentence", exact=True)
    box.fill(sentence)
    off = lab.divergence(model.language.law(sentence)[-1], model.run(sentence).law[-1])
    living.locator(".readout", has_text=f"the model is {off:.3f} nats away from it").wait_for()
    living.get_by_text("Data", exact=True).click()
    living.locator("table").first.wait_for()
    agrees(column(living, 1), model, model.run(sentence).law[-1])
    box.fill(f"{sentence} xylophone")
    alert = living.locator("[role=alert]", has_text="‘xylophone’ is not one of the 95 words")
    alert.wait_for()
    assert living.locator("[role=alert]:not(:empty)").count() == 1


def test_the_living_page_answers(book, visit):
    page = visit(LIVING)
    assert page.locator("noscript[data-model], .operator-lab-still").count() == 0
    page.get_by_role("textbox", name="Your sentence").fill("the man crossed the water at the bank")
    page.wait_for_function("document.querySelector('.readout').textContent.includes('mud')")
    address = page.get_by_text("Link to this experiment").evaluate("link => link.href")
    page.goto(address)
    page.reload()
    page.wait_for_selector("html[data-widgets=ready]", state="attached")
    assert "mud" in page.locator(".readout").inner_text()
    for slider in page.locator("input[type=range]").all():
        before = slider.get_attribute("aria-valuetext")
        slider.focus()
        page.keyboard.press("ArrowRight")
        changed = "([node, before]) => node.getAttribute('aria-valuetext') !== before"
        page.wait_for_function(changed, arg=[slider.element_handle(), before])
        assert re.search("[a-z]{2}", before), before
    bare = visit(LIVING, java_script_enabled=False)
    assert bare.locator(".operator-lab-still img").bounding_box()["width"] > 300

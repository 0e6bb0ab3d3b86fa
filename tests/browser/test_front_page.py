"""The front page's board as a reader sees it: a line a chapter, by day and night."""

from __future__ import annotations

import pytest

from operator_lab.course import claims, front

LINES = """() => [...document.querySelectorAll(".verdicts .tiles")].map((line) => {
    const tops = [...line.children].map((tile) => tile.getBoundingClientRect().top);
    return new Set(tops.map(Math.round)).size;
})"""
OUTSIDE = """() => {
    const board = document.querySelector(".verdicts").getBoundingClientRect();
    return [...document.querySelectorAll(".verdicts *")].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.width && (box.right > board.right + 0.5 || box.left < board.left - 0.5);
    }).map((node) => node.outerHTML.slice(0, 80));
}"""
# WCAG's contrast of each kind of tile's sign with the tile.
CONTRAST = """() => [...document.querySelectorAll(".verdicts li i")].map((tile) => {
    const light = (colour) => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const style = getComputedStyle(tile);
    const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
})"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_board_has_a_line_a_chapter_and_stays_in_its_frame(book, open_page, width, theme):
    page = open_page((book / "index.html").as_uri(), width, offline=True, color_scheme=theme)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    lines = page.evaluate(LINES)
    claims = [len(line.query_selector_all("a")) for line in page.query_selector_all(".tiles")]
    # Sixteen tiles that a finger can meet (24 px) fit beside a title; a chapter with more has two.
    assert lines == [1 + (tiles > 16) for tiles in claims] and len(lines) == 12
    assert page.evaluate(OUTSIDE) == []
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) == 5 and min(contrasts) >= 4.5
    assert page.locator(".verdicts a:not(.tiles a)").filter(visible=True).count() == 13
    if width > 1000:  # on a telephone the mark lies in the drawer
        mark = page.locator("a.navbar-brand img").filter(visible=True)
        assert mark.count() == 1 and mark.bounding_box()["height"] < 60
        assert mark.evaluate("image => image.naturalWidth") > 0
    assert page.locator("link[rel*=icon]").get_attribute("href").endswith("favicon.svg")


@pytest.fixture
def rows(root):
    return claims.rows((root / "course").glob("*.ipynb"))


def lands(page, row) -> bool:
    """Does the page show the ledger, and in sight this row with its verdict?"""
    page.wait_for_url(f"**/claims.html#{claims.row_anchor(row)}")
    place = page.locator("tr:target")
    place.wait_for()
    page.wait_for_function("document.querySelector('tr:target').getBoundingClientRect().top >= 0")
    seen = place.evaluate("row => row.getBoundingClientRect().top < innerHeight")
    return seen and place.locator(".verdict").inner_text() == row.verdict


def test_keys_go_through_the_board_and_on_to_the_ledger(book, open_page, rows):
    page = open_page((book / "index.html").as_uri(), offline=True)
    told = page.locator(".verdicts-told")
    first = [row for row in rows if row.notebook.startswith("01")]
    second = [row for row in rows if row.notebook.startswith("02")]
    page.locator(".tiles").first.locator("..").locator("a").first.focus()  # the chapter's name
    way = {"Tab": first[0], "ArrowRight": first[1], "ArrowDown": second[1], "End": second[-1]}
    for key, row in [*way.items(), ("Home", second[0]), ("ArrowLeft", second[0])]:
        page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused and focused in told.inner_text()
        assert claims.titled(row)[2] in focused and row.verdict.capitalize() in focused
        assert told.locator("i").inner_text() == front.SIGNS[row.verdict]
    page.keyboard.press("Tab")  # a line is one stop
    assert page.evaluate("document.activeElement.getAttribute('href')") == "03_mixing.html"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert lands(page, second[0])


def test_a_finger_reads_a_tile_and_follows_it_when_it_taps_again(book, open_page, rows):
    page = open_page(
        (book / "index.html").as_uri(), 400, offline=True, has_touch=True, is_mobile=True
    )
    row = rows[len(rows) // 2]
    tile = page.locator(f".tiles a[href$='#{claims.row_anchor(row)}']")
    tile.tap()
    told = page.locator(".verdicts-told")
    assert claims.titled(row)[2] in told.inner_text() and "/index.html" in page.url
    box = told.bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] <= 900  # in sight, wherever the board stands
    tile.tap()
    assert lands(page, row)


def test_without_scripts_a_tile_is_a_link_with_a_title(book, open_page, rows):
    page = open_page((book / "index.html").as_uri(), offline=True, java_script_enabled=False)
    tile = page.locator(".tiles a").last
    assert claims.titled(rows[-1])[2] in tile.get_attribute("title")
    tile.click()
    assert lands(page, rows[-1])

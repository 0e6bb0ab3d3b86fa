"""The front page's board as a reader sees it: a line a chapter, by day and night."""

from __future__ import annotations

import pytest

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
    assert len(lines) == 12 and set(lines) == {1}
    assert page.evaluate(OUTSIDE) == []
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) == 5 and min(contrasts) >= 4.5
    assert page.locator(".verdicts a").filter(visible=True).count() == 13
    if width > 1000:  # on a telephone the mark lies in the drawer
        mark = page.locator("a.navbar-brand img").filter(visible=True)
        assert mark.count() == 1 and mark.bounding_box()["height"] < 60
        assert mark.evaluate("image => image.naturalWidth") > 0
    assert page.locator("link[rel*=icon]").get_attribute("href").endswith("favicon.svg")

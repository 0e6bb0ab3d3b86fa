"""The table of claims as a reader uses it: filtered by keys, as cards, without scripts."""

from __future__ import annotations

import pytest

from operator_lab.course import claims

SHOWN = "table.ledger tbody tr:not([hidden])"
# Relative luminance and contrast as the Web Content Accessibility Guidelines define them.
CONTRAST = """node => {
    const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
    const { color, backgroundColor } = getComputedStyle(node);
    const [low, high] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""


@pytest.fixture
def found(root):
    return claims.rows((root / "course").glob("*.ipynb"))


@pytest.fixture
def ledger(book, open_page):
    def ledger_(**options):
        page = open_page((book / "claims.html").as_uri(), offline=True, **options)
        page.wait_for_load_state()
        return page

    return ledger_


def test_the_filter_shows_what_it_says(ledger, found):
    page = ledger()
    form, status = page.get_by_role("search"), page.get_by_role("search").get_by_role("status")
    assert page.locator(SHOWN).count() == len(found)
    for verdict in claims.VERDICTS:
        form.get_by_label("Verdict").select_option(verdict)
        of_these = [row for row in found if row.verdict == verdict]
        assert page.locator(SHOWN).count() == len(of_these)
        assert status.inner_text() == f"{len(of_these)} of {len(found)} claims shown"
        badges = page.locator(f"{SHOWN} .verdict").all_inner_texts()
        assert set(badges) == ({verdict} if of_these else set())
    form.get_by_label("Verdict").select_option("breaks")
    form.get_by_label("Notebook").select_option("03")
    breaks = [row for row in found if row.verdict == "breaks" and row.notebook[:2] == "03"]
    assert page.locator(SHOWN).count() == len(breaks) > 0
    # What is empty now is hidden with its heading.
    assert page.get_by_role("heading", name="Thermodynamics of attention").count() == 0


def test_the_filter_is_used_with_keys_alone(ledger, found):
    page = ledger()
    page.get_by_role("search").get_by_label("Text").focus()
    page.keyboard.type("W_E")  # a formula, searched as it was printed
    page.wait_for_function("document.querySelectorAll('table.ledger tr[hidden]').length")
    expected = [row for row in found if "w_e" in f"{row.name} {row.measured} {row.spread}".lower()]
    assert page.locator(SHOWN).count() == len(expected) > 0
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Show all
    page.wait_for_function("!document.querySelector('table.ledger tr[hidden]')")
    assert page.locator(SHOWN).count() == len(found)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.name") == "notebook"


def test_without_scripts_the_whole_table_is_there(ledger, found):
    page = ledger(java_script_enabled=False)
    assert page.locator(SHOWN).count() == len(found)
    assert page.locator("table.ledger .verdict").count() == len(found)
    assert page.get_by_role("search").filter(has=page.get_by_label("Verdict")).count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_badge_is_a_word_that_can_be_read(ledger, theme):
    page = ledger(color_scheme=theme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    for name in claims.VERDICTS:
        badge = page.locator(f".verdict-{name.replace(' ', '-')}").first
        assert badge.inner_text().lower() == name
        assert badge.evaluate(CONTRAST) >= 4.5, name


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_every_row_is_in_sight(ledger, width):
    page = ledger(width=width)
    # No row reaches beyond its box, so none has to be slid.
    boxes = page.locator(".pst-scrollable-table-container:has(table.ledger)")
    for box in boxes.all():
        assert box.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    display = page.locator("table.ledger tbody tr").first.evaluate(
        "n => getComputedStyle(n).display"
    )
    assert display == ("table-row" if width > 760 else "block")


def test_a_row_leads_to_the_cell_that_printed_it(ledger, found):
    page = ledger()
    row = found[len(found) // 2]
    page.locator("table.ledger tbody tr").filter(has_text=row.name.split()[-1]).first.wait_for()
    links = page.locator("table.ledger td:last-child a")
    assert links.count() == len(found)
    link = page.locator(f"a[href='{row.notebook[:-6]}.html#{claims.anchor(row.cell_id)}']").first
    link.click()
    page.wait_for_load_state()
    cell = page.locator(f"[id='{claims.anchor(row.cell_id)}']")
    assert row.measured in cell.inner_text().replace("\n", " ")

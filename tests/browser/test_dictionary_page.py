"""The dictionary as a reader uses it: letters, a filter, a link to any word of either trade."""

from __future__ import annotations

import pytest

ENTRIES = "section.dictionary-entry:not([hidden])"


@pytest.fixture
def dictionary(book, open_page):
    def dictionary_(place: str = "", **options):
        page = open_page((book / "dictionary.html").as_uri() + place, offline=True, **options)
        page.wait_for_load_state()
        return page

    return dictionary_


def in_sight(node) -> bool:
    box = "n.getBoundingClientRect()"
    return node.evaluate(f"n => {box}.height > 0 && {box}.top >= 0 && {box}.bottom <= innerHeight")


def test_the_filter_finds_words_of_both_trades(dictionary):
    page = dictionary()
    form = page.get_by_role("search")
    whole = page.locator(ENTRIES).count()
    assert whole > 100
    for text, heading in [("lm head", "bra"), ("heat capacity", "heat capacity")]:
        form.get_by_label("Text").fill(text)
        assert 0 < page.locator(ENTRIES).count() < 20
        assert page.locator(ENTRIES).get_by_role("heading", name=heading).first.is_visible()
        count = page.locator(ENTRIES).count()
        assert form.get_by_role("status").inner_text() == f"{count} of {whole} entries shown"
    form.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"document.querySelectorAll('{ENTRIES}').length === {whole}")


def test_a_letter_leads_to_its_words_and_a_word_to_its_entry(dictionary):
    page = dictionary(width=400)
    page.locator(".a-to-z-bar a", has_text="R").click()
    page.wait_for_function("location.hash === '#letter-r'")
    line = page.locator("#letter-r")
    assert in_sight(line.locator("strong"))
    line.get_by_text("RoPE", exact=True).click()
    page.wait_for_function("location.hash === '#ml-rope'")
    assert in_sight(page.locator("#ml-rope"))


def test_a_link_to_a_hidden_entry_shows_it(dictionary):
    page = dictionary("#ml-logit")
    assert in_sight(page.locator("#ml-logit"))
    page.get_by_role("search").get_by_label("Text").fill("grokking")
    assert not page.locator("#ml-logit").is_visible()
    page.locator("#letter-l").get_by_text("logit", exact=True).click()
    page.wait_for_function("document.getElementById('ml-logit').getBoundingClientRect().height > 0")
    assert page.get_by_role("search").get_by_label("Text").input_value() == ""


def test_a_first_use_in_a_notebook_leads_to_its_entry(book, open_page):
    page = open_page((book / "03_mixing.html").as_uri(), offline=True)
    page.locator(".dictionary-word", has_text="self-attention").first.click()
    page.wait_for_url("**/dictionary.html#ml-self-attention")
    assert page.locator("#ml-self-attention").inner_text() == "self-attention"

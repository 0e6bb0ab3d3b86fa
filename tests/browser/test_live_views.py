"""A part of the living Transformer beside the notebook it is about: any sentence, no kernel."""

from __future__ import annotations

import numpy as np
import pytest
from living_page import agrees, column, ready, said, settled, written

import operator_lab as lab
from operator_lab.edits import silence
from operator_lab.figures.views import VIEWS

COIN = "the man paid the coin at the bank"
PARTS = [view for view in VIEWS if view != "all"]


@pytest.fixture(scope="module")
def model():
    return lab.reference()


@pytest.fixture(scope="module")
def addresses(model, tmp_path_factory, root):
    found = {}
    for view in PARTS:
        folder = tmp_path_factory.mktemp(view)
        shown = lab.figures.live(model, COIN, view=view)
        for theme in ("light", "dark"):
            found[view, theme] = written(shown, folder, root, theme)
    return found


@pytest.fixture
def visit(addresses, open_page):
    def visit_(view, theme="light", **options):
        return ready(open_page(addresses[view, theme], offline=True, **options))

    return visit_


@pytest.fixture
def own(model):
    """A sentence of the language, whatever its words."""
    (tokens,) = model.language.sample(1, 11, 8)
    return model.language.decode(tokens[1:])


def rows(page, title: str) -> np.ndarray:
    """The numbers of one table; a dash is no number."""
    body = page.locator("table", has_text=title).locator("tbody tr").all_inner_texts()
    cells = [row.split("\t")[1:] for row in body]
    return np.array([[np.nan if c == "–" else float(c) for c in row] for row in cells])


def typed(page, sentence: str):
    page.get_by_label("Your sentence", exact=True).fill(sentence)
    return settled(page)


@pytest.mark.parametrize("view", PARTS)
def test_a_sentence_is_answered_as_python_does(visit, model, own, view):
    page = typed(visit(view), own)
    run, exact = model.run(own), model.language.law(own)[-1]
    agrees(column(page, 1), model, run.law[-1])
    agrees(column(page, 2), model, exact)
    assert f"the model is {lab.divergence(exact, run.law[-1]):.3f} nats away" in said(page)


@pytest.mark.parametrize("view", PARTS)
def test_an_unknown_word_gets_one_sentence(visit, view):
    page = typed(visit(view), "the man saw the dog")
    alert = page.locator("[role=alert]").first.inner_text()
    assert alert.startswith("‘dog’ is not one of the 95 words of this language (alike: ")
    assert said(page).startswith("After ‘the’")


def test_the_map_of_a_head_at_a_temperature(visit, model, own):
    page = typed(visit("temperature"), own)
    page.get_by_role("button", name="Look at head 2.4").click()
    page.get_by_label("temperature of attention").focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    run = model.replace(tau=10**-0.5).run(own)
    agrees(column(page, 1), model, run.law[-1])
    agrees(column(page, 3), model, model.run(own).law[-1])  # as it was trained
    np.testing.assert_allclose(
        rows(page, "Head 2.4: who reads whom"), run.layers[1].mixing(head=3), rtol=6e-3, atol=1e-6
    )


def test_heads_are_silenced_and_shown_again(visit, model, own):
    page = typed(visit("heads"), own)
    page.get_by_label("Head 1.2 writes").focus()
    page.keyboard.press("Space")
    agrees(column(page, 1), model, model.run(own, edits=silence(model, 0, [1])).law[-1])
    page.get_by_role("button", name="As it was trained").click()
    agrees(column(page, 1), model, model.run(own).law[-1])


def test_hops_are_counted(visit, model, own):
    page, run = typed(visit("hops"), own), model.run(own)
    words = list(column(page, 1))
    places = [model.language.index(word) for word in words]
    hops = lab.dyson.law_of(run, np.cumsum(lab.dyson.orders(run, free="on_site"), 0))[:3, -1]
    expected = [*hops[:, places], run.law[-1, places]]
    np.testing.assert_allclose(rows(page, "Counted by hops"), expected, rtol=6e-3, atol=1e-6)
    names = ("no hop", "at most 1", "at most 2")
    parts = [
        f"{told(x)} nats with {n}" for n, x in zip(names, away(run.law[-1], hops), strict=True)
    ]
    assert f"the whole model: {', '.join(parts)}." in page.locator(".living").inner_text()


def test_the_lens_and_the_belief(visit, model, own):
    page, run = typed(visit("lens"), own), model.run(own)
    places = [model.language.index(word) for word in column(page, 1)]
    lens = lab.measurement.lens(run)[:, -1]
    np.testing.assert_allclose(
        rows(page, "As if the model stopped"), lens[:, places], rtol=6e-3, atol=1e-6
    )
    exact = model.language.law(own)[-1]
    left = ", ".join(map(told, away(exact, lens)))
    assert f"after each step: {left}." in page.locator(".living").inner_text()
    belief = model.language.posterior(own)
    np.testing.assert_allclose(rows(page, "Belief after each word"), belief, rtol=6e-3, atol=1e-6)
    read = lab.figures.live(model, view="lens").header["belief"]
    expected = run.states[-1] @ np.array(read["weights"]) + np.array(read["offset"])
    known = np.isin(model.language.place(model.language.encode(own)), read["nodes"])
    assert 0 < known.sum() < len(known)
    expected[~known] = np.nan
    found = rows(page, "Belief read off the model")
    np.testing.assert_allclose(found, expected, rtol=6e-3, atol=1e-5)


def away(law, others) -> list[float]:
    return [lab.divergence(law, other) for other in others]


def told(nats: float) -> str:
    """A divergence as the page writes it."""
    return f"{max(nats, 0):.{3 if nats < 0.0995 else 2}f}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", PARTS)
def test_nothing_sticks_out_and_every_control_has_a_name(visit, view, theme):
    page = visit(view, theme, width=320)
    assert settled(page).evaluate("document.documentElement.scrollWidth") <= 320
    controls = page.locator(".living").locator("input, select, button, summary")
    named = """all => all.filter((n) => !(n.getAttribute("aria-label") || n.textContent.trim()
        || n.closest("label")?.textContent.trim())).map((n) => n.outerHTML)"""
    assert controls.count() > 8 and controls.evaluate_all(named) == []
    pictures = page.locator(".living figure > svg[role=img]")
    assert all(len(said) > 8 for said in pictures.evaluate_all("a => a.map((n) => n.ariaLabel)"))


@pytest.mark.parametrize("view", PARTS)
def test_only_its_parts_are_there(visit, view):
    page = settled(visit(view))
    assert page.locator(".panels > figure").count() == len({*VIEWS[view].parts} - {"temperature"})
    assert page.locator("input[type=range]").count() == ("temperature" in VIEWS[view].parts)
    assert page.get_by_text("Exchange a row").count() == 0


@pytest.mark.parametrize("view", PARTS)
def test_without_scripts_the_still_is_there(addresses, open_page, view):
    page = open_page(addresses[view, "light"], java_script_enabled=False)
    still = page.locator(".operator-lab-still")
    assert still.locator("img").bounding_box()["width"] > 300
    assert len(still.locator("img").get_attribute("alt")) > 40
    assert "nats away from the exact one" in still.locator("figcaption").inner_text()


def test_a_link_leads_to_the_experiment(addresses, open_page, model):
    words = "the+old+woman+sang"
    page = ready(open_page(f"{addresses['hops', 'light']}#text={words}", offline=True))
    agrees(column(page, 1), model, model.run(words.replace("+", " ")).law[-1])

"""The living Transformer as a reader meets it: from a file, every connection cut, no kernel."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import pytest
from living_page import agrees, column, ready, said, settled, used, written

import operator_lab as lab
from operator_lab.edits import put, silence
from operator_lab.figures import tour

pytestmark = pytest.mark.thorough

COIN, WATER = tour.COIN, tour.WATER


@pytest.fixture(scope="module")
def model():
    return lab.reference()


@pytest.fixture(scope="module")
def address(model, tmp_path_factory, root):
    """The reference model's page by day and by night."""
    folder, shown = tmp_path_factory.mktemp("living"), lab.figures.live(model)
    return {theme: written(shown, folder, root, theme) for theme in ("light", "dark")}


@pytest.fixture
def visit(address, open_page):
    def visit_(theme="light", experiment=None, **options):
        end = "#" + urlencode(experiment) if experiment else ""
        return ready(open_page(address[theme] + end, offline=True, **options))

    return visit_


def test_the_first_picture_is_the_models_and_the_exact_law(visit, model):
    page = visit()
    agrees(column(page, 1), model, model.run(COIN).law[-1])
    agrees(column(page, 2), model, model.language.law(COIN)[-1])
    excess = lab.divergence(model.language.law(COIN)[-1], model.run(COIN).law[-1])
    assert f"the model is {excess:.3f} nats away" in said(page)


def test_a_sentence_is_typed_and_completed(visit, model):
    page = visit()
    box = page.get_by_label("Your sentence", exact=True)
    box.fill("the old wom")
    offered = page.get_by_role("group", name="Words for: Your sentence").get_by_role("button")
    assert settled(page).locator("[role=alert]").first.inner_text() == ""
    assert offered.all_inner_texts() == ["woman"]
    offered.first.click()
    assert box.input_value() == "the old woman "
    agrees(column(page, 1), model, model.run("the old woman").law[-1])
    box.press("End")
    box.press_sequentially("sang")
    agrees(column(page, 1), model, model.run("the old woman sang").law[-1])


@pytest.mark.parametrize(
    "given, answer",
    [
        ("the dog ate", "‘dog’ is not one of the 95 words of this language (alike: ‘deep’"),
        (
            "the man, paid the coin; at",
            "‘coin;’ is not one of the 95 words of this language (alike: ‘coin’",
        ),
        ("the man " * 20, "reads at most 32 positions"),
        ("ßß <b>x</b>", "‘ßß’ is not one of the 95 words"),
    ],
)
def test_what_cannot_be_read_is_answered_in_one_sentence(visit, given, answer):
    page = visit()
    page.get_by_label("Your sentence", exact=True).fill(given)
    settled(page)
    assert answer in page.locator("[role=alert]").first.inner_text()
    assert page.locator(".readout").inner_text().startswith("After")


def test_nothing_at_all_is_a_beginning(visit, model):
    page = visit()
    page.get_by_label("Your sentence", exact=True).fill("  ")
    agrees(column(page, 1), model, model.run(np.array([0])).law[0])


def test_outside_the_grammar_the_model_still_answers(visit, model):
    page = visit(experiment={"text": "coin coin the"})
    assert "no exact law" in said(page)
    agrees(column(page, 1), model, model.run("coin coin the").law[-1])


def test_any_word_is_asked(visit, model):
    page = visit()
    page.get_by_role("group", name="After which word?").get_by_role("button").nth(3).click()
    assert said(page).startswith("After ‘paid’")
    agrees(column(page, 1), model, model.run(COIN).law[3])


def test_the_temperature_of_all_heads_and_of_one(visit, model):
    page = visit(experiment={"text": COIN, "head": "2.4"})
    slider = page.get_by_label("temperature of attention")
    slider.focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    agrees(column(page, 1), model, model.replace(tau=10).run(COIN).law[-1])
    assert slider.get_attribute("aria-valuetext") == "10 times the usual temperature"
    page.locator("select").first.select_option("head 2.4 alone")

    def heated(S):
        S[3] /= 10
        return S

    run = model.run(COIN, edits={("interaction", 1): heated})
    agrees(column(page, 1), model, run.law[-1])
    page.get_by_role("button", name="As it was trained, nothing exchanged").click()
    agrees(column(page, 1), model, model.run(COIN).law[-1])


def test_heads_are_silenced(visit, model):
    page = visit()
    page.get_by_label("Head 2.4 writes").uncheck()
    page.get_by_label("Head 1.1 writes").uncheck()
    edits = silence(model, 1, [3]) | silence(model, 0, [0])
    agrees(column(page, 1), model, model.run(COIN, edits=edits).law[-1])
    assert "silent: 2.4, 1.1" in said(page)
    page.get_by_label("Head 2.4 writes").check()
    agrees(column(page, 1), model, model.run(COIN, edits=silence(model, 0, [0])).law[-1])


def test_lens_and_hops_are_pythons(visit, model):
    page, run = visit(), model.run(COIN)
    words = list(column(page, 1))
    places = [model.language.index(word) for word in words]

    def rows(which):
        body = page.locator("table", has_text=which).locator("tbody tr")
        return [row.split("\t")[1:] for row in body.all_inner_texts()]

    lens = lab.measurement.lens(run)[:, -1, places]
    np.testing.assert_allclose(np.array(rows("As if the model"), float), lens, rtol=6e-3, atol=1e-6)
    hops = lab.dyson.law_of(run, np.cumsum(lab.dyson.orders(run, free="on_site"), 0))
    expected = [*hops[:3, -1, places], run.law[-1, places]]
    np.testing.assert_allclose(
        np.array(rows("Counted by hops"), float), expected, rtol=6e-3, atol=1e-6
    )
    belief = model.language.posterior(COIN)
    np.testing.assert_allclose(
        np.array(rows("Belief after each word"), float), belief, rtol=6e-3, atol=1e-6
    )


def test_a_row_is_exchanged(visit, model):
    page = visit()
    page.get_by_text("Exchange a row with a second sentence").click()
    page.get_by_role("textbox", name="Second sentence").fill("the man crossed the water")
    alert = page.locator(".exchange [role=alert]")
    assert settled(page) and "same number of words; they have 8 and 5" in alert.inner_text()
    page.get_by_role("textbox", name="Second sentence").fill(WATER)
    page.get_by_label("after the step").select_option("attention 2")
    assert settled(page) and alert.inner_text() == ""
    row = model.run(WATER).states[3, 8]
    agrees(column(page, 1), model, model.run(COIN, edits=put(model, 3, 8, row)).law[-1])
    map_ = page.locator(".exchange figure .cell")
    page.wait_for_function("() => document.querySelector('.exchange .cell:last-of-type')")
    map_.nth(1 * 9 + 5).click()  # after attention 1 the row of 'coin'
    row = model.run(WATER).states[1, 5]
    agrees(column(page, 1), model, model.run(COIN, edits=put(model, 1, 5, row)).law[-1])


def test_the_map_of_exchanges_fills(visit, model):
    page = visit(experiment={"text": COIN, "other": WATER, "step": 3})
    cells = page.locator(".exchange figure .cell")
    page.wait_for_function(
        """() => { const all = [...document.querySelectorAll(".exchange figure .cell")];
        return all.length === 81 && all.every((cell) => cell.getAttribute("fill-opacity") > 0); }"""
    )
    shade = np.array(
        cells.evaluate_all("all => all.map((cell) => +cell.getAttribute('fill-opacity'))")
    )
    turned = (shade.reshape(9, 9) - 0.05) / 0.95
    first, second = model.run(COIN), model.run(WATER)
    way = second.law[-1] - first.law[-1]
    for step, at in ((0, 5), (1, 5), (2, 8), (3, 8), (8, 8), (0, 3)):
        run = model.run(COIN, edits=put(model, step, at, second.states[step, at]))
        share = (run.law[-1] - first.law[-1]) @ way / (way @ way)
        assert turned[step, at] == pytest.approx(np.clip(share, 0, 1), abs=1e-3)


def test_it_speaks(visit):
    page = visit(reduced_motion="reduce")
    page.get_by_role("button", name="To the full stop").click()
    page.wait_for_function("() => document.querySelector('.sentence input').value.endsWith('. ')")
    box = page.get_by_label("Your sentence", exact=True)
    assert box.input_value().startswith(COIN)
    words = box.input_value().split()
    page.get_by_role("button", name="One word").click()
    assert settled(page) and len(box.input_value().split()) == len(words) + 1


def test_it_is_silent_where_the_context_ends_and_when_somebody_writes(visit):
    page = visit(experiment={"text": " . ".join([COIN] * 3) + " . the man paid the"})
    assert page.get_by_role("button", name="One word").is_disabled()
    page = visit()
    page.get_by_role("button", name="To the full stop").click()
    page.get_by_label("Your sentence", exact=True).fill(WATER)
    page.wait_for_timeout(600)
    assert page.get_by_label("Your sentence", exact=True).input_value() == WATER


def test_a_heading_is_no_experiment(visit):
    page = visit(experiment={"text": WATER})
    before = said(page)
    page.wait_for_timeout(800)  # the experiment's own address is written some frames later
    page.evaluate("location.hash = 'what-is-what'")
    page.wait_for_timeout(400)
    assert said(page) == before and page.evaluate("location.hash") == "#what-is-what"


def test_the_address_holds_the_experiment(visit, model):
    page = visit()
    page.get_by_label("Your sentence", exact=True).fill(WATER)
    page.get_by_label("Head 2.4 writes").uncheck()
    settled(page)
    link = page.get_by_text("Link to this experiment").get_attribute("href")
    assert "off=2.4" in link
    page.wait_for_function("link => location.hash === link", arg=link)
    before = said(page)
    page.reload()
    assert said(ready(page)) == before and "‘mud’" in before
    page.evaluate("location.hash = ''")
    assert said(page) != before


@pytest.mark.parametrize(
    "address_of_anybody",
    [
        "text=%00<script>&T=1e9&at=-5&row=zz",
        "head=9.9&off=7.7,x,1.1&step=400&other=the",
        "T=&at=&=&",
    ],
)
def test_an_address_of_anybody(address, open_page, address_of_anybody):
    page = ready(open_page(address["light"] + "#" + address_of_anybody, offline=True))
    assert said(page).startswith("After")


def test_the_tour(visit, model):
    """Six steps; what each says is so, in Python."""
    page = visit()
    page.get_by_role("button", name="A tour of 6 steps").click()
    seen = []
    for number in range(6):
        seen.append(said(page))
        assert page.locator(".tour").get_by_text(f"{number + 1} of 6").is_visible()
        assert page.locator(".looked").count() >= 1
        page.get_by_role("button", name="Next" if number < 5 else "End").click()
    assert len(set(seen)) == 5  # the second and the fifth are one experiment, looked at twice
    assert page.locator(".looked").count() == 0 and not page.locator(".tour").is_visible()
    assert "exchanged" in seen[-1] and said(settled(page)) == seen[0]  # nothing stays exchanged

    run, law = model.run(COIN), {}
    mass = lambda law, words: sum(law[model.language.index(w)] for w in words.split())  # noqa: E731
    for T in (1, 10):
        law[T] = model.replace(tau=T).run(COIN).law[-1]
    river = "reeds mud ferry"
    assert mass(law[1], river) < 0.01 < 0.1 < mass(law[10], river)
    assert mass(model.run(WATER).law[-1], river) > 0.4
    moved = [
        lab.divergence(run.law[-1], model.run(COIN, edits=silence(model, 1, [h])).law[-1])
        for h in (2, 3)
    ]
    assert moved[0] < 0.02 and moved[1] > 1
    assert run.words[run.layers[1].mixing(head=3)[-1].argmax()] == "at"
    water, money = model.run(WATER), "fee clerk vault"
    early = lab.dyson.law_of(water, water.states)[:, -1]
    for s, (words, others) in enumerate([(money, river), (river, money)]):
        assert mass(early[s], words) > 3 * mass(early[s], others)
    assert (early[:, model.language.index("and")] < 0.2)[:8].all()
    hops = lab.dyson.law_of(water, np.cumsum(lab.dyson.orders(water, free="on_site"), 0))[:, -1]
    off = [lab.divergence(water.law[-1], law) for law in hops]
    assert off[0] > 0.5 and off[1] < 0.01


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 400, 1280])
def test_nothing_sticks_out(visit, tmp_path, theme, width):
    page = visit(theme, {"text": COIN, "other": WATER, "step": 3}, width=width)
    page.get_by_role("button", name="A tour of 6 steps").click()
    assert settled(page).evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"{theme}-{width}.png", full_page=True)


def test_maps_follow_the_theme(visit):
    page = visit()
    pixel = """() => { const c = document.querySelector(".heads canvas");
        return [...c.getContext("2d").getImageData(0, 0, 1, 1).data]; }"""
    before = page.evaluate(pixel)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    after = settled(page).evaluate(pixel)
    assert before[3] == after[3] == 255 and sum(after[:3]) > sum(before[:3]) + 200


def test_every_control_has_a_name_and_keeps_its_keys(visit):
    page = visit(experiment={"text": COIN, "other": WATER})
    controls = page.locator(".living").locator("input, select, button, summary")
    assert controls.count() > 50
    assert set(controls.evaluate_all("all => all.map((n) => n.dataset.lmSuppressShortcuts)")) == {
        "true"
    }
    named = """all => all.filter((n) => !(n.getAttribute("aria-label") || n.textContent.trim()
        || n.closest("label")?.textContent.trim())).map((n) => n.outerHTML)"""
    assert controls.evaluate_all(named) == []
    pictures = page.locator(".living svg[role=img]")
    assert all(len(said) > 8 for said in pictures.evaluate_all("a => a.map((n) => n.ariaLabel)"))


def test_without_scripts_the_still_is_there(address, open_page):
    page = open_page(address["light"], java_script_enabled=False)
    assert page.locator(".operator-lab-still img").bounding_box()["width"] > 300
    assert "0.005 nats away from the exact" in page.locator("figcaption").inner_text()


@pytest.mark.parametrize("language", ["depth", "compound"])
def test_another_model(open_page, tmp_path, root, language):
    """Of another shape and language: everything is drawn, there is no tour."""
    trained = lab.train(lab.Recipe(language, {"layers": 1, "heads": 2}, steps=2, batch=4)).model
    (tokens,) = trained.language.sample(1, 6, 1)
    sentence = trained.language.decode(tokens[1:])
    shown = lab.figures.live(trained, sentence)
    page = ready(open_page(written(shown, tmp_path, root), offline=True))
    assert page.get_by_role("button", name="A tour").count() == 0
    assert page.locator(".heads canvas").count() == 2
    agrees(column(page, 1), trained, trained.run(sentence).law[-1])
    agrees(column(page, 2), trained, trained.language.law(sentence)[-1])


def test_it_is_light_and_answers_fast(visit, capsys):
    """Nothing asserts a time; this prints what a reader of the report wants to know.

    Processor time is that of the page's thread, drawing included, so that it says the same on a
    busy machine; hops, which follow after the frame, are in it, and not in the frame's own time.
    """
    weight = len(visit().content())
    assert weight < 1_500_000
    measure = """async (steps) => {
        const root = document.querySelector(".living"), all = [];
        const range = root.querySelector(".slide input");
        for (let k = 0; k < steps; k++) {
            range.value = k - 20;
            range.dispatchEvent(new Event("input"));
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            all.push(Number(root.dataset.milliseconds));
        }
        return all.sort((a, b) => a - b);
    }"""
    long = " . ".join([COIN] * 3) + " . the man paid the"
    for name, text in (("9 positions", COIN), ("32 positions", long)):
        page = visit(experiment={"text": text})
        first = page.get_attribute(".living", "data-milliseconds")
        page.evaluate(measure, 40)  # the browser compiles what is used often
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before, times, after = used(session), page.evaluate(measure, 40), used(session)
        assert len(times) == 40
        spent = {part: 1000 * (after[part] - before[part]) / 40 for part in after}
        with capsys.disabled():
            print(
                f"\n{name}: first answer {first} ms; a move of the slider {times[20]:.1f} ms "
                f"(median; least {times[0]:.1f}); processor time a move "
                f"{spent['TaskDuration']:.1f} ms, of it scripts with hops "
                f"{spent['ScriptDuration']:.1f}; page {weight / 1e6:.2f} MB",
                end="",
            )

"""An Explorer in a page without a kernel, opened from a file with every connection cut."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from ipywidgets.embed import dependency_state

from operator_lab.figures.explorer import Bars, Choice, Explorer, Heatmap, Lines, Points, Slider

pytestmark = pytest.mark.thorough

WORDS = ". the man paid the coin at the bank".split()
RATIOS = np.geomspace(0.1, 10, 41)
HEADS = [f"layer {n // 4 + 1}, head {n % 4 + 1}" for n in range(16)]
MIME = "application/vnd.jupyter.widget-"
# Exact ties, both zeros, carries, the ends of %g, and what is no number.
AWKWARD = [
    0.125,
    0.375,
    2.5,
    3.5,
    -2.5,
    -0.0,
    -0.001,
    9.5,
    9.995,
    999.5,
    1e5,
    123456.5,
    1234567.0,
    1e-4,
    9.9999e-5,
    1.5e-7,
    0.0625,
    1 / 3,
    2 / 3,
    1e18,
    np.nan,
    np.inf,
    -np.inf,
]


def softmax(S):
    """Causal mixing, position 0 at least always in sight."""
    S = np.where(np.tril(np.ones(S.shape[-2:], bool)), S, -np.inf)
    weights = np.exp(S - S.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def temperature(**changes) -> Explorer:
    """41 temperatures x 16 heads x 9 x 9: the size of the course's own picture."""
    S = 3 * np.random.default_rng(0).normal(size=(16, 9, 9))
    A = np.stack([softmax(S / ratio) for ratio in RATIOS])
    row = A[:, :, -1]
    entropy = -(row * np.log(np.maximum(row, 1e-300))).sum(-1)
    excess = 0.002 + np.log(RATIOS) ** 2 / (3 + np.arange(16)[:, None])
    parts = {
        "title": "Temperature",
        "slider": Slider("T / T₀", RATIOS, start=20, scale="log", unit="times T₀"),
        "choice": Choice("head", HEADS, start=3),
        "panels": [
            Heatmap("Mixing", np.where(A > 0, A, np.nan), WORDS, WORDS, "query", "key", mark=8),
            Bars("What ‘bank’ reads", WORDS, {"now": row, "at T₀": row[20:21]}, low=0, high=1),
            Lines(
                "Excess",
                RATIOS,
                {"model": excess},
                "T / T₀",
                "nats",
                "log",
                "log",
                cursor=True,
                bands={"model": (excess / 1.5, excess * 1.5)},
            ),
        ],
        "readout": "At T = {T:.2f} ‘bank’ reads ‘{best}’: {entropy:.2f} nats, excess {excess:.3g}.",
        "values": {
            "T": 8 * RATIOS,
            "entropy": entropy,
            "excess": excess.T,
            "best": [[WORDS[k] for k in heads] for heads in row.argmax(-1)],
        },
        "alt": "Mixing weights of one head at T₀.",
    }
    return Explorer(**(parts | changes))


def numbers() -> Explorer:
    """One awkward number per position, in every form that a read-out may take."""
    forms = ["", ":.0f", ":.2f", ":.1g", ":.3g", ":.0%", ":.1%"]
    return Explorer(
        title="Numbers",
        slider=Slider("n", labels=[str(n) for n in range(len(AWKWARD))]),
        panels=[
            Points(
                "Plane",
                np.random.default_rng(1).normal(size=(4, 2)),
                groups=[0, 1, 0, 1],
                names=["a", "b"],
                labels=list("wxyz"),
            )
        ],
        readout=" | ".join(f"{{a{form}}}" for form in forms),
        values={"a": AWKWARD},
        alt="Points.",
    )


@pytest.fixture
def write(tmp_path, root):
    """Write widgets into a page as Sphinx does, and return its address."""

    def script(kind: str, content: dict) -> str:
        text = json.dumps(content).replace("</script>", r"<\/script>")
        return f'<script type="{MIME}{kind}+json">{text}</script>'

    def write_(*shown: Explorer, theme="light", still=False, state=lambda state: state) -> str:
        saved = state(dependency_state(shown, drop_defaults=False))
        views = "\n".join(
            (f'<div class="output">{w._still()}</div>' if still else "")
            + script("view", {"version_major": 2, "model_id": w.model_id})
            for w in shown
        )
        page = f"""<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Explorer</title><style>
html {{ --pst-color-background: #fff; --pst-color-text-base: #323232; }}
html[data-theme=dark] {{ --pst-color-background: #14181e; --pst-color-text-base: #ced6dd; }}
body {{ margin: 1rem; font-family: sans-serif; background: var(--pst-color-background); }}
</style>{script("state", {"version_major": 2, "version_minor": 0, "state": saved})}
<script defer src="loader.js"></script></head><body>{views}</body></html>"""
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        shutil.copy(root / "course" / "_static" / "loader.js", tmp_path)
        return (tmp_path / "page.html").as_uri()

    return write_


def ready(page):
    page.wait_for_selector("html[data-widgets=ready]", state="attached")
    return page


def drawn(page) -> list[str]:
    """The moving parts of every panel, as they stand."""
    return page.eval_on_selector_all("figure > svg", "nodes => nodes.map((node) => node.innerHTML)")


def move(page, index: int) -> None:
    page.eval_on_selector(
        "input[type=range]",
        """(slider, index) => {
        slider.value = index; slider.dispatchEvent(new Event("input")); }""",
        index,
    )


def said(page) -> str:
    return page.inner_text("[role=status]")


def test_first_picture_is_that_of_the_start(write, open_page, tmp_path):
    shown = temperature()
    page = ready(open_page(write(shown)))
    assert said(page) == shown.text
    A = shown._content.panels[0].arrays["array"][20, 3]
    shade = page.eval_on_selector_all(
        ".cell", "cells => cells.map((cell) => cell.getAttribute('fill-opacity'))"
    )
    expected = np.where(np.isnan(A), 0, 0.05 + 0.95 * A).ravel()
    np.testing.assert_allclose(np.array(shade, float), expected, atol=1e-4)
    bars = page.eval_on_selector_all("rect.b0", "b => b.map((bar) => +bar.getAttribute('height'))")
    row = shown._content.panels[1].arrays["now"][20, 3]
    np.testing.assert_allclose(bars[-9:], 200 * row, atol=0.01)
    page.screenshot(path=tmp_path / "light.png", full_page=True)


def test_keyboard_moves_the_picture(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown)))
    before = drawn(page)
    slider = page.get_by_label("T / T₀", exact=True)
    assert slider.get_attribute("aria-valuetext") == "1 times T₀"
    slider.focus()
    page.keyboard.press("ArrowRight")
    shown.index = 21
    assert said(page) == shown.text
    assert slider.get_attribute("aria-valuetext") == f"{RATIOS[21]:.3g} times T₀"
    assert all(a != b for a, b in zip(before, drawn(page), strict=True))
    page.keyboard.press("ArrowLeft")
    assert drawn(page) == before


def test_a_position_is_read_aloud_in_words(write, open_page):
    counts = Slider("layers", range(41), start=1, said="{} layer(s) deep", unit="layers")
    page = ready(open_page(write(temperature(slider=counts))))
    slider = page.get_by_label("layers", exact=True)
    said_of = {}
    for index in (0, 1, 2):
        move(page, index)
        said_of[index] = slider.get_attribute("aria-valuetext")
    assert said_of == {0: "0 layers deep", 1: "1 layer deep", 2: "2 layers deep"}


def test_mouse_and_touch_move_the_slider(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown), has_touch=True))
    box = page.locator("input[type=range]").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    shown.index = 40
    assert said(page) == shown.text
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] / 2)
    shown.index = 0
    assert said(page) == shown.text


def test_number_box_takes_the_nearest_value(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown)))
    box = page.get_by_label("T / T₀, value")
    box.fill("0.33")
    box.press("Enter")
    shown.index = int(abs(np.log(RATIOS / 0.33)).argmin())
    assert said(page) == shown.text
    assert float(box.input_value()) == pytest.approx(RATIOS[shown.index], rel=1e-2)
    for words, index in (("1e9", 40), ("-4", 0), ("", 0)):
        box.fill(words)
        box.press("Tab")
        shown.index = index
        assert said(page) == shown.text
        assert box.input_value() == f"{RATIOS[index]:.3g}"


def test_choice_changes_the_picture(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown)))
    before = drawn(page)
    page.get_by_label("head").select_option("layer 3, head 2")
    shown.choice_index = 9
    assert said(page) == shown.text
    assert all(a != b for a, b in zip(before, drawn(page), strict=True))


def test_page_and_python_say_the_same_everywhere(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown)))
    for shown.choice_index in range(0, 16, 5):
        page.locator("select").select_option(str(shown.choice_index))
        for shown.index in range(0, 41, 2):
            move(page, shown.index)
            assert said(page) == shown.text


def test_awkward_numbers_are_written_alike(write, open_page):
    shown = numbers()
    page = ready(open_page(write(shown)))
    assert page.locator("input[type=number]").count() == 0
    for shown.index in range(len(AWKWARD)):
        move(page, shown.index)
        assert said(page) == shown.text
        assert page.inner_text("output") == str(shown.index)


def test_data_table_holds_what_is_drawn(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown)))
    assert page.locator("table").count() == 0
    page.get_by_text("Data", exact=True).click()
    page.wait_for_selector("table")
    assert page.locator("caption").all_inner_texts() == [p.title for p in shown._content.panels]
    move(page, 0)
    rows = page.locator("table").nth(1).locator("tbody tr").all_inner_texts()
    weights = shown._content.panels[1].arrays["now"][0, 3]
    assert [row.split()[0] for row in rows] == WORDS
    written = [float(row.split()[1]) for row in rows]
    np.testing.assert_allclose(written, weights, atol=2e-5, rtol=6e-3)


def colour(page, selector: str, name: str = "color") -> np.ndarray:
    return rgb(page.eval_on_selector(selector, f"node => getComputedStyle(node)['{name}']"))


def rgb(text: str) -> np.ndarray:
    return np.array([float(part) for part in re.findall(r"[\d.]+", text)[:3]])


def luminance(colour: np.ndarray) -> float:
    parts = colour / 255
    linear = np.where(parts < 0.04, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_in_cells_can_be_read_in_both_themes(write, open_page, tmp_path, theme):
    ramp = np.linspace(0.01, 1, 30).reshape(5, 6)
    panels = [Heatmap("Ramp", ramp, list("abcde"), list("uvwxyz"))]
    page = ready(open_page(write(temperature(panels=panels), theme=theme)))
    paper = colour(page, ".operator-lab-explorer", "backgroundColor")
    deep = colour(page, ".cell", "fill")
    shades = []
    for k, value in enumerate(ramp.ravel()):
        cover = 0.05 + 0.95 * value
        shades.append(luminance(paper + cover * (deep - paper)))
        words = page.locator("text.number").nth(k)
        assert words.text_content() == f"{value:.2f}"
        ink = luminance(rgb(words.evaluate("node => getComputedStyle(node).fill")))
        contrast = (max(ink, shades[-1]) + 0.05) / (min(ink, shades[-1]) + 0.05)
        assert contrast > 4.4, (theme, value, contrast)
    steps = np.diff(shades)
    assert (steps < 0).all() if theme == "light" else (steps > 0).all()
    page.screenshot(path=tmp_path / f"{theme}.png", full_page=True)


def test_colours_follow_the_page_while_it_is_open(write, open_page):
    page = ready(open_page(write(temperature())))
    before = colour(page, ".line", "stroke"), colour(page, ".operator-lab-explorer")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    after = colour(page, ".line", "stroke"), colour(page, ".operator-lab-explorer")
    assert luminance(after[0]) > luminance(before[0]) and luminance(after[1]) > luminance(before[1])
    page.evaluate("""() => { delete document.documentElement.dataset.theme;
        document.body.dataset.jpThemeLight = "false"; }""")
    assert (colour(page, ".line", "stroke") == after[0]).all()
    page.evaluate("delete document.body.dataset.jpThemeLight")
    page.emulate_media(color_scheme="dark")
    assert (colour(page, ".line", "stroke") == after[0]).all()
    page.emulate_media(color_scheme="light")
    assert (colour(page, ".line", "stroke") == before[0]).all()


@pytest.mark.parametrize("width", [320, 760, 2560])
def test_nothing_sticks_out(write, open_page, tmp_path, width):
    page = ready(open_page(write(temperature(), numbers()), width=width))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    smallest = page.eval_on_selector_all(
        "figure > svg",
        """nodes => Math.min(...nodes.map((node) =>
        12.5 * node.getBoundingClientRect().width / node.viewBox.baseVal.width))""",
    )
    assert smallest >= 9.5
    page.screenshot(path=tmp_path / f"{width}.png", full_page=True)


def test_no_text_box_without_a_kernel(write, open_page):
    shown = temperature(sentence="the man", recompute=lambda sentence: {})
    page = ready(open_page(write(shown)))
    assert not page.locator("form").is_visible()
    assert said(page) == shown.text


def test_every_control_keeps_its_keys_from_jupyterlab(write, open_page):
    page = ready(open_page(write(temperature(sentence="the", recompute=lambda sentence: {}))))
    page.get_by_text("Data", exact=True).click()
    page.wait_for_selector("table")
    controls = page.locator("input, select, summary, [tabindex]")
    kept = controls.evaluate_all("nodes => nodes.map((n) => n.dataset.lmSuppressShortcuts)")
    assert set(kept) == {"true"} and len(kept) == 8


def test_two_views_of_one_picture_move_together(write, open_page):
    shown = temperature()
    page = ready(open_page(write(shown, shown)))
    move(page, 5)
    shown.index = 5
    assert page.locator("[role=status]").all_inner_texts() == [shown.text] * 2


def test_without_scripts_the_still_is_there(write, open_page):
    shown = temperature()
    page = open_page(write(shown, still=True), java_script_enabled=False)
    picture = page.get_by_alt_text("Mixing weights of one head at T₀.")
    assert picture.is_visible() and picture.bounding_box()["width"] > 400
    assert page.locator("figcaption").inner_text() == shown.text


def test_a_widget_that_fails_leaves_its_still_and_the_others_alone(write, open_page):
    broken, sound = temperature(), numbers()

    def damage(state):
        state[broken.model_id]["buffers"] = []
        state[broken.model_id]["state"]["data"] = None
        return state

    page = ready(open_page(write(broken, sound, still=True, state=damage)))
    assert page.get_by_text("This picture cannot move here.").is_visible()
    assert page.get_by_alt_text("Mixing weights of one head at T₀.").is_visible()
    assert page.locator("[role=status]").all_inner_texts() == [sound.text]
    assert page.locator("div.output").count() == 1  # the sound one's still is gone, box and all
    assert len(page.faults) == 1 and "could not be drawn" in page.faults.pop()

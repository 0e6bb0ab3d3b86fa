"""From a slider's position to its picture, in a browser: what a reader waits for.

The clock runs in the page, from the slider's event until the picture is laid out, over every
position of two of the course's pictures and of the largest that can be made.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import operator_lab as lab

from .peers import Missing
from .timing import Effort, Line, absolute

TITLE = "Slider position to picture"
THREADS = (2,)  # the browser's own affair
SENTENCE = "the man paid the coin at the bank"
LONGEST = 27  # positions: as many as a temperature picture has room for
LOADER = Path(__file__).resolve().parent.parent / "course" / "_static" / "loader.js"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Attributes alone are half the work: asking for a box makes the browser lay the picture out.
SWEEP = """(rounds) => {
  const slider = document.querySelector("input[type=range]"), spent = [];
  const pictures = [...document.querySelectorAll("figure > svg")];
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index <= Number(slider.max); index++) {
      const start = performance.now();
      slider.value = index;
      slider.dispatchEvent(new Event("input"));
      for (const picture of pictures) picture.getBoundingClientRect();
      spent.push(performance.now() - start);
    }
  }
  return spent;
}"""


def page(explorer) -> str:
    """A page without a kernel that holds one picture, as the book writes it."""
    from ipywidgets.embed import dependency_state

    def script(kind: str, content: dict) -> str:
        text = json.dumps(content).replace("</script>", r"<\/script>")
        return f'<script type="application/vnd.jupyter.widget-{kind}+json">{text}</script>'

    state = dependency_state([explorer], drop_defaults=False)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorer</title>'
        + script("state", {"version_major": 2, "version_minor": 0, "state": state})
        + '<script defer src="loader.js"></script></head><body>'
        + script("view", {"version_major": 2, "model_id": explorer.model_id})
        + "</body></html>"
    )


def chromium() -> str:
    """The path of a browser; Missing if there is none, or no playwright to drive it."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise Missing("playwright is not installed: pip install -e '.[test]'") from None
    names = ("chromium", "chromium-browser", "google-chrome")
    given = os.environ.get("OPERATOR_LAB_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Missing("chromium is not installed: set OPERATOR_LAB_CHROMIUM to a browser's path")
    return found


def measure(effort: Effort) -> list[Line]:
    """Milliseconds a move, for the mixing of all heads and for the orders of a run."""
    path, model = chromium(), lab.reference()
    from playwright.sync_api import sync_playwright

    shown = {"orders kept": lab.figures.dyson.truncation(model, SENTENCE)}
    if not effort.small:
        text = model.language.sample(1, LONGEST, seed=3)[0]
        longest = " ".join(model.language.words[token] for token in text[1:])
        shown["temperature of all heads"] = lab.figures.mixing.temperature(model, SENTENCE)
        shown[f"the largest, {LONGEST} positions"] = lab.figures.mixing.temperature(model, longest)
    rounds = max(1, effort.rounds // 6)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        shutil.copy(LOADER, folder)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        lines = [
            _timed(browser, Path(folder), name, picture, rounds, effort)
            for name, picture in shown.items()
        ]
        browser.close()
    return lines


def _timed(browser, folder: Path, name: str, explorer, rounds: int, effort: Effort) -> Line:
    target = folder / "page.html"
    target.write_text(page(explorer), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(target.as_uri())
    tab.wait_for_selector("html[data-widgets=ready]", state="attached")
    tab.evaluate(SWEEP, 1)
    spent = tab.evaluate(SWEEP, rounds)
    tab.close()
    return absolute(name, effort, spent, "ms", must=16, aim=4)

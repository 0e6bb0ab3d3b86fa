"""The living Transformer in a page of its own: written as Sphinx would, and what stands in it."""

from __future__ import annotations

import json
import shutil

import numpy as np
from ipywidgets.embed import dependency_state

MIME = "application/vnd.jupyter.widget-"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Living</title><style>
html {{ --pst-color-background: #fff; --pst-color-text-base: #323232; }}
html[data-theme=dark] {{ --pst-color-background: #14181e; --pst-color-text-base: #ced6dd; }}
body {{ margin: 0.7rem; font-family: sans-serif; background: var(--pst-color-background); }}
</style>{state}<script defer src="loader.js"></script></head>
<body><div class="output">{still}</div>{view}</body></html>"""


def script(kind: str, content: dict) -> str:
    text = json.dumps(content).replace("</script>", r"<\/script>")
    return f'<script type="{MIME}{kind}+json">{text}</script>'


def written(shown, folder, root, theme="light") -> str:
    """A page as Sphinx writes it; its address."""
    state = dependency_state([shown], drop_defaults=False)
    page = PAGE.format(
        theme=theme,
        still=shown._still(),
        state=script("state", {"version_major": 2, "version_minor": 0, "state": state}),
        view=script("view", {"version_major": 2, "model_id": shown.model_id}),
    )
    (folder / f"{theme}.html").write_text(page, encoding="utf-8")
    shutil.copy(root / "course" / "_static" / "loader.js", folder)
    return (folder / f"{theme}.html").as_uri()


def ready(page):
    page.wait_for_selector("html[data-widgets=ready]", state="attached")
    return page


def settled(page):
    """After the next picture: what was asked is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return page


def said(page) -> str:
    return settled(page).locator(".readout").inner_text()


def column(page, place: int) -> dict[str, float]:
    """One column of the table of laws, by word."""
    if not page.locator("table").count():
        page.get_by_text("Data", exact=True).click()
    rows = settled(page).locator("table").first.locator("tbody tr").all_inner_texts()
    return {row.split()[0]: float(row.split()[place]) for row in rows}


def agrees(found: dict[str, float], model, law) -> None:
    """The numbers of a table, written with three digits, are those of a law."""
    expected = [law[model.language.index(word)] for word in found]
    np.testing.assert_allclose([*found.values()], expected, rtol=6e-3, atol=1e-6)


def used(session) -> dict[str, float]:
    """Seconds of processor time that the page's thread has used."""
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return {name: found[name] for name in ("TaskDuration", "ScriptDuration")}

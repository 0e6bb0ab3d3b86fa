"""A notebook exported by nbconvert, without network: the still stands until a widget lives."""

from __future__ import annotations

import nbformat
import pytest

from operator_lab.figures.explorer import Bars, Explorer, Slider

CELL = """import numpy as np
from operator_lab.figures.explorer import Bars, Explorer, Slider
Explorer(title="Bars", slider=Slider("n", labels=["a", "b"]), alt="Two bars.", readout="{w}",
         panels=[Bars("Bars", ["x", "y"], {"p": np.eye(2)[:, None]})],
         values={"w": [["here"], ["there"]]})"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    nbclient, nbconvert = pytest.importorskip("nbclient"), pytest.importorskip("nbconvert")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    path = tmp_path_factory.mktemp("exported") / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_still_is_seen_without_network(exported, open_page, scripts):
    page = open_page(exported, java_script_enabled=scripts)
    picture = page.get_by_alt_text("Two bars.")
    assert picture.is_visible() and picture.bounding_box()["width"] > 200
    assert page.locator("figcaption").inner_text() == "here"
    page.faults.clear()  # the exporter's page asks for scripts from outside, in vain


def test_the_still_goes_where_the_widget_lives(exported, open_page):
    """The rule that the widget's own script adds, whoever draws it."""
    page = open_page(exported)
    shown = Explorer(
        title="Bars", slider=Slider("n", labels=["a"]), alt="One.",
        panels=[Bars("Bars", ["x"], {"p": [[[1.0]]]})],
    )  # fmt: skip
    still = page.locator(".operator-lab-still")
    model = still.get_attribute("data-model")
    page.evaluate(
        """async ([esm, name, header, data]) => {
            const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
            const bytes = Uint8Array.from(data, (c) => c);
            const state = { header, data: new DataView(bytes.buffer), still: name, index: 0,
                choice_index: 0 };
            const none = () => {}, get = (key) => state[key];
            const model = { get, set: none, on: none, off: none, send: none, save_changes: none };
            const el = document.createElement("div");
            document.body.append(el);
            (await import(url)).default.render({ model, el });
        }""",
        [shown._esm, model, shown.header, list(shown.data)],
    )
    assert not still.is_visible()
    assert page.locator(".operator-lab-explorer").is_visible()
    page.faults.clear()

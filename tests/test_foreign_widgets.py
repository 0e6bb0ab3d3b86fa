"""Widgets of others on a page of the book: a note, and the picture that they showed."""

from __future__ import annotations

import json

import pytest
from built_book import build
from test_book import outside, resources, small_book

from operator_lab.course.rendering.widgets import NOTE, needs_kernel, shown

INTERACT = """import ipywidgets, matplotlib.pyplot as plt
@ipywidgets.interact(T=(0.5, 2.0))
def show(T=1.0):
    plt.plot([0, T])
    plt.show()
    print("T is", T)"""
CELLS = {
    "slider": "import ipywidgets\nipywidgets.IntSlider(description='T')",
    "interact": INTERACT,
    "box": "ipywidgets.VBox([ipywidgets.Text('<!--'), ipywidgets.Button(description='Go')])",
    "progress": "from tqdm.notebook import tqdm\nfor _ in tqdm(range(2)): pass",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """A page of a small book with a widget in each cell."""
    root = small_book(tmp_path_factory.mktemp("book"))
    path = root / "course" / "page.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][1]
    notebook["cells"][1:] = [cell | {"id": name, "source": CELLS[name]} for name in CELLS]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    run = build(root)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    built = root / "course" / "_build" / "html" / "page.html"
    return built.read_text(encoding="utf-8")


def test_a_foreign_widget_leaves_a_note_and_its_picture(page):
    assert page.count(NOTE) == 3  # not for the progress bar
    assert page.count('widget-view+json">') == 1  # which the page's own script takes away
    before, _, after = page.partition('alt="What the control shows at first."')
    assert before.count(NOTE) == 2 and 'src="data:image/png;base64,iVBOR' in after[:60]
    assert "<pre>T is 1.0" in after
    assert not list(filter(outside, resources(page)))


def test_which_widgets_need_a_kernel():
    states = {
        "bar": {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_a", "IPY_MODEL_b"]}},
        "a": {"model_name": "HTMLModel", "state": {}},
        "b": {"model_name": "FloatProgressModel", "state": {}},
        "form": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_b", "IPY_MODEL_c"]}},
        "c": {"model_name": "ButtonModel", "state": {}},
        "ours": {"model_name": "AnyModel", "model_module": "anywidget", "state": {}},
        "out": {"model_name": "OutputModel", "state": {"outputs": [{"text": ["<b>", "&"]}]}},
    }
    needed = {name: needs_kernel(states, name) for name in (*states, "closed")}
    assert needed == {
        "bar": False, "a": True, "b": False, "form": True, "c": True, "ours": False, "out": True,
        "closed": True,
    }  # fmt: skip
    assert list(shown(states, "out")) == ["<pre>&lt;b&gt;&amp;</pre>"]
    assert not list(shown(states, "closed"))

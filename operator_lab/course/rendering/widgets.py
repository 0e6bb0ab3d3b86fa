"""Widgets that need a kernel, which a page has not: a note, and the pictures that they hold.

Those of anywidget run in the page (loader.js), the course's own among them; a progress bar is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

VIEW = '<script type="application/vnd.jupyter.widget-view+json">'
PROGRESS = {"FloatProgressModel", "IntProgressModel"}
AROUND = {"HBoxModel", "VBoxModel", "BoxModel", "HTMLModel", "LabelModel"}  # what bars are built of
SHOWN = "What the control shows at first."
NOTE = '<p role="note">This control needs a kernel: open the page as a notebook to use it.</p>'


class Widgets(SphinxTransform):
    """Put a note where a widget stands that no page can run."""

    default_priority = 705

    def apply(self, **kwargs) -> None:
        """Look at every widget of the page (called by Sphinx)."""
        views = [n for n in self.document.findall(nodes.raw) if n.astext().startswith(VIEW)]
        states = _states(self.env) if views else {}
        for node in views:
            view = json.loads(node.astext().removeprefix(VIEW).removesuffix("</script>"))
            if needs_kernel(states, view["model_id"]):
                said = NOTE + "".join(shown(states, view["model_id"]))
                node.replace_self(nodes.raw("", said, format="html"))


def _states(env) -> dict[str, dict]:
    """The widgets that a page keeps, by id, as myst-nb has them for the page's head."""
    scripts = getattr(env, "nb_metadata", {}).get(env.docname, {}).get("js_files", {})
    _, kept = scripts.get("ipywidgets_state", (None, {"body": "{}"}))
    return json.loads(kept["body"]).get("state", {})


def within(states: Mapping[str, dict], name: str) -> Iterator[dict]:
    """A widget and all that it is built of; what was closed is not kept."""
    if name in states:
        yield states[name]
        for child in states[name].get("state", {}).get("children", ()):
            yield from within(states, str(child).removeprefix("IPY_MODEL_"))


def needs_kernel(states: Mapping[str, dict], name: str) -> bool:
    """Whether a page cannot run a widget; a progress bar has nothing to run any more."""
    found = list(within(states, name))
    kinds = {widget.get("model_name") for widget in found}
    if found and found[0].get("model_module") == "anywidget":
        return False
    return not (kinds & PROGRESS and kinds <= PROGRESS | AROUND)


def shown(states: Mapping[str, dict], name: str) -> Iterator[str]:
    """The pictures and the texts that a widget's outputs hold (`interact`), for a page."""
    for widget in within(states, name):
        for output in widget.get("state", {}).get("outputs", ()):
            data: Mapping[str, Any] = output.get("data", {})
            text = output.get("text", data.get("text/plain", ""))
            if "image/png" in data:
                png = escape(str(data["image/png"]).strip())
                yield f'<img alt="{SHOWN}" src="data:image/png;base64,{png}">'
            elif text:
                yield f"<pre>{escape(''.join(text))}</pre>"

"""An anchor at each code cell of a notebook, so that a page can point at what was measured."""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

from ..claims import anchor


class CellAnchors(SphinxTransform):
    """Give each code cell of a notebook's page the anchor that follows from its id."""

    default_priority = 700

    def apply(self, **kwargs) -> None:
        """Set the anchors (called by Sphinx)."""
        path = Path(self.env.doc2path(self.env.docname))
        if path.suffix != ".ipynb":
            return
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for node in self.document.findall(nodes.container):
            if node.get("nb_element") == "cell_code":
                publish(self.env, node, anchor(cells[node["cell_index"]]["id"]))


def publish(env, node: nodes.Element, name: str, text: str = "") -> None:
    """Give a node an anchor that `[text](page.md#name)` finds from any page."""
    node["ids"].append(name)
    env.metadata[env.docname].setdefault("myst_slugs", {})[name] = (None, name, text or name)

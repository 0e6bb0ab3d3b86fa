"""What the book adds to a page as it is read: anchors, links, badges, numbers.

The sources stay plain Markdown that JupyterLab and GitHub show as well. Each module here turns one
kind of plain text into what a page can do more, and warns where it cannot; a warning fails the
build. Only the book's builder imports this folder (it needs docutils and Sphinx).
"""

from __future__ import annotations

from .anchors import CellAnchors
from .citations import Citations
from .dictionary import Dictionary, FirstUses
from .ledger import Ledger
from .numbered import Numbered
from .raw import RawTeX
from .widgets import Widgets

TRANSFORMS = (CellAnchors, Ledger, Numbered, Dictionary, FirstUses, Citations, RawTeX, Widgets)
SCRIPTS = {  # the pages that a script is for
    "claims": "filter.js",
    "dictionary": "filter.js",
    "index": "board.js",
}


def join(app) -> None:
    """Let a Sphinx application read pages so."""
    app.setup_extension("sphinxcontrib.bibtex")
    for transform in TRANSFORMS:
        app.add_transform(transform)
    app.connect("html-page-context", _script)


def _script(app, page, template, context, doctree) -> None:
    if page in SCRIPTS:
        app.add_js_file(SCRIPTS[page], loading_method="defer")

"""An extension of the book's builder: the notebook that a page offers says how to run it."""

from __future__ import annotations

from pathlib import Path

from . import notebooks

ID = "how-to-run"
HOW = """*This is a page of the book Operator Lab as a notebook, without what its cells print.*

To run it you need Python 3.11 or newer and the course's package. In a terminal, in the folder of
the course's source:

    python -m pip install -e .
    operator-lab learn
    jupyter lab --notebook-dir=my_course

`operator-lab learn` lays out every notebook of the course, this one among them, with the pages and
pictures that they link to; `operator-lab doctor` says what is missing."""


def setup(app) -> dict:
    """Join a Sphinx build (called by Sphinx)."""
    app.connect("build-finished", _renew)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def download(notebook: dict) -> dict:
    """Return a notebook as a page offers it: a note how to run it first, and no outputs."""
    cells = [cell for cell in notebook["cells"] if cell.get("id") != ID]
    note = {"cell_type": "markdown", "id": ID, "metadata": {}, "source": HOW}
    return notebooks.unrun({**notebook, "cells": [note, *cells]})


def _renew(app, error) -> None:
    # Sphinx lays each page's source beside the pages; a page that did not change keeps its own.
    for path in sorted((Path(app.outdir) / "_sources").rglob("*.ipynb")) if not error else ():
        notebooks.write(path, download(notebooks.read(path)))

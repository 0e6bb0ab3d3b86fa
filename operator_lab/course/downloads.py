"""An extension of the book's builder: the notebook that a page offers says how to run it."""

from __future__ import annotations

from pathlib import Path

from . import addresses, notebooks

ID = "how-to-run"
HOW = """*This is a page of the book Operator Lab as a notebook, without what its cells print.*

To run it you need Python 3.11 or newer and the course's package. In a terminal{where}:

    python -m pip install {what}
    operator-lab learn
    jupyter lab --notebook-dir=my_course

`operator-lab learn` lays out every notebook of the course, this one among them, with the pages and
pictures that they link to; `operator-lab doctor` says what is missing."""


def setup(app) -> dict:
    """Join a Sphinx build (called by Sphinx)."""
    app.connect("build-finished", _renew)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def how(at: addresses.Addresses) -> str:
    """Return the note: from where the course is installed follows from its addresses."""
    if at.requirement:
        return HOW.format(where="", what=f'"{at.requirement}"')
    return HOW.format(where=", in the folder of the course's source", what="-e .")


def download(notebook: dict, note: str) -> dict:
    """Return a notebook as a page offers it: the note how to run it first, and no outputs."""
    cells = [cell for cell in notebook["cells"] if cell.get("id") != ID]
    first = {"cell_type": "markdown", "id": ID, "metadata": {}, "source": note}
    return notebooks.unrun({**notebook, "cells": [first, *cells]})


def _renew(app, error) -> None:
    # Sphinx lays each page's source beside the pages; a page that did not change keeps its own.
    note = how(addresses.read(Path(app.srcdir).parent))
    for path in sorted((Path(app.outdir) / "_sources").rglob("*.ipynb")) if not error else ():
        notebooks.write(path, download(notebooks.read(path), note))

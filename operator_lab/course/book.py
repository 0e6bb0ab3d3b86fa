"""An extension of the book's builder: pages follow the package, scripts come from the book itself.

Named in book.yml. It needs nothing from Sphinx but the application it is handed.
"""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

from . import addresses, claims, front
from .reference import process

CARD = "card.png"
OWN_PAGES = {"loader.js", "filter.js", "board.js"}  # scripts that only some pages name
MARK = "# NBVAL_CHECK_OUTPUT\n"


def cache_key(root: Path) -> str:
    """Return a key that changes with the package, the pinned versions or Python itself.

    Executed notebooks are stored under it: a page never shows what an older package computed.
    """
    root = Path(root)
    package = (path for path in (root / "operator_lab").rglob("*") if path.is_file())
    files = sorted(path for path in package if "__pycache__" not in path.parts)
    digest = hashlib.sha256(platform.python_version().encode())
    for path in [*files, root / "constraints.txt"]:
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def setup(app) -> dict:
    """Join a Sphinx build (called by Sphinx)."""
    from .rendering import join  # needs the book's own libraries, which a key does not

    join(app)
    app.add_config_value("operator_lab_key", "", "env")
    if addresses.read(Path(app.srcdir).parent).site:
        app.setup_extension("sphinxext.opengraph")  # it needs an address for all it says
    app.connect("config-inited", _configure, priority=100)
    app.connect("env-before-read-docs", _renew_front)
    app.connect("source-read", _board)
    app.connect("doctree-read", _unmark)
    app.connect("html-page-context", _launch_notebooks_only, priority=900)
    app.connect("build-finished", _card)
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app, config) -> None:
    root = Path(app.srcdir).parent
    key = cache_key(root)
    # A changed key also makes Sphinx read again the pages whose own text did not change.
    config.operator_lab_key = key
    config.nb_execution_cache_path = str(root / ".cache" / f"book-{key}")
    # Jupyter Book puts every script of _static on every page; the loader belongs on pages with a
    # widget only, once, and is named there by nb_ipywidgets_js, the others by rendering.SCRIPTS.
    config.html_js_files = [name for name in config.html_js_files if name not in OWN_PAGES]
    _address(app, config, addresses.read(root))
    config.bibtex_bibfiles = [path.name for path in Path(app.srcdir).glob("*.bib")]
    # A reader sees the course as a learner first meets it, whatever shell the build runs in.
    os.environ["OPERATOR_LAB_CHECKS"] = "gentle"


def _address(app, config, at: addresses.Addresses) -> None:
    # Buttons and the words that others see of a shared link: only where an address exists.
    config.html_theme_options = {**config.html_theme_options, **addresses.theme(at)}
    if at.site:
        config.html_baseurl = f"{at.site}/"
        config.ogp_site_url = f"{at.site}/"
        config.ogp_site_name = config.html_title
        config.ogp_image = f"{at.site}/_static/{CARD}"
        config.ogp_image_alt = False
        config.ogp_social_cards = {"enable": False}
        config.ogp_custom_meta_tags = ['<meta name="twitter:card" content="summary_large_image">']


def _renew_front(app, env, names) -> None:
    # The board follows the notebooks, whether the front page's own text changed or not.
    if "index" in env.found_docs and "index" not in names:
        names.append("index")


def _board(app, name, source) -> None:
    if name == "index" and front.BOARD in source[0]:
        course = Path(app.srcdir)
        found = front.board(claims.rows(course.glob("*.ipynb")), front.chapters(course))
        source[0] = source[0].replace(front.BOARD, found)


def _launch_notebooks_only(app, name, template, context, doctree) -> None:
    # A page in Markdown runs code for its pictures, yet nobody can open it as a notebook.
    if not str(app.env.doc2path(name)).endswith(".ipynb"):
        context["header_buttons"] = [
            button
            for button in context.get("header_buttons", [])
            if button.get("label") != "launch-buttons"
        ]


def _card(app, error) -> None:
    # The picture that a shared link shows.
    if error is None and app.builder.name == "html" and (Path(app.srcdir) / "index.md").exists():
        from ..figures.card import draw

        found = claims.rows(Path(app.srcdir).glob("*.ipynb"))
        draw(Path(app.outdir) / "_static" / CARD, front.verdicts(found), front.SAID)


def _unmark(app, doctree) -> None:
    # The mark tells the tests which output to compare; in the book it only stands before the code.
    for block in doctree.findall(lambda node: node.tagname == "literal_block"):
        code = block.astext()
        if code.startswith(MARK):
            # Sphinx colours a block only if its source and its text agree.
            block.rawsource = code.removeprefix(MARK)
            block[:] = [type(block[0])(block.rawsource)]

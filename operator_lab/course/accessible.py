"""An extension of the book's builder: what the theme leaves without a name gets one."""

from __future__ import annotations


def setup(app) -> dict:
    """Join a Sphinx build (called by Sphinx)."""
    app.connect("html-page-context", _name_folds, priority=900)  # after the theme's own
    app.connect("html-page-context", _no_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _no_list(app, name, template, context, doctree) -> None:
    # Papers are written as a list whose entries say that they are papers, and not entries of it.
    if "body" in context:
        listed = '<div role="list" class="citation-list">'
        context["body"] = context["body"].replace(listed, '<div class="citation-list">')


def _name_folds(app, name, template, context, doctree) -> None:
    # In the list of pages a chapter with pages below it has an arrow, which a screen reader cannot
    # see; it is called after the link beside it.
    made = context.get("generate_toctree_html")
    if made is None:
        return

    def named(*arguments, **options):
        tree = made(*arguments, **options)
        for summary in tree.select("summary") if hasattr(tree, "select") else ():
            summary["aria-label"] = f"Pages of {summary.find_previous('a').get_text(strip=True)}"
        return tree

    context["generate_toctree_html"] = named

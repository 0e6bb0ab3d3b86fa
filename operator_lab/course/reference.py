"""The reference pages of the book: docstrings as they are written, safe for Sphinx to read.

A docstring here is plain text with `code` between single backticks and formulas such as
|x|^2 or W_Q^T as they come; to reStructuredText bars, stars and underlines mean something else.
"""

from __future__ import annotations

import re

SPECIAL = re.compile(r"([\\*|]|_(?![A-Za-z0-9{(^])|<(?=[^>]*>_))")


def as_written(lines: list[str]) -> list[str]:
    """The lines of a docstring, so that reStructuredText shows them as they are written.

    What is indented after an empty line becomes a literal block.
    """
    found: list[str] = []
    inside = False
    for i, line in enumerate(lines):
        indented = line.startswith("    ")
        if indented and not inside and (i == 0 or not lines[i - 1].strip()):
            found += ["::", ""]
            inside = True
        elif line.strip() and not indented:
            inside = False
        found.append(line if inside else _escaped(line))
    return found


def _escaped(line: str) -> str:
    """Code between double backticks, everything else with its special signs escaped."""
    parts = re.split(r"(`+[^`]+`+)", line)
    return "".join(
        f"``{part.strip('`')}``" if part.startswith("`") else SPECIAL.sub(r"\\\1", part)
        for part in parts
    )


def process(app, what, name, obj, options, lines) -> None:
    """Rewrite one docstring in place (called by Sphinx's autodoc)."""
    lines[:] = as_written(lines)

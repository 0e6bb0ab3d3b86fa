"""A formula that was not understood: its dollars and commands would stand on the page."""

from __future__ import annotations

import re

from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from .texts import running

TEX = re.compile(r"\$\S|\S\$|\\[A-Za-z]{2,}")
LOGGER = logging.getLogger(__name__)


def raw_tex(text: str) -> str | None:
    """What a text has of TeX, with its surroundings, or None."""
    match = TEX.search(text)
    return match and text[max(match.start() - 20, 0) : match.end() + 20]


class RawTeX(SphinxTransform):
    """Warn of TeX in running text; a warning fails the build."""

    default_priority = 730

    def apply(self, **kwargs) -> None:
        """Look at the page (called by Sphinx)."""
        for text in running(self.document):
            if found := raw_tex(text.astext()):
                LOGGER.warning("a formula is not set: %r", found, location=text.parent)

"""`Drawn`: what every picture that scripts draw from arrays has, and its still where none lives."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets
from IPython.display import display

from .content import Content


class Drawn(anywidget.AnyWidget):
    """A widget that sends arrays, with a still figure for where no script draws it.

    `_frame` is what the still shows: a content, and the positions of its slider and choice.
    """

    header = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    still = traitlets.Unicode("").tag(sync=True)  # whose place the widget takes on a page

    def __init__(self, **synced: Any) -> None:
        super().__init__(**synced)
        self.still = self.model_id or ""

    def _frame(self) -> tuple[Content, int, int]:
        raise NotImplementedError

    def _still(self) -> str:
        from .still import figure_of  # matplotlib only where a picture is displayed

        content, i, j = self._frame()
        return figure_of(content, self.model_id, i, j)

    def _ipython_display_(self, **_: Any) -> None:
        """Show the still, for where no widget lives, then the widget."""
        display({"text/html": self._still(), "text/plain": repr(self)}, raw=True)
        bundle, metadata = self._repr_mimebundle_() or ({}, {})
        display(bundle, metadata=metadata, raw=True)

"""`Explorer`: a picture with a slider, the same in a notebook and in a page without a kernel.

It sends arrays, not pixels; drawing.js draws them with the colours of the page around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import traitlets

from ..errors import LabError
from .content import Content
from .drawn import Drawn
from .modules import joined
from .panels import Bars, Choice, Heatmap, Lines, Panel, Points, Slider

__all__ = ["Bars", "Choice", "Explorer", "Heatmap", "Lines", "Points", "Slider"]


class Explorer(Drawn):
    """A picture with one slider and at most one small choice, over arrays computed beforehand.

    `panels` are drawn side by side; `readout` is a sentence with fields such as {T:.2f}, filled
    from `values`, whose entries are numbers or words, alone or over [slider, choice]. `alt` says
    in one sentence what the first picture shows. With `recompute` a live notebook has a text box:
    `recompute(sentence)` returns any of panels, values, choice, readout, alt, as a dict.

    `index` and `choice_index` are synced traits, for `observe` and `jslink`.
    Raises `LabError` where the parts do not fit together or weigh more than 300 kB.
    """

    _esm = joined("drawing.js", "explorer.js")
    _css = Path(__file__).with_name("explorer.css")
    index = traitlets.Int(0).tag(sync=True)
    choice_index = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        *,
        title: str,
        slider: Slider,
        panels: Sequence[Panel],
        alt: str,
        choice: Choice | None = None,
        readout: str = "",
        values: Mapping[str, Any] | None = None,
        sentence: str = "",
        recompute: Callable[[str], Mapping[str, Any]] | None = None,
    ) -> None:
        self._content = Content(
            title=title,
            slider=slider,
            choice=choice,
            panels=tuple(panels),
            readout=readout,
            values=values or {},
            alt=alt,
            sentence=sentence if recompute else None,
        )
        self._recompute = recompute
        header, data = self._content.packed()
        super().__init__(
            header=header | {"revision": 0},
            data=data,
            index=slider.start,
            choice_index=choice.start if choice else 0,
        )
        self.on_msg(self._answer)

    @traitlets.validate("index", "choice_index")
    def _clamp(self, proposal: dict[str, Any]) -> int:
        count = self._content.shape[0 if proposal["trait"].name == "index" else 1]
        return min(max(proposal["value"], 0), count - 1)

    @property
    def value(self) -> float:
        """The slider's number at its present position."""
        return float(self._content.slider.values[self.index])

    @property
    def text(self) -> str:
        """The read-out at the present position, letter by letter what the page shows."""
        return self._content.text(self.index, self.choice_index)

    @property
    def nbytes(self) -> int:
        """Bytes that travel to the page, the drawing code aside."""
        return len(self.data) + len(json.dumps(self.header).encode())

    def ask(self, sentence: str) -> None:
        """Draw the picture of another sentence; on `LabError` the present picture stays."""
        if self._recompute is None:
            raise LabError(f"Explorer {self._content.title!r} has no recompute= to ask.")
        changes = dict(self._recompute(sentence))
        known = ("panels", "values", "choice", "readout", "alt")
        for name in changes:
            if name not in known:
                raise LabError(f"recompute returned {name!r}; it may return {', '.join(known)}.")
        content = replace(self._content, sentence=sentence, **changes)
        header, data = content.packed()
        self._content = content
        with self.hold_sync():  # one message: the header never meets the bytes of another picture
            self.data = data
            self.header = header | {"revision": self.header["revision"] + 1}
            self.choice_index = self.choice_index  # a shorter choice clamps it

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """Answer the page: that a kernel listens, or what came of a sentence."""
        if "sentence" not in content:
            self.send({"live": self._recompute is not None})
            return
        try:
            self.ask(str(content["sentence"]))
            self.send({"error": ""})
        except LabError as error:
            self.send({"error": str(error)})
        except Exception as error:  # the learner's own function: show it where they look
            self.send({"error": f"{type(error).__name__}: {error}"})

    def __repr__(self) -> str:
        count, options = self._content.shape
        choice = f" x {options}" if options > 1 else ""
        return f"Explorer: {self._content.title}, {count}{choice} positions"

    def _frame(self) -> tuple[Content, int, int]:
        return self._content, self.index, self.choice_index

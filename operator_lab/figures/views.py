"""What of a living Transformer is shown: all of it, or the part that one notebook is about."""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """A title, and the parts of the page in their order."""

    title: str
    parts: tuple[str, ...]


VIEWS = {
    "all": View(
        "A living Transformer: {layers} layers, {heads} heads each",
        ("tour", "speak", "temperature", "law", "grid", "large", "belief", "lens", "hops",
         "exchange"),
    ),
    "temperature": View("Your own sentence, at any temperature",
                        ("temperature", "law", "large", "grid")),
    "heads": View("Your own sentence, its heads off and on", ("law", "grid", "large")),
    "hops": View("Your own sentence, counted by hops", ("law", "hops")),
    "lens": View("Your own sentence, read after each step", ("law", "lens", "belief")),
}  # fmt: skip

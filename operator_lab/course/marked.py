"""Passages of written files that the package makes anew, between two marks of their own."""

from __future__ import annotations

import re

from ..errors import LabError

_PASSAGE = r"(?m)^(?P<begin>[^\n]*\bbegin {0}:[^\n]*\n)(?P<inside>.*?)(?P<end>^[^\n]*\bend {0}\b)"


def passage(text: str, name: str, inside: str) -> str:
    """Return the text with what stands between `begin NAME: ...` and `end NAME` replaced.

    The marks are lines of their own, in whatever the file's language takes for a comment.
    LabError if the text has no such passage, or two.
    """
    if len(found := re.findall(_PASSAGE.format(re.escape(name)), text, flags=re.DOTALL)) != 1:
        raise LabError(
            f"There are {len(found)} passages between 'begin {name}: ...' and 'end {name}'; one is "
            "needed."
        )
    filled = f"{inside.rstrip()}\n" if inside.strip() else ""
    pattern = _PASSAGE.format(re.escape(name))
    return re.sub(
        pattern, lambda match: match["begin"] + filled + match["end"], text, flags=re.DOTALL
    )

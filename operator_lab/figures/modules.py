"""ES modules as one text: a page opened from a file, and a widget, can load no second one."""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)


def joined(*names: str) -> str:
    """The scripts of this folder, one after the other, each with the imports of its own left out.

    What a script needs must stand before it.
    """
    folder = Path(__file__).parent
    return "\n".join(_IMPORT.sub("", (folder / name).read_text(encoding="utf-8")) for name in names)

"""An extension of the book's builder: a widget's heavy bytes stand once, beside the pages.

The weights of a living Transformer are needed on several pages. Each names a script that lays
them down as text, for a page opened from a file can load nothing else; loader.js asks for it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

# Letters of base64; beyond what an Explorer may send, so only weights are meant.
_HEAVY = re.compile(r'"data": "([A-Za-z0-9+/=]{400000,})"')


def setup(app) -> dict:
    """Join a Sphinx build (called by Sphinx)."""
    app.connect("build-finished", _share)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def apart(page: str) -> tuple[str, dict[str, str]]:
    """Return a page that names its heavy bytes instead of holding them, and those by name."""
    found = {}

    def named(match: re.Match) -> str:
        name = f"weights-{hashlib.sha256(match[1].encode()).hexdigest()[:12]}.js"
        found[name] = match[1]
        return f'"held": "{name}"'

    return _HEAVY.sub(named, page), found


def script(name: str, letters: str) -> str:
    """Return the script that lays base64 letters down under a name."""
    return f'(globalThis.operatorLabHeld ??= {{}})["{name}"] = "{letters}";\n'


def _share(app, error) -> None:
    # A page that did not change is left from the last build, and names its bytes already.
    for path in sorted(Path(app.outdir).glob("*.html")) if not error else ():
        page, found = apart(path.read_text(encoding="utf-8"))
        if found:
            path.write_text(page, encoding="utf-8")
        for name, letters in found.items():
            (Path(app.outdir) / "_static" / name).write_text(script(name, letters), "utf-8")

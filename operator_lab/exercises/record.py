"""What a learner has passed, kept in their own data folder and sent nowhere.

One small file an exercise, written whole: two notebooks at once cannot spoil each other's, and an
interruption leaves what was there. OPERATOR_LAB_PROGRESS names another folder, or is `off`.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ..errors import BROKEN
from ..files import write_whole

VARIABLE = "OPERATOR_LAB_PROGRESS"


def folder() -> Path | None:
    """Return where progress is kept, or None if nothing is to be kept."""
    wish = os.environ.get(VARIABLE, "").strip()
    if wish.lower() == "off":
        return None
    if wish:
        return Path(wish).expanduser()
    from platformdirs import user_data_path

    return user_data_path("operator-lab", appauthor=False) / "progress"


def record(name: str) -> None:
    """Keep that an exercise was passed, with the time of the first; a full disk is no error."""
    place = folder()
    if place is None or (place / f"{name}.json").exists():
        return
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    with suppress(OSError):  # an answer is right whether or not it can be noted
        write_whole(place / f"{name}.json", json.dumps({"passed": when}).encode())


def recorded() -> dict[str, str]:
    """Return the exercises that were passed, with the time; damaged files do not count."""
    found: dict[str, str] = {}
    for path in sorted((place := folder()) and place.glob("*.json") or ()):
        with suppress(*BROKEN):
            found[path.stem] = str(datetime.fromisoformat(json.loads(path.read_text())["passed"]))
    return found

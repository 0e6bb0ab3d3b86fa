"""Writing files so that nothing is ever half there, and nobody else is writing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from .errors import LabError

STALE = 3600.0  # seconds after which a half-written file belongs to nobody any more


def writable(folder: str | os.PathLike) -> Path:
    """Return a folder, made where it is missing; LabError where nothing can be written into it."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise LabError(
            f"Nothing can be written into {str(folder)!r} ({error.strerror or error}); choose "
            "another folder."
        ) from None


def _sweep(path: Path, older: float = 0.0) -> None:
    """Remove what killed runs have left of a file, half-written ones older than so many seconds."""
    for left in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        with suppress(OSError):  # somebody else may sweep as well
            if time.time() - left.stat().st_mtime >= older:
                left.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never half of either."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path, STALE)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes files that only their owner can read.
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file against other runs, of any process; LabError if one has it.

    The system lets go of it when the process ends, however it ends.
    """
    from filelock import FileLock, Timeout  # only where something is kept

    lock = path.with_name(f".{path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            _sweep(path)
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes it at the release, and not before
                    lock.unlink()
    except Timeout:
        raise LabError(
            f"Another run is writing {str(path)!r}; wait for its end or choose another folder."
        ) from None

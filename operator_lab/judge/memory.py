"""A bound on what an answer may take, so that a list without an end costs no kernel its life."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOM = 8 << 30  # bytes at most; a library that the answer imports must fit in as well


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process grow by half of the machine's memory at most, then raise MemoryError.

    Only Linux keeps such a bound (RLIMIT_AS); elsewhere nothing is done.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    page = os.sysconf("SC_PAGE_SIZE")
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * page
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wish = now + min(ROOM, os.sysconf("SC_PHYS_PAGES") * page // 2)
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wish, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

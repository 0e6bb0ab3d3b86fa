"""Several processes at once, and all of them gone when the command is interrupted."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from threading import RLock, Thread

from tqdm import tqdm

from ..errors import LabError


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """That many processes, or None for this one alone; Ctrl-C ends them at once."""
    if count < 1:
        raise LabError(f"The number of workers is 1 or more, not {count}.")
    if count == 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")  # PyTorch's threads do not survive a fork
    with ProcessPoolExecutor(count, spawn, _prepare) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _prepare() -> None:
    """Make a worker ready to be ended: Ctrl-C reaches all, and the main process sees to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_follow, daemon=True).start()
    tqdm.set_lock(RLock())  # its own would be a semaphore of the system, left behind


def _follow() -> None:
    """End with the main process, also where it was killed: a worker alone would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

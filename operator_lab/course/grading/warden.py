"""The other side of the door: starts rooms, asks, watches time and memory, and locks up."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from . import wire
from .room import NOBODY, Room, root

STEP = 0.05  # seconds between two looks at the clock
LOOK = 0.25  # seconds between two looks at the memory


@dataclass(frozen=True)
class Limits:
    """What one student may use: seconds together, bytes of memory, processes, bytes of a file."""

    seconds: float = 120.0
    memory: int = 2 * 2**30
    processes: int = 64
    file: int = 32 * 2**20

    def of_system(self, running: int) -> dict[str, int]:
        """The limits that the system itself can hold; `running` processes are there already."""
        return {
            "RLIMIT_CPU": int(self.seconds) + 1,
            "RLIMIT_AS": 3 * self.memory,  # libraries claim addresses that they never fill
            "RLIMIT_DATA": self.memory,
            # Well above what _watch allows, which says it in words: the system counts together
            # what all rooms of this user start.
            "RLIMIT_NPROC": 4 * self.processes + running,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_CORE": 0,
        }


class Ended(Exception):
    """The process in the room ended, or had to be ended; the message says how."""


class Left(Ended):
    """The answer's own process ended; the room is open for the next."""


class TooLong(Exception):
    """The time is over."""

    def __str__(self) -> str:
        return "it took too long"


@dataclass
class Warden:
    """One room, opened when it is first needed and again after its inmate has ended."""

    room: Room
    limits: Limits
    process: subprocess.Popen | None = None
    busy: bool = False  # an answer's process is there
    messages: queue.Queue = field(default_factory=queue.Queue)

    def ask(
        self, head: dict, values: Sequence = (), seconds: float = 10.0, calls: Sequence = ()
    ) -> tuple[dict, list[Any]]:
        """Send a request and wait for what comes back; functions of ours are called on the way.

        Raises Ended or TooLong: then it is to be closed, unless only the answer's process has Left.
        """
        until = time.monotonic() + seconds
        self._write(head, values)
        self.busy |= head["do"] == "try"
        while True:
            answer, given = self._next(until)
            if answer.get("said") != "ask":
                return answer, given
            self._write(*_asked(answer, given, calls))

    def leave(self) -> None:
        """Let the answer's process end, if it has not yet; the room stays open for the next."""
        if self.process is not None and self.busy:
            try:
                while True:  # what it still says is too late
                    self.ask({"do": "done"}, seconds=5)
            except Left:
                pass
            except (Ended, TooLong):
                self.close()

    def close(self) -> None:
        """End whatever runs in the room."""
        process, self.process, self.busy = self.process, None, False
        if process is None:
            return
        family = _family(process.pid)
        if hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # all at once: none can start another
        for one in (process, *family):  # those who left the group
            with suppress(psutil.Error, OSError):
                one.kill()
        process.wait()
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]

    def _opened(self) -> subprocess.Popen:
        if self.process is None:
            self.process = process = self.room.enter()
            # Two messages wait at most: a flood of them stays in its pipe.
            self.messages = queue.Queue(maxsize=2)
            threading.Thread(target=_listen, args=(process, self.messages), daemon=True).start()
            limits = self.limits.of_system(_running())
            wire.send(process.stdin, {"do": "limit", "limits": limits})
            self._next(time.monotonic() + 60)
        return self.process

    def _write(self, head: dict, values: Sequence = ()) -> None:
        try:
            wire.send(self._opened().stdin, head, values, functions=[])
        except OSError:
            pass  # it has ended: what it said last tells how

    def _next(self, until: float) -> tuple[dict, list[Any]]:
        look = time.monotonic() + LOOK
        while True:
            try:
                message = self.messages.get(timeout=STEP)
            except queue.Empty:
                message = None
            if message is not None:
                if isinstance(message, str):
                    raise Ended(message)
                if message[0].get("said") == "ended":
                    self.busy = False
                    raise Left(_how(message[0].get("status")))
                return message
            now = time.monotonic()
            if now > until:
                raise TooLong
            if now > look:
                look = now + LOOK
                self._watch()

    def _watch(self) -> None:
        assert self.process is not None
        family = _family(self.process.pid)
        if len(family) > self.limits.processes:
            raise Ended(f"it started more than {self.limits.processes} processes")
        used = sum(map(_memory, family))
        if used > self.limits.memory:
            raise Ended(f"it used more than {self.limits.memory / 2**30:.1f} GB of memory")


def _listen(process: subprocess.Popen, messages: queue.Queue) -> None:
    """Read what the inmate says, as it comes; a last word tells how the stream ended."""
    assert process.stdout is not None
    last = "its process ended"
    try:
        while (message := wire.receive(process.stdout)) is not None:
            if not _put(messages, message, process):
                return
    except wire.Garbled:
        last = "it wrote on the line that carries its answers"
    except (OSError, ValueError):
        pass  # closed from this side
    _put(messages, last, process)
    with suppress(OSError):  # here, for elsewhere it would wait for this thread to have read
        process.stdout.close()


def _put(messages: queue.Queue, message: object, process: subprocess.Popen) -> bool:
    while True:
        try:
            messages.put(message, timeout=1)
            return True
        except queue.Full:
            if process.returncode is not None:
                return False


def _asked(answer: dict, given: Sequence, calls: Sequence[Callable]) -> tuple[dict, list]:
    """Call a function of ours on numbers of theirs."""
    number = answer.get("number")
    if type(number) is not int or not 0 <= number < len(calls):
        return {"do": "raise", "text": "there is no such function"}, []
    try:
        with np.errstate(all="ignore"):
            return {"do": "give"}, [calls[number](*given)]
    except Exception as error:  # their numbers do not fit: it is theirs to hear
        return {"do": "raise", "text": f"{type(error).__name__}: {error}"[:300]}, []


def _how(status: object) -> str:
    if not isinstance(status, int):
        return "its process ended"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"it ends the process (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"its process was ended by {name}"


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _running() -> int:
    """How many threads the user of the room has already, which the system counts with ours."""
    if not hasattr(psutil.Process, "uids"):
        return 0
    uid = NOBODY if root() else psutil.Process().uids().real
    count = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        uids, threads = process.info["uids"], process.info["num_threads"]
        count += (threads or 1) if uids and uids.real == uid else 0
    return count

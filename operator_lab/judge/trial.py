"""A trial: an answer called on every case, with nothing it does reaching the notebook.

The calls run in a thread of their own, so that an endless loop can be left from outside on every
system. An exception is sent into the loop; a loop that swallows it is left behind in a daemon
thread. A single call into compiled code that never comes back *and* never releases the
interpreter (`10 ** 10 ** 10`) cannot be interrupted by anything but a restart of the kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import LabError
from .exercise import Case
from .memory import bounded_memory
from .reply import Reply, TimeUp, array, observe

THREAD = "operator-lab trial"
LINES, WIDTH = 3, 100  # of what an answer prints
BUSY = 3  # times as long as allowed, at most, where other programs take the processor
PATIENCE = 1.0  # seconds to wait for a loop that does not want to end


class FirstLines:
    """A stream that keeps the first lines and counts the rest: megabytes do no harm."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.kept, self.more = [""], 0

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True) if len(text) < 10_000 else [text[:WIDTH], "\n"]:
            if len(self.kept) <= LINES:
                self.kept[-1] = (self.kept[-1] + line)[: WIDTH + 1]
                if line.endswith("\n"):
                    self.kept[-1] = self.kept[-1].rstrip("\n")
                    self.kept.append("")
            else:
                self.more += 1
        return len(text)

    def lines(self) -> tuple[str, ...]:
        """The first lines, and how many more pieces were written."""
        return tuple(line for line in self.kept[:LINES] if line) + ("...",) * bool(self.more)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


@dataclass(frozen=True)
class Trial:
    """What an answer did: a reply to each case, fewer if time ran out, and what it printed.

    `convert` makes its arguments out of arrays: np.array, or a maker of tensors.
    """

    replies: tuple[Reply, ...]
    convert: Callable = np.array
    printed: tuple[str, ...] = ()


def trial(function: Callable, cases: tuple[Case, ...], parts: int, seconds: float) -> Trial:
    """Call an answer on every case.

    NumPy arrays are given first. An answer written for torch fails on them, and is called again
    with float64, then float32 tensors; the most successful of the attempts counts. Integers stay
    integers, as an index must, unless the answer fails on them. LabError if called from within an
    answer.
    """
    if threading.current_thread().name == THREAD:
        raise LabError("check was called inside the function it checks; call it after the function")
    attempts = [attempt(function, cases, parts, seconds)]
    torch = sys.modules.get("torch")
    first = next((o for o in attempts[0].replies if o.kind == "raised"), None)
    if torch is None or first is None or first.error not in _OF_TORCH:
        return attempts[0]
    for numbers, integers in _dtypes(torch, cases):
        tensor = functools.partial(_tensor, torch, numbers, integers)
        attempts.append(attempt(function, cases, parts, seconds, tensor))
        # torch: dtypes do not mix
        if not any(o.error == "RuntimeError" for o in attempts[-1].replies):
            break
    if _meant_for_torch(first, torch):
        attempts = attempts[1:]
    return max(attempts, key=lambda tried: sum(o.kind != "raised" for o in tried.replies))


def at_the_surface(function: Callable, convert: Callable) -> Callable:
    """The same answer, taking NumPy arrays and returning them; tensors it leaves alone."""

    @functools.wraps(function)
    def with_arrays(*args, **named):
        given = [*args, *named.values()]
        if any(hasattr(a, "detach") for a in given):
            return function(*args, **named)

        def made(value):
            return convert(value) if isinstance(value, np.ndarray) else value

        answer = function(*map(made, args), **{k: made(v) for k, v in named.items()})
        return tuple(map(array, answer)) if isinstance(answer, tuple) else array(answer)

    return with_arrays


def _dtypes(torch, cases: tuple[Case, ...]) -> Iterator[tuple]:
    """Yield in which dtypes to hand over real numbers and integers, the likeliest first."""
    given = [a for case in cases for a in case.args if isinstance(a, np.ndarray)]
    yield torch.float64, torch.int64
    yield torch.float32, torch.int64
    if any(a.dtype.kind in "iu" for a in given):  # torch takes, say, no mean of integers
        yield torch.float64, torch.float64
        yield torch.float32, torch.float32


def _tensor(torch, numbers, integers, given: np.ndarray):
    """A tensor of what NumPy holds, however it lies in memory.

    torch takes no array that runs backwards and no foreign order of bytes. What is true or false
    stays so, and complex numbers stay complex.
    """
    lying = np.array(given, dtype=given.dtype.newbyteorder("="), order="C")
    wide = torch.complex128 if numbers is torch.float64 else torch.complex64
    kinds = {"i": integers, "u": integers, "b": torch.bool, "c": wide}
    return torch.tensor(lying, dtype=kinds.get(given.dtype.kind, numbers))


_OF_TORCH = ("TypeError", "AttributeError", "RuntimeError")


def _meant_for_torch(failure: Reply, torch) -> bool:
    """Whether NumPy arrays were refused because tensors were expected."""
    missing = failure.detail.rpartition("attribute ")[2].strip("'")
    return "Tensor" in failure.detail or (
        "numpy.ndarray" in failure.detail and hasattr(torch.Tensor, missing or " ")
    )


def attempt(function, cases, parts, seconds, convert: Callable = np.array) -> Trial:
    """Call an answer once on every case, with arguments made by `convert`."""
    replies: list[Reply] = []
    gate, over, ended = threading.Lock(), False, threading.Event()
    unexpected: list[Exception] = []

    def work() -> None:
        nonlocal over
        try:
            with np.errstate(all="ignore"):
                for case in cases:
                    replies.append(observe(function, case, parts, convert))
        except TimeUp:
            pass
        except Exception as error:  # the judge's own fault: it is raised where it is seen
            unexpected.append(error)
        # Once `over` is set behind the gate, no TimeUp can hit the thread's own ending; one that
        # was sent just before arrives in here.
        while not over:
            try:
                with gate:
                    over = True
            except TimeUp:
                continue
        ended.set()

    def stop() -> None:
        with gate:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp)
                )

    thread = threading.Thread(target=work, name=THREAD, daemon=True)
    heard = FirstLines()
    with _undisturbed(heard), bounded_memory():
        thread.start()
        try:
            _wait(ended, seconds)
        finally:  # time is up, or the learner pressed "interrupt"
            finished = tuple(replies)
            _wait(ended, PATIENCE, stop)
    if unexpected:
        raise unexpected[0]
    return Trial(finished, convert, heard.lines())


def _wait(ended: threading.Event, seconds: float, urge: Callable | None = None) -> None:
    # In small steps: on Windows a long wait cannot be interrupted from the keyboard. On an event,
    # because a `join` that is interrupted takes a running thread for one that has stopped.
    start, used = time.monotonic(), time.process_time()

    def over() -> bool:
        gone = time.monotonic() - start
        # a busy machine is no fault of the answer: three times as long, if it has hardly computed
        return gone >= seconds and (time.process_time() - used >= seconds or gone >= BUSY * seconds)

    while not ended.is_set() and not over():
        with contextlib.suppress(MemoryError):  # the answer has just used it up: its own affair
            if urge is not None:
                urge()
            ended.wait(0.05)


@contextlib.contextmanager
def _undisturbed(heard: FirstLines) -> Iterator[None]:
    """Silence, and random numbers that go on afterwards as if nothing had been called."""
    torch = sys.modules.get("torch")
    numbers, more = random.getstate(), np.random.get_state()
    tensors = torch.get_rng_state() if torch else None
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(heard),
        contextlib.redirect_stderr(heard),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            random.setstate(numbers)
            np.random.set_state(more)
            if torch:
                torch.set_rng_state(tensors)

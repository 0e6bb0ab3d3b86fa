"""How contenders are timed, and what a line of a table holds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Times = Mapping[str, list[float]]  # seconds by contender, one per round
SHORTEST = 0.03  # seconds: what is faster is repeated within a round, in caches of its own


@dataclass(frozen=True)
class Effort:
    """How hard to measure: threads, rounds, and `small` sizes for a test that all of it works."""

    threads: int = 1
    rounds: int = 31
    small: bool = False

    def clock(self) -> float:
        """Seconds of CPU time on one thread (others' work does not count), else of wall time."""
        return time.process_time() if self.threads == 1 else time.perf_counter()


@dataclass(frozen=True)
class Line:
    """One comparison: a number with the middle half of its rounds, what it must and shall reach.

    `unit` is "x" for a ratio. `lower` says that less is better; a line without `must` is there for
    comparison only. `times` are medians in seconds, by contender.
    """

    work: str
    threads: int
    value: float
    low: float
    high: float
    unit: str = "x"
    must: float | None = None
    aim: float | None = None
    lower: bool = False
    times: Mapping[str, float] | None = None

    @property
    def verdict(self) -> str:
        """How it stands to what it must reach and what it aims at."""
        if self.must is None:
            return ""
        sign = -1 if self.lower else 1
        if self.aim is not None and sign * self.value >= sign * self.aim:
            return "aim reached"
        return "reached" if sign * self.value >= sign * self.must else "missed"


def take_turns(contenders: Mapping[str, Callable[[], object]], effort: Effort) -> Times:
    """Run all contenders once a round, after two rounds that do not count."""
    repeats = {}
    for name, task in contenders.items():
        task()
        start = effort.clock()
        task()
        repeats[name] = max(1, round(SHORTEST / max(effort.clock() - start, 1e-7)))
    if effort.small:
        repeats = dict.fromkeys(repeats, 1)
    times = {name: [] for name in contenders}
    gc.collect()
    gc.disable()
    try:
        for _ in range(effort.rounds):
            for name, task in contenders.items():
                start = effort.clock()
                for _ in range(repeats[name]):
                    task()
                times[name].append((effort.clock() - start) / repeats[name])
    finally:
        gc.enable()
    return times


def middle(values: list[float]) -> tuple[float, float, float]:
    """The median, and the quartiles around it."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, low, high


def ratio(
    work: str, effort: Effort, times: Times, of: str, to: str, scale: float = 1.0, **target
) -> Line:
    """The line `of` / `to`, round by round, each ratio times `scale`."""
    rounds = [scale * a / b for a, b in zip(times[of], times[to], strict=True)]
    value, low, high = middle(rounds)
    medians = {name: statistics.median(times[name]) for name in (of, to)}
    return Line(work, effort.threads, value, low, high, times=medians, **target)


def absolute(work: str, effort: Effort, values: list[float], unit: str, **target) -> Line:
    """The line of a quantity that needs no rival, less being better."""
    value, low, high = middle(values)
    return Line(work, effort.threads, value, low, high, unit, lower=True, **target)

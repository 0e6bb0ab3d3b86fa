"""Exercises: the only place that judges an answer."""

from .check import check, hint, solution
from .exercise import Exercise, Law, Probe, Wrong, find, names, table
from .judge import Verdict, judge
from .strict import CheckFailed
from .todo import TODO

__all__ = [
    "TODO", "CheckFailed", "Exercise", "Law", "Probe", "Verdict", "Wrong",
    "check", "find", "hint", "judge", "names", "solution", "table",
]

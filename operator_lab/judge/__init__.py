"""The judge: the only place that says whether an answer is right, and what is wrong with it."""

from .exercise import PLAIN, Case, Exercise, Law
from .facts import differ, short
from .mistakes import Wrong, mistakes
from .strict import CheckFailed
from .todo import TODO
from .verdict import Verdict, judge

__all__ = [
    "PLAIN",
    "TODO",
    "CheckFailed",
    "Exercise",
    "Law",
    "Case",
    "Verdict",
    "Wrong",
    "differ",
    "judge",
    "mistakes",
    "short",
]

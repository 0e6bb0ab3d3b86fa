"""The judge: the only place that says whether an answer is right, and what is wrong with it."""

from .exercise import Exercise, Law, Probe
from .facts import differ
from .mistakes import Wrong, mistakes
from .strict import CheckFailed
from .todo import TODO
from .verdict import Verdict, judge

__all__ = [
    "TODO",
    "CheckFailed",
    "Exercise",
    "Law",
    "Probe",
    "Verdict",
    "Wrong",
    "differ",
    "judge",
    "mistakes",
]

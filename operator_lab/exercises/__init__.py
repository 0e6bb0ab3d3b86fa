"""Exercises: one file each, whose path is its name, and what a learner calls."""

from ..judge import TODO, Case, CheckFailed, Exercise, Law, Verdict, Wrong, judge, mistakes
from .check import check, hint, solution
from .shelf import find, names, table

__all__ = [
    "TODO",
    "CheckFailed",
    "Exercise",
    "Law",
    "Case",
    "Verdict",
    "Wrong",
    "check",
    "find",
    "hint",
    "judge",
    "mistakes",
    "names",
    "solution",
    "table",
]

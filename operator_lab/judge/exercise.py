"""What an exercise is made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .mistakes import Wrong

SEEDS = (20, 26)
SHELF = "operator_lab.exercises."
LEVELS = ("core", "stretch")
# for `spared`, where no mean and no maximum is taken off
PLAIN = {
    "float32": "nothing is taken off, so that float32 answers lose no more than their own digits"
}


@dataclass(frozen=True)
class Case:
    """One set of arguments an answer is tried on, and the words that describe it."""

    args: tuple
    label: str


@dataclass(frozen=True)
class Law:
    """What a right answer obeys.

    `broken(args, answer, tolerance)` returns the sentence that says how it is broken, or None.
    """

    name: str
    broken: Callable


@dataclass(frozen=True)
class Exercise:
    """One exercise: how to ask it, how to help with it and how to judge an answer.

    `reference` is a right answer; `cases` maps a random generator to the arguments all answers
    are tried on; `parts` is the number of arrays an answer consists of (1: an array, otherwise a
    tuple); `seconds` is what all cases may take together, on a processor of their own. `spared`
    names the extremes its cases leave out (tests/test_extremes.py lists them), each with the
    reason.
    """

    title: str
    reference: Callable
    cases: Callable
    wrong: tuple[Wrong, ...] = ()
    laws: tuple[Law, ...] = ()
    hints: tuple[str, ...] = ()
    minutes: int = 5
    level: str = "core"
    parts: int = 1
    seconds: float = 10.0
    spared: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its path below the folder of exercises, `mixing.gauge`; elsewhere the function's name."""
        return self.reference.__module__.partition(SHELF)[2] or self.reference.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the arguments, in order."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def signature(self) -> str:
        """How the function is called, for example `exponent(Q, K, tau=1.0)`."""
        return self.reference.__name__ + in_words(inspect.signature(self.reference))

    def draw(self, cases: Callable | None = None) -> tuple[Case, ...]:
        """Return the cases, the same on every machine: drawn once for each fixed seed."""
        chosen: Callable[[np.random.Generator], Iterable[Case]] = cases or self.cases
        return tuple(p for seed in SEEDS for p in chosen(np.random.default_rng(seed)))


def in_words(signature: inspect.Signature) -> str:
    """Return a signature without its annotations, as one would write it: `(Q, K, tau=1.0)`."""
    bare = [p.replace(annotation=p.empty, default=_plain(p)) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def _plain(parameter: inspect.Parameter) -> object:
    # A default may be a large array: only short ones are worth showing.
    shown = parameter.default is parameter.empty or isinstance(parameter.default, (int, float))
    return parameter.default if shown else ...

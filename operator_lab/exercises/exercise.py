"""What an exercise is made of, and where to find one by its name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import LabError, near

MODULES = (  # in the order of the course
    "one_hot", "one_hot_belief", "one_hot_counting", "embedding", "embedding_rank", "mixing",
    "mixing_update", "channels", "channels_overlap", "channels_exchange", "dyson", "dyson_hops",
    "dyson_freezings", "layernorm", "layernorm_stream", "measurement", "measurement_readouts",
    "measurement_cache", "measurement_povm", "measurement_belief", "training", "training_gradient",
    "training_chain", "training_step", "training_reading",
    "thermodynamics", "thermodynamics_entropy",
    "thermodynamics_geometry",
    "continuum", "continuum_steps",
    "pretrained", "pretrained_jacobian",
    "pseudospectra", "resummation",
)  # fmt: skip
SEEDS = (20, 26)
LEVELS = ("core", "stretch")


@dataclass(frozen=True)
class Probe:
    """One set of arguments an answer is tried on, and the words that describe it."""

    args: tuple
    label: str


@dataclass(frozen=True)
class Wrong:
    """A mistake people make: the function it leads to, and the sentence that explains it."""

    name: str
    function: Callable
    message: str


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

    `probes` maps a random generator to the probes; `parts` is the number of arrays an answer
    consists of (1: an array, otherwise a tuple); `seconds` is what all probes may take together.
    """

    name: str
    title: str
    reference: Callable
    alternatives: tuple[Callable, ...]
    wrong: tuple[Wrong, ...]
    hints: tuple[str, ...]
    minutes: int
    level: str
    laws: tuple[Law, ...]
    probes: Callable
    parts: int = 1
    seconds: float = 10.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the arguments, in order."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def signature(self) -> str:
        """How the function is called, for example `exponent(Q, K, tau=1.0)`."""
        return self.reference.__name__ + in_words(inspect.signature(self.reference))

    def draw(self, probes: Callable | None = None) -> tuple[Probe, ...]:
        """Return the probes, the same on every machine: drawn once for each fixed seed."""
        chosen: Callable[[np.random.Generator], Iterable[Probe]] = probes or self.probes
        return tuple(p for seed in SEEDS for p in chosen(np.random.default_rng(seed)))


class Row(NamedTuple):
    """One line of the table of exercises."""

    name: str
    title: str
    level: str
    minutes: int


def in_words(signature: inspect.Signature) -> str:
    """Return a signature without its annotations, as one would write it: `(Q, K, tau=1.0)`."""
    bare = [p.replace(annotation=p.empty, default=_plain(p)) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def _plain(parameter: inspect.Parameter) -> object:
    # A default may be a large array: only short ones are worth showing.
    shown = parameter.default is parameter.empty or isinstance(parameter.default, (int, float))
    return parameter.default if shown else ...


def _all() -> dict[str, Exercise]:
    modules = (importlib.import_module(f".{stem}", __package__) for stem in MODULES)
    return {exercise.name: exercise for module in modules for exercise in module.EXERCISES}


def find(name: str) -> Exercise:
    """Return the exercise of that name; LabError, with the names nearby, if there is none."""
    known = _all()
    if name not in known:
        raise LabError(
            f"{name!r} is not one of the {len(known)} exercises{near(name, known)} "
            "operator_lab.exercises.names() lists them."
        )
    return known[name]


def names() -> tuple[str, ...]:
    """Return the names of all exercises, in the order of the course."""
    return tuple(_all())


def table() -> tuple[Row, ...]:
    """Return name, title, level (core or stretch) and minutes of every exercise."""
    return tuple(Row(e.name, e.title, e.level, e.minutes) for e in _all().values())

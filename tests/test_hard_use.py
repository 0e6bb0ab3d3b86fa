"""Every public function, given what it should not be given: a sentence, and never a silent number.

A value that a parameter must refuse ends in a LabError of one short sentence; an odd value that
means the same as a good one gives the same result. `DOCUMENTED` lists what looks bad and has a
meaning, each with its reason.
"""

from __future__ import annotations

import contextlib
import inspect
import signal
import warnings
from copy import deepcopy

import numpy as np
import pytest
from hard_calls import AX, call_of, surface
from hard_pictures import AX as DRAWN
from hard_results import same
from hard_values import bad, odd

from operator_lab.errors import LabError
from operator_lab.figures.explorer import Explorer
from operator_lab.measurement import Cache

SURFACE = surface()
SECONDS = 20  # beyond, a call counts as one that never ends
LONGEST = 700  # characters of a sentence
DOCUMENTED: dict[tuple[str, str], str] = {
    ("mixing.mixing", "T"): "an infinite temperature has a limit",
    ("shape.check_temperature", "tau"): "an infinite temperature has a limit",
    ("measurement.generation.tempered", "temperature"): "an infinite temperature has a limit",
    ("measurement.generation.generate", "temperature"): "an infinite temperature has a limit",
    ("measurement.beliefs.replaced", "position"): "counts from the end below 0",
    ("edits.put", "where"): "NumPy's indices: negative ones count from the end",
    ("corpus.grammar.Language.sample", "seed"): "one number or a list",
    ("measurement.beliefs.found_by_place", "place"): "names are strings",
    ("one_hot.window_law", "tokens"): "no words seen: their overall frequencies",
    ("continuum.trained.refined", "times"): "one number or a list",
    ("training.loop.train", "every"): "one number or a list",
    ("training.loop.train", "watch"): "any function",
    ("model.Model.run", "edits"): "an empty dict is no edit",
    ("model.Model.run_batch", "edits"): "an empty dict is no edit",
    ("model.Model.law", "edits"): "an empty dict is no edit",
    ("model.Model.cross_entropy", "edits"): "an empty dict is no edit",
    ("model.Model.excess", "edits"): "an empty dict is no edit",
    ("model.Model.loss", "edits"): "an empty dict is no edit",
    ("figures.layernorm.regulated", "found"): "what is not finite has diverged",
    **{
        (f"thermodynamics.{name}", "E"): "a level at +inf is forbidden"
        for name in (
            "equilibrium.boltzmann", "equilibrium.equilibrium", "equilibrium.free_energy",
            "equilibrium.minimum", "equilibrium.mirror_step", "geometry.cooled",
            "heat.heat_capacity", "simplex.contour",
        )
    },
    ("run.softmax", "z"): "NaN stays NaN, -inf has no weight",
}  # fmt: skip
SLOW = {  # minutes under a type checker: their odd good values are tried by their own tests
    "thermodynamics.landscape.lifted", "continuum.trained.as_an_ode", "one_hot.observers",
}  # fmt: skip
ONCE = {  # a second call with the same arguments gives something else
    "training.ranks.hold_ranks",  # it changes the Transformer it is given
    "training.loop.train",  # it says how many seconds it took
}
ROUNDING = {"thermodynamics.work.quench"}  # gives what a reversible change loses: rounding alone


@contextlib.contextmanager
def limited(seconds: int):
    def late(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of this process: the machine may be busy
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(function, call) -> str:
    """ "refused", "accepted", "hang", or the foreign exception."""
    try:
        with limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(**call)
    except LabError as error:
        text = str(error)
        return "refused" if len(text) < LONGEST else f"a sentence of {len(text)} characters"
    except TimeoutError:
        return "hang"
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "accepted"


def tries(name: str, function):
    """Every (parameter, label, call) with one bad value in a call that works otherwise."""
    call = call_of(name, function)
    for key, parameter in inspect.signature(function).parameters.items():
        if key == "self" or key == "progress" or parameter.kind in (2, 4):
            continue
        for label, value in bad(function, parameter, call.get(key)):
            yield key, label, call | {key: value}


def faults(name: str, function) -> list[str]:
    found = []
    for key, label, call in tries(name, function):
        said = outcome(function, call)
        if said != "refused" and (name, key) not in DOCUMENTED:
            found.append(f"{name}({key}={label}): {said}")
    return found


def varied(name: str, function, table):
    """Every (parameter, label, call) with one value of a table in a call that works."""
    call = call_of(name, function)
    for key, parameter in inspect.signature(function).parameters.items():
        if key in ("self", "progress") or parameter.kind in (2, 4) or key not in call:
            continue
        for label, value in table(parameter, call[key]):
            yield key, label, call | {key: value}


def result(function, call):
    """What a call gives back: a value, or the LabError, or a fault in words."""
    for ax in (AX, DRAWN):
        ax.clear()
    try:
        with limited(SECONDS), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(**copied(call))
    except LabError as error:
        return error
    except TimeoutError:
        return Fault("hang")
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return Fault(f"{type(error).__name__}: {str(error)[:90]}")


class Fault(str):
    """What is neither a result nor a sentence."""


def copied(call):
    """The same call with a cache of its own, for a reading fills it."""
    return {k: deepcopy(v) if isinstance(v, Cache) else v for k, v in call.items()}


def of_odd(name: str, function):
    """Values that mean the same: whether they give the same, and what they gave."""
    plain = result(function, call_of(name, function))
    for key, label, call in varied(name, function, odd):
        got = result(function, call)
        if label == "float32" and (isinstance(got, Explorer) or name in ROUNDING):
            continue  # its words and its size follow the last digits
        alike = same(got, plain, 1e-3 if label == "float32" else 1e-9)
        said = f"{name}({key}={label}): {str(got)[:120]}, not {str(plain)[:60]}"
        yield "the same" if alike else "another", said


@pytest.mark.usefixtures("as_a_learner")
@pytest.mark.parametrize("name", SURFACE)
def test_a_bad_argument_is_told_in_one_sentence(name):
    assert not faults(name, SURFACE[name])


@pytest.mark.thorough
@pytest.mark.usefixtures("as_a_learner")
@pytest.mark.parametrize("name", sorted(set(SURFACE) - SLOW - ONCE))
def test_an_odd_value_that_means_the_same_gives_the_same(name):
    assert not [said for meant, said in of_odd(name, SURFACE[name]) if meant == "another"]

"""Every path through depth (notebook 05; paper IV, Eq. 3-7).

V[l] is step l as a matrix on the flattened state, x + V[l] x what it makes of x; V[0] acts first.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def paths(V, x):
    """All 2^k terms of the same product, row p: V[l] acts wherever bit l of p is 1."""
    y = np.array([x])
    for step in V:
        y = np.concatenate([y, y @ step.T])
    return y


def final(V, x):
    """Return the product of the 1 + V[l], V[0] first, applied to x."""
    for step in V:
        x = x + step @ x
    return x


def steps_apart(rng):
    """Yield matrices that do not commute and a state, in several numbers and sizes."""
    for k, n, size in ((1, 3, 1.0), (2, 2, 1.0), (3, 4, 0.7), (4, 3, 0.8), (4, 2, 2.0)):
        V, x = size * rng.normal(size=(k, n, n)), rng.normal(size=n) + 1
        yield Case((V, x), f"{k} step{'s' * (k > 1)}, a state of {n} numbers, V of size {size:g}")
    for k, n, size in ((1, 1, 1.0), (2, 2, 1e-8), (4, 4, 1e8), (9, 2, 1.0), (2, 45, 1.0)):
        V, x = 0.7 * rng.normal(size=(k, n, n)) / np.sqrt(n), size * rng.normal(size=n)
        yield Case((V, x), f"{k} steps, a state of {n} numbers, x about {size:g}")
    same = rng.integers(-1, 2, size=(1, 3, 3)).repeat(4, axis=0) * 1.0
    yield Case((same, np.ones(3)), "4 equal steps of whole numbers")


def _paths_sum(args, answer, slack):
    if differ(answer.sum(0), final(*args), slack, np.abs(answer).sum(0)):
        return "its paths do not add up to (1 + V_k) ... (1 + V_1) x"


def _short_paths(args, answer, slack):
    V, x = args
    if differ(answer[0], x, slack, np.abs(answer)):
        return "its row 0, the path on which no step acts, is not x"
    for step, matrix in enumerate(V):
        if differ(answer[2**step], matrix @ x, slack, np.abs(answer)):
            return f"its row {2**step}, the path on which V[{step}] alone acts, is not V[{step}] x"


WRONG = """
bits reversed: the paths are right but the bits are read backwards: bit 0, the one worth 1, \
    belongs to V[0]
    np.concatenate([y, y @ step.T]) => np.stack([y, y @ step.T], axis=1).reshape(-1, len(x))
product reversed: on each path the deepest step acts first: V[0] acts before V[1]
    in V: => in V[::-1]:
    np.concatenate([y, y @ step.T]) => np.stack([y, y @ step.T], axis=1).reshape(-1, len(x))
from the last: the list is read from its end: V[0] is the first step and belongs to bit 0
    in V: => in V[::-1]:
bits exchanged: 0 and 1 are exchanged: V[l] acts where bit l is 1, and row 0 is x
    [y, y @ step.T] => [y @ step.T, y]
1 + V at bit 1: where the bit is 1 it applies 1 + V: the 1 is the path with bit 0, apply V alone
    [y, y @ step.T] => [y, y + y @ step.T]
1 + V at bit 0: where the bit is 0 it applies 1 + V: there the step passes the state on unchanged
    [y, y @ step.T] => [y + y @ step.T, y @ step.T]
by order: the paths are right but sorted by how many steps act: row p is the path whose bits \
    spell p
    return y => return y[sorted(range(len(y)), key=int.bit_count)]
partial sums: row p is the sum of all paths up to p: return each path on its own
    return y => return np.cumsum(y, axis=0)
identity path zero: row 0 is zero: the path on which no step acts carries x itself
    return y => y[0] = 0; return y
identity path missing: a row is missing, the path on which no step acts: row 0 is x itself
    return y => return y[1:]
"""

EXERCISE = Exercise(
    title="Every path through depth",
    reference=paths,
    cases=steps_apart,
    wrong=mistakes(paths, WRONG),
    laws=(Law("sum over paths", _paths_sum), Law("short paths", _short_paths)),
    hints=(
        "Multiply the brackets out one by one. Every step turns each path so far into two: one on "
        "which it does nothing and one on which it acts.",
        "Row p is the product of V[l]^(bit l of p), V[0] rightmost, applied to x. Step l adds the "
        "rows 2^l ... 2^(l+1) - 1: they are V[l] times the rows before.",
        "y = np.array([x])",
    ),
    minutes=10,
    level="core",
    spared=PLAIN,
)

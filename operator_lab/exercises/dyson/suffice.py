"""The two products that suffice (notebook 05; paper IV, Eq. 3-7).

V[l] is step l as a matrix on the flattened state, x + V[l] x what it makes of x; V[0] acts first.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes
from .paths import paths


# The function inside makes the printed solution complete.
def suffice(V, x, bra):
    """[p, q], p < q: the two paths whose terms come nearest to bra . (product of the 1 + V) x.

    Path p applies V[l] wherever bit l of p is 1, as in dyson.paths.
    """

    def paths(V, x):
        y = x[None]
        for step in V:
            y = np.concatenate([y, y @ step.T])
        return y

    term = paths(V, x) @ bra
    off = np.abs(term[:, None] + term - term.sum())
    off[np.tril_indices(len(term))] = np.inf
    return np.array(np.unravel_index(off.argmin(), off.shape))


def _clear(args):
    """Whether the two are nearer than any others by more than rounding can change."""
    V, x, bra = args
    term = paths(V, x) @ bra
    pairs = term[:, None] + term
    off = np.sort(np.abs(pairs - term.sum())[np.triu_indices(len(term), 1)])
    return len(off) < 2 or off[1] - off[0] > 3e-3 * np.abs(term).max()


def _suffice_cases(rng):
    for k, n, size in (
        (1, 3, 1.0),
        (2, 2, 1.0),
        (3, 4, 1e-8),
        (3, 3, 1e8),
        (4, 3, 1.0),
        (3, 45, 1.0),
    ):
        while True:
            V = 0.8 * rng.normal(size=(k, n, n)) / np.sqrt(n / 2)
            args = V, size * rng.normal(size=n), rng.normal(size=n)
            if _clear(args):
                break
        args = *args[:2], args[2] / size
        yield Case(args, f"{k} step{'s' * (k > 1)}, a state of {n} numbers about {size:g}")
    while True:
        V = rng.integers(-1, 2, size=(3, 3, 3)) * 1.0
        V[:, 2] = V[:, 0]
        args = V, np.array([1.0, 2.0, 0.0]), rng.normal(size=3)
        if _clear(args):
            break
    yield Case(args, "3 steps of whole numbers, two rows alike")


def _two_paths(args, answer, slack):
    count = 2 ** len(args[0])
    p, q = answer
    if not (p == np.rint(p) and q == np.rint(q) and 0 <= p < q < count):
        return f"it is no pair p < q of the {count} paths, counted from 0"


def _nearest(args, answer, slack):
    if _two_paths(args, answer, slack):
        return None
    V, x, bra = args
    term = paths(V, x) @ bra
    own, best = (term[np.array(pair, dtype=int)].sum() for pair in (answer, suffice(*args)))
    whole = term.sum()
    if abs(own - whole) > abs(best - whole) + slack * np.abs(term).max():
        return (
            f"its two make {own:.6g}, and the whole is {whole:.6g}: another two come to {best:.6g}"
        )


WRONG = """
two largest: they are the two largest terms by size: terms cancel, and what counts is what the two \
    make together
    off = np.abs(term[:, None] + term - term.sum()) => off = -np.abs(term)[:, None] - np.abs(term)
two most positive: they are the two with the largest sum: the sum nearest to the whole is asked
    np.abs(term[:, None] + term - term.sum()) => -(term[:, None] + term)
with an inner product of x: its bra is left out: the length of a path's state is no score
    paths(V, x) @ bra => np.linalg.norm(paths(V, x), axis=1)
identity kept: it always takes the path on which no step acts, and the best partner: any two may \
    be the pair
    off[np.tril_indices(len(term))] = np.inf => \
        off[np.tril_indices(len(term))] = np.inf; off[1:] = np.inf
the same twice: one path may be taken twice there: two different ones are asked, p < q
    np.tril_indices(len(term)) => np.tril_indices(len(term), -1)
reversed: the two are right but the larger stands first: p < q
    np.array(np.unravel_index(off.argmin(), off.shape)) => \
        np.array(np.unravel_index(off.argmin(), off.shape))[::-1]
from 1: it counts the paths from 1: path 0 is the one on which no step acts
    off.argmin(), off.shape)) => off.argmin(), off.shape)) + 1
bits backwards: its bits are read backwards: bit 0, the one worth 1, belongs to V[0]
    paths(V, x) @ bra => (paths(V, x) @ bra).reshape((2,) * len(V)).T.ravel()
"""

EXERCISE = Exercise(
    title="The two products that suffice",
    reference=suffice,
    cases=_suffice_cases,
    wrong=mistakes(suffice, WRONG),
    laws=(Law("two paths", _two_paths), Law("nearest", _nearest)),
    hints=(
        "Each path adds one number to the score. Two of them are to stand for all: must they be "
        "the largest, if others cancel?",
        "term = paths(V, x) @ bra; of all pairs p < q take the one with the least "
        "|term_p + term_q - sum of all|.",
        "off = abs(term[:, None] + term - term.sum())",
    ),
    minutes=10,
    level="core",
    spared={
        "float32": "the pair is a choice: it hangs on differences that float32 may lose",
    },
)

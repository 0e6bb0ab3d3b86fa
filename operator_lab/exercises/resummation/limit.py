"""A limit from three terms (notebook 11; paper VI).

Wynn's vector epsilon algorithm and Anderson's mixing, each in its smallest case.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def limit(S):
    """s1 + [(s2 - s1)^-1 - (s1 - s0)^-1]^-1 with v^-1 = v / (v . v)."""
    late, early = S[2] - S[1], S[1] - S[0]
    v = late / (late @ late) - early / (early @ early)
    return S[1] + v / (v @ v)


def _limit_cases(rng):
    for d in (1, 2, 3, 7):
        yield Case((rng.normal(size=(3, d)),), f"three vectors of {d} feature{'s' * (d > 1)}")
    for rate in (0.6, -0.8, 3.0):
        goal, part = rng.normal(size=(2, 4))
        S = goal + rate ** np.arange(3)[:, None] * part
        yield Case((S,), f"a limit plus one geometric term of rate {rate:g}")
    yield Case((rng.normal(size=(3, 5)) + 30,), "three vectors far from 0")
    for d, size in ((1, 1e-8), (50, 1.0), (4, 1e-8), (3, 1e8)):
        yield Case(
            (size * rng.normal(size=(3, d)),), f"three vectors of {d} features about {size:g}"
        )
    steps = rng.integers(1, 4, size=(3, 6)).cumsum(axis=0) * 1.0 * [[1], [1], [2]]
    yield Case((steps,), "three vectors of whole numbers")


def _geometric(S):
    """Goal and rate where the terms are a limit and one geometric term, else None."""
    early, late = S[1] - S[0], S[2] - S[1]
    rate = (late @ early) / (early @ early)
    if np.linalg.norm(late - rate * early) > 1e-9 * np.linalg.norm(late) or S.shape[1] < 2:
        return None
    return S[2] + late * rate / (1 - rate)


def _exact_for_one_term(args, answer, slack):
    goal = _geometric(args[0])
    if goal is not None and differ(answer, goal, slack):
        return "for a limit plus one geometric term it is not that limit"


def _in_the_plane(args, answer, slack):
    S = args[0]
    if S.shape[1] < 3:
        return None
    steps = np.diff(S, axis=0)
    if np.linalg.matrix_rank(steps, tol=1e-6 * abs(steps).max()) < 2:
        return None  # the three lie on a line
    apart = answer - S[1]
    rest = apart - np.linalg.lstsq(steps.T, apart, rcond=None)[0] @ steps
    if np.linalg.norm(rest) > slack * (np.linalg.norm(apart) + abs(S).max()):
        return "it leaves the plane that the three vectors span"


WRONG = """
sum of inverses: the two inverses are added: Wynn's rule takes their difference
    - early / => + early /
turned round: the difference of the inverses is turned round: the later one comes first
    S[1] + v => S[1] - v
no outer inverse: the difference is not inverted again
    v / (v @ v) => v
from the last: it starts from the last term: the rule adds to the middle one
    S[1] + v => S[2] + v
from the first: it starts from the first term: the rule adds to the middle one
    S[1] + v => S[0] + v
by length: it divides by the length of a vector: the inverse is v / (v . v), by its square
    (late @ late) => np.sqrt(late @ late)
    (early @ early) => np.sqrt(early @ early)
    (v @ v) => np.sqrt(v @ v)
outer only: the steps are not inverted before they are subtracted
    late / (late @ late) - early / (early @ early) => late - early
last term: it is the last term: nothing is foretold
    return 1.0 * S[2]
same step again: it repeats the last step once more
    S[1] + v / (v @ v) => S[2] + late
second difference: it adds the difference of the two steps as they are
    S[1] + v / (v @ v) => S[1] + late - early
"""

EXERCISE = Exercise(
    title="A limit from three terms",
    reference=limit,
    cases=_limit_cases,
    wrong=mistakes(limit, WRONG),
    laws=(Law("exact for one term", _exact_for_one_term), Law("in the plane", _in_the_plane)),
    hints=(
        "Write the inverse of a vector as a function of its own; the rule then is one line.",
        "v^-1 = v / (v . v); late = s2 - s1, early = s1 - s0.",
        "late, early = S[2] - S[1], S[1] - S[0]",
    ),
    minutes=12,
    level="core",
    spared={
        "repeated": "the inverse of a step of length 0 does not exist",
        **PLAIN,
    },
)

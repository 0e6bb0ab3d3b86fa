"""The later exercises of notebook 11: a limit from three terms, one step of DIIS (paper VI).

Wynn's vector epsilon algorithm and Anderson's mixing, each in its smallest case.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def limit(S):
    """s1 + [(s2 - s1)^-1 - (s1 - s0)^-1]^-1 with v^-1 = v / (v . v)."""
    late, early = S[2] - S[1], S[1] - S[0]
    v = late / (late @ late) - early / (early @ early)
    return S[1] + v / (v @ v)


def mixed(x, y):
    """The combination of two images whose residual is least: Anderson's mixing, memory 1."""
    r = y - x
    change = r[1] - r[0]
    weight = (r[1] @ change) / (change @ change)
    return y[1] - weight * (y[1] - y[0])


# --- limit -------------------------------------------------------------------------------------


def _limit_probes(rng):
    for d in (1, 2, 3, 7):
        yield Probe((rng.normal(size=(3, d)),), f"three vectors of {d} feature{'s' * (d > 1)}")
    for rate in (0.6, -0.8, 3.0):
        goal, part = rng.normal(size=(2, 4))
        S = goal + rate ** np.arange(3)[:, None] * part
        yield Probe((S,), f"a limit plus one geometric term of rate {rate:g}")
    yield Probe((rng.normal(size=(3, 5)) + 30,), "three vectors far from 0")


def _inverse(v):
    return v / (v @ v)


def _wynn(change):
    """A limit in which `change(late, early, S)` takes the place of the formula."""
    return lambda S: change(S[2] - S[1], S[1] - S[0], S)


def _closed(S):
    # the same fraction with the inverses multiplied out
    a, b = S[1] - S[0], S[2] - S[1]
    aa, bb, ab = a @ a, b @ b, a @ b
    return S[1] + (aa * b - bb * a) / (aa + bb - 2 * ab)


def _by_table(S):
    columns = [np.zeros((4, S.shape[1])), np.asarray(S, dtype=float)]
    for _ in range(2):
        older, newest = columns[-2:]
        steps = np.diff(newest, axis=0)
        columns.append(older[1 : len(steps) + 1] + steps / (steps**2).sum(1, keepdims=True))
    return columns[-1][0]


def _aitken(late, early, S):
    return S[2] - late**2 / (late - early)


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


LIMIT = Exercise(
    name="resummation.limit",
    title="A limit from three terms",
    reference=limit,
    alternatives=(
        _closed,
        _by_table,
        _wynn(lambda b, a, S: S[1] + _inverse(_inverse(b) - _inverse(a))),
        _wynn(lambda b, a, S: S[1] - _inverse(_inverse(a) - _inverse(b))),
    ),
    wrong=(
        Wrong("sum of inverses", _wynn(lambda b, a, S: S[1] + _inverse(_inverse(b) + _inverse(a))),
              "the two inverses are added: Wynn's rule takes their difference"),
        Wrong("turned round", _wynn(lambda b, a, S: S[1] + _inverse(_inverse(a) - _inverse(b))),
              "the difference of the inverses is turned round: the later one comes first"),
        Wrong("no outer inverse", _wynn(lambda b, a, S: S[1] + _inverse(b) - _inverse(a)),
              "the difference is not inverted again"),
        Wrong("from the last", _wynn(lambda b, a, S: S[2] + _inverse(_inverse(b) - _inverse(a))),
              "it starts from the last term: the rule adds to the middle one"),
        Wrong("from the first", _wynn(lambda b, a, S: S[0] + _inverse(_inverse(b) - _inverse(a))),
              "it starts from the first term: the rule adds to the middle one"),
        Wrong("by length", _wynn(lambda b, a, S: S[1] + _by_length(_by_length(b) - _by_length(a))),
              "it divides by the length of a vector: the inverse is v / (v . v), by its square"),
        Wrong("outer only", _wynn(lambda b, a, S: S[1] + _inverse(b - a)),
              "the steps are not inverted before they are subtracted"),
        Wrong("last term", lambda S: 1.0 * S[2],
              "it is the last term: nothing is foretold"),
        Wrong("same step again", _wynn(lambda b, a, S: S[2] + b),
              "it repeats the last step once more"),
        Wrong("second difference", _wynn(lambda b, a, S: S[1] + b - a),
              "it adds the difference of the two steps as they are"),
    ),
    hints=(
        "Write the inverse of a vector as a function of its own; the rule then is one line.",
        "v^-1 = v / (v . v); late = s2 - s1, early = s1 - s0.",
        "late, early = S[2] - S[1], S[1] - S[0]",
    ),
    minutes=12,
    level="core",
    laws=(Law("exact for one term", _exact_for_one_term), Law("in the plane", _in_the_plane)),
    probes=_limit_probes,
)


def _by_length(v):
    return v / np.sqrt(v @ v)


# --- mixed -------------------------------------------------------------------------------------


def _mixed_probes(rng):
    for d in (2, 3, 6):
        x, y = rng.normal(size=(2, 2, d))
        yield Probe((x, y), f"two states of {d} features")
    for d in (2, 4):
        A, b = 0.5 * rng.normal(size=(d, d)), rng.normal(size=d)
        x = rng.normal(size=(2, d))
        yield Probe((x, x @ A.T + b), f"two states of {d} features under a linear map")
    x = rng.normal(size=(2, 3)) + 20
    yield Probe((x, 0.3 * x + 1), "two states under a map that only shrinks")


def _weights(x, y):
    """Weights of the first and the second state, sum 1, of least residual: by the KKT system."""
    r = np.asarray(y) - np.asarray(x)
    M = np.zeros((3, 3))
    M[:2, :2], M[2, :2], M[:2, 2] = r @ r.T, 1.0, 1.0
    return np.linalg.solve(M, [0.0, 0.0, 1.0])[:2]


def _by_lstsq(x, y):
    r = y - x
    w = np.linalg.lstsq((r[1] - r[0])[:, None], r[1], rcond=None)[0][0]
    return (1 - w) * y[1] + w * y[0]


def _from_the_first(x, y):
    r0, r1 = y - x
    w = -(r0 @ (r1 - r0)) / ((r1 - r0) @ (r1 - r0))
    return (1 - w) * y[0] + w * y[1]


def _changed(weight, of="y", sign=1):
    """A mixed with another weight, of the states, or with another sign."""

    def function(x, y):
        r = y - x
        w = sign * weight(r[0], r[1], x, y)
        z = {"x": x, "y": y, "r": r}[of]
        return z[1] - w * (z[1] - z[0])

    return function


def _right_weight(r0, r1, x, y):
    return (r1 @ (r1 - r0)) / ((r1 - r0) @ (r1 - r0))


def _on_the_line(args, answer, slack):
    y = args[1]
    step, apart = y[1] - y[0], answer - y[0]
    rest = apart - (apart @ step) / (step @ step) * step
    if np.linalg.norm(rest) > slack * (np.linalg.norm(apart) + abs(y).max()):
        return "it does not lie on the line through the two images"


def _least(args, answer, slack):
    x, y = args
    step = y[1] - y[0]
    w = ((answer - y[0]) @ step) / (step @ step)
    r = y - x
    residual, change = r[0] + w * (r[1] - r[0]), r[1] - r[0]
    size = np.linalg.norm(change) * (np.linalg.norm(r) + np.linalg.norm(w * change))
    if abs(residual @ change) > slack * size:
        return "the residual of its combination could be made smaller along the line"


MIXED = Exercise(
    name="resummation.mixed",
    title="One step of DIIS",
    reference=mixed,
    alternatives=(
        lambda x, y: _weights(x, y) @ np.asarray(y),
        _by_lstsq,
        _from_the_first,
        _changed(_right_weight),
    ),
    wrong=(
        Wrong("states", _changed(_right_weight, "x"),
              "it combines the states: the next state is that combination of their images"),
        Wrong("residual", _changed(_right_weight, "r"),
              "it is the least residual itself: return the combination of the images"),
        Wrong("sign", _changed(_right_weight, sign=-1),
              "its weight has the wrong sign: it steps away from the least residual"),
        Wrong("last image", lambda x, y: 1.0 * y[1],
              "it is the last image, plain iteration: nothing is mixed"),
        Wrong("mean", lambda x, y: (y[0] + y[1]) / 2,
              "it is the mean of the images: the weights follow from the residuals"),
        Wrong("least image", _changed(lambda r0, r1, x, y: (y[1] @ (y[1] - y[0]))
                                      / ((y[1] - y[0]) @ (y[1] - y[0]))),
              "it makes the image least, not the residual y - x"),
        Wrong("weights swapped", lambda x, y: _weights(x, y)[::-1] @ np.asarray(y),
              "the two weights are swapped"),
        Wrong("step for residual", _changed(lambda r0, r1, x, y: (r1 @ (x[1] - x[0]))
                                            / ((r1 - r0) @ (x[1] - x[0]))),
              "it makes the residual orthogonal to the step of the states (Broyden's choice); "
              "least squares takes the change of the residual"),
        Wrong("by size", _changed(lambda r0, r1, x, y: (r1 @ r1) / (r0 @ r0 + r1 @ r1)),
              "it weighs by the sizes of the residuals, whatever their directions"),
        Wrong("plus the least residual", lambda x, y: _changed(_right_weight)(x, y)
              + _changed(_right_weight, "r")(x, y),
              "the least residual is added to the images' combination, which holds it already"),
    ),
    hints=(
        "On the line through the two images, which point has the least residual? One unknown, a "
        "parabola.",
        "w = r1 . (r1 - r0) / |r1 - r0|^2 is the weight of the first state, r = y - x.",
        "r = y - x; change = r[1] - r[0]",
    ),
    minutes=15,
    level="stretch",
    laws=(Law("on the line", _on_the_line), Law("least", _least)),
    probes=_mixed_probes,
)

EXERCISES = (LIMIT, MIXED)

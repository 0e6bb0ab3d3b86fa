"""The exercises of notebook 10 on depth as time: Heun's step, Strang's, the flow on a sphere."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def heun(f, x, t, h):
    """x + h (f(x, t) + f(x + h f(x, t), t + h)) / 2."""
    first = f(x, t)
    return x + h / 2 * (first + f(x + h * first, t + h))


def strang(A, B, h):
    """e^{hA/2} e^{hB} e^{hA/2}, one Strang step of u' = (A + B) u as a matrix."""
    from scipy.linalg import expm

    half = expm(h / 2 * A)
    return half @ expm(h * B) @ half


def tangent(x, v):
    """What is left of velocities v when no row may change its mean or its variance."""
    c = x - x.mean(axis=1, keepdims=True)
    n = c / c.std(axis=1, keepdims=True)
    v = v - v.mean(axis=1, keepdims=True)
    return v - n * (n * v).mean(axis=1, keepdims=True)


# --- heun --------------------------------------------------------------------------------------

# written with + and * alone, so that they take what the answer takes, NumPy or torch
VELOCITIES = {
    "u' = u (1 - u) + t": lambda x, t: x * (1 - x) + t,
    "u' = t^2, whatever u is": lambda x, t: 0 * x + t * t,
    "u' = -3 u": lambda x, t: -3.0 * x,
    "u' = t u^2 - (sum of u) / 4": lambda x, t: t * x * x - x.sum() / 4,
}


def _heun_probes(rng):
    for (name, f), h in zip(VELOCITIES.items(), (0.5, 1.5, 0.25, 0.4), strict=True):
        t = float(rng.uniform(0.3, 1.2))
        shape = (int(rng.integers(2, 4)), int(rng.integers(2, 5)))
        yield Probe((f, rng.normal(size=shape), t, h), f"{name}, t = {t:.3f}, h = {h:g}")


def _as_a_mean(f, x, t, h):
    once = x + h * f(x, t)
    return (x + once + h * f(once, t + h)) / 2


def _trapezoid(args, answer, slack):
    f, x, t, h = args
    if np.array_equal(f(x + 1, t), f(x, t)):  # a velocity that does not look at the state
        right = x + h * (f(x, t) + f(x, t + h)) / 2
        if differ(answer, right, slack, np.abs(x)):
            return "for a velocity that does not look at the state it is not the trapezoid rule"


HEUN = Exercise(
    name="continuum.heun",
    title="A layer of second order",
    reference=heun,
    alternatives=(
        _as_a_mean,
        lambda f, x, t, h: x + h * sum(f(x + s * f(x, t), t + s) for s in (0, h)) / 2,
    ),
    wrong=(
        Wrong("Euler", lambda f, x, t, h: x + h * f(x, t),
              "it is Euler's step, order 1: a second slope is missing"),
        Wrong("midpoint", lambda f, x, t, h: x + h * f(x + h / 2 * f(x, t), t + h / 2),
              "it is the midpoint rule, of order 2 as well: Heun takes the slopes at both ends"),
        Wrong("old time", lambda f, x, t, h: x + h / 2 * (f(x, t) + f(x + h * f(x, t), t)),
              "the second slope is taken at time t: it belongs to t + h"),
        Wrong("old state", lambda f, x, t, h: x + h / 2 * (f(x, t) + f(x, t + h)),
              "the second slope is taken at the old state: it belongs to Euler's end, x + h f"),
        Wrong("end only", lambda f, x, t, h: x + h * f(x + h * f(x, t), t + h),
              "only the slope at the end is used: the mean of both is of second order"),
        Wrong("not halved", lambda f, x, t, h: x + h * (f(x, t) + f(x + h * f(x, t), t + h)),
              "the two slopes are added: take their mean"),
        Wrong("two Euler steps", lambda f, x, t, h: (lambda y: y + h / 2 * f(y, t + h / 2))(
              x + h / 2 * f(x, t)),
              "these are two Euler steps of half the size: still order 1"),
        Wrong("no h inside", lambda f, x, t, h: x + h / 2 * (f(x, t) + f(x + f(x, t), t + h)),
              "the state of the second slope lacks its h: it is x + h f(x, t)"),
        Wrong("slope alone", lambda f, x, t, h: (f(x, t) + f(x + h * f(x, t), t + h)) / 2,
              "it is the mean slope: the step is x + h times that"),
        Wrong("half step inside", lambda f, x, t, h: x + h / 2 * (
              f(x, t) + f(x + h / 2 * f(x, t), t + h)),
              "the second slope is taken at x + h/2 f: the state at t + h is x + h f"),
    ),
    hints=(
        "Euler trusts the slope at the start for the whole step. Go to its end, look at the slope "
        "there too, and start again with the mean of the two.",
        "x + h/2 (f(x, t) + f(x + h f(x, t), t + h))",
        "first = f(x, t)",
    ),
    minutes=6,
    level="core",
    laws=(Law("trapezoid", _trapezoid),),
    probes=_heun_probes,
)

# --- strang ------------------------------------------------------------------------------------


def _strang_probes(rng):
    for n, h, symmetric in ((2, 0.7, False), (3, 0.3, False), (3, 0.5, True), (4, 0.2, False)):
        A, B = 1.2 * rng.normal(size=(2, n, n)) + 0.2
        if symmetric:
            A, B = A + A.T, B + B.T
        kind = "symmetric " * symmetric
        yield Probe((A, B, h), f"{kind}{n} x {n} matrices, h = {h:g}")


def _series(M):
    # e^M by squaring a short Taylor series
    small, term, total = M / 1024, np.eye(len(M)), np.eye(len(M))
    for k in range(1, 7):
        term = term @ small / k
        total = total + term
    for _ in range(10):
        total = total @ total
    return total


def _by_eigenvectors(M):
    values, vectors = np.linalg.eig(M)
    return (vectors * np.exp(values) @ np.linalg.inv(vectors)).real


def _determinant(args, answer, slack):
    A, B, h = args
    right = np.exp(h * (np.trace(A) + np.trace(B)))
    size = np.linalg.norm(answer, 2) ** len(A)  # what its terms are made of
    if abs(np.linalg.det(answer) - right) > slack * max(right, size):
        return "its determinant is not e^(h (tr A + tr B)), as of every product of exact flows"


def _symmetric(args, answer, slack):
    A, B, _ = args
    if (A == A.T).all() and (B == B.T).all() and differ(answer, answer.T, slack):
        return "with symmetric A and B it is not symmetric: read backwards Strang is the same"


STRANG = Exercise(
    name="continuum.strang",
    title="A symmetric layer",
    reference=strang,
    alternatives=(
        lambda A, B, h: _series(h / 2 * A) @ _series(h * B) @ _series(h / 2 * A),
        lambda A, B, h: (lambda E: E(h / 2 * A) @ E(h * B) @ E(h / 2 * A))(_by_eigenvectors),
        lambda A, B, h: np.linalg.multi_dot([expm(h * M) for M in (A / 2, B / 2, B / 2, A / 2)]),
    ),
    wrong=(
        Wrong("Lie, A first", lambda A, B, h: expm(h * B) @ expm(h * A),
              "it is Lie splitting, A first: Strang does half of A before B and half after"),
        Wrong("Lie, B first", lambda A, B, h: expm(h * A) @ expm(h * B),
              "it is Lie splitting, B first: Strang does half of A before B and half after"),
        Wrong("B halved", lambda A, B, h: expm(h / 2 * B) @ expm(h * A) @ expm(h / 2 * B),
              "it halves B and does A in the middle: of second order too, but here A is halved"),
        Wrong("A twice", lambda A, B, h: expm(h * A) @ expm(h * B) @ expm(h * A),
              "A acts for h on both sides, 2h in all: each side is half a step"),
        Wrong("B for half", lambda A, B, h: expm(h / 2 * A) @ expm(h / 2 * B) @ expm(h / 2 * A),
              "B acts for half a step only: it stands alone in the middle, for all of h"),
        Wrong("Euler", lambda A, B, h: (np.eye(len(A)) + h / 2 * A) @ (np.eye(len(A)) + h * B)
              @ (np.eye(len(A)) + h / 2 * A),
              "the sub-flows are Euler's, 1 + hA: exact ones are exponentials, and without them "
              "Strang is of order 1"),
        Wrong("not split", lambda A, B, h: expm(h * (A + B)),
              "it is the exact flow of A + B: that is what the splitting approximates"),
        Wrong("mean of both", lambda A, B, h: (expm(h * A) @ expm(h * B)
              + expm(h * B) @ expm(h * A)) / 2,
              "it is the mean of both orders, of second order too but not this product"),
        Wrong("entrywise", lambda A, B, h: np.exp(h / 2 * A) @ np.exp(h * B) @ np.exp(h / 2 * A),
              "np.exp takes the exponential of each entry: a flow needs that of the matrix "
              "(scipy.linalg.expm)"),
        Wrong("half missing", lambda A, B, h: expm(h / 2 * A) @ expm(h * B),
              "the second half of A is missing"),
    ),
    hints=(
        "Lie goes A, then B, and read backwards it is another splitting. Share A out so that the "
        "layer reads the same from both ends.",
        "e^(hA/2) e^(hB) e^(hA/2), with matrix exponentials.",
        "half = scipy.linalg.expm(h / 2 * A)",
    ),
    minutes=6,
    level="core",
    laws=(Law("determinant", _determinant), Law("symmetric", _symmetric)),
    probes=_strang_probes,
)

# --- tangent -----------------------------------------------------------------------------------


def _tangent_probes(rng):
    for N, d, size, offset in ((3, 4, 2.0, 1.0), (2, 6, 0.4, -2.0), (4, 4, 1.0, 0.3),
                               (1, 5, 3.0, 0.0)):  # fmt: skip
        x, v = size * rng.normal(size=(N, d)) + offset, rng.normal(size=(N, d)) + 0.7
        yield Probe((x, v), f"{N} position{'s' * (N > 1)}, d = {d}, x of size {size:g}")


def _velocity(change):
    """Return a tangent in which `change(n, c, v, w, x)` takes the place of the formula.

    c is x without its mean, n is c over sigma, w is v without its mean.
    """

    def changed(x, v):
        c = x - x.mean(axis=1, keepdims=True)
        w = v - v.mean(axis=1, keepdims=True)
        return change(c / c.std(axis=1, keepdims=True), c, v, w, x)

    return changed


def _dot(a, b):
    return (a * b).mean(axis=1, keepdims=True)


def _least_squares(x, v):
    rows = []
    for a, b in zip(x, v, strict=True):
        forbidden = np.stack([np.ones_like(a), a], axis=1)
        rows.append(b - forbidden @ np.linalg.lstsq(forbidden, b, rcond=None)[0])
    return np.array(rows)


def _by_differences(x, v):
    h = 1e-6
    c = x - x.mean(axis=1, keepdims=True)
    n = c / c.std(axis=1, keepdims=True)

    def onto(y):
        y = y - y.mean(axis=1, keepdims=True)
        return y / y.std(axis=1, keepdims=True)

    return (onto(n + h * v) - onto(n - h * v)) / (2 * h)


def _keeps_mean(args, answer, slack):
    if differ(answer.mean(axis=1), 0, slack, np.abs(args[1])):
        return "a row changes its mean: what it returns must have mean 0"


def _keeps_variance(args, answer, slack):
    x = args[0]
    n = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    if differ((n * answer).mean(axis=1), 0, slack, np.abs(args[1])):
        return "a row changes its variance: what it returns must be orthogonal to x - mean"


TANGENT = Exercise(
    name="continuum.tangent",
    title="Where many thin post-LN layers flow",
    reference=tangent,
    alternatives=(
        _least_squares,
        _velocity(lambda n, c, v, w, x: v - _dot(v, 1) - c * _dot(c, v) / _dot(c, c)),
        lambda x, v: _by_differences(x.astype(float), v.astype(float)),
    ),
    wrong=(
        Wrong("mean only", _velocity(lambda n, c, v, w, x: w),
              "only the mean is kept: the component along x - mean must go too"),
        Wrong("variance only", _velocity(lambda n, c, v, w, x: v - n * _dot(n, v)),
              "only the variance is kept: the mean of the velocity must go too"),
        Wrong("the rest", _velocity(lambda n, c, v, w, x: _dot(v, 1) + n * _dot(n, v)),
              "it is the forbidden part: subtract it from the velocity"),
        Wrong("no 1/d", _velocity(lambda n, c, v, w, x: w - n * x.shape[1] * _dot(n, w)),
              "n . v is summed over the features: n has length sqrt(d), so divide by d"),
        Wrong("c for n", _velocity(lambda n, c, v, w, x: w - c * _dot(c, w)),
              "x - mean is not normed: subtract its direction times the component along it"),
        Wrong("x for n", _velocity(lambda n, c, v, w, x: w - x * _dot(x, w) / _dot(x, x)),
              "the component along x itself is removed: the variance depends on x - mean"),
        Wrong("added", _velocity(lambda n, c, v, w, x: w + n * _dot(n, w)),
              "the component along n is added: take it away"),
        Wrong("Jacobian", _velocity(lambda n, c, v, w, x: (w - n * _dot(n, w))
              / x.std(axis=1, keepdims=True)),
              "it is LayerNorm's Jacobian, over sigma: a velocity on the sphere keeps its size"),
        Wrong("normed", _velocity(lambda n, c, v, w, x: w / w.std(axis=1, keepdims=True)),
              "it norms the velocity: what must stay as it is are mean and variance of the state"),
    ),
    hints=(
        "A state may move in all directions but two: the one that shifts all features alike, and "
        "the one that stretches x - mean.",
        "v - mean(v) - n mean(n v), with n = (x - mean) / sigma.",
        "c = x - x.mean(axis=1, keepdims=True)",
    ),
    minutes=10,
    level="stretch",
    laws=(Law("mean", _keeps_mean), Law("variance", _keeps_variance)),
    probes=_tangent_probes,
)

EXERCISES = (HEUN, STRANG, TANGENT)

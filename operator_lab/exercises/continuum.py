"""The exercises of notebook 10 on positions and constraints (arXiv 2510.03989).

Attention as a quadrature, LayerNorm as the nearest point of a sphere and how far it is.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ
from .mixing import softmax


def attend(S, v, w):
    """sum_j w_j e^{S_ij} v_j / sum_j w_j e^{S_ij}: attention by a quadrature rule of weights w."""
    weight = w * np.exp(S - S.max(axis=1, keepdims=True))
    return weight @ v / weight.sum(axis=1, keepdims=True)


def project(x, mean, variance):
    """The nearest point of {mean, variance} to each row, and how far it is."""
    m, sigma = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    point = mean + np.sqrt(variance) * (x - m) / sigma
    return point, np.sqrt(((point - x) ** 2).sum(axis=1))


# --- attend ------------------------------------------------------------------------------------


def _attend_probes(rng):
    for n, m, e, size in ((3, 4, 2, 1.0), (2, 5, 3, 3.0), (4, 2, 4, 0.5), (3, 3, 3, 2.0)):
        w = rng.uniform(0.1, 2, size=m)
        args = (size * rng.normal(size=(n, m)), rng.normal(size=(m, e)) + 1, w)
        yield Probe(args, f"{n} queries, {m} points, values of {e} features, S of size {size:g}")
    S, v = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    yield Probe((S, v, np.array([0.5, 1.0, 1.0, 0.5]) / 3), "the trapezoid rule, 4 points")


def _repeated(S, v, w):
    # as a sum of point masses, query by query
    rows = []
    for s in S:
        mass = [a * np.exp(b) for a, b in zip(w, s, strict=True)]
        total = sum(c * row for c, row in zip(mass, v, strict=True))
        rows.append(total / sum(mass))
    return np.array(rows)


def _a_mean(args, answer, slack):
    low, high = args[1].min(axis=0), args[1].max(axis=0)
    room = slack * max(1.0, np.abs(args[1]).max())
    if (answer < low - room).any() or (answer > high + room).any():
        return "it is no mean of the values: some entries lie beyond the largest or smallest value"


ATTEND = Exercise(
    name="continuum.attend",
    title="Attention by a quadrature rule",
    reference=attend,
    alternatives=(
        lambda S, v, w: softmax(S + np.log(w)) @ v,
        lambda S, v, w: np.einsum("ij,j,je->ie", np.exp(S), w, v) / (np.exp(S) @ w)[:, None],
        _repeated,
    ),
    wrong=(
        Wrong("equal weights", lambda S, v, w: softmax(S) @ v,
              "the weights are left out: this is softmax attention, the rule with equal weights"),
        Wrong("only above", lambda S, v, w: softmax(S) @ (w[:, None] * v),
              "the weights stand above the line only: the integral below needs them as well"),
        Wrong("only below", lambda S, v, w: np.exp(S) @ v / (np.exp(S) @ w)[:, None],
              "the weights stand below the line only: the integral above needs them as well"),
        Wrong("not normalised", lambda S, v, w: (w * np.exp(S)) @ v,
              "it is not divided by the sum of w e^S: attention is a mean"),
        Wrong("added to S", lambda S, v, w: softmax(S + w) @ v,
              "w is added to the exponent: e^(S + w) is a factor e^w, a factor w is log w there"),
        Wrong("times S", lambda S, v, w: softmax(w * S) @ v,
              "w multiplies the exponent, as a temperature would: it multiplies e^S"),
        Wrong("divided", lambda S, v, w: softmax(S - np.log(w)) @ v,
              "it divides by the weights: a point that stands for more counts more"),
        Wrong("twice", lambda S, v, w: softmax(S + 2 * np.log(w)) @ v,
              "the weights enter twice: once is the rule"),
        Wrong("over queries", lambda S, v, w: (w * np.exp(S) / (w * np.exp(S)).sum(axis=0)) @ v,
              "it is normalised over the queries (axis 0): each query has its own Z"),
        Wrong("mean of the rule", lambda S, v, w: softmax(np.zeros_like(S) + np.log(w)) @ v,
              "S is left out: this is the plain integral of the values"),
    ),
    hints=(
        "Two integrals over y, one above and one below the line. What does a quadrature rule make "
        "of each?",
        "sum_j w_j e^(S_ij) v_j / sum_j w_j e^(S_ij); equal weights cancel and leave the softmax.",
        "weight = w * np.exp(S - S.max(axis=1, keepdims=True))",
    ),
    minutes=6,
    level="core",
    laws=(Law("a mean of the values", _a_mean),),
    probes=_attend_probes,
)

# --- project -----------------------------------------------------------------------------------


def _project_probes(rng):
    cases = ((3, 5, 1.0, 0.5, 1.7), (2, 4, 3.0, -2.0, 0.3), (4, 3, 0.2, 1.0, 4.0),
             (1, 6, 2.0, 0.3, 2.0))  # fmt: skip
    for N, d, size, mean, variance in cases:
        x = size * rng.normal(size=(N, d)) + rng.normal()
        label = f"{N} position{'s' * (N > 1)}, d = {d}, mean {mean:g}, variance {variance:g}"
        yield Probe((x, mean, variance), label)


def _nearest(change):
    """Return a project whose point is `change(c, m, sigma, mean, s, x)`, its distance measured."""

    def changed(x, mean, variance):
        m = x.mean(axis=1, keepdims=True)
        point = change(x - m, m, x.std(axis=1, keepdims=True), mean, np.sqrt(variance), x)
        return point, np.linalg.norm(point - x, axis=1)

    return changed


def _far(change):
    """Return a project whose distance is `change(d, m, sigma, mean, s)`, its point right."""

    def changed(x, mean, variance):
        d, m, sigma = x.shape[1], x.mean(axis=1), x.std(axis=1)
        return project(x, mean, variance)[0], change(d, m, sigma, mean, np.sqrt(variance))

    return changed


def _law_of_distance(d, m, sigma, mean, s):
    return np.sqrt(d * ((sigma - s) ** 2 + (m - mean) ** 2))


def _in_loops(x, mean, variance):
    points, far = [], []
    for row in x:
        c = row - sum(row) / len(row)
        points.append(mean + c * (variance * len(c) / (c @ c)) ** 0.5)
        far.append(sum((points[-1] - row) ** 2) ** 0.5)
    return np.array(points), np.array(far)


def _of_mean(args, answer, slack):
    x, mean, variance = args
    if differ(answer[0].mean(axis=1), mean, slack, np.abs(answer[0])):
        return "the rows of its first item do not have the mean asked for"


def _of_variance(args, answer, slack):
    x, mean, variance = args
    if differ(answer[0].var(axis=1), variance, slack, answer[0] ** 2):
        return "the rows of its first item do not have the variance asked for"


def _as_far(args, answer, slack):
    point, far = answer
    own = np.linalg.norm(point - args[0], axis=1)
    if differ(far, own, slack, np.abs(args[0])):
        return "its second item is not the distance from x to its first item"


PROJECT = Exercise(
    name="continuum.project",
    title="The nearest state of a given mean and variance",
    reference=project,
    alternatives=(
        _far(_law_of_distance),
        _in_loops,
        _nearest(lambda c, m, sigma, mean, s, x:
                 c * np.sqrt(s**2 / np.einsum("nd,nd->n", c, c)[:, None] * c.shape[1]) + mean),
    ),
    wrong=(
        Wrong("variance for deviation", _nearest(lambda c, m, sigma, mean, s, x:
              mean + s**2 * c / sigma),
              "it is scaled by the variance: the length goes with its root"),
        Wrong("mean left out", _nearest(lambda c, m, sigma, mean, s, x: s * c / sigma),
              "the target mean is left out"),
        Wrong("mean kept", _nearest(lambda c, m, sigma, mean, s, x: m + s * c / sigma),
              "it keeps each row's own mean: move it to the target"),
        Wrong("not centred", _nearest(lambda c, m, sigma, mean, s, x: mean + s * x / sigma),
              "x is not centred before it is scaled: take its mean away first"),
        Wrong("not scaled", _nearest(lambda c, m, sigma, mean, s, x: mean + c),
              "only the mean is set: the deviation is still that of x"),
        Wrong("unit length", _nearest(lambda c, m, sigma, mean, s, x:
              mean + s * c / np.linalg.norm(c, axis=1, keepdims=True)),
              "it is scaled to length s: a variance of s^2 is a length of s sqrt(d)"),
        Wrong("ddof", _nearest(lambda c, m, sigma, mean, s, x:
              mean + s * c / x.std(axis=1, ddof=1, keepdims=True)),
              "the variance is taken with 1/(d-1) (ddof=1): it is a mean over d features"),
        Wrong("farthest", _nearest(lambda c, m, sigma, mean, s, x: mean - s * c / sigma),
              "it is the farthest point of the sphere: keep the direction of x - mean"),
        Wrong("mean scaled", _nearest(lambda c, m, sigma, mean, s, x: s * (mean + c / sigma)),
              "the target mean is scaled along: add it last"),
        Wrong("squared distance", _far(lambda *a: _law_of_distance(*a) ** 2),
              "the second item is the square of the distance: take the root"),
        Wrong("no d", _far(lambda d, *a: _law_of_distance(1, *a)),
              "the second item is a root mean square: a distance sums over the features"),
        Wrong("no mean", _far(lambda d, m, sigma, mean, s: np.sqrt(d) * np.abs(sigma - s)),
              "the second item knows of the change of length only: moving the mean counts too"),
    ),
    hints=(
        "Moving all features together changes the mean and nothing else. In what is left, which "
        "point of a sphere is nearest to a given one?",
        "mean + sqrt(variance) (x - m) / sigma, with m and sigma (1/d) of the row.",
        "m, sigma = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)",
    ),
    minutes=10,
    level="core",
    laws=(Law("mean", _of_mean), Law("variance", _of_variance), Law("as far", _as_far)),
    probes=_project_probes,
    parts=2,
)

EXERCISES = (ATTEND, PROJECT)

"""The nearest state of a given mean and variance (notebook 10; arXiv 2510.03989).

Attention as a quadrature, LayerNorm as the nearest point of a sphere and how far it is.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, differ, mistakes


def project(x, mean, variance):
    """The nearest point of {mean, variance} to each row, and how far it is."""
    m, sigma = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    point = mean + np.sqrt(variance) * (x - m) / sigma
    return point, np.sqrt(((point - x) ** 2).sum(axis=1))


def _project_cases(rng):
    cases = (
        (3, 5, 1.0, 0.5, 1.7),
        (2, 4, 3.0, -2.0, 0.3),
        (4, 3, 0.2, 1.0, 4.0),
        (1, 6, 2.0, 0.3, 2.0),
    )
    for N, d, size, mean, variance in cases:
        x = size * rng.normal(size=(N, d)) + rng.normal()
        label = f"{N} position{'s' * (N > 1)}, d = {d}, mean {mean:g}, variance {variance:g}"
        yield Case((x, mean, variance), label)
    for N, d, size, mean, variance in (
        (50, 45, 1.0, 0.0, 1.0),
        (3, 3, 1e-8, 0.0, 1e-16),
        (3, 4, 1e8, 1e8, 1e16),
        (1, 2, 1.0, 0.5, 2.0),
        (4, 3, 1.0, 0.0, 1e-8),
    ):
        x = size * rng.normal(size=(N, d))
        x[-1] = x[0]
        label = f"N = {N}, first and last alike, d = {d}, x about {size:g}, variance {variance:g}"
        yield Case((x, mean, variance), label)
    single = np.float32(rng.normal(size=(3, 5)) + 1000)
    yield Case((single, 1000.0, 4.0), "3 positions in float32 about 1000, d = 5")
    whole = np.array([[0.0, 1.0, 0.0, 3.0], [-2.0, -1.0, -1.0, 0.0]])
    yield Case((whole, -1.0, 2.0), "2 positions of whole numbers, d = 4")


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


WRONG = """
variance for deviation: it is scaled by the variance: the length goes with its root
    np.sqrt(variance) => variance
mean left out: the target mean is left out
    mean + =>
mean kept: it keeps each row's own mean: move it to the target
    mean + => m +
not centred: x is not centred before it is scaled: take its mean away first
    (x - m) => x
not scaled: only the mean is set: the deviation is still that of x
    np.sqrt(variance) * (x - m) / sigma => (x - m)
unit length: it is scaled to length s: a variance of s^2 is a length of s sqrt(d)
    / sigma => / np.linalg.norm(x - m, axis=1, keepdims=True)
ddof: the variance is taken with 1/(d-1) (ddof=1): it is a mean over d features
    x.std(axis=1, => x.std(axis=1, ddof=1,
farthest: it is the farthest point of the sphere: keep the direction of x - mean
    mean + => mean -
mean scaled: the target mean is scaled along: add it last
    mean + np.sqrt(variance) * (x - m) / sigma => np.sqrt(variance) * (mean + (x - m) / sigma)
squared distance: the second item is the square of the distance: take the root
    np.sqrt(((point - x) ** 2).sum(axis=1)) => ((point - x) ** 2).sum(axis=1)
no d: the second item is a root mean square: a distance sums over the features
    ** 2).sum( => ** 2).mean(
no mean: the second item knows of the change of length only: moving the mean counts too
    np.sqrt(((point - x) ** 2).sum(axis=1)) => \
        np.sqrt(x.shape[1]) * np.abs(x.std(axis=1) - np.sqrt(variance))
"""

EXERCISE = Exercise(
    title="The nearest state of a given mean and variance",
    reference=project,
    cases=_project_cases,
    wrong=mistakes(project, WRONG),
    laws=(Law("mean", _of_mean), Law("variance", _of_variance), Law("as far", _as_far)),
    hints=(
        "Moving all features together changes the mean and nothing else. In what is left, which "
        "point of a sphere is nearest to a given one?",
        "mean + sqrt(variance) (x - m) / sigma, with m and sigma (1/d) of the row.",
        "m, sigma = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)",
    ),
    minutes=10,
    level="core",
    parts=2,
)

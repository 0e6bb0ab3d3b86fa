"""The derivative of LayerNorm (notebook 06; paper III.6, IV.1).

sigma^2 = var + eps, the variance taken over the d features with 1/d.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, differ, mistakes


def jacobian(x, eps):
    """Derivative of (x - mean) / sqrt(var + eps) at one state x [d]: row out, column in."""
    d, c = len(x), x - x.mean()
    P = np.eye(d) - 1 / d
    var = (c**2).mean() + eps
    return (P - np.outer(c, c) / (d * var)) / np.sqrt(var)


def _jacobian_cases(rng):
    cases = (
        (3, 1.0, 0, 0.0),
        (5, 2.0, 6, 0.0),
        (4, 0.7, -3, 0.5),
        (6, 0.05, 0.1, 2e-3),
        (2, 1.5, 1, 0.8),
    )
    for d, size, offset, eps in cases:
        x = size * rng.normal(size=d) + offset
        yield Case((x, eps), f"d = {d}, x of size {size:g} about {offset:g}, eps = {eps:g}")
    for d, size, offset, eps in ((50, 1.0, 2, 1e-5), (3, 1e-8, 0, 0.0), (3, 1e8, 0, 1e-5)):
        x = size * rng.normal(size=d) + offset
        yield Case((x, eps), f"d = {d}, x of size {size:g} about {offset:g}, eps = {eps:g}")
    yield Case((np.array([0.7]), 0.3), "a single feature, eps = 0.3")
    yield Case((np.full(4, 2.0), 0.25), "4 equal features, eps = 0.25")
    yield Case((np.array([1.0, -1.0, -1.0, 3.0]), 1e-5), "4 features, two of them equal")
    single = np.float32(rng.normal(size=6) + 1000)
    yield Case((single, 0.0), "6 features in float32, all about 1000, eps = 0")
    yield Case((np.array([0.0, 2.0, -1.0, 0.0, 4.0]), 0.1), "5 whole numbers, two of them 0")


def _symmetric(args, answer, slack):
    if differ(answer, answer.T, slack):
        return "it is not symmetric"


def _blind_to_shifts(args, answer, slack):
    if differ(answer.sum(axis=1), 0, slack, np.abs(answer)):
        return "it does not annihilate (1, ..., 1): adding a number to all features changes nothing"


def _radial(args, answer, slack):
    x, eps = args
    c = x - x.mean()
    # The norm undoes a change of size, all of it for eps = 0.
    right = eps * c / ((c**2).mean() + eps) ** 1.5
    if differ(answer @ c, right, slack, np.abs(answer) @ np.abs(c)):
        return "acting on x it does not give (x - mean) eps / sigma^3, which is 0 for eps = 0"


WRONG = """
sigma held: it is P / sigma, the frozen norm: sigma depends on x too, hence a term with c c^T
    P - np.outer(c, c) / (d * var) => P
mean and sigma held: it is 1 / sigma on the diagonal: mean and sigma depend on every feature as \
    well
    P - np.outer(c, c) / (d * var) => np.eye(d)
mean held: the mean is held fixed: the derivative of x - mean is P = 1 - 1/d, not 1
    (P - => (np.eye(d) -
no eps: eps is left out: sigma^2 = var + eps
    .mean() + eps => .mean()
eps in front only: eps is in the 1/sigma in front but not below c c^T: there stands sigma^2 as \
    well
    (d * var) => (d * (var - eps))
no d: c c^T is not divided by d: the variance is a mean over d features
    (d * var) => var
times sigma: it is multiplied by sigma: the norm divides by it, so its derivative does too
    / np.sqrt => * np.sqrt
sigma forgotten: the factor 1 / sigma in front is missing
    / np.sqrt(var) =>
no root: the factor in front is 1 / sigma^2: it is 1 / sigma, with the root
    np.sqrt(var) => var
sigma for sigma^2: c c^T is divided by d sigma: it is d sigma^2, both factors c are divided
    (d * var) => (d * var**0.5)
x not centred: the term with sigma takes x x^T: it is c c^T with the centred c = x - mean
    outer(c, c) => outer(x, x)
x for c once: the term with sigma takes c x^T: sigma changes by c . u / (d sigma), with c again
    outer(c, c) => outer(c, x)
sign: c c^T is added: sigma grows along c and divides, so this term is subtracted
    (P - => (P +
ddof: the variance is taken with 1/(d-1) (ddof=1): LayerNorm divides by d
    (c**2).mean() => (c**2).sum() / (d - 1)
"""

EXERCISE = Exercise(
    title="The derivative of LayerNorm",
    reference=jacobian,
    cases=_jacobian_cases,
    wrong=mistakes(jacobian, WRONG),
    laws=(
        Law("symmetric", _symmetric),
        Law("blind to shifts", _blind_to_shifts),
        Law("blind to size", _radial),
    ),
    hints=(
        "A change of x can shift all features alike, stretch x - mean, or do neither. What does "
        "the norm leave of each of the three?",
        "A change u of x changes c = x - mean by P u, P = 1 - (a matrix of 1/d), and sigma by "
        "c . u / (d sigma): the derivative of c / sigma is (P - c c^T / (d sigma^2)) / sigma.",
        "d, c = len(x), x - x.mean()",
    ),
    minutes=15,
    level="core",
)

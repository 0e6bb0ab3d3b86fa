"""One step of DIIS (notebook 11; paper VI).

Wynn's vector epsilon algorithm and Anderson's mixing, each in its smallest case.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def mixed(x, y):
    """The combination of two images whose residual is least: Anderson's mixing, memory 1."""
    r = y - x
    change = r[1] - r[0]
    weight = (r[1] @ change) / (change @ change)
    return y[1] - weight * (y[1] - y[0])


def _mixed_cases(rng):
    for d in (2, 3, 6):
        x, y = rng.normal(size=(2, 2, d))
        yield Case((x, y), f"two states of {d} features")
    for d in (2, 4):
        A, b = 0.5 * rng.normal(size=(d, d)), rng.normal(size=d)
        x = rng.normal(size=(2, d))
        yield Case((x, x @ A.T + b), f"two states of {d} features under a linear map")
    x = rng.normal(size=(2, 3)) + 20
    yield Case((x, 0.3 * x + 1), "two states under a map that only shrinks")
    for d, size in ((1, 1.0), (50, 1.0), (4, 1e-8), (3, 1e8), (2, 1e-8)):
        x, y = size * rng.normal(size=(2, 2, d))
        yield Case((x, y), f"two states of {d} feature{'s' * (d > 1)} about {size:g}")
    x, y = np.ones((2, 4)), np.array([[3.0, 1.0, 1.0, 0.0], [2.0, 2.0, 0.0, 1.0]])
    yield Case((x, y), "one state twice, and two images of it")


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


WRONG = """
states: it combines the states: the next state is that combination of their images
    y[1] - weight * (y[1] - y[0]) => x[1] - weight * (x[1] - x[0])
residual: it is the least residual itself: return the combination of the images
    y[1] - weight * (y[1] - y[0]) => r[1] - weight * change
sign: its weight has the wrong sign: it steps away from the least residual
    y[1] - weight => y[1] + weight
last image: it is the last image, plain iteration: nothing is mixed
    return 1.0 * y[1]
mean: it is the mean of the images: the weights follow from the residuals
    return (y[0] + y[1]) / 2
least image: it makes the image least, not the residual y - x
    r = y - x => r = y
weights swapped: the two weights are swapped
    y[1] - weight => y[0] + weight
step for residual: it makes the residual orthogonal to the step of the states (Broyden's choice); \
    least squares takes the change of the residual
    r[1] @ change => r[1] @ (x[1] - x[0])
    change @ change => change @ (x[1] - x[0])
by size: it weighs by the sizes of the residuals, whatever their directions
    (r[1] @ change) / (change @ change) => (r[1] @ r[1]) / (r[0] @ r[0] + r[1] @ r[1])
plus the least residual: the least residual is added to the images' combination, which holds it \
    already
    return y[1] => return y[1] + r[1] - weight * change
"""

EXERCISE = Exercise(
    title="One step of DIIS",
    reference=mixed,
    cases=_mixed_cases,
    wrong=mistakes(mixed, WRONG),
    laws=(Law("on the line", _on_the_line), Law("least", _least)),
    hints=(
        "On the line through the two images, which point has the least residual? One unknown, a "
        "parabola.",
        "w = r1 . (r1 - r0) / |r1 - r0|^2 is the weight of the first state, r = y - x.",
        "r = y - x; change = r[1] - r[0]",
    ),
    minutes=15,
    level="stretch",
    spared=PLAIN,
)

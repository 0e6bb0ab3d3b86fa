"""The frozen post-LN step has no identity path (notebook 06).

Both follow from where the norm stands: pre-LN, x + F(norm(x)), post-LN, norm(x + F(x)) (IV.1).
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def post_step(F, sigma, gain):
    """V with x + V x = gain * P (x + F x) / sigma, P x = x - mean: post-LN at a frozen scale."""
    one = np.eye(len(F))
    P = one - 1 / len(F)
    return np.diag(gain) @ P @ (one + F) / sigma - one


def _post_step_cases(rng):
    for d, size, sigma in ((2, 1.0, 1.7), (3, 0.5, 0.6), (5, 1.0, 3.0), (4, 3.0, 1.4)):
        F = size * rng.normal(size=(d, d)) + 0.3
        gain = rng.uniform(0.5, 2, size=d) * rng.choice([-1, 1], size=d)
        yield Case((F, sigma, gain), f"d = {d}, F of size {size:g}, sigma = {sigma:g}")
    sizes = ((1, 1.0, 0.7), (45, 0.2, 1.3), (3, 1e8, 1e8), (3, 1e-8, 2.0), (4, 1.0, 1e-9))
    for d, size, sigma in sizes:
        F = size * rng.normal(size=(d, d))
        F[-1] = F[0]
        label = f"d = {d}, F of size {size:g}, two rows alike, sigma = {sigma:g}"
        yield Case((F, sigma, rng.uniform(0.5, 2, size=d)), label)
    F = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0], [1.0, 1.0, -2.0]])
    for size in (1e-8, 1.0, 1e8):
        gain = size * np.array([1.0, -2.0, 1.0])
        yield Case((F, 1.3, gain), f"d = 3, F of whole numbers, gains about {size:g}, sigma = 1.3")


def _no_mean_left(args, answer, slack):
    gain = args[2]
    after = (answer + np.eye(len(gain))) / gain[:, None]
    if differ(after.sum(axis=0), 0, slack, np.abs(after).sum(axis=0) + np.abs(1 / gain)):
        return "with the gain divided out, x + V x has a mean: the norm removes it last"


def _as_the_norm_acts(args, answer, slack):
    F, sigma, gain = args
    x = 1.0 + np.arange(len(gain)) ** 2
    y = x + F @ x
    right = gain * (y - y.mean()) / sigma
    if differ(x + answer @ x, right, slack, x + np.abs(answer) @ x):
        return "x + V x is not gain * (y - mean) / sigma with y = x + F x"


WRONG = """
1 not subtracted: it is the whole step: V is what is added to x, subtract 1
    / sigma - one => / sigma
1 inside: the 1 to subtract is divided by sigma: x itself is not normed in x + V x
    np.diag(gain) @ P @ (one + F) / sigma - one => (np.diag(gain) @ P @ (one + F) - one) / sigma
gain on columns: the gain multiplies the columns of the matrix: it acts last, on the rows
    np.diag(gain) @ P @ (one + F) => P @ (one + F) @ np.diag(gain)
gain before P: the gain acts before the mean is removed: centre first, the gain comes last
    np.diag(gain) @ P => P @ np.diag(gain)
no gain: the gain is left out
    np.diag(gain) @ P => P
no centring: the mean is not removed: P = 1 - (a matrix of 1/d) is missing
    @ P @ => @
only F centred: only the write F x is centred: post-LN norms the sum x + F x
    P @ (one + F) => (one + P @ F)
centred before: the mean is removed from x, before the step: post-LN norms what the step returns
    P @ (one + F) => (one + F) @ P
only F normed: it norms the write alone, x + norm(F x): post-LN norms x too, so that no identity \
    path is left
    (one + F) / sigma - one => F / sigma
skip forgotten: x is missing inside the norm: it norms x + F x, not F x
    (one + F) => F
pre-LN: it is the pre-LN step x + F norm(x): post-LN norms after the sum
    np.diag(gain) @ P @ (one + F) / sigma - one => F @ np.diag(gain) @ P / sigma
times sigma: it multiplies by sigma: the norm divides
    / sigma => * sigma
"""

EXERCISE = Exercise(
    title="The frozen post-LN step has no identity path",
    reference=post_step,
    cases=_post_step_cases,
    wrong=mistakes(post_step, WRONG),
    laws=(Law("no mean left", _no_mean_left), Law("as the norm acts", _as_the_norm_acts)),
    hints=(
        "Write down what post-LN makes of x, with sigma a given number: a product of matrices. V "
        "is what remains once x is taken away.",
        "1 + V = diag(gain) P (1 + F) / sigma, with P = 1 - (a matrix of 1/d).",
        "one = np.eye(len(F)); P = one - 1 / len(F)",
    ),
    minutes=15,
    level="stretch",
    spared=PLAIN,
)

"""LayerNorm, row by row (notebook 06; paper III.6, IV.1).

sigma^2 = var + eps, the variance taken over the d features with 1/d.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, differ, mistakes


def normalise(x, gain, bias, eps):
    """LayerNorm of rows x [N, d]: mean 0 and variance 1 over the features, gain and bias after."""
    mean = x.mean(axis=1, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    return gain * (x - mean) / np.sqrt(var + eps) + bias


def _rows(rng, N, d, size, offset):
    gain = rng.uniform(0.5, 2, size=d) * rng.choice([-1, 1], size=d)
    return size * rng.normal(size=(N, d)) + offset, gain, 3 * rng.normal(size=d)


def _normalise_cases(rng):
    for N, d, size, offset, eps in (
        (3, 5, 1.0, 0, 1e-5),
        (4, 3, 0.02, 0.01, 1e-3),
        (5, 5, 2.0, 30, 1.0),
        (1, 7, 0.5, -2, 0.3),
    ):
        label = f"{N} position{'s' * (N > 1)}, d = {d}, x of size {size:g}, eps = {eps:g}"
        yield Case((*_rows(rng, N, d, size, offset), eps), label)
    x, gain, bias = _rows(rng, 3, 4, 0.1, 0)
    x[1] = 3  # no variance: eps alone keeps this row finite
    yield Case((x, gain, bias, 0.01), "3 positions, d = 4, one of them constant, eps = 0.01")
    for N, d, size, offset, eps in (
        (1, 1, 1.0, 2, 0.1),
        (50, 45, 1.0, 0, 1e-5),
        (3, 4, 1e-9, 0, 3e-19),
        (3, 4, 1e8, 0, 1e-5),
    ):
        label = f"{N} position{'s' * (N > 1)}, d = {d}, x of size {size:g}, eps = {eps:g}"
        yield Case((*_rows(rng, N, d, size, offset), eps), label)
    x, gain, bias = _rows(rng, 4, 6, 1.0, 1000)
    x[2], x[0, 1] = x[1], x[0, 0]
    yield Case(
        (np.float32(x), gain, bias, 1e-5), "4 positions in float32 about 1000, two alike, d = 6"
    )
    x = np.array([[0.0, 2.0, -1.0, 3.0], [-5.0, -1.0, -1.0, 0.0]])
    for size in (1e-8, 1.0, 1e8):
        gain, bias = size * np.array([1.0, 0.0, -2.0, 1.0]), size * np.array([0.0, 3.0, 1.0, -1.0])
        yield Case(
            (x, gain, bias, 1e-5), f"2 positions of whole numbers, gain, bias about {size:g}"
        )


def _centred(args, answer, slack):
    _, gain, bias, _ = args
    bare = (answer - bias) / gain
    if np.abs(bare.mean(axis=1)).max() > slack * (1 + np.abs(answer / gain).max()):
        return "with gain and bias taken off, its rows do not have mean 0"


def _variance(args, answer, slack):
    x, gain, bias, eps = args
    bare = (answer - bias) / gain
    var = x.var(axis=1)
    # squaring a number that lost digits to the bias loses them twice
    if differ((bare**2).mean(axis=1), var / (var + eps), slack, (1 + np.abs(answer / gain)) ** 2):
        return "with gain and bias taken off, the variance of its rows is not var / (var + eps)"


WRONG = """
eps outside: eps stands outside the root: sigma = sqrt(var + eps), not sqrt(var) + eps
    np.sqrt(var + eps) => (np.sqrt(var) + eps)
no eps: eps is left out: where the variance is small, or zero, it decides
    var + eps => var
ddof: the variance is taken with 1/(d-1) (ddof=1): LayerNorm divides by d
    ((x - mean) ** 2).mean(axis=1, => x.var(axis=1, ddof=1,
cancellation: its variance is the mean of x^2 less the square of the mean: where the mean is much \
    larger than the spread, float32 has nothing left of it; take the mean of (x - mean)^2
    ((x - mean) ** 2).mean(axis=1, keepdims=True) => (x**2).mean(axis=1, keepdims=True) - mean**2
no root: it divides by var + eps: the root is missing
    np.sqrt(var + eps) => (var + eps)
no 1/d: it divides by the length of x - mean: the variance is a mean, with 1/d
    ** 2).mean( => ** 2).sum(
over positions: mean and variance are taken over the positions (axis 0): each row has its own
    x.mean(axis=1 => x.mean(axis=0
    ** 2).mean(axis=1 => ** 2).mean(axis=0
over everything: one mean and one variance for all positions: each row has its own
    x.mean(axis=1, keepdims=True) => x.mean()
    ** 2).mean(axis=1, keepdims=True) => ** 2).mean()
RMS: the mean is not removed, neither above nor below the line: this is RMSNorm
    x.mean(axis=1, keepdims=True) => 0
mean kept: the mean is not subtracted above the line: gain (x - mean) / sigma + bias
    gain * (x - mean) => gain * x
RMS below: below the line stands the mean of x^2: the variance is that of x - mean
    (x - mean) ** 2 => x**2
bias inside: the bias is multiplied by the gain: add it last
    (x - mean) / np.sqrt(var + eps) + bias => ((x - mean) / np.sqrt(var + eps) + bias)
no gain: the gain is left out
    gain * (x => (x
no bias: the bias is left out
    + bias =>
times sigma: it multiplies by sigma: divide, so that the size of x no longer matters
    / np.sqrt => * np.sqrt
"""

EXERCISE = Exercise(
    title="LayerNorm, row by row",
    reference=normalise,
    cases=_normalise_cases,
    wrong=mistakes(normalise, WRONG),
    laws=(Law("mean 0", _centred), Law("variance", _variance)),
    hints=(
        "Each position on its own: take its mean away, measure how large the rest is, divide by "
        "that. Which axis are the features?",
        "gain (x - mean) / sqrt(var + eps) + bias, with var the mean of (x - mean)^2 over the d "
        "features of a row.",
        "mean = x.mean(axis=1, keepdims=True)",
    ),
    minutes=8,
    level="core",
)

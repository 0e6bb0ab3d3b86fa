"""The exercises of notebook 06: what LayerNorm does to one state (paper III.6, IV.1).

sigma^2 = var + eps, the variance taken over the d features with 1/d.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def normalise(x, gain, bias, eps):
    """LayerNorm of rows x [N, d]: mean 0 and variance 1 over the features, gain and bias after."""
    mean = x.mean(axis=1, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    return gain * (x - mean) / np.sqrt(var + eps) + bias


def jacobian(x, eps):
    """Derivative of (x - mean) / sqrt(var + eps) at one state x [d]: row out, column in."""
    d, c = len(x), x - x.mean()
    P = np.eye(d) - 1 / d
    var = (c**2).mean() + eps
    return (P - np.outer(c, c) / (d * var)) / np.sqrt(var)


# --- normalise ---------------------------------------------------------------------------------


def _rows(rng, N, d, size, offset):
    gain = rng.uniform(0.5, 2, size=d) * rng.choice([-1, 1], size=d)
    return size * rng.normal(size=(N, d)) + offset, gain, 3 * rng.normal(size=d)


def _normalise_probes(rng):
    for N, d, size, offset, eps in ((3, 5, 1.0, 0, 1e-5), (4, 3, 0.02, 0.01, 1e-3),
                                    (5, 5, 2.0, 30, 1.0), (1, 7, 0.5, -2, 0.3)):  # fmt: skip
        label = f"{N} position{'s' * (N > 1)}, d = {d}, x of size {size:g}, eps = {eps:g}"
        yield Probe((*_rows(rng, N, d, size, offset), eps), label)
    x, gain, bias = _rows(rng, 3, 4, 0.1, 0)
    x[1] = 3  # no variance: eps alone keeps this row finite
    yield Probe((x, gain, bias, 0.01), "3 positions, d = 4, one of them constant, eps = 0.01")


def _mean(x, axis=1):
    return x.mean(axis=axis, keepdims=True)


def _scaled(sigma, centre=_mean):
    """Return LayerNorm that divides by `sigma(x, eps)` and subtracts `centre(x)`."""
    return lambda x, gain, bias, eps: gain * (x - centre(x)) / sigma(x, eps) + bias


def _sigma(x, eps):
    return np.sqrt(x.var(axis=1, keepdims=True) + eps)


def _loop(x, gain, bias, eps):
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        var = sum((a - mean) ** 2 for a in row) / len(row)
        rows.append([g * (a - mean) / (var + eps) ** 0.5 + b
                     for a, g, b in zip(row, gain, bias, strict=True)])  # fmt: skip
    return rows


def _projected(x, gain, bias, eps):
    c = x @ (np.eye(x.shape[1]) - 1 / x.shape[1])
    square = np.einsum("nd,nd->n", c, c)[:, None] / len(gain)
    return c @ np.diag(gain) / np.sqrt(square + eps) + bias


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


NORMALISE = Exercise(
    name="layernorm.normalise",
    title="LayerNorm, row by row",
    reference=normalise,
    alternatives=(
        _scaled(_sigma),
        _scaled(lambda x, eps: np.sqrt((x**2).mean(1) - x.mean(1) ** 2 + eps)[:, None]),
        _loop,
        _projected,
    ),
    wrong=(
        Wrong("eps outside", _scaled(lambda x, eps: x.std(axis=1, keepdims=True) + eps),
              "eps stands outside the root: sigma = sqrt(var + eps), not sqrt(var) + eps"),
        Wrong("no eps", _scaled(lambda x, eps: _sigma(x, 0)),
              "eps is left out: where the variance is small, or zero, it decides"),
        Wrong("ddof", _scaled(lambda x, eps: np.sqrt(x.var(axis=1, ddof=1, keepdims=True) + eps)
              if x.shape[1] > 1 else 1.0),
              "the variance is taken with 1/(d-1) (ddof=1): LayerNorm divides by d"),
        Wrong("no root", _scaled(lambda x, eps: _sigma(x, eps) ** 2),
              "it divides by var + eps: the root is missing"),
        Wrong("no 1/d", _scaled(lambda x, eps: _sigma(x, eps / x.shape[1]) * x.shape[1] ** 0.5),
              "it divides by the length of x - mean: the variance is a mean, with 1/d"),
        Wrong("over positions", lambda x, gain, bias, eps:
              gain * (x - _mean(x, 0)) / np.sqrt(x.var(axis=0) + eps) + bias,
              "mean and variance are taken over the positions (axis 0): each row has its own"),
        Wrong("over everything", lambda x, gain, bias, eps:
              gain * (x - x.mean()) / np.sqrt(x.var() + eps) + bias,
              "one mean and one variance for all positions: each row has its own"),
        Wrong("RMS", _scaled(lambda x, eps: np.sqrt(_mean(x**2) + eps), lambda x: 0),
              "the mean is not removed, neither above nor below the line: this is RMSNorm"),
        Wrong("mean kept", _scaled(_sigma, lambda x: 0),
              "the mean is not subtracted above the line: gain (x - mean) / sigma + bias"),
        Wrong("RMS below", _scaled(lambda x, eps: np.sqrt(_mean(x**2) + eps)),
              "below the line stands the mean of x^2: the variance is that of x - mean"),
        Wrong("bias inside", lambda x, gain, bias, eps: gain * ((x - _mean(x)) / _sigma(x, eps)
              + bias),
              "the bias is multiplied by the gain: add it last"),
        Wrong("no gain", lambda x, gain, bias, eps: (x - _mean(x)) / _sigma(x, eps) + bias,
              "the gain is left out"),
        Wrong("no bias", lambda x, gain, bias, eps: gain * (x - _mean(x)) / _sigma(x, eps),
              "the bias is left out"),
        Wrong("times sigma", _scaled(lambda x, eps: 1 / _sigma(x, eps)),
              "it multiplies by sigma: divide, so that the size of x no longer matters"),
    ),
    hints=(
        "Each position on its own: take its mean away, measure how large the rest is, divide by "
        "that. Which axis are the features?",
        "gain (x - mean) / sqrt(var + eps) + bias, with var the mean of (x - mean)^2 over the d "
        "features of a row.",
        "mean = x.mean(axis=1, keepdims=True)",
    ),
    minutes=8,
    level="core",
    laws=(Law("mean 0", _centred), Law("variance", _variance)),
    probes=_normalise_probes,
)

# --- jacobian ----------------------------------------------------------------------------------


def _jacobian_probes(rng):
    cases = ((3, 1.0, 0, 0.0), (5, 2.0, 6, 0.0), (4, 0.7, -3, 0.5), (6, 0.05, 0.1, 2e-3),
             (2, 1.5, 1, 0.8))  # fmt: skip
    for d, size, offset, eps in cases:
        x = size * rng.normal(size=d) + offset
        yield Probe((x, eps), f"d = {d}, x of size {size:g} about {offset:g}, eps = {eps:g}")


def _derivative(change):
    """Return a jacobian in which `change(one, P, c, d, var, eps)` takes the place of the formula.

    `var` is without eps, `one` the identity.
    """

    def changed(x, eps):
        d, c = len(x), x - x.mean()
        return change(np.eye(d), np.eye(d) - 1 / d, c, d, (c**2).mean(), eps)

    return changed


def _sphere(c, d, var):
    return np.outer(c, c) / (d * var)


def _ddof(var, d):
    return var * d / (d - 1)


def _complex_step(x, eps):
    h = 1e-20  # no difference is taken, so nothing cancels, however small the step

    def normed(z):
        c = z - z.mean()
        return c / np.sqrt((c * c).mean() + eps)

    return np.array([normed(x + 1j * h * e).imag / h for e in np.eye(len(x))]).T


def _by_index(x, eps):
    d, c = len(x), x - x.mean()
    sigma = (sum(c**2) / d + eps) ** 0.5
    return [[((i == j) - 1 / d - c[i] * c[j] / (d * sigma**2)) / sigma for j in range(d)]
            for i in range(d)]  # fmt: skip


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


JACOBIAN = Exercise(
    name="layernorm.jacobian",
    title="The derivative of LayerNorm",
    reference=jacobian,
    alternatives=(
        _derivative(lambda one, P, c, d, var, eps:
                    (one - np.outer(c, c) / d / (var + eps)) @ P / (var + eps) ** 0.5),
        _derivative(lambda one, P, c, d, var, eps: P / np.sqrt(var + eps)
                    - np.einsum("i,j->ij", c, c) / (d * (var + eps) ** 1.5)),
        _by_index,
        _complex_step,
    ),
    wrong=(
        Wrong("sigma held", _derivative(lambda one, P, c, d, var, eps: P / np.sqrt(var + eps)),
              "it is P / sigma, the frozen norm: sigma depends on x too, hence a term with c c^T"),
        Wrong("mean and sigma held", _derivative(lambda one, P, c, d, var, eps:
              one / np.sqrt(var + eps)),
              "it is 1 / sigma on the diagonal: mean and sigma depend on every feature as well"),
        Wrong("mean held", _derivative(lambda one, P, c, d, var, eps:
              (one - _sphere(c, d, var + eps)) / np.sqrt(var + eps)),
              "the mean is held fixed: the derivative of x - mean is P = 1 - 1/d, not 1"),
        Wrong("no eps", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, var)) / np.sqrt(var)),
              "eps is left out: sigma^2 = var + eps"),
        Wrong("eps in front only", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, var)) / np.sqrt(var + eps)),
              "eps is in the 1/sigma in front but not below c c^T: there stands sigma^2 as well"),
        Wrong("no d", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, 1, var + eps)) / np.sqrt(var + eps)),
              "c c^T is not divided by d: the variance is a mean over d features"),
        Wrong("times sigma", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, var + eps)) * np.sqrt(var + eps)),
              "it is multiplied by sigma: the norm divides by it, so its derivative does too"),
        Wrong("sigma forgotten", _derivative(lambda one, P, c, d, var, eps:
              P - _sphere(c, d, var + eps)),
              "the factor 1 / sigma in front is missing"),
        Wrong("no root", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, var + eps)) / (var + eps)),
              "the factor in front is 1 / sigma^2: it is 1 / sigma, with the root"),
        Wrong("sigma for sigma^2", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, np.sqrt(var + eps))) / np.sqrt(var + eps)),
              "c c^T is divided by d sigma: it is d sigma^2, both factors c are divided"),
        Wrong("x not centred", lambda x, eps: (np.eye(len(x)) - 1 / len(x)
              - _sphere(x, len(x), x.var() + eps)) / np.sqrt(x.var() + eps),
              "the term with sigma takes x x^T: it is c c^T with the centred c = x - mean"),
        Wrong("x for c once", lambda x, eps: (np.eye(len(x)) - 1 / len(x)
              - np.outer(x - x.mean(), x) / (len(x) * (x.var() + eps))) / np.sqrt(x.var() + eps),
              "the term with sigma takes c x^T: sigma changes by c . u / (d sigma), with c again"),
        Wrong("sign", _derivative(lambda one, P, c, d, var, eps:
              (P + _sphere(c, d, var + eps)) / np.sqrt(var + eps)),
              "c c^T is added: sigma grows along c and divides, so this term is subtracted"),
        Wrong("ddof", _derivative(lambda one, P, c, d, var, eps:
              (P - _sphere(c, d, _ddof(var, d) + eps)) / np.sqrt(_ddof(var, d) + eps)),
              "the variance is taken with 1/(d-1) (ddof=1): LayerNorm divides by d"),
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
    laws=(
        Law("symmetric", _symmetric),
        Law("blind to shifts", _blind_to_shifts),
        Law("blind to size", _radial),
    ),
    probes=_jacobian_probes,
)

EXERCISES = (NORMALISE, JACOBIAN)

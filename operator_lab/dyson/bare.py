"""The bare series: the interaction scaled by lambda, expanded about lambda = 0.

The dressed series of `operator_lab.dyson` is a finite sum of operators measured on the finished
run. This one is the Taylor series of the nonlinear network itself, x(lambda) = sum_n c_n lambda^n;
its circle of convergence ends at the nearest singularity in the complex plane. Pre-LN or no norm,
no biases in the norm needed; GELU is entire and makes no singularity, ReLU has no series.

What lambda multiplies is a choice, `free=`, named as in `operator_lab.dyson.orders`; what is free
acts in full, nonlinear, and mixing weights, norms and gates are made anew at every lambda:

    nothing   x <- x + lambda write,  of every step
    mlp       x <- x + lambda write,  of attention; the MLPs are free
    on_site   x <- x + (diag A + lambda (A - diag A)) v W_O;  lambda counts hops
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Inexact
from numpy import ndarray
from scipy.optimize import minimize
from scipy.special import erf

from ..arrays import length
from ..errors import LabError, near
from ..guard import guarded
from ..run import Run, single
from ..transformer.rotation import turned
from .series import SPLITS


@dataclass(frozen=True, eq=False)
class Plane:
    """x(lambda) for complex strengths, and how near each singular denominator came to zero."""

    x: Complex[ndarray, "c N d"]
    partition: Float[ndarray, "c"]  # min over layers, heads, rows of |Z| / sum |e^(S/T)|
    variance: Float[ndarray, "c"]  # min over norms and positions of |sigma^2| / mean |x|^2


@guarded
def at(run: Run, strengths: Inexact[ndarray, "..."] | complex, free: str = "nothing") -> Plane:
    """Pass through the network of a run with what is not free times lambda, for each complex one.

    The continuation is analytic: no complex conjugate anywhere, so at lambda = 1 it is the run.
    LabError for a batch, an unknown split, another nonlinearity, a gated MLP, post-LN, RMS norm,
    mixing without softmax, or a strength at which the pass overflows.
    """
    if free not in SPLITS:
        raise LabError(
            f"{free!r} is not a split{near(free, SPLITS)} It is one of {', '.join(SPLITS)}."
        )
    s = single(run).shape
    plain = s.activation == "gelu" and s.mixing == "softmax" and not s.gated
    if not plain or s.norm == "post" or s.rms:
        raise LabError(
            "The bare series needs GELU, softmax, and LayerNorm before the steps or none."
        )
    s.without(
        "The bare series", "norm", "parallel", "qk_norm", "score_cap", "windows", "relative",
        "layered", "first_norm",
    )  # fmt: skip
    lam = np.atleast_1d(np.asarray(strengths, dtype=complex))
    if lam.ndim > 1 or not np.isfinite(lam).all():
        raise LabError("A strength is a finite complex number; give one, or a row of them.")
    plane = _pass(run, lam, free)
    if not np.isfinite(plane.x).all():
        bad = lam[~np.isfinite(plane.x).all((1, 2))][0]
        raise LabError(f"The pass overflows at lambda = {bad:.3g}; take strengths nearer to 0.")
    return plane


def _pass(run: Run, lam, free: str = "nothing") -> Plane:
    """`at` without its questions: where it overflows, so be it."""
    s = run.shape
    x = np.broadcast_to(run.states[0].astype(complex), (len(lam), *run.states[0].shape)).copy()
    scale = lam[:, None, None]
    hop, write_scale = (scale, 1.0) if free == "on_site" else (None, scale)
    potential_scale = scale if free == "nothing" else 1.0
    near_Z, near_var = np.full(len(lam), np.inf), np.full(len(lam), np.inf)
    with np.errstate(all="ignore"):
        for layer in run.layers:
            u, v1 = _normed(x, layer, 1)
            write, z = _attend(u, layer, run.temperature, s.causal, hop)
            x = x + write_scale * write
            u, v2 = _normed(x, layer, 2)
            x = x + potential_scale * _potential(u, layer)
            near_Z, near_var = np.minimum(near_Z, z), np.minimum(near_var, np.minimum(v1, v2))
    return Plane(x, near_Z, near_var)


def _normed(x, layer, which):
    """LayerNorm without complex conjugates, and the smallest |sigma^2| against |x|^2."""
    if layer.run.shape.norm == "none":
        return x, np.full(len(x), np.inf)
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True) + layer.run.shape.eps
    nearness = abs(variance[..., 0]) / (abs(centred) ** 2).mean(-1)
    bias = layer.weight(f"norm_{which}.bias")
    u = centred / np.sqrt(variance) * layer.weight(f"norm_{which}.gain")
    return (u if bias is None else u + bias), nearness.min(-1)


def _affine(layer, name, u):
    b = layer.weight(f"{name}.bias")
    y = u @ layer.weight(f"{name}.weight").T
    return y if b is None else y + b


def _attend(u, layer, T, causal, hop):
    """What attention writes, weights between positions times `hop` unless None; smallest |Z|."""
    s = layer.run.shape
    q, k, v = (
        np.einsum("...nd,hkd->...hnk", u, W, optimize=True) + (0 if b is None else b[:, None])
        for W, b in ((layer.W_Q, layer.b_Q), (layer.W_K, layer.b_K), (layer.W_V, layer.b_V))
    )
    q, k = (turned(y, s.rotation, np.arange(u.shape[-2])) for y in (q, k))
    S = q @ k.swapaxes(-1, -2) / T
    N = S.shape[-1]
    visible = np.tri(N, dtype=bool) if causal else np.ones((N, N), bool)
    top = np.where(visible, S.real, -np.inf).max(-1, keepdims=True)
    weight = np.where(visible, np.exp(np.where(visible, S - top, 0)), 0)
    Z = weight.sum(-1, keepdims=True)
    nearness = (abs(Z) / abs(weight).sum(-1, keepdims=True)).min((-1, -2, -3))
    A = weight / Z
    if hop is not None:
        A = A * np.where(np.eye(N, dtype=bool), 1.0, hop)[:, None]
    z = (A @ v).swapaxes(-2, -3)
    return _affine(layer, "attention.W_O", z.reshape(*z.shape[:-2], -1)), nearness


def _potential(u, layer):
    z = _affine(layer, "mlp.W_1", u)
    return _affine(layer, "mlp.W_2", 0.5 * z * (1 + erf(z / np.sqrt(2))))


@guarded(finite=True)
def coefficients(
    run: Run, count: int, radius: float, free: str = "nothing"
) -> Float[ndarray, "n N d"]:
    """Taylor coefficients c_0 .. c_{count-1} of x(lambda), by Cauchy's integral on |lambda| = r.

    4 count points on the circle, one FFT. The circle must lie inside the disc of convergence;
    compare two radii to know (`stable_coefficients`). LabError for a count or radius that is not
    positive.
    """
    if count < 1 or not radius > 0:
        raise LabError(f"Give a positive count and radius; got {count} and {radius}.")
    points = 4 * count
    # x is real on the real axis, so the lower half circle is the conjugate of the upper
    upper = radius * np.exp(2j * np.pi * np.arange(points // 2 + 1) / points)
    c = np.fft.irfft(at(run, upper, free).x.conj(), n=points, axis=0)[:count]
    return c / radius ** np.arange(count)[:, None, None]


@guarded
def stable_coefficients(
    run: Run, count: int, radius: float = 1.0, tolerance: float = 1e-4, free: str = "nothing"
) -> tuple[Float[ndarray, "n N d"], float]:
    """Coefficients from a circle small enough that a smaller one agrees; with that radius.

    Halves the radius until it does. LabError where no circle above 1e-4 serves, and as in `at`.
    """
    at(run, 0.0, free)  # refuses a network without a series
    wide = _on_circle(run, count, radius, free)
    while radius > 1e-4:
        narrow = _on_circle(run, count, radius / 2, free)
        if wide is not None and narrow is not None:
            off = np.linalg.norm(wide[count // 2] - narrow[count // 2])
            if off <= tolerance * np.linalg.norm(wide[count // 2]):
                return wide, radius
        wide, radius = narrow, radius / 2
    raise LabError("No circle about 0 gives stable coefficients; is this network analytic there?")


def _on_circle(run, count, radius, free):
    """Coefficients from a circle; None where it is so wide that the pass overflows."""
    with np.errstate(over="ignore"):  # on far too wide or narrow a circle they are astronomic
        try:
            c = coefficients(run, count, radius, free)
        except LabError:
            return None
        return c if np.isfinite(np.linalg.norm(c[count // 2])) else None


@guarded
def radius_of_convergence(
    c: Float[ndarray, "n N d"], window: tuple[int, int] | None = None
) -> Float[ndarray, "N"]:
    """Estimate of each position's radius, (|c_a| / |c_b|)^(1/(b-a)) over a window of orders.

    Infinite where c_b is 0. LabError for a window that the orders do not have.
    """
    a, b = window or (len(c) // 3, len(c) * 2 // 3)
    if not 0 <= a < b < len(c):
        raise LabError(f"No two of {len(c)} coefficients are {a} and {b}; at least 3 are needed.")
    first, last = length(c[a], -1), length(c[b], -1)
    power = 1 / (b - a)  # of each by itself: their ratio may be beyond all numbers
    with np.errstate(divide="ignore", invalid="ignore"):  # no coefficients at all: no singularity
        return np.where(last == 0, np.inf, first**power / last**power)


@dataclass(frozen=True)
class Singularity:
    """A complex strength where a denominator of the pass vanishes, and which kind it is."""

    strength: complex
    kind: str  # "partition function" or "norm variance"


@guarded
def singularities(
    run: Run, reach: float, grid: int = 48, keep: int = 12, free: str = "nothing"
) -> list[Singularity]:
    """Zeros of attention partition functions and of LayerNorm variances within |lambda| < reach.

    A scan of the upper half disc, then a polish of each local minimum; only true zeros stay
    (they come in conjugate pairs, the upper one is listed), nearest to 0 first.
    LabError for a reach that is not positive.
    """
    if not reach > 0 or grid < 8:
        raise LabError(f"Give a positive reach and a grid of at least 8; got {reach}, {grid}.")
    r = reach * (np.arange(grid) + 0.5) / grid
    phi = np.pi * (np.arange(2 * grid) + 0.5) / (2 * grid)
    lam = r[:, None] * np.exp(1j * phi)
    at(run, [0.0], free)  # refuses a network without a series
    plane = _pass(run, lam.ravel(), free)
    starts = []
    for kind, depth in (("partition function", plane.partition), ("norm variance", plane.variance)):
        seen = np.nan_to_num(depth.reshape(lam.shape), nan=np.inf)
        padded = np.pad(seen, 1, mode="edge")
        around = [padded[1 + a : grid + 1 + a, 1 + b : 2 * grid + 1 + b]
                  for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]  # fmt: skip
        lowest = (seen <= np.min(around, axis=0)) & (seen < 0.5)
        starts += [(lam[tuple(place)], kind) for place in np.argwhere(lowest)]
    found: list[Singularity] = []
    for start, kind in sorted(starts, key=lambda s: abs(s[0])):
        zero = _polished(run, start, kind, reach / grid, free)
        if zero is None or abs(zero) > reach:
            continue
        if all(abs(zero - s.strength) > 1e-5 * reach for s in found):
            found.append(Singularity(zero, kind))
        if len(found) == keep:
            break
    return sorted(found, key=lambda s: abs(s.strength))


def _polished(run, start, kind, step, free):
    """Follow |denominator| down from a point of the grid; None where it does not vanish."""

    def depth(point):
        plane = _pass(run, np.array([complex(*point)]), free)
        found = plane.partition if kind == "partition function" else plane.variance
        return float(np.nan_to_num(found[0], nan=1.0))

    simplex = np.array([[start.real, start.imag]] * 3) + step * np.array([[0, 0], [1, 0], [0, 1]])
    best = minimize(
        depth, simplex[0], method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-8 * step, "fatol": 1e-7, "maxiter": 120},
    )  # fmt: skip
    return complex(best.x[0], abs(best.x[1])) if best.fun < 1e-5 else None

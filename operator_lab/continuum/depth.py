"""Depth as time: one-step schemes for u' = f(u, t), and the order one observes.

A scheme with step h takes L = time / h layers. It has order p when its error at a fixed time falls
as h^p, for f as smooth as the order asks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.integrate import solve_ivp

from .. import given
from ..arrays import length
from ..errors import LabError
from ..guard import guarded

Velocity = Callable[[ndarray, float], ndarray]  # state, time -> d state / d time
TOLERANCE = 1e-12  # of `exact`, relative and absolute
MOST = 10**5  # evaluations of a velocity on one way: seconds


def euler(f: Velocity, x: ndarray, t: float, h: float) -> ndarray:
    """x + h f(x, t): order 1, one evaluation (a residual layer with its branch times h)."""
    return x + h * f(x, t)


def heun(f: Velocity, x: ndarray, t: float, h: float) -> ndarray:
    """The mean of the slopes at the start and at Euler's end: order 2, two evaluations."""
    first = f(x, t)
    return x + h / 2 * (first + f(x + h * first, t + h))


def rk4(f: Velocity, x: ndarray, t: float, h: float) -> ndarray:
    """The classical Runge-Kutta scheme: order 4, four evaluations."""
    a = f(x, t)
    b = f(x + h / 2 * a, t + h / 2)
    c = f(x + h / 2 * b, t + h / 2)
    return x + h / 6 * (a + 2 * b + 2 * c + f(x + h * c, t + h))


def checked(f: Velocity) -> Velocity:
    """The velocity, its every answer an array of numbers of the shape of x; LabError otherwise."""

    def asked(x, t):
        v = f(x, t)
        if not (isinstance(v, ndarray) and v.dtype.kind == "f"):
            v = given.numbers(v, "velocity f(x, t)", "iuf", holes=True)
        if v.shape != np.shape(x):
            raise LabError(
                f"A velocity has the shape of the state, {np.shape(x)}; f(x, {t:g}) has {v.shape}."
            )
        return v

    return asked


@guarded
def exact(f: Velocity, x: Float[ndarray, "*n"], t: float, h: float) -> ndarray:
    """The solution after h, to 1e-12 (SciPy's DOP853); LabError where it does not get there.

    f must be smooth between t and t + h.
    """
    shape, lost = np.shape(x), f"The solution does not reach time {t + h:g}"
    f, calls = checked(f), itertools.count()

    def slope(s, y):
        if next(calls) > MOST:
            raise LabError(f"{lost} in {MOST} evaluations; take a shorter way, or a calmer f.")
        v = np.ravel(f(y.reshape(shape), s))
        if not np.isfinite(v).all():  # the solver would try for ever
            raise LabError(f"{lost}: it grows beyond all bounds.")
        return v

    with np.errstate(all="ignore"):
        found = solve_ivp(
            slope, (t, t + h), np.ravel(x), method="DOP853", rtol=TOLERANCE, atol=TOLERANCE
        )
    if not found.success or not np.isfinite(found.y[:, -1]).all():
        raise LabError(f"{lost}: it grows beyond all bounds.")
    return found.y[:, -1].reshape(shape)


SCHEMES = {"euler": euler, "heun": heun, "rk4": rk4, "exact": exact}


def scheme(name: str) -> Callable:
    """The scheme of that name, a function (f, x, t, h) -> x; LabError if there is none."""
    return SCHEMES[given.one_of(name, SCHEMES, "scheme")]


def march(step: Callable, x, layers: int, time: float = 1.0) -> Float[ndarray, "layers_1 *n"]:
    """States before and after each of `layers` equal steps, step(x, t, h) -> x, from t = 0.

    LabError for a state that is not finite at the start, or no longer finite after some layer.
    """
    x = given.real(x, "state at the start")
    n, time = given.whole(layers, "layers"), given.number(time, "time", above=0)
    states = [x]
    with np.errstate(all="ignore"):
        for i in range(n):
            # not i * h: a layer whose weights change at whole times must not start late by rounding
            x = step(x, time * i / n, time / n)
            if not isinstance(x, ndarray) or x.dtype != float:
                x = given.numbers(x, "state after a step", "iuf", holes=True).astype(float)
            if x.shape != states[0].shape:
                raise LabError(
                    f"A velocity has the shape of the state, {states[0].shape}; the step gave "
                    f"{x.shape}."
                )
            if not np.isfinite(x).all():
                raise LabError(
                    f"The state is no longer finite after layer {i + 1} of {n}; take more layers "
                    "or a gentler velocity."
                )
            states.append(x)
    return np.stack(states)


@guarded
def integrate(
    f: Velocity, x, layers: int, method: str = "euler", time: float = 1.0
) -> Float[ndarray, "layers_1 *n"]:
    """States of u' = f(u, t) after 0, 1, ... `layers` equal steps of a scheme.

    "euler" is a residual network whose branch is h f. LabError for an unknown scheme, no layers, a
    time that is not positive, states that are not finite.
    """
    take, f = scheme(method), checked(f)
    return march(lambda x, t, h: take(f, x, t, h), x, layers, time)


@guarded
def order(
    layers: Float[ndarray, "n"] | Sequence[float], errors: Float[ndarray, "n"] | Sequence[float]
) -> float:
    """The observed order: minus the slope of log error against log layers (least squares).

    LabError for fewer than two pairs, or an error that is zero (there is no slope at rounding).
    """
    n, e = given.real(layers, "numbers of layers", 1), given.real(errors, "errors", 1)
    if len(n) != len(e) or len(n) < 2 or (n <= 0).any() or (e <= 0).any():
        raise LabError(
            "An order needs at least two numbers of layers, each with an error above 0; got "
            f"{n.tolist()} and {e.tolist()}."
        )
    return float(-np.polyfit(np.log(n), np.log(e), 1)[0])


@guarded(finite=True)
def off(x: Float[ndarray, "*n"], exact: Float[ndarray, "*n"]) -> float:
    """|x - exact| / |exact|, the relative error of a state."""
    if x.shape != exact.shape or not exact.any():
        raise LabError(
            f"Two states of one shape, not zero, are needed; got {x.shape}, {exact.shape}."
        )
    return float(length(x - exact) / length(exact))

"""Splitting: a layer does its parts one after the other instead of their sum at once.

For u' = f_1 + f_2 + ... , with S_i(h) the flow of u' = f_i alone over h,

    Lie     S_n(h) ... S_1(h)                              order 1
    Strang  S_1(h/2) ... S_n(h) ... S_1(h/2)               order 2

if each flow is computed exactly. With flows computed by a scheme of order p the order is the
smaller of the two: S_i by Euler make both first order. Lie with Euler is the usual Transformer
layer, attention and then MLP; all parts at once ("parallel") is the layer of GPT-J and PaLM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .. import given
from ..errors import LabError
from ..guard import guarded
from .depth import Velocity, checked, march, scheme

SPLITTINGS = ("parallel", "lie", "strang")


@guarded
def split(
    parts: Sequence[Velocity],
    x,
    layers: int,
    splitting: str = "lie",
    method: str = "euler",
    time: float = 1.0,
    constrain: Callable[[ndarray], ndarray] | None = None,
) -> Float[ndarray, "layers_1 *n"]:
    """States of u' = sum of `parts` after 0, 1, ... `layers` equal steps of a splitting.

    `method` computes the sub-flows: "euler", "heun", "rk4", or "exact". `constrain` acts after each
    sub-flow, such as a projection on a sphere (LayerNorm after each residual branch, post-LN).
    LabError for an unknown splitting or scheme, no parts, no layers, states that are not finite.
    """
    given.one_of(splitting, SPLITTINGS, "splitting")
    if callable(parts) or not len(parts) or not all(map(callable, parts)):
        raise LabError("The parts are a list of at least one velocity, functions of (x, t).")
    take, pieces = scheme(method), sequence([checked(f) for f in parts], splitting)

    def layer(x, t, h):
        for f, begin, share in pieces:
            x = take(f, x, t + begin * h, share * h)
            x = x if constrain is None else constrain(x)
        return x

    return march(layer, x, layers, time)


def sequence(parts: Sequence[Velocity], splitting: str) -> list[tuple[Velocity, float, float]]:
    """Who acts when in a layer: (velocity, where its flow begins, how long it lasts), in layers."""
    if splitting == "parallel":
        return [(lambda x, t: np.sum([f(x, t) for f in parts], axis=0), 0.0, 1.0)]
    if splitting == "lie":
        return [(f, 0.0, 1.0) for f in parts]
    *outer, inner = parts
    ahead = [(f, 0.0, 0.5) for f in outer]
    return [*ahead, (inner, 0.0, 1.0), *((f, 0.5, 0.5) for f in reversed(outer))]


@guarded(finite=True)
def lie_error(A: Float[ndarray, "n n"], B: Float[ndarray, "n n"], h: float) -> ndarray:
    """The leading error of one Lie step of u' = (A + B) u, A first: h^2 [B, A] / 2.

    LabError unless both are square, of one size.
    """
    A, B = given.real(A, "matrix A", 2), given.real(B, "matrix B", 2)
    if A.shape != B.shape or A.shape[0] != A.shape[1]:
        raise LabError(f"Two square matrices of one size are needed; got {A.shape}, {B.shape}.")
    A, B = h * A, h * B  # h^2 alone may vanish or overflow where the error does not
    return (B @ A - A @ B) / 2


@guarded(finite=True)
def strang_euler_error(A: Float[ndarray, "n n"], B: Float[ndarray, "n n"], h: float) -> ndarray:
    """The leading error of one Strang step of u' = (A + B) u whose flows are Euler's.

    It is -h^2 (A^2 / 2 + B^2) / 2: the commutator is gone, Euler's own errors, of two halves of A
    and of B, stay. Errors as in `lie_error`.
    """
    lie_error(A, B, h)
    A, B = h * np.asarray(A, float), h * np.asarray(B, float)
    return -(A @ A / 2 + B @ B) / 2

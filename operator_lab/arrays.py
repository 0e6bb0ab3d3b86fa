"""Arrays that are handed out: laws, what nobody can write to, weights by name."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Inexact
from numpy import ndarray

from .errors import LabError
from .guard import guarded


@guarded(holes=("z",))
def softmax(z: Float[ndarray, "*n k"]) -> Float[ndarray, "*n k"]:
    """exp(z) / sum exp(z) along the last axis, safe for large z; NaN stays NaN."""
    e = z - z.max(-1, keepdims=True)
    e = np.exp(e, out=e if e.dtype.kind == "f" else None)  # one array: real laws are large
    e /= e.sum(-1, keepdims=True)
    return e


def unit(x: Inexact[ndarray, "*n"], axis: int | tuple | None = None) -> tuple[ndarray, ndarray]:
    """x over a power of two near its largest entry (along axes), and that power.

    Exact, and squares and products of what is left neither vanish nor overflow.
    """
    most = abs(x).max(axis, keepdims=axis is not None, initial=0.0)
    exponent = np.where(most > 0, np.frexp(most)[1] - 1, 0)  # 1 <= most / power < 2
    one, half = np.ones_like(most), exponent // 2
    power = np.asarray(np.ldexp(one, exponent))
    # in two halves: the power of the smallest numbers has no inverse
    return x * np.ldexp(one, -half) * np.ldexp(one, half - exponent), power


def length(x: Inexact[ndarray, "*n"], axis: int | None = None) -> Float[ndarray, "..."]:
    """The Euclidean norm (along an axis), of the smallest and the largest numbers, too."""
    y, power = unit(x, axis)
    size = np.linalg.norm(y if axis is not None else y.ravel(), axis=axis)
    return np.asarray(size * np.squeeze(power, axis))


def read_only(array: ndarray) -> ndarray:
    """The same array, which nobody can write to."""
    array.setflags(write=False)
    return array


class Weights(dict):
    """Weights by name, as read-only arrays; an encoder is asked for its words in vain."""

    def __missing__(self, name):
        if name == "W_U.weight":
            raise LabError(
                "This is an encoder: it has no unembedding, so no state of it is read as a word; "
                "lab.pretrained.pooled(run) is what it measures."
            )
        raise KeyError(name)

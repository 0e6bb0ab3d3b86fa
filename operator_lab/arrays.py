"""Arrays that are handed out: laws, what nobody can write to, weights by name."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
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

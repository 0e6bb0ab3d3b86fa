"""How a read-out answers to a small change at a point of the forward pass (gradients)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from .corpus import Lexicon
from .errors import LabError
from .given import real, shown
from .recorder import check_point, known_point
from .shape import Shape
from .transformer import Note, Transformer


class Collector(Note):
    """A note that keeps some points of one name as torch has them, so that a slope reaches them."""

    maps = True  # computed as a run computes, for every length

    def __init__(self, name: str):
        self.name, self.by_head = name, name == "head_write"
        self.found: list[Tensor] = []

    def __call__(self, name, index, value):
        if (name, index) == ("state", 0):
            value = value.detach().requires_grad_()  # the slope is followed from here on
        if name != self.name:
            return value
        seen = value.view_as(value)  # by itself: a head's write is also taken off again
        self.found.append(seen)
        return seen


def readout_weights(shape: Shape, language: Lexicon, readout) -> Float[ndarray, "k"]:
    """The weights of a read-out, which a word or two may name; LabError for another read-out."""
    words = (readout,) if isinstance(readout, str) else readout
    named = isinstance(words, tuple | list) and all(isinstance(w, str) for w in words)
    if named and shape.readout != "none" and len(words) in (1, 2):
        one = np.eye(shape.vocabulary)
        first, *other = (one[language.index(w)] for w in words)
        return first - (other[0] if other else 1 / shape.vocabulary)
    if shape.readout == "none":
        count, what = (
            shape.features,
            f"the weights of the {shape.features} numbers of the last state",
        )
    else:
        count = shape.vocabulary
        what = f"a word, two words, or the weights of the {count} logits"
    if named or np.shape(readout) != (count,):
        raise LabError(f"A read-out of this model is {what}; got {shown(readout)}.")
    return real(readout, "read-out")


def gradients(
    transformer: Transformer,
    tokens: Int[ndarray, "N"],
    weights: Float[ndarray, "k"],
    point: str | tuple[str, int],
    position: int,
) -> Float[ndarray, "..."]:
    """d (weights . read-out at a position) / d point, everything behind the point moving.

    The read-out are the logits, of an encoder the last state. A name alone gives all its places,
    one after the other. LabError for a point that the model has not.
    """
    if isinstance(point, str):
        known_point(point, transformer.shape)
        name, chosen = point, slice(None)
    else:
        check_point(point, transformer.shape)
        name, chosen = point[0], slice(int(point[1]), int(point[1]) + 1)
    note = Collector(name)
    with torch.enable_grad():
        given = torch.as_tensor(tokens, device=transformer.W_E.device)
        read = transformer.through(given, note)
        if transformer.shape.readout != "none":
            read = transformer.measure(read, note)
        bra = torch.as_tensor(np.array(weights), dtype=read.dtype, device=read.device)
        slopes = torch.autograd.grad(
            read[position] @ bra, note.found[chosen], allow_unused=True, materialize_grads=True
        )
    found = torch.stack(slopes).numpy(force=True)
    return found if isinstance(point, str) else found[0]

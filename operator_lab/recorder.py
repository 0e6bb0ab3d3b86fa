"""Recorder: keeps what a forward pass hands out, after the edits asked for (interventions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy import ndarray

from .errors import LabError, near
from .shape import Shape
from .transformer import POINTS, Note, places

Edit = Callable[[ndarray], ndarray]
Edits = Mapping[tuple[str, int], Edit]


class Editor(Note):
    """A note that makes the edits asked for and keeps nothing."""

    def __init__(self, edits: Edits, shape: Shape):
        for key in edits:
            check_point(key, shape)
        self.edits = edits
        self.by_head = any(name == "head_write" for name, _ in edits)
        self.maps = any(name in ("interaction", "mixing") for name, _ in edits)

    def __call__(self, name, index, value):
        key = name, index
        return _edited(self.edits[key], value, name, index) if key in self.edits else value


class Recorder(Editor):
    """A note that keeps every intermediate, after the edits asked for."""

    def __init__(self, edits: Edits, shape: Shape):
        super().__init__(edits, shape)
        self.maps = True
        self.kept: dict[tuple[str, int], torch.Tensor] = {}

    def __call__(self, name, index, value):
        key = name, index
        if key in self.edits:
            value = _edited(self.edits[key], value, name, index)
        self.kept[key] = value
        return value


def known_point(name, shape: Shape) -> int:
    """How often a point stands in a model; LabError for a name that is none of its points."""
    if name not in POINTS:
        raise LabError(
            f"{name!r} is not a point of the forward pass{near(str(name), POINTS)} "
            f"The points are {', '.join(POINTS)}."
        )
    count = places(name, shape)
    if not count:
        raise LabError(
            f"This model has no {name}; its points are "
            f"{', '.join(p for p in POINTS if places(p, shape))}."
        )
    return count


def check_point(key, shape: Shape) -> None:
    """LabError unless it is (name, index) of a point of the model."""
    if not (isinstance(key, tuple) and len(key) == 2):
        raise LabError(f'A point is named by a pair such as ("key_input", 1); got {key!r}.')
    name, index = key
    count = known_point(name, shape)
    if not (isinstance(index, int | np.integer) and 0 <= index < count):
        raise LabError(f"{name} is counted from 0 to {count - 1} in this model; got {index!r}.")


def _edited(edit, value, name, index):
    before = value.numpy(force=True).copy()
    after = np.asarray(edit(before))
    if after.shape != before.shape or after.dtype.kind not in "fiu":
        raise LabError(
            f"The edit of {name} {index} must give back an array of the same shape "
            f"{before.shape}; it gave {after.dtype} of shape {after.shape}."
        )
    return torch.as_tensor(after.astype(before.dtype), device=value.device)

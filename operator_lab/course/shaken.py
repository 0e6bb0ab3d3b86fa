"""Shaken models: the same course on a computer that rounds otherwise.

A printed number that depends on rounding differs between machines. To find it on one machine,
move every weight, and everything a forward pass notes, by so little that no lesson can depend on
it, and see what is printed then (`operator_lab.course.soak`). Nothing is moved outside a
`with shaken(...)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple
from unittest.mock import patch
from zlib import crc32

import torch
from torch import Tensor

from ..errors import LabError, near
from ..model import Model
from ..run import Recorder
from ..transformer import Note, Transformer


class Level(NamedTuple):
    """By what relative amount weights are moved, by their precision."""

    float64: float
    float32: float


LEVELS = {
    "rounding": Level(1e-12, 1e-6),  # thousands of roundings, and ten
    "margin": Level(1e-10, 1e-5),  # finds what stands near the edge between two printed digits
}
STATES = 4  # roundings by which what a pass notes is moved, whatever the level


def check(level: str, draw: int) -> None:
    """Raise LabError for an unknown level, or a draw that is no whole number from 1 on."""
    if level not in LEVELS:
        known = " and ".join(map(repr, LEVELS))
        raise LabError(
            f"There is no level {level!r} of shaking{near(level, LEVELS)} It has {known}."
        )
    if not isinstance(draw, int) or isinstance(draw, bool) or draw < 1:
        raise LabError(f"The draws of a shaking are counted from 1; got {draw!r}.")


@contextmanager
def shaken(level: str, draw: int) -> Iterator[None]:
    """Within this block drawn and loaded weights, and all that a pass notes, are moved a little.

    The same draw moves the same thing alike, so that what was equal for a reason stays equal.
    Errors as in `check`.
    """
    check(level, draw)
    size = LEVELS[level]

    def drawn(self, generator):
        """Weights as another computer's logarithms and cosines would draw them."""
        initialise(self, generator)
        _move(self, size, draw)

    def converted(self, precision=None, device=None):
        """A shipped model: its weights are moved once it has digits to be moved in."""
        model = to(self, precision, device)
        if precision is not None:
            _move(model.transformer, size, draw)
        return model

    initialise, to = Transformer._initialise, Model.to
    with (
        patch.object(Transformer, "_initialise", drawn),
        patch.object(Model, "to", converted),
        patch.object(Note, "__call__", _noting(Note.__call__, draw)),
        patch.object(Recorder, "__call__", _noting(Recorder.__call__, draw)),
    ):
        yield


def _noting(call, draw: int):
    def noted(self, name: str, index: int, value: Tensor) -> Tensor:
        size = STATES * torch.finfo(value.dtype).eps
        if (name, index) == ("state", 0):  # a sum of two numbers is rounded alike everywhere
            return call(self, name, index, value)
        key = f"{name} {index}"
        factor = _factor(draw, key, value.shape, value.dtype, size, value.device)
        return call(self, name, index, value * factor)

    return noted


@torch.no_grad()
def _move(transformer: Transformer, size: Level, draw: int) -> None:
    """All weights but those that nobody rounds: a gain of 1, a bias of 0."""
    for name, w in transformer.named_parameters():
        relative = size.float64 if w.dtype == torch.float64 else size.float32
        factor = _factor(draw, name, w.shape, w.dtype, relative, w.device)
        w.copy_(torch.where((w == 0) | (w == 1), w, w * factor))


@lru_cache(maxsize=128)
@torch.inference_mode(False)  # kept for passes that are differentiated, too
def _factor(draw: int, name: str, shape: torch.Size, dtype, size: float, device) -> Tensor:
    """1 + size r, with r even in [-1, 1]; always the same for the same arguments."""
    seed = crc32(f"{draw} {name} {tuple(shape)}".encode())
    r = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (1 + size * (2 * r - 1)).to(dtype).to(device)

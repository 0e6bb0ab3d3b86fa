"""Weights of few bits in blocks, as GGUF keeps them, and the numbers they stand for.

Each block has a scale (perhaps an offset); in the larger ones, of 256 numbers, every 16 or 32 have
a small scale of their own besides. Layouts: github.com/ggml-org/ggml, ggml-common.h.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray


class Kind(NamedTuple):
    """How numbers are kept: its name, one block, how many numbers that is, and what they are."""

    name: str
    block: np.dtype
    size: int
    numbers: Callable[[ndarray], ndarray]


def _plain(blocks: ndarray) -> ndarray:
    return blocks.astype(np.float32)


def _upper_half(blocks: ndarray) -> ndarray:
    """bfloat16 is the upper half of a float32."""
    return (blocks.astype(np.uint32) << 16).view(np.float32)


def _of_32(blocks: ndarray) -> ndarray:
    """Q4 and Q8: two numbers a byte, the low halves first, or one; scale q + least."""
    names = blocks.dtype.names or ()
    q, scale = (torch.from_numpy(np.ascontiguousarray(blocks[n])) for n in ("q", "scale"))
    scale, x = scale.float()[:, None], torch.empty(len(blocks), 32)
    if q.dtype == torch.int8:
        return torch.mul(q, scale, out=x).numpy()
    least = blocks["least"].astype(np.float32)[:, None] if "least" in names else None
    least = -8 * scale if least is None else torch.from_numpy(least)
    for half, bits in ((slice(16), q & 15), (slice(16, 32), q >> 4)):
        torch.addcmul(least, bits.float(), scale, out=x[:, half])
    return x.numpy()


def _halves(q: ndarray, run: int) -> ndarray:
    """Of every `run` bytes first the low halves, then the high ones: [block, part, 2, run]."""
    q = q.reshape(len(q), -1, 1, run)
    return np.concatenate([q & 15, q >> 4], 2)


def _fives_of_32(blocks: ndarray) -> ndarray:
    """Q5: a fifth bit for each number, all of them in four bytes."""
    scale = blocks["scale"].astype(np.float32)[:, None]
    fifth = np.unpackbits(blocks["high"], axis=1, bitorder="little")
    q = (_halves(blocks["q"], 16).reshape(-1, 32) | fifth << 4).astype(np.float32)
    if "least" in (blocks.dtype.names or ()):
        return scale * q + blocks["least"].astype(np.float32)[:, None]
    return scale * (q - 16)


def _of_256(blocks: ndarray) -> ndarray:
    """Q4_K and Q5_K: eight groups of 32, each with a scale and an offset of six bits."""
    a, b, c = np.moveaxis(blocks["scales"].reshape(-1, 3, 4), 1, 0)
    # the first four of each in six bits of a byte; of the others two bits are left over there
    small = np.concatenate([a & 63, (c & 15) | (a >> 6) << 4], 1).astype(np.float32)
    offset = np.concatenate([b & 63, (c >> 4) | (b >> 6) << 4], 1).astype(np.float32)
    q = _halves(blocks["q"], 32).reshape(-1, 8, 32)
    if "high" in (blocks.dtype.names or ()):
        fifth = np.unpackbits(blocks["high"][:, :, None], axis=2, bitorder="little")
        q = q | fifth.swapaxes(1, 2) << 4
    scale, least = (blocks[n].astype(np.float32)[:, None] for n in ("scale", "least"))
    x = (scale * small)[:, :, None] * q.astype(np.float32) - (least * offset)[:, :, None]
    return x.reshape(-1, 256)


def _sixes_of_256(blocks: ndarray) -> ndarray:
    """Q6_K: sixteen groups of 16, each with a scale of eight bits."""
    low = _halves(blocks["q"], 64).reshape(-1, 2, 4, 32)
    high = blocks["high"].reshape(-1, 2, 1, 32)
    high = np.concatenate([(high >> s) & 3 for s in (0, 2, 4, 6)], 2)
    q = (low | high << 4).reshape(-1, 16, 16).astype(np.float32) - 32
    scale = blocks["scale"].astype(np.float32)[:, None] * blocks["scales"].astype(np.float32)
    return (scale[:, :, None] * q).reshape(-1, 256)


def _block(**parts) -> np.dtype:
    return np.dtype([(name, *((form,) if isinstance(form, str) else form))
                     for name, form in parts.items()])  # fmt: skip


_S, _BITS, _SIX = "<f2", ("u1", (16,)), ("u1", (12,))
# By the format's own number for each kind.
KINDS: dict[int, Kind] = {
    0: Kind("F32", np.dtype("<f4"), 1, _plain),
    1: Kind("F16", np.dtype("<f2"), 1, _plain),
    30: Kind("BF16", np.dtype("<u2"), 1, _upper_half),
    2: Kind("Q4_0", _block(scale=_S, q=_BITS), 32, _of_32),
    3: Kind("Q4_1", _block(scale=_S, least=_S, q=_BITS), 32, _of_32),
    6: Kind("Q5_0", _block(scale=_S, high=("u1", (4,)), q=_BITS), 32, _fives_of_32),
    7: Kind("Q5_1", _block(scale=_S, least=_S, high=("u1", (4,)), q=_BITS), 32, _fives_of_32),
    8: Kind("Q8_0", _block(scale=_S, q=("i1", (32,))), 32, _of_32),
    12: Kind("Q4_K", _block(scale=_S, least=_S, scales=_SIX, q=("u1", (128,))), 256, _of_256),
    13: Kind(
        "Q5_K",
        _block(scale=_S, least=_S, scales=_SIX, high=("u1", (32,)), q=("u1", (128,))),
        256, _of_256,
    ),
    14: Kind(
        "Q6_K",
        _block(q=("u1", (128,)), high=("u1", (64,)), scales=("i1", (16,)), scale=_S),
        256, _sixes_of_256,
    ),
}  # fmt: skip

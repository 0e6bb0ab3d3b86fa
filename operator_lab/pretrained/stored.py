"""The tensors of safetensors files by name: sizes first, numbers when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import LabError, brief
from ..given import named, shown

# What is a number by itself; an integer means something only to those who packed it.
FLOATS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


class Stored:
    """Tensors by name, in one file or several; LabError for a file that is not whole.

    `used` remembers which were asked for, so that none is passed over without a word.
    """

    def __init__(self, files: Sequence[Path], dtype: torch.dtype):
        self.dtype = dtype
        self.where: dict[str, Any] = {}
        self.used: set[str] = set()
        self.sizes: dict[str, tuple[tuple[int, ...], str]] = {}
        for file in files:
            try:
                opened = safe_open(file, framework="pt")
                for name in opened.keys():  # noqa: SIM118
                    if name in self.where:
                        raise LabError(f"Two files hold {shown(name)}; copy the folder again.")
                    part = opened.get_slice(name)
                    self.where[name] = opened
                    self.sizes[name] = tuple(part.get_shape()), part.get_dtype()
            except (SafetensorError, OSError) as error:
                raise LabError(
                    f"{str(file)!r} is not a whole safetensors file ({brief(error)}); copy it "
                    "again."
                ) from None

    def __contains__(self, name: str) -> bool:
        return name in self.where

    def size(self, name: str) -> Tensor:
        """A tensor's shape without its numbers; LabError for numbers of another kind."""
        shape, kind = self.sizes[name]
        if kind not in FLOATS:
            raise LabError(
                f"{named(name)} is stored as {kind}: no plain numbers, so these weights are "
                f"packed or quantised; known: {', '.join(FLOATS)}. Save the model in one of them."
            )
        self.used.add(name)
        return torch.empty(shape, dtype=self.dtype, device="meta")

    def numbers(self, name: str) -> Tensor:
        """A tensor's numbers."""
        return self.where[name].get_tensor(name).to(self.dtype)

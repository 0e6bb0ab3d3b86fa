"""Where torch computes: the CPU, or a GPU that is there."""

from __future__ import annotations

import torch

from .errors import LabError
from .guard import guarded


@guarded
def pick_device(device: str = "auto") -> torch.device:
    """Return the device to compute on: "auto" takes CUDA, else Apple's GPU, else the CPU.

    LabError for one that is not there.
    """
    if device != "auto":
        try:
            return torch.zeros(1, device=device).device
        except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
            raise LabError(
                f"The device {device!r} cannot be used here ({str(error).splitlines()[0]}); "
                "try 'auto' or 'cpu'."
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")

"""What every matrix of this package must be: square, finite, not empty."""

from __future__ import annotations

import numpy as np
from jaxtyping import Inexact
from numpy import ndarray

from ..errors import LabError


def square(A, name: str = "matrix") -> Inexact[ndarray, "n n"]:
    """Return A as a float or complex array; LabError unless it is square, finite and not empty."""
    try:
        A = np.asarray(A)
        A = A.astype(complex if A.dtype.kind == "c" else float)
    except (TypeError, ValueError):
        raise LabError(f"The {name} must be an array of numbers, [n, n].") from None
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise LabError(f"The {name} must be square, [n, n]; got shape {A.shape}.")
    if not A.size:
        raise LabError(f"The {name} is empty, so it has no spectrum; give at least one row.")
    if not np.isfinite(A).all():
        raise LabError(f"The {name} holds NaN or infinity; every entry must be finite.")
    return A


def whole(count, name: str, least: int = 1, most: int | None = None) -> int:
    """Return a whole number within its limits; LabError otherwise."""
    limits = f"from {least} on" if most is None else f"from {least} to {most}"
    fits = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not fits or count < least or (most is not None and count > most):
        raise LabError(f"{name} must be a whole number {limits}; got {count!r}.")
    return int(count)

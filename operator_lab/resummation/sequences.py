"""The limit of a sequence of vectors from its first terms: Wynn's epsilon, reduced rank.

Reference: Wynn 1962, Math. Comp. 16, 301 (the vector form, Samelson inverse v / v.v); Brezinski &
Redivo Zaglia 1991, Extrapolation Methods; Smith, Ford & Sidi 1987, SIAM Review 29, 199.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..guard import guarded


def terms(sequence, least: int = 1) -> Float[ndarray, "k *shape"]:
    """Return a sequence as an array [term, ...]; LabError if it is too short or not finite."""
    S = np.asarray(sequence, dtype=float)
    if S.ndim == 0 or len(S) < least or not S.size:
        given = "a single number" if S.ndim == 0 else f"{len(S)}"
        raise LabError(f"At least {least} terms are needed, along the first axis; got {given}.")
    if not np.isfinite(S).all():
        raise LabError("The sequence holds NaN or infinity; leave out what has overflowed.")
    return S


@guarded(holes=("sequence",), empty=("sequence",))
def epsilon(sequence: Float[ndarray, "n *shape"]) -> Float[ndarray, "k *shape"]:
    """Vector epsilon algorithm: row i is the limit as the terms 0 .. i foretell it.

    All but the first axis together are one vector. Exact for a limit plus m geometric terms once
    2 m + 1 terms are known (for vectors then only up to rounding, and with 2 m terms if the limit
    is 0); of a power series' partial sums it gives vector Padé approximants. LabError for an empty
    sequence, or one that is not finite.
    """
    S = terms(sequence)
    scale = abs(S).max() or 1.0  # so that squares neither overflow nor vanish
    vectors = S.reshape(len(S), -1) / scale
    best: list[ndarray] = []
    diagonal: list[ndarray] = []
    for newest in vectors:
        fresh = [newest]
        older = np.zeros_like(newest)  # epsilon_(-1), then the entry two columns to the left
        for entry in diagonal:
            step = fresh[-1] - entry
            size = step @ step
            if size <= 1e-30 * max(fresh[-1] @ fresh[-1], 1e-300):
                break  # this column has converged; what lies beyond is rounding
            fresh.append(older + step / size)
            older = entry
        diagonal = fresh
        best.append(fresh[(len(fresh) - 1) // 2 * 2])
    return (np.array(best) * scale).reshape(S.shape)


@guarded(holes=("sequence",), empty=("sequence",))
def reduced_rank(sequence: Float[ndarray, "n *shape"]) -> Float[ndarray, "*shape"]:
    """Reduced rank extrapolation: the limit if the terms come from x <- A x + b.

    The weighted mean of the terms whose weighted steps are least (one cycle of Anderson's idea,
    on a sequence that is already there). LabError for fewer than three terms.
    """
    S = terms(sequence, 3)
    steps = np.diff(S.reshape(len(S), -1), axis=0)
    weights = np.linalg.lstsq(np.diff(steps, axis=0).T, -steps[0], rcond=1e-12)[0]
    return S[0] + (weights @ steps[:-1]).reshape(S.shape[1:])

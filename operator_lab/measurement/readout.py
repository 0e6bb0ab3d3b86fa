"""How a state becomes a law: overlaps with the words, softmax and Born's rule (paper V)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..dyson import law_of
from ..errors import LabError
from ..guard import guarded
from ..run import Run


@guarded
def lens(run: Run) -> Float[ndarray, "*batch steps_1 N V"]:
    """The law read off the state after each step, as if the run ended there (logit lens).

    W_U N(x_s) for s = 0 .. 2L; the last is the model's own law. nostalgebraist 2020.
    """
    states = np.moveaxis(run.states, -3, 0)
    return np.stack([law_of(run, x) for x in states], axis=-3)


@guarded
def born(z: Float[ndarray, "*n V"]) -> Float[ndarray, "*n V"]:
    """Born's rule for amplitudes z: z^2 / sum z^2. LabError where all amplitudes vanish."""
    z = np.asarray(z, float)
    scale = abs(z).max(-1, keepdims=True)
    if not np.isfinite(z).all() or (scale == 0).any():
        raise LabError("Amplitudes are finite and not all zero; a null state has no law.")
    squares = (z / scale) ** 2
    return squares / squares.sum(-1, keepdims=True)


@guarded
def effects(bras: Float[ndarray, "V d"]) -> Float[ndarray, "V d d"]:
    """The measurement that V overlapping bras define: E_k = S^-1/2 v_k v_k^T S^-1/2 (a POVM).

    S = sum_k v_k v_k^T, so the E_k are positive and sum to the identity, and psi^T E_k psi of the
    unit vector psi along S^1/2 x is Born's rule for z = v x. LabError for bras that do not span.
    """
    bras = np.asarray(bras, float)
    if bras.ndim != 2 or not np.isfinite(bras).all():
        raise LabError("Bras are an array [word, feature] of finite numbers.")
    bras = bras / (abs(bras).max() or 1)  # of any common size they are the same measurement
    if np.linalg.matrix_rank(bras) < bras.shape[1]:
        raise LabError(
            f"These {len(bras)} bras do not span their {bras.shape[1]} dimensions: a state they "
            "cannot see has no outcome. Project the states on their span first."
        )
    sizes, U = np.linalg.eigh(bras.T @ bras)
    rows = bras @ ((U / np.sqrt(sizes)) @ U.T)
    return np.einsum("ki,kj->kij", rows, rows)

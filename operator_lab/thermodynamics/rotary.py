"""Rotary position embeddings (RoPE): what symmetry they have, what they break, what a twist costs.

Each pair of features is turned by an angle that grows with the position, so that overlaps know
only how far apart two positions are (Su et al. 2021, arXiv 2104.09864).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import number, one_of, whole
from ..guard import guarded
from ..run import Run, single
from .equilibrium import boltzmann, relative_entropy
from .heat import energies

BASE = 10_000.0
TURNED = ("both", "queries", "keys")


@guarded
def frequencies(features: int, base: float = BASE) -> Float[ndarray, "half"]:
    """The angle per position of each pair of features, base^(-2i/features).

    LabError for an odd number of features: they are turned in pairs.
    """
    if whole(features, "features", least=2) % 2:
        raise LabError(
            f"Rotary embeddings turn features in pairs; {features!r} cannot be paired, take an "
            "even number."
        )
    base = number(base, "base of the frequencies", above=0)
    return base ** (-np.arange(0, features, 2) / features)


@guarded
def twisted(
    x: Float[ndarray, "*n N k"],
    rate: Float[ndarray, "half"] | float,
    positions: Float[ndarray, "N"] | None = None,
) -> Float[ndarray, "*n N k"]:
    """Queries or keys, each pair of features (2i, 2i + 1) of row m turned by the angle rate m.

    `rate`, in radians a position, is one number or one for each pair; `positions` counts from 0
    when left out. With the rates of `frequencies` it is RoPE, with a small one a slow twist.
    LabError for an odd number of features, NaN, or numbers of positions or rates that do not fit.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim < 2 or not np.isfinite(x).all():
        raise LabError(f"Rotary embeddings turn finite arrays [position, feature]; got {x.shape}.")
    if x.shape[-1] % 2:
        raise LabError(f"Features are turned in pairs; {x.shape[-1]} is not an even number.")
    places = np.arange(x.shape[-2]) if positions is None else np.asarray(positions, dtype=float)
    if places.shape != x.shape[-2:-1]:
        raise LabError(f"There are {x.shape[-2]} positions, but {places.shape} were named.")
    rate = np.asarray(rate, dtype=float)
    if rate.shape not in ((), (1,), (x.shape[-1] // 2,)) or not np.isfinite(rate).all():
        raise LabError(
            f"A twist has one finite rate, or one for each of the {x.shape[-1] // 2} pairs; got "
            f"{rate!r}."
        )
    angle = places[:, None] * rate
    cos, sin = np.cos(angle), np.sin(angle)
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


@guarded
def rotated(
    x: Float[ndarray, "*n N k"],
    positions: Float[ndarray, "N"] | None = None,
    base: float = BASE,
) -> Float[ndarray, "*n N k"]:
    """Queries or keys [..., position, feature], each pair (2i, 2i + 1) turned by its angle (RoPE).

    The twist whose rates are `frequencies`. `positions` counts from 0 when left out. LabError for
    an odd number of features, NaN, or as many positions as there are not.
    """
    features = np.shape(x)[-1] if np.ndim(x) >= 2 else 2  # what is no array is refused there
    return twisted(x, frequencies(features, base), positions)


@guarded
def interaction(
    q: Float[ndarray, "*n N k"],
    k: Float[ndarray, "*n N k"],
    positions: Float[ndarray, "N"] | None = None,
    base: float = BASE,
) -> Float[ndarray, "*n N N"]:
    """S_ij = (R_i q_i) . (R_j k_j): it depends on the positions through j - i alone."""
    return rotated(q, positions, base) @ rotated(k, positions, base).swapaxes(-1, -2)


@guarded
def twist_cost(
    run: Run, rate: Float[ndarray, "half"] | float, turned: str = "both"
) -> Float[ndarray, "L h"]:
    """What a slow common twist of queries and keys costs each head: mean KL of its rows, in nats.

    Query and key at position m are turned by `rate` times m in every pair of features, so that the
    angle changes from place to place; one angle for all places costs nothing. The states and the
    mask stay. The first position, which has one key, is left out. `turned`: "both", or as a
    control the "queries" or the "keys" alone, which is no symmetry. LabError for a batch.
    """
    one_of(turned, TURNED, "choice of what is turned")
    run.shape.without("A twist of queries and keys", "qk_norm")
    before, cost = energies(single(run)), []
    for layer, E in zip(run.layers, before, strict=True):
        x, norm = run.states[2 * layer.index], layer.attend().before
        n = x if norm is None else norm(x, 1.0)
        q, k = (np.einsum("hkd,nd->hnk", W, n) for W in (layer.W_Q, layer.W_K))
        q = q if turned == "keys" else twisted(q, rate)
        k = k if turned == "queries" else twisted(k, rate)
        S = q @ k.swapaxes(-1, -2)
        rows = (boltzmann(e, run.temperature) for e in (E, np.where(np.isfinite(E), -S, np.inf)))
        cost.append(np.asarray(relative_entropy(*rows))[:, 1:].mean(-1))
    return np.array(cost)

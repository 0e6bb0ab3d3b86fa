"""The response of a whole run: how its last state answers to a small change of its first.

Here nothing is held fixed. A step linearised at the run is

    dx_s = D' [ dx + F'(u) N' dx ],    N' = (g / sigma) (1 - mean - n n^T / d),

n = (x - mean) / sigma, with the norm before (N) or after the step (D). An MLP acts on each position
by itself, F' = W_2 f'(z) W_1. In attention a change at j reaches i in two ways, by its value and by
its key, and a change at i moves what i asks for:

    F'_ij = sum_h A_ij W_O [ W_V + (v_j - z_i) (W_K^T q_i)^T / T ] + delta_ij W_O C_i W_Q / T.

C_i, the covariance of values and keys under the weights of i, is a fluctuation-response theorem:
d<v> / dq = <(v - <v>) k^T> / T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..guard import guarded
from ..run import LayerRun, Run
from ..shape import Shape
from ..steps import FrozenNorm
from ..transformer.rotation import turned

CHUNK = 2  # positions whose changes are followed together: what stands before them never moves


@guarded
def jacobian(run: Run) -> Float[ndarray, "Nd Nd"]:
    """d x_L / d x_0 of a run on flattened states, everything moving (input-output Jacobian).

    Frozen steps multiply to `propagator`, the Jacobian with the weights held; their difference is
    what the state-dependence of the weights does. For a run without edits. LabError for a batch.
    """
    if run.states.ndim > 3:
        raise LabError("A batch has one Jacobian per sentence; take one run, runs[i].")
    positions, features = run.states.shape[1:]
    together = CHUNK if run.shape.causal else positions
    steps = [step for layer in run.layers for step in (_attention(layer), _mlp(layer))]
    J = np.zeros((positions, features, positions, features), run.states.dtype)
    for first in range(0, positions, together):
        moved = min(together, positions - first)
        change = np.eye(moved * features, dtype=J.dtype).reshape(moved, features, -1)
        for step in steps:
            change = step.push(change, first, together)
        change = change.reshape(len(change), features, moved, features)
        J[first : first + len(change), :, first : first + moved] = change
    return J.reshape(positions * features, -1)


@dataclass(frozen=True, eq=False)
class Tangent:
    """One linearised step, dx -> after (dx + between (read dx)); on-site matrices are [N, d, d]."""

    read: Float[ndarray, "N d d"] | None  # N', of pre-LN
    between: Float[ndarray, "Nd Nd"] | None  # F' of attention
    after: Float[ndarray, "N d d"] | None  # D' of post-LN, or all of an MLP

    def push(self, change: Float[ndarray, "n d m"], first: int, rows: int) -> ndarray:
        """Carry m changes of the positions from `first` on; those not listed yet have not moved."""
        if self.between is not None:
            change = self._carried(self.between, change, first, rows)
        if self.after is None:
            return change
        return self.after[first : first + len(change)] @ change

    def _carried(self, between, change, first, rows):
        """Attention, `rows` queries at a time: a query sees no key behind it."""
        seen, features, count = change.shape
        read = change if self.read is None else self.read[first : first + seen] @ change
        read = read.reshape(-1, count)
        F = between[first * features :, first * features :]
        after = np.zeros((len(F), count), change.dtype)
        after[: len(read)] = change.reshape(-1, count)
        size = rows * features
        for i in range(0, len(F), size):
            key = min(len(read), i + size)
            after[i : i + size] += F[i : i + size, :key] @ read[:key]
        return after.reshape(-1, features, count)


def _norm(norm: FrozenNorm | None, x) -> Float[ndarray, "N d d"] | None:
    """N' at the states x, where a norm stands."""
    if norm is None:
        return None
    features = x.shape[-1]
    n = (x if norm.rms else x - x.mean(-1, keepdims=True)) / norm.sigma
    projected = np.eye(features, dtype=x.dtype) - (0 if norm.rms else 1 / features)
    slope = projected - n[:, :, None] * n[:, None, :] / features
    return norm.gain[:, None] / norm.sigma[..., None] * slope


def _norms(layer: LayerRun, step, s: int):
    """N' before and D' after step s; at most one of them stands."""
    x = layer.run.kept["state", s]
    return _norm(step.before, x), _norm(step.after, x + layer.run.kept["step_write", s])


def _mlp(layer: LayerRun) -> Tangent:
    step = layer.potential("tangent")
    before, after = _norms(layer, step, 2 * layer.index + 1)
    slope = step.W_2 @ (step.gate[:, :, None] * step.W_1)
    whole = np.eye(step.features, dtype=slope.dtype) + (slope if before is None else slope @ before)
    return Tangent(None, None, whole if after is None else after @ whole)


def _attention(layer: LayerRun) -> Tangent:
    shape, step = layer.run.shape, layer.attend()
    shape.without("The whole Jacobian", "qk_norm", "score_cap")
    angles = shape.turning(layer.index)
    T = 1.0 if shape.mixing == "raw" else layer.temperature
    read, after = _norms(layer, step, 2 * layer.index)
    q, k = (_served(layer.run.kept[name, layer.index], shape) for name in ("query", "key"))
    places = np.arange(step.positions)
    answer = _answer(layer)  # of what i receives, to the exponent of j

    # Two ways from j to i, side by side in one product: its key moves weights, its value is read.
    key = np.einsum("hijv,ahv->iajh", answer, step.W_O, optimize=True)
    value = step.mixing.transpose(1, 2, 0)[:, None]
    to_value = np.einsum("ahv,hvb->ahb", step.W_O, step.W_V, optimize=True)[None]
    if angles:  # how much the key of j moves depends on j: its turn is taken back
        to_key = turned(q[:, :, None], angles, -places) @ layer.W_K[:, None] / T
        between = value @ to_value + np.einsum("iajh,hijb->iajb", key, to_key, optimize=True)
    else:
        to_key = (q @ layer.W_K / T).transpose(1, 0, 2)[:, None]
        between = _beside(key, value, -1) @ _beside(to_key, to_value, -2)

    covariance = answer.mT @ k[:, None]  # of values and keys, as each query weighs them
    covariance = turned(covariance, angles, -places[:, None])
    own = np.einsum("ahv,hivk,hkb->iab", step.W_O, covariance, layer.W_Q / T, optimize=True)
    for i, asked in enumerate(own):
        between[i, :, i] += asked
    return Tangent(read, between.reshape(step.positions * step.features, -1), after)


def _served(x: Float[ndarray, "g N d_k"], shape: Shape) -> Float[ndarray, "h N d_k"]:
    """Keys or values once for every head of queries that they serve."""
    return x if len(x) == shape.heads else np.repeat(x, shape.group, 0)


def _answer(layer: LayerRun) -> Float[ndarray, "h N N d_k"]:
    """d z_i / d (exponent of j): A_ij (v_j - z_i), or v_j where nothing is normalised."""
    shape = layer.run.shape
    v = _served(layer.run.kept["value", layer.index], shape)[:, None]
    if shape.mixing == "softmax":
        z = layer.run.kept["head_output", layer.index][:, :, None]
        return layer.mixing()[..., None] * (v - z)
    positions = v.shape[-2]
    past = np.ones((positions, positions), v.dtype)
    past = np.tril(past) if shape.causal else past
    return past[..., None] * v


def _beside(a, b, axis: int):
    """Both arrays along an axis, the others broadcast."""
    lead = np.broadcast_shapes(a.shape[:2], b.shape[:2])
    return np.concatenate([np.broadcast_to(x, (*lead, *x.shape[2:])) for x in (a, b)], axis)

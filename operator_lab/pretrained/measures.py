"""What is measured on a real model, beyond the instruments of the other notebooks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..arrays import unit
from ..dyson import orders
from ..errors import LabError
from ..guard import guarded
from ..mixing import antisymmetric_share, centred
from ..model import Model
from ..run import LayerRun, Run, single
from ..steps import AttentionStep, MLPStep


class Couplings(NamedTuple):
    """How far the couplings of a model are from Hermitian; see `couplings`."""

    antisymmetric: Float[ndarray, "L h"]  # share of each head's form: 0 Hermitian, 1/2 random
    summed: Float[ndarray, "L"]  # the same of the heads' sum
    departure: Float[ndarray, "L h"]  # from normality (Henrici): 0 normal, at most 1


@guarded
def couplings(model: Model) -> Couplings:
    """V_eff = G W_Q^T W_K G of every head (QK circuit): antisymmetric share, departure from normal.

    As `lab.mixing` has them, by products of size d_k instead of d. With RoPE it is the form
    between a position and itself; a distance turns it.
    """
    s, w = model.shape, model.weights
    s.without("The form of an interaction", "qk_norm")
    share, summed, departure = [], [], []
    for i in range(s.layers):
        block = f"blocks.{0 if s.tied else i}"
        inside = s.norm in ("pre", "both")
        gain = w.get(f"{block}.norm_1.gain", np.ones(1)).astype(float) if inside else 1.0
        K = w[f"{block}.attention.W_K.weight"].astype(float) * gain
        free = s.coupling == "free"  # else W_Q is W_K up to signs
        Q = w[f"{block}.attention.W_Q.weight"].astype(float) * gain if free else K
        Q, K = (W.reshape(-1, s.d_k, s.features) for W in (Q, K))
        Q = Q if free else Q * np.array(s.signs)[:, None]
        K = np.repeat(K, s.group, 0)
        C = K @ Q.swapaxes(1, 2)  # its eigenvalues are those of the form, zeros left out
        squared = ((Q @ Q.swapaxes(1, 2)) * (K @ K.swapaxes(1, 2))).sum((1, 2))  # |V|^2
        share.append((1 - np.einsum("hij,hji->h", C, C) / squared) / 2)
        spectrum = (abs(np.linalg.eigvals(C)) ** 2).sum(-1)
        departure.append(np.sqrt(np.maximum(0.0, 1 - spectrum / squared)))
        summed.append(antisymmetric_share(np.einsum("hkd,hke->de", Q, K)))
    return Couplings(np.array(share), np.array(summed), np.array(departure))


@guarded
def raw_and_centred(run: Run) -> Float[ndarray, "2 L h"]:
    """Antisymmetric share of each map S of a run, as it is and double-centred.

    A direction that all states share makes S = constant + rest; the constant is symmetric and
    hides the rest. Where position 0 is a massive activation (a causal model) it is left out.
    """
    S = run.interaction.astype(float)
    S = S[..., 1:, 1:] if run.shape.causal else S
    if S.shape[-1] < 3:
        raise LabError("A map of interactions needs at least three positions to be centred.")
    return np.stack([antisymmetric_share(S), antisymmetric_share(centred(S))])


class Reading(NamedTuple):
    """What some states say of the next word, against the run itself."""

    left: Float[ndarray, "n"]  # mean KL from the run's law, nats
    agree: Float[ndarray, "n"]  # share of positions whose likeliest word is the run's


@guarded
def reading(run: Run, states: Float[ndarray, "n N d"]) -> Reading:
    """Read each set of states through the final norm and W_U in place of the last one.

    Of the partial sums of a series it is the truncation, of `run.states` the logit lens. Position
    0 is left out of the means, and the laws are made one after the other: real vocabularies are
    large. LabError for an encoder or a text of one word.
    """
    if len(single(run).words) < 2:
        raise LabError("Position 0 is left out of every mean; give a text of at least two words.")
    if states.shape[1:] != run.states.shape[1:]:
        raise LabError(
            f"States of this run are [n, {run.states.shape[1]}, {run.states.shape[2]}]; got shape "
            f"{states.shape}."
        )
    exact = log_law(run, run.states[-1])
    found = []
    for x in states:
        law = log_law(run, x)
        left = (np.exp(exact) * (exact - law)).sum(-1).mean()
        found.append((left, (law.argmax(-1) == exact.argmax(-1)).mean()))
    return Reading(*np.array(found).T)


def log_law(run: Run, x: Float[ndarray, "N d"]) -> Float[ndarray, "N_1 V"]:
    """The logarithm of the law read from states, at each position but the first, in float64."""
    W_U, norm = run.weights["W_U.weight"], run.final_norm(x.astype(float))
    x = (x.astype(float) if norm is None else norm(x.astype(float), 1.0))[1:]
    z = (x.astype(W_U.dtype) @ W_U.T).astype(float) + run.weights.get("W_U.bias", 0.0)
    if run.shape.logit_cap:
        z = run.shape.logit_cap * np.tanh(z / run.shape.logit_cap)
    z -= z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


@guarded(finite=True)
def sizes(series: Float[ndarray, "n N d"], skip: int = 1) -> Float[ndarray, "n"]:
    """Norm of each order over the norm of the state, all positions but the first `skip` together.

    `lab.dyson.sizes` averages position by position; here a position counts by its norm.
    """
    y, _ = unit(np.asarray(series, float)[:, skip:])
    return np.sqrt((y**2).sum((1, 2)) / (y.sum(0) ** 2).sum())


@guarded
def damping(run: Run) -> Float[ndarray, "L N"]:
    """Trace of the true Jacobian of each MLP step at each position, over d.

    The derivative of x -> MLP(N(x)), norm included: no choice of what to freeze enters. Negative
    means that the MLP shrinks a small change of its input, on average over directions.
    """
    return np.array([_trace(layer) for layer in single(run).layers]) / run.shape.features


def _trace(layer: LayerRun) -> Float[ndarray, "N"]:
    """tr(W_2 F' W N'), by the diagonal alone: F' is diagonal between the two matrices."""
    step = layer.potential("tangent")
    x = layer.run.kept["state", 2 * layer.index + 1]
    if step.before is None:
        return step.gate @ np.einsum("dm,md->m", step.W_2, step.W_1)
    norm = step.before
    sigma = norm.sigma[:, 0]
    # N' = G (P - n n^T / d) / sigma, P = 1 or what removes the mean, n the normed state
    centre = x if norm.rms else x - x.mean(-1, keepdims=True)
    n = centre / norm.sigma
    M = step.W_1 * norm.gain  # what the MLP does to the normed state before its gain
    direct = step.gate @ np.einsum("dm,md->m", step.W_2, M)
    along = np.einsum("nd,nd->n", (step.gate * (n @ M.T)) @ step.W_2.T, n) / x.shape[-1]
    if not norm.rms:  # the direction (1, ..., 1) is not read
        along = along + step.gate @ (step.W_2.sum(0) * M.sum(1)) / x.shape[-1]
    return (direct - along) / sigma


@guarded
def massive(run: Run, shift: Float[ndarray, "steps N"]) -> Float[ndarray, "n N d"]:
    """Orders of the plain series when an on-site energy is free: V = c + (V - c), step by step.

    y_n <- (1 + c) y_n + (V - c) y_{n-1}, c[step, position] a number (a mass, in imaginary time).
    Sums to the run's last state for every c. LabError where a bias makes the steps affine.
    """
    y = single(run).states[:1]
    if shift.shape != (len(run.steps), y.shape[1]):
        raise LabError(
            f"shift is [steps, N], here {(len(run.steps), y.shape[1])}; got shape {shift.shape}."
        )
    for step, c in zip(run.steps, shift, strict=True):
        c = np.asarray(c, y.dtype)[:, None]
        z = (1 + c) * y
        raised = (step @ y) - c * y
        y = np.concatenate([z, np.zeros_like(z[:1])])
        y[1:] += raised
    return y


@guarded
def onsite_energies(run: Run, skip: int = 2) -> Float[ndarray, "steps N"]:
    """The number nearest to each frozen step on each site, tr L / d; 0 for the first `skip` steps.

    The trace of what acts within a position, attention's diagonal and MLP alike.
    """
    if single(run).shape.norm != "pre":
        raise LabError("On-site energies are read off steps with their norm before them (pre-LN).")
    found = []
    for k, step in enumerate(run.steps):
        if k < skip:
            found.append(np.zeros(step.positions))
            continue
        if isinstance(step, MLPStep):
            left, right, held = step.W_2, step.W_1, step.gate
        elif isinstance(step, AttentionStep):
            held = np.diagonal(step.mixing, axis1=-2, axis2=-1).T  # [position, head]
            held = np.repeat(held, run.shape.d_k, 1)
            left = step.W_O.reshape(step.features, -1)
            right = step.W_V.reshape(-1, step.features)
        assert step.before is not None  # pre-LN
        gain, sigma = step.before.gain, step.before.sigma[:, 0]
        found.append(held @ np.einsum("dm,md,d->m", left, right, gain) / sigma / step.features)
    return np.array(found)


@guarded
def by_gate(run: Run) -> dict[str, Float[ndarray, "n N d"]]:
    """The plain series, every step an interaction, for each way to hold a gated MLP."""
    return {gate: orders(run, gate=gate) for gate in ("secant", "half", "up")}


@guarded(finite=True)
def pooled(run: Run, x: Float[ndarray, "*n N d"] | None = None) -> Float[ndarray, "*n d"]:
    """The mean of the last states over the positions, at length 1 (sentence embedding).

    What an encoder such as MiniLM is used for; of any states x [..., N, d] in their place.
    """
    x = run.states[-1] if x is None else np.asarray(x)
    mean, _ = unit(x.mean(-2), -1)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)

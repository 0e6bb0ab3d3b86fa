"""Depth as an ordered product, split into orders (paper IV, Eq. 3-7).

A run with its weights frozen is a product of affine maps. Expanding the product sorts the final
state by how often the interaction acted. What counts as interaction is a choice, `free=`: the sum
over all orders is the same exact state, the orders are not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.linalg import expm, logm

from ..arrays import length, softmax, unit
from ..errors import LabError, near
from ..given import index
from ..guard import guarded
from ..model import Model, divergence
from ..run import Run, single
from ..steps import MLPStep, Step
from ..transformer import TINY

SPLITS = ("nothing", "mlp", "on_site")
# An order this much smaller than the state changes no digit of it; it is not propagated further.
ROUNDING = 1e-18
ROUNDING_OF_LOG = 1e-12  # a matrix as near to a singular one has no logarithm in float64


@guarded
def orders(
    run: Run, free: str = "nothing", by: str = "step", gate: str = "secant"
) -> Float[ndarray, "n *batch N d"]:
    """The final state of a run, sorted by order of the interaction (Dyson series; Eq. 7).

    `free="nothing"`: every step interacts, V = step - 1, order = number of steps (`by="step"`) or
    layers (`by="layer"`) that acted: y_n <- y_n + V y_{n-1}.
    `free="mlp"`: the MLPs are free and resummed exactly, attention interacts.
    `free="on_site"`: all that acts within a position is free, the diagonal of attention too;
    order = number of hops between positions. y_n <- D [(1 + L) y_n + O y_{n-1}].

    A constant (bias) follows its operator: free ones enter at order 0, the others one order up.
    The sum over the orders is the run's last state, to rounding. The list ends where an order is
    zero for good: at the number of interactions, for hops at N - 1 if that is less. `gate` says
    how the MLPs are frozen, see `Run.frozen`. LabError for an unknown split.
    """
    if free not in SPLITS:
        raise LabError(
            f"{free!r} is not a split{near(free, SPLITS)} It is one of {', '.join(SPLITS)}."
        )
    if by not in ("step", "layer"):
        raise LabError(f"Orders are counted by 'step' or 'layer', not {by!r}.")
    steps = run.frozen(gate) if gate != "secant" else run.steps
    grouped = by == "layer" and free == "nothing"
    groups = zip(steps[::2], steps[1::2], strict=True) if grouped else ((s,) for s in steps)
    start = run.states[..., 0, :, :]
    y, unit = start[None], np.ones((1, *[1] * start.ndim))
    for group in groups:
        y, unit = _one_group(y, unit, group, free)
    count = run.shape.layers if free != "nothing" or by == "layer" else len(steps)
    count = _most_hops(run) if free == "on_site" else count
    missing = np.zeros((max(0, count + 1 - len(y)), *start.shape), y.dtype)
    return np.concatenate([y, missing])[: count + 1]


def _most_hops(run: Run) -> int:
    """How many hops a run can hold: one a layer, and at most N - 1 where all go to the left."""
    layers, places = run.shape.layers, run.states.shape[-2]
    return min(layers, places - 1) if run.shape.causal else layers


def _one_group(y, unit, group: Sequence[Step], free: str):
    """Carry all orders through one step (or one layer); at most one order is added on top."""
    if free == "nothing":
        z = y
        for step in group:
            z = z + step.apply(z, unit)
        raised = z - y
        return _raise(y, raised, unit)
    (step,) = group
    mlp = isinstance(step, MLPStep)
    if free == "mlp":
        kept = y + step.act(y, unit) if mlp else y
        raised = None if mlp else step.act(y, unit)
    else:
        kept = y + step.on_site(y, unit)
        raised = None if mlp else step.between(y, unit)
    z, unit = (kept, unit) if raised is None else _raise(kept, raised, unit)
    return step.renormed(z, unit), unit


def _raise(kept, raised, unit):
    """Add the interaction's share one order up; drop a new top order that is zero to rounding."""
    if np.abs(raised[-1]).max(initial=0.0) <= ROUNDING * np.abs(kept).max():
        raised = raised[:-1]
    pad = np.zeros((len(raised) + 1 - len(kept), *kept.shape[1:]), kept.dtype)
    z = np.concatenate([kept, pad])
    z[1 : len(raised) + 1] += raised
    units = np.zeros((len(z), *unit.shape[1:]))
    units[0] = 1.0
    return z, units


@guarded
def law_of(
    run: Run, x: Float[ndarray, "*n N d"], norm: str = "renormalised"
) -> Float[ndarray, "*n N V"]:
    """The next-word law that the model reads from any state x in place of its last one.

    `norm="renormalised"` measures x with the final norm as the model would, `"frozen"` with the
    scale of the finished run. LabError for another word.
    """
    if norm not in ("renormalised", "frozen"):
        raise LabError(f"The read-out norm is 'renormalised' or 'frozen', not {norm!r}.")
    if x.shape[-2:] != run.states.shape[-2:]:
        raise LabError(
            f"A state of this run has shape {run.states.shape[-2:]} [position, feature]; got "
            f"{x.shape[-2:]}, perhaps from another run or model."
        )
    final = run.final_norm(x if norm == "renormalised" else run.states[..., -1, :, :])
    x = x if final is None else final(x, 1.0)
    z = x @ run.weights["W_U.weight"].T
    bias = run.weights.get("W_U.bias")
    z = z if bias is None else z + bias
    if run.shape.logit_cap:
        z = run.shape.logit_cap * np.tanh(z / run.shape.logit_cap)
    return softmax(z if run.shape.readout == "softmax" else np.log(z**2 + TINY))


@guarded
def truncated(
    run: Run, order: int, free: str = "on_site", by: str = "step", norm: str = "renormalised"
) -> Float[ndarray, "*batch N V"]:
    """The law read from the sum of the orders 0 .. `order`; LabError beyond the last order."""
    series = orders(run, free, by)
    if not 0 <= order < len(series):
        last = len(series) - 1
        raise LabError(f"Order {order} does not exist; this split has orders 0 to {last}.")
    return law_of(run, series[: order + 1].sum(0), norm)


def _distance(x, y) -> float:
    return float(length(x - y) / length(y))


@guarded
def missing(run: Run, series: Float[ndarray, "n *batch N d"]) -> Float[ndarray, "n"]:
    """Mean KL from the run's own law to the one read from the orders summed so far, in nats."""
    last = run.states[..., -1, :, :]
    # Rounding of large orders that cancel stays far below this, in float32 too; another run not.
    if series.shape[1:] != last.shape or _distance(series.sum(0), last) > 1e-3:
        raise LabError("These orders do not sum to the state of this run; they are another run's.")
    laws = law_of(run, np.cumsum(series, 0))
    return np.array([divergence(run.law, law) for law in laws])


@guarded(finite=True)
def projections(
    series: Float[ndarray, "n *batch N d"],
) -> Float[ndarray, "n"]:
    """Share of each order in the final state, y_n . x / x . x, mean over positions; sums to 1."""
    series, _ = unit(series, (0, -1))
    x = series.sum(0)
    share = (series * x).sum(-1) / (x * x).sum(-1)
    return share.reshape(len(series), -1).mean(1)


@guarded(finite=True)
def sizes(series: Float[ndarray, "n *batch N d"]) -> Float[ndarray, "n"]:
    """Norm of each order over the norm of the final state, averaged over positions."""
    ratio = length(series, -1) / length(series.sum(0), -1)
    return ratio.reshape(len(series), -1).mean(1)


@guarded
def propagator(run: Run, linear: bool = False) -> Float[ndarray, "Nd Nd"]:
    """U = prod (1 + V) as a matrix on flattened states (Eq. 6); LabError where biases stand.

    With `linear` U is the linear part: how differences of states propagate, biases or not.
    LabError for a batch.
    """
    if run.states.ndim > 3:
        raise LabError("A batch has one propagator per sentence; take one run, runs[i].")
    U = np.eye(run.states[0].size, dtype=run.states.dtype)
    for V in run.steps:
        U = U + V.dense(linear) @ U
    return U


@guarded
def commutator(A: Float[ndarray, "n n"], B: Float[ndarray, "n n"]) -> float:
    """|AB - BA| / (|AB| + |BA|): 0 if they commute; about 0.71 for random matrices."""
    (A, _), (B, _) = unit(A), unit(B)
    AB, BA = A @ B, B @ A
    whole = length(AB) + length(BA)
    return float(length(AB - BA) / whole) if whole else 0.0


class Exponentials(NamedTuple):
    """Relative errors of a run's last state when the product of its steps is one exponential.

    `plain` is exp(sum V), `first` and `second` the Magnus expansion of the product; `norms` is the
    sum of the generators' norms, below pi where Magnus is sure to converge.
    """

    plain: float
    first: float
    second: float
    norms: float


@guarded
def exponentials(run: Run) -> Exponentials:
    """The run's product of steps as an ordered exponential, and how well one exponential does it.

    1 + V_s = exp(B_s); first order sum B_s, second order adds half their commutators (Magnus
    1954; paper IV, "time-ordered exponential"). Where biases stand, of the steps on (x, 1). For
    short sentences: the matrices are N d wide. LabError for a batch, and where a step is not
    invertible.
    """
    if run.states.ndim > 3:
        raise LabError("A batch has one product per sentence; take one run, runs[i].")
    V, x0, x = _on_vectors(run)
    if not V:
        raise LabError("A model without layers has no product of steps.")
    for v in V:
        sizes = np.linalg.svd(np.eye(len(v)) + v, compute_uv=False)
        if sizes[-1] < ROUNDING_OF_LOG * sizes[0]:
            raise LabError(
                "A step of this run takes something away for good, as a norm after the step takes "
                "the mean, so it is no exponential of anything; take a pre-LN model."
            )
    B = [logm(np.eye(len(v)) + v).real for v in V]
    commutators = sum((b @ a - a @ b) / 2 for a, b in itertools.combinations(B, 2))
    tries = sum(V), sum(B), sum(B) + commutators
    plain, first, second = (_distance(expm(M) @ x0, x) for M in tries)
    return Exponentials(plain, first, second, norms=float(sum(np.linalg.norm(b, 2) for b in B)))


def _on_vectors(run: Run) -> tuple[list[ndarray], ndarray, ndarray]:
    """The steps as matrices, the first state and the last; with a 1 behind where biases stand."""
    x0, x = run.states[0].ravel(), run.states[-1].ravel()
    if not any(step.constants() for step in run.steps):
        return [step.dense() for step in run.steps], x0, x
    made = []
    for step in run.steps:
        V = np.zeros((x0.size + 1, x0.size + 1), x0.dtype)
        V[:-1, :-1] = step.dense(linear=True)
        V[:-1, -1] = step(np.zeros_like(run.states[0])).ravel()
        made.append(V)
    return made, np.append(x0, 1), np.append(x, 1)


@guarded
def reordered(model: Model, order: Sequence[int]) -> Model:
    """The same model with its layers applied in another order; LabError unless a permutation."""
    layers = range(model.transformer.shape.layers)
    if not layers:
        raise LabError("A model without layers has no order of them.")
    if sorted(order) != list(layers):
        raise LabError(f"An order of layers is a permutation of 0 to {layers[-1]}; got {order}.")
    if model.transformer.shape.tied:
        raise LabError("A tied model has one layer at every depth; there is nothing to reorder.")
    model.shape.without("Another order of layers", "windows", "layered", "first_norm")
    weights = {}
    for here, source in enumerate(order):
        prefix = f"blocks.{source}."
        for name, value in model.weights.items():
            if name.startswith(prefix):
                weights[f"blocks.{here}." + name.removeprefix(prefix)] = value
    return model.with_weights(weights)


@dataclass(frozen=True, eq=False)
class Attribution:
    """A logit split exactly by hop: `free` is order 0, `hops` the rest by its last hop.

    hops[order - 1, layer, head, source]: what came to the read position in that layer, through
    that head, from that source position, having hopped `order` times in all.
    """

    words: tuple[str, ...]
    free: float
    hops: Float[ndarray, "n L h N"]

    @property
    def total(self) -> float:
        """The logit itself (against its reference)."""
        return self.free + float(self.hops.sum())

    @guarded
    def largest(self, count: int = 5) -> list[tuple[float, int, int, int, int]]:
        """The weightiest last hops: (share, order, layer, head, source position)."""
        top = np.argsort(-abs(self.hops), axis=None)[:count]
        found = zip(*np.unravel_index(top, self.hops.shape), strict=True)
        return [
            (float(self.hops[n, layer, h, j]), int(n) + 1, int(layer), int(h), int(j))
            for n, layer, h, j in found
        ]


@guarded
def attribute(run: Run, word: str, against: str | None = None, position: int = -1) -> Attribution:
    """Split one logit by hop, layer, head and source (direct logit attribution, exact).

    The logit of `word` at `position` minus that of `against` (default: the mean over the
    vocabulary), with the final norm frozen. Everything on-site is free, so a term is one last
    hop and all the on-site propagation behind it. It sees what was moved, not what set the
    mixing (query and key composition). LabError for an unknown word, an encoder, a batch, and for
    Born's rule, whose logits are no sums.
    """
    run = single(run)
    if run.shape.readout == "born":
        raise LabError("The logits of Born's rule are logarithms of squares; no sum of terms.")
    run.shape.without("A logit as a sum of terms", "logit_cap")
    for name in (word, against):
        if name is not None and name not in run.vocabulary:
            raise LabError(f"{name!r} is not a word of this model{near(name, run.vocabulary)}")
    W_U = run.weights["W_U.weight"]
    reference = W_U.mean(0) if against is None else W_U[run.vocabulary.index(against)]
    bra = W_U[run.vocabulary.index(word)] - reference
    i = index(position, len(run.words), "position")
    passed = []
    y, unit = run.states[:1], np.ones((1, 1, 1))
    for step in run.steps:
        passed.append((step, y, unit))
        y, unit = _one_group(y, unit, (step,), "on_site")
    constant, final = 0.0, run.final_norm(run.states[-1])
    if final is not None:
        constant = final(np.zeros_like(run.states[-1]), 1.0)[i] @ bra
        bra = final.transposed(bra, i)
    bias = run.weights.get("W_U.bias")
    if bias is not None:
        k = run.vocabulary.index(word)
        other = bias.mean() if against is None else bias[run.vocabulary.index(against)]
        constant += bias[k] - other
    free = float(y[0, i] @ bra + constant)
    hops = np.zeros((max(1, _most_hops(run)), run.shape.layers, run.shape.heads, len(run.words)))
    for step, y, unit in reversed(passed):
        after = step.renormed_transposed(bra, i)
        if not isinstance(step, MLPStep):
            off = step.mixing[:, i] * (np.arange(len(run.words)) != i)
            arrived = off * np.einsum(
                "nhjk,hk->nhj", step.values(y, unit), step.read_by_heads(after)
            )
            kept = min(len(arrived), len(hops))
            hops[:kept, step.layer] += arrived[:kept]
        bra = after + step.on_site_transposed(after, i)
    return Attribution(run.words, free, hops)

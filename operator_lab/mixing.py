"""First-order mixing: what attention does to the states of a run (paper III.1-III.3, III.5-III.6).

Shapes: interaction S and mixing A are [query, key]; a coupling acts on features, [d, d].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .arrays import unit
from .edits import put
from .errors import LabError
from .given import distribution, index, indices
from .guard import guarded
from .model import Model
from .run import LayerRun, Run
from .shape import check_temperature
from .steps import Step


@guarded
def mixing(
    S: Float[ndarray, "*heads N M"], T: float, causal: bool = True
) -> Float[ndarray, "*heads N M"]:
    """Boltzmann weights A = exp(S/T) / Z of each query over its keys (attention pattern; Eq. 1).

    The energy is E = -S. Rows sum to 1; a causal query sees the keys up to its own place. The
    best key's weight is scaled out first, so that T -> 0 ends in a hard choice and not in an
    overflow. LabError unless T > 0.
    """
    T = check_temperature(T)
    S = _finite(S, "interaction S")
    if S.ndim < 2:
        raise LabError(f"An interaction is an array [query, key]; got shape {S.shape}.")
    visible = np.tril(np.ones(S.shape[-2:], bool)) if causal else np.ones(S.shape[-2:], bool)
    lowest = np.where(visible, -S, np.inf).min(-1, keepdims=True)
    weight = np.where(visible, np.exp(np.minimum(lowest + S, 0) / T), 0)
    return weight / weight.sum(-1, keepdims=True)


def _finite(array, name: str) -> ndarray:
    array = np.asarray(array, dtype=float)
    if not np.isfinite(array).all():
        raise LabError(f"The {name} holds NaN or infinity; every entry must be finite.")
    return array


def _square(M, name: str = "matrix") -> ndarray:
    M = _finite(M, name)
    if M.ndim < 2 or M.shape[-1] != M.shape[-2]:
        raise LabError(f"The {name} must be square, [..., n, n]; got shape {M.shape}.")
    return M


def _nonzero(M) -> ndarray:
    """Matrices at a size whose squares are numbers; LabError for one of zeros."""
    if not M.any((-2, -1)).all():
        raise LabError("A matrix of zeros has no norm to take a share of.")
    return unit(M, (-2, -1))[0]


@guarded
def entropy(p: Float[ndarray, "*n k"]) -> Float[ndarray, "*n"] | float:
    """Shannon entropy of distributions along the last axis, in nats."""
    p = distribution(p)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(-1)


@guarded
def stationary(A: Float[ndarray, "*n N N"]) -> Float[ndarray, "*n N"]:
    """The distribution p = p A that a Markov chain with transitions A[from, to] settles in.

    States are taken out one by one, without a subtraction, so that rare transitions keep all
    their digits (Grassmann, Taksar and Heyman 1985). LabError unless rows sum to 1, or where a
    state never leads to one of lower number.
    """
    A = np.array(_chain(A))
    N = A.shape[-1]
    for n in range(N - 1, 0, -1):
        leaving = A[..., n, :n].sum(-1)
        if not (leaving > 0).all():
            raise LabError(f"State {n} never leads to a lower one; give the distribution p.")
        A[..., :n, n] /= leaving[..., None]
        A[..., :n, :n] += A[..., :n, n, None] * A[..., n, None, :n]
    p = np.ones(A.shape[:-1])
    for n in range(1, N):
        p[..., n] = (p[..., :n] * A[..., :n, n]).sum(-1)
    return p / p.sum(-1, keepdims=True)


@guarded
def entropy_production(
    A: Float[ndarray, "*n N N"], p: Float[ndarray, "*n N"] | None = None
) -> Float[ndarray, "*n"] | float:
    """Nats a step by which a Markov chain A[from, to] differs from its own reversal.

    1/2 sum_ij (f_ij - f_ji) ln(f_ij / f_ji) with the flows f_ij = p_i A_ij; p is the stationary
    distribution where none is given (Schnakenberg 1976). 0 for detailed balance, inf where
    something flows that never returns, as under a causal mask. LabError unless rows sum to 1.
    """
    A = _chain(A)
    p = stationary(A) if p is None else distribution(p)
    flow = p[..., :, None] * A
    back = flow.swapaxes(-1, -2)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(flow == back, 0.0, (flow - back) * np.log(flow / back))
    return terms.sum((-1, -2)) / 2


def _chain(A) -> ndarray:
    A = _square(A, "transition matrix A")
    if (A < 0).any() or abs(A.sum(-1) - 1).max() > 1e-6:
        raise LabError("A transition matrix has rows of probabilities that sum to 1.")
    return A


@guarded
def coupling(layer: LayerRun, head: int) -> Float[ndarray, "d d"]:
    """V_eff = G W_Q^T W_K G of one head (the QK circuit; paper III.3), LayerNorm's gain G inside.

    A form on features: S_ij = n(x_i) V_eff n(x_j), n the normed state. It gives numbers, it does
    not act on states. Its rank is at most d_k. Where positions turn queries and keys (RoPE) it is
    the form between a position and itself.
    """
    layer.interaction(head)  # a clear error for a head that does not exist
    layer.run.shape.without("The form of an interaction", "qk_norm")
    gain = layer.weight("norm_1.gain") if layer.run.shape.norm == "pre" else None
    g = 1.0 if gain is None else gain
    return (layer.W_Q[head] * g).T @ (layer.W_K[head] * g)


@guarded
def couplings(run: Run) -> Float[ndarray, "L h d d"]:
    """V_eff of every head of every layer, see `coupling`."""
    heads = range(run.shape.heads)
    return np.array([[coupling(layer, h) for h in heads] for layer in run.layers])


@guarded
def transfer(layer: LayerRun, head: int) -> Float[ndarray, "d d"]:
    """W_O W_V of one head (the OV circuit): what a state gives to the ones that read it."""
    layer.interaction(head)
    return layer.W_O[:, head] @ layer.W_V[head]


@guarded
def antisymmetric_share(M: Float[ndarray, "*n d d"]) -> Float[ndarray, "*n"] | float:
    """|M - M^T|^2 / (4 |M|^2): 0 for Hermitian, 1 for antisymmetric, 1/2 for random real M."""
    M = _nonzero(_square(M))
    return ((M - M.swapaxes(-1, -2)) ** 2).sum((-1, -2)) / (4 * (M**2).sum((-1, -2)))


@guarded
def centred(S: Float[ndarray, "*n N N"]) -> Float[ndarray, "*n N N"]:
    """S without its row and column means: what is left when all states lose their common part."""
    S = _square(S, "interaction S")
    rows, columns = S.mean(-1, keepdims=True), S.mean(-2, keepdims=True)
    return S - rows - columns + S.mean((-1, -2), keepdims=True)


@guarded
def departure_from_normality(M: Float[ndarray, "*n d d"]) -> Float[ndarray, "*n"] | float:
    """Henrici's sqrt(|M|^2 - sum |lambda|^2) / |M|: 0 for a normal matrix, at most 1."""
    M = _nonzero(_square(M))
    total, spectrum = (M**2).sum((-1, -2)), (abs(np.linalg.eigvals(M)) ** 2).sum(-1)
    return np.sqrt(np.maximum(0.0, total - spectrum) / total)


@guarded
def between_share(step: Step) -> float:
    """Share of a frozen step's squared norm that couples different positions (non-local; III.1).

    Of its linear part: a bias couples nothing.
    """
    N, d = step.positions, step.features
    blocks = (step.dense(linear=True) ** 2).reshape(N, d, N, d).sum((1, 3))
    return float(1 - np.trace(blocks) / blocks.sum())


@guarded
def update_sizes(run: Run) -> Float[ndarray, "steps"]:
    """|x_{s+1} - x_s| / |x_s| of each step, averaged over positions (paper III.6)."""
    change = np.linalg.norm(np.diff(run.states, axis=-3), axis=-1)
    return (change / np.linalg.norm(run.states[..., :-1, :, :], axis=-1)).mean(-1)


@guarded(finite=True)
def bare_update(x: Float[ndarray, "N d"], V: Float[ndarray, "d d"]) -> Float[ndarray, "N d"]:
    """x_i + sum_{j <= i} (x_i^T V x_j) x_j, the update with no regulator (paper III.5)."""
    x, V = _finite(x, "states x"), _square(V, "coupling V")
    if x.ndim != 2 or x.shape[1] != len(V):
        raise LabError(f"States [N, d] and a coupling [d, d] are needed; got {x.shape}, {V.shape}.")
    return x + np.tril(x @ V @ x.T) @ x


@guarded
def regauged(model: Model, layer: int, head: int, M: Float[ndarray, "k k"]) -> Model:
    """The same model with Q -> M Q and K -> M^-T K in one head: no interaction changes (III.2).

    Biases go along, and so do all heads that share the keys. LabError for a singular or wrongly
    sized M, and where W_Q is made of W_K or positions turn both: then few gauges are left.
    """
    s, M = model.shape, _square(M, "gauge M")
    s.without("A gauge", "qk_norm")
    if s.coupling != "free" or s.rotation:
        raise LabError("A gauge needs W_Q and W_K of their own that no position turns (RoPE).")
    if len(M) != s.d_k or np.linalg.matrix_rank(M) < s.d_k:
        raise LabError(f"A gauge of this head is an invertible {s.d_k} x {s.d_k} matrix.")
    layer, head = index(layer, s.layers, "layer"), index(head, s.heads, "head")
    keys = head // s.group  # the head of keys, and the heads of queries it serves
    acting = [(keys * s.group + i, "Q", M) for i in range(s.group)]
    new: dict[str, ndarray] = {}
    for h, letter, gauge in [*acting, (keys, "K", np.linalg.inv(M).T)]:
        for part in ("weight", "bias"):
            name = f"blocks.{0 if s.tied else layer}.attention.W_{letter}.{part}"
            if name in model.weights:
                w = new.setdefault(name, model.weights[name].copy())
                rows = slice(h * s.d_k, (h + 1) * s.d_k)
                w[rows] = gauge @ w[rows]
    return model.with_weights(new)


Words = tuple[str | Sequence[str], str | Sequence[str]]


@guarded(own=("words",))
def contrast(
    model: Model, first: str, second: str, words: Words | None = None
) -> Float[ndarray, "V"]:
    """+1 on the words that only the first sentence allows next, -1 on those only the second does.

    Where nobody knows the exact law: +1 on what the model itself expects more after the first, -1
    on what it expects more after the second. `words` names them instead, a word or a list for each
    sentence. LabError where nothing tells the two apart, for an encoder, and for unknown words.
    """
    if words is not None:
        return _named(model, words)
    a, b = laws_of(model, first, second)
    signs = (a > 0).astype(float) - (b > 0) if model.knows_truth else np.sign(a - b)
    if not (signs.max() > 0 > signs.min()):
        raise LabError("After both sentences the same words are possible; nothing to tell apart.")
    return signs


def _named(model: Model, words: Words) -> Float[ndarray, "V"]:
    """+1 and -1 on the words of a pair."""
    if not isinstance(words, tuple | list) or len(words) != 2:
        raise LabError(
            'Name a word, or a list of words, for each sentence: words=("rich", "deep").'
        )
    signs = np.zeros(model.shape.vocabulary)
    for sign, said in zip((1.0, -1.0), words, strict=True):
        for word in [said] if isinstance(said, str) else said:
            signs[model.language.index(word)] += sign
    if not (signs.max() > 0 > signs.min()):
        raise LabError("Both sentences were given the same words; nothing to tell apart.")
    return signs


@guarded
def laws_of(model: Model, first: str, second: str) -> tuple[ndarray, ndarray]:
    """The law of the next word after two sentences: the exact one, or the model's own."""
    law = model.language.law if model.knows_truth else model.law
    a, b = (np.asarray(law(sentence))[-1] for sentence in (first, second))
    return a, b


@guarded
def told_apart(model: Model, first: str, second: str, signs: Float[ndarray, "V"]) -> float:
    """How far the two sentences' laws (`laws_of`) lie apart in a contrast; LabError for nothing."""
    a, b = laws_of(model, first, second)
    if len(signs) != len(a):
        raise LabError(f"signs has one number a word, here {len(a)}; got {len(signs)}.")
    apart = float((a - b) @ signs)
    if abs(apart) < 1e-12:
        raise LabError("These words are as likely after both sentences; nothing to tell apart.")
    return apart


@guarded(own=("words",))
def exchange(
    model: Model,
    first: str,
    second: str,
    positions: Sequence[int] = (-1,),
    words: Words | None = None,
) -> Float[ndarray, "steps_1"]:
    """How far the prediction flips when columns of the state are exchanged (activation patching).

    After 0, 1, ... 2L steps the columns `positions` of the first run are replaced by those of the
    second; 0: the prediction stays, 1: it moves by as much as the exact law does between the two
    sentences (paper Fig. 3, as an intervention), or the model's own where no exact law is known.
    The prediction is the probability of the words that tell them apart, see `contrast`. LabError
    for sentences of different length or with the same next words.
    """
    runs = model.run_batch([first, second])
    signs = contrast(model, first, second, words)
    own, apart = runs.law[0, -1] @ signs, told_apart(model, first, second, signs)
    places = indices(positions, runs.states.shape[-2], "position")
    flipped = []
    for s, columns in enumerate(runs[1].states):
        law = model.run(first, edits=put(model, s, places, columns[places])).law
        flipped.append((own - law[-1] @ signs) / apart)
    return np.array(flipped)


@guarded
def temperature_scan(
    model: Model, ratios: Sequence[float], count: int = 256, texts=None
) -> Float[ndarray, "ratios"]:
    """The loss of the whole model at each temperature T/T0, in nats, see `Model.loss` (III.6).

    The excess where the exact law is known; a real model needs `texts`.
    """
    return np.array([model.replace(tau=check_temperature(r)).loss(texts, count) for r in ratios])

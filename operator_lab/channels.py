"""Heads as channels: what they read and write, and the operator they make together (paper III.4).

A head's read space is spanned by the rows of its W_V (what content it can take), its write space
by the columns of its W_O (where the content can go). Shapes: subspaces as orthonormal columns
[d, k]; an operator on all states of a run as (N d) x (N d).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .arrays import unit
from .edits import silence, swap
from .embedding import bras, vectors
from .errors import LabError
from .given import index, indices, whole
from .guard import guarded
from .mixing import Words, contrast, coupling, entropy, told_apart, transfer
from .model import Model
from .run import LayerRun
from .steps import AttentionStep

SPACES = ("query", "key", "value", "write")


@guarded
def subspace(layer: LayerRun, head: int, which: str) -> Float[ndarray, "d k"]:
    """Orthonormal basis of what a head reads ("query", "key", "value") or writes ("write").

    In the coordinates of the normed state, gain included. LabError for another word or head.
    """
    if which not in SPACES:
        raise LabError(f"A head has the spaces {', '.join(SPACES)}; got {which!r}.")
    layer.interaction(head)  # a clear error for a head that does not exist
    gain = layer.weight("norm_1.gain") if layer.run.shape.norm == "pre" else None
    g = 1.0 if gain is None else gain
    spanned = {
        "query": lambda: (layer.W_Q[head] * g).T,
        "key": lambda: (layer.W_K[head] * g).T,
        "value": lambda: (layer.W_V[head] * g).T,
        "write": lambda: layer.W_O[:, head],
    }[which]()
    return np.linalg.qr(spanned)[0]


@guarded
def overlap(A: Float[ndarray, "d k"], B: Float[ndarray, "d m"]) -> float:
    """Mean squared cosine of the principal angles between two subspaces: 1 for the same, 0 apart.

    |A^T B|^2 / min(k, m) for orthonormal columns; random ones give max(k, m) / d. LabError for
    columns that are not orthonormal.
    """
    A, B = np.asarray(A, float), np.asarray(B, float)
    if A.ndim != 2 or B.ndim != 2 or A.shape[0] != B.shape[0]:
        raise LabError(f"Two subspaces of one space are needed; got {A.shape} and {B.shape}.")
    for Q in (A, B):
        if not np.allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-6):
            raise LabError(
                "A subspace is given by orthonormal columns; numpy.linalg.qr makes them."
            )
    return float(((A.T @ B) ** 2).sum() / min(A.shape[1], B.shape[1]))


@guarded
def overlaps(layer: LayerRun, which: str) -> Float[ndarray, "h h"]:
    """The overlap of the same space of every two heads, see `subspace`."""
    bases = [subspace(layer, h, which) for h in range(layer.run.shape.heads)]
    return np.array([[overlap(a, b) for b in bases] for a in bases])


@guarded
def off_block(M: Float[ndarray, "d d"], blocks: int) -> float:
    """Share of a matrix's squared norm outside its diagonal blocks; 1 - 1/blocks for a random one.

    LabError unless the blocks divide the sides.
    """
    M = np.asarray(M, float)
    if M.ndim != 2 or M.shape[0] != M.shape[1] or len(M) % blocks:
        raise LabError(
            f"A square matrix whose side {blocks} blocks divide is needed; got {M.shape}."
        )
    if not M.any():
        raise LabError("A matrix of zeros has no norm to share out; give one entry other than 0.")
    size = len(M) // blocks
    weight = (unit(M)[0] ** 2).reshape(blocks, size, blocks, size).sum((1, 3))
    return float((weight * (1 - np.eye(blocks))).sum() / weight.sum())


@guarded(own=("heads",))
def operator(
    layer: LayerRun, heads: Sequence[int] | None = None, linear: bool = False
) -> Float[ndarray, "Nd Nd"]:
    """The frozen attention of a layer on all states, sum over heads of A_h (x) W_O^h W_V^h N.

    N is the frozen norm. `heads` keeps some of them only, `linear` leaves biases out. LabError for
    an empty or unknown set, for a batch of runs, where a bias makes it affine, and for post-LN,
    whose norm stands outside the sum.
    """
    step = layer.attend()
    if step.after is not None or layer.run.states.ndim != 3:
        raise LabError("The operator is made for one sentence, with the norm before the attention.")
    count = layer.run.shape.heads
    chosen = range(count) if heads is None else indices(heads, count, "head")
    return np.sum([_only(step, h).dense(linear) for h in chosen], axis=0)


def _only(step: AttentionStep, head: int) -> AttentionStep:
    return replace(
        step,
        mixing=step.mixing[head : head + 1],
        W_V=step.W_V[head : head + 1],
        W_O=step.W_O[:, head : head + 1],
        b_V=None if step.b_V is None else step.b_V[head : head + 1],
    )


@guarded
def schmidt(M: Float[ndarray, "Nd Nd"], positions: int) -> Float[ndarray, "k"]:
    """Singular values of an operator split as position (x) feature, largest first, |.|^2 sum 1.

    M = sum_k s_k a_k (x) w_k with orthonormal matrices a_k [N, N], w_k [d, d] (operator-Schmidt
    decomposition). Attention with h heads has at most h of them.
    """
    M = np.asarray(M, float)
    if M.ndim != 2 or M.shape[0] != M.shape[1] or len(M) % positions:
        raise LabError(f"An operator on {positions} positions is (N d) x (N d); got {M.shape}.")
    if not M.any():
        raise LabError("A matrix of zeros has no Schmidt values of norm 1; give another operator.")
    d = len(M) // positions
    split = unit(M)[0].reshape(positions, d, positions, d).swapaxes(1, 2)
    regrouped = split.reshape(positions**2, d * d)
    sizes = np.linalg.svd(regrouped, compute_uv=False)
    return sizes / np.linalg.norm(sizes)


@guarded
def effective_count(sizes: Float[ndarray, "k"]) -> float:
    """exp of the entropy of the squared Schmidt values: how many channels are in use."""
    p = unit(np.asarray(sizes, float))[0] ** 2
    if not p.any():
        raise LabError("Sizes that are all 0 are no channels; give at least one above 0.")
    return float(np.exp(entropy(p / p.sum())))


@guarded
def messages(layer: LayerRun) -> Float[ndarray, "h d d"]:
    """W_O W_V of every head, with the norm's gain and without the mean it takes off (OV circuits).

    What arrives of a state x at those who read it, up to the norm's scale 1 / sigma.
    """
    shape = layer.run.shape
    W = np.array([transfer(layer, h) for h in range(shape.heads)])
    if shape.norm != "pre" or layer.weight("norm_1.gain") is None:
        return W
    W = W * layer.weight("norm_1.gain")
    return W if shape.rms else W - W.mean(-1, keepdims=True)


@guarded(own=("count",))
def few_products(
    model: Model,
    count: int,
    patterns: Callable[[ndarray], ndarray] | None = None,
    layers: Sequence[int] | None = None,
) -> dict:
    """Edits that leave of each attention the best sum of `count` products (operator-Schmidt).

    Of sum_h A_h (x) W_h the `count` largest Schmidt products are kept; they are mixtures of heads,
    so each pattern becomes a sum of patterns, A_g -> sum_h P_hg A_h, and the messages W_h stay.
    `patterns` makes of A the patterns by which P is chosen, for a null: `scrambled`, say. For
    `edits=` in `Model.run` and `Model.excess`. LabError unless 1 <= count <= heads.
    """
    heads = model.transformer.shape.heads
    count = whole(count, "The number of products", most=heads)
    run = model.run(np.array([0]))

    def keep(layer: int):
        W = messages(run.layers[layer]).reshape(heads, -1).astype(float)
        root = np.linalg.cholesky(W @ W.T)  # |sum_h A_h (x) W_h| = |root^T A|

        def kept(A):
            chosen = A if patterns is None else patterns(A)
            gram = np.einsum("...hij,...gij->...hg", chosen, chosen)
            V = np.linalg.eigh(root.T @ gram @ root)[1][..., -count:]
            P = root @ V @ V.swapaxes(-1, -2) @ np.linalg.inv(root)
            return np.einsum("...hg,...hij->...gij", P, A).astype(A.dtype)

        return kept

    every = range(model.shape.layers)
    chosen = every if layers is None else indices(layers, len(every), "layer")
    return {("mixing", layer): keep(layer) for layer in chosen}


@guarded
def scrambled(A: Float[ndarray, "*h N N"], seed: int = 0) -> Float[ndarray, "*h N N"]:
    """Causal patterns with the visible weights of every row in random order: the same weights,
    given to other keys."""
    A = np.asarray(A)
    order = np.random.default_rng(seed).random(A.shape) + 2 * np.triu(np.ones(A.shape[-2:]), 1)
    return np.take_along_axis(A, order.argsort(-1), -1)


@guarded
def said(model: Model, layer: int, head: int) -> Float[ndarray, "V V"]:
    """What a head adds to each word's logit when it reads a word as it stands in W_E: [said, read].

    W_U W_O W_V n(W_E)^T, the mean over the words that are said taken off, since no law knows it.
    The direct way only: layers between are passed over (OV circuit through the vocabulary).
    """
    record = _anywhere(model, layer, head)
    heard = bras(model) @ messages(record)[head] @ _normed_words(model).T
    return heard - heard.mean(0)


@guarded
def sought(model: Model, layer: int, head: int) -> Float[ndarray, "V V"]:
    """The exponent S / T between any two words as they stand in W_E: [query, key].

    n(W_E) V_eff n(W_E)^T / T: what a word looks for, were the states bare words (QK circuit
    through the vocabulary).
    """
    record, x = _anywhere(model, layer, head), _normed_words(model)
    return x @ coupling(record, head) @ x.T / record.temperature


def _anywhere(model: Model, layer: int, head: int) -> LayerRun:
    """A layer of a run of one word: its weights are what is asked; LabError for none such."""
    found = model.run(np.array([0])).layers[index(layer, model.shape.layers, "layer")]
    found.interaction(head)  # a clear error for a head that does not exist
    return found


def _normed_words(model: Model) -> Float[ndarray, "V d"]:
    x = vectors(model)  # centred where the norm would do it
    if model.transformer.shape.norm != "pre":
        return x
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + model.shape.eps)


@guarded
def costs(model: Model, count: int = 64, texts=None) -> Float[ndarray, "L h"]:
    """The loss when one head at a time writes nothing, see `Model.loss` (ablation).

    The excess where the exact law is known; a real model needs `texts`.
    """
    shape = model.transformer.shape
    heads = range(shape.heads)
    return np.array(
        [
            [model.loss(texts, count, silence(model, layer, [h])) for h in heads]
            for layer in range(shape.layers)
        ]
    )


@guarded(own=("words",))
def carried(
    model: Model, first: str, second: str, words: Words | None = None
) -> Float[ndarray, "L h"]:
    """How far the prediction flips when one head's write is exchanged between two sentences.

    In units and errors as `lab.mixing.exchange` has it for columns.
    """
    one, other = model.run(first), model.run(second)
    signs = contrast(model, first, second, words)
    apart = told_apart(model, first, second, signs)

    def flip(layer, head):
        after = model.run(first, edits=swap(one, other, layer, [head]))
        return ((one.law[-1] - after.law[-1]) @ signs) / apart

    heads = range(one.shape.heads)
    return np.array([[flip(layer, h) for h in heads] for layer in range(one.shape.layers)])

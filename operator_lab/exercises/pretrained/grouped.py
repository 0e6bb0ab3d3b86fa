"""Queries that share their keys (notebook 12).

Grouped queries (Ainslie et al. 2023) and SwiGLU (Shazeer 2020), as Llama-shaped models have them.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def grouped(Q, K):
    """S_ij = q_i . k_j of each head [h, N, N]; neighbouring heads of Q [h, N, k] share one of K."""
    shared = np.repeat(K, len(Q) // len(K), axis=0)
    return np.einsum("hik,hjk->hij", Q, shared)


def _grouped_cases(rng):
    for h, groups, N, k in ((6, 2, 3, 4), (4, 4, 5, 2), (3, 1, 4, 5), (8, 4, 2, 3)):
        Q, K = rng.normal(size=(h, N, k)), rng.normal(size=(groups, N, k)) + 0.3
        yield Case((Q, K), f"{h} heads of queries on {groups} of keys, N = {N}, d_k = {k}")
    sizes = (
        (1, 1, 1, 1, 1.0),
        (48, 6, 5, 4, 1e-8),
        (4, 2, 4, 3, 1e8),
        (6, 3, 3, 6, 1.0),
        (4, 2, 2, 2, 1.0),
    )
    for h, groups, N, k, size in (
        *sizes,
        (2, 2, 50, 45, 1.0),
        (4, 1, 3, 3, 1.0),
        (6, 3, 2, 3, 1.0),
    ):
        Q, K = size * rng.normal(size=(h, N, k)), rng.normal(size=(groups, N, k))
        Q[-1, -1] = Q[-1, 0]
        label = f"{h} heads of queries about {size:g} on {groups} of keys, N = {N}, d_k = {k}"
        yield Case((Q, K), label)
    Q = rng.integers(-2, 3, size=(4, 3, 20)) * 1.0
    for size in (1e-8, 1e8):
        K = size * rng.integers(-2, 3, size=(2, 3, 20))
        yield Case(
            (Q, K), f"4 heads of queries on 2 of keys about {size:g}, whole, N = 3, d_k = 20"
        )


def _groups_add(args, answer, slack):
    Q, K = args
    size = len(Q) // len(K)
    sums = answer.reshape(len(K), size, *answer.shape[1:]).sum(axis=1)
    right = Q.reshape(len(K), size, *Q.shape[1:]).sum(axis=1) @ K.swapaxes(1, 2)
    if differ(sums, right, slack, np.abs(answer)):
        return "the maps of the heads that share keys do not add up to that of their summed queries"


WRONG = """
dealt round: the keys are dealt out in turn: neighbouring heads share one, head i has key head i \
    // (h / g)
    np.repeat(K, len(Q) // len(K), axis=0) => np.tile(K, (len(Q) // len(K), 1, 1))
keys ask: query and key are exchanged: rows are queries, columns are keys
    Q, shared) => shared, Q)
scaled: it is divided by sqrt(d_k): the interaction is the bare overlap, the temperature comes \
    later
    Q, shared) => Q, shared) / np.sqrt(Q.shape[2])
first keys: every head has the first head of keys: there are as many groups as heads of keys
    np.repeat(K, len(Q) // len(K), axis=0) => np.repeat(K[:1], len(Q), axis=0)
mean keys: every head has the mean of all keys: a group has its own
    np.repeat(K, len(Q) // len(K), axis=0) => np.repeat(K.mean(axis=0)[None], len(Q), axis=0)
masked: the future is set to 0: the interaction is there before any mask
    return np.einsum => return np.tri(Q.shape[1]) * np.einsum
softmax: it is the mixing of a bidirectional model: the interaction S was asked for
    return np.einsum( => w = np.exp(np.einsum(
    Q, shared) => Q, shared) / np.sqrt(Q.shape[2])); return w / w.sum(axis=-1, keepdims=True)
from behind: the groups are in the wrong order: the first heads of queries have the first keys
    repeat(K, => repeat(K[::-1],
"""

EXERCISE = Exercise(
    title="Queries that share their keys",
    reference=grouped,
    cases=_grouped_cases,
    wrong=mistakes(grouped, WRONG),
    laws=(Law("groups add", _groups_add),),
    hints=(
        "Write down for h = 6 heads of queries and g = 2 heads of keys which key head each uses.",
        "S[h] = Q[h] K[h // (h_count / g)]^T: repeat each head of keys h_count / g times in place.",
        "shared = np.repeat(K, len(Q) // len(K), axis=0)",
    ),
    minutes=8,
    level="core",
    spared=PLAIN,
)

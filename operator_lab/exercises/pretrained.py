"""The exercises of notebook 12: shared keys, a gated MLP held in two ways.

Grouped queries (Ainslie et al. 2023) and SwiGLU (Shazeer 2020), as Llama-shaped models have them.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def grouped(Q, K):
    """S_ij = q_i . k_j of each head [h, N, N]; neighbouring heads of Q [h, N, k] share one of K."""
    shared = np.repeat(K, len(Q) // len(K), axis=0)
    return np.einsum("hik,hjk->hij", Q, shared)


def gated(n, W_3, W_1, W_2, a):
    """V [d, d] with V n = W_2 [silu(W_3 n) * (W_1 n)], a share `a` of the product held in silu."""
    g, u = W_3 @ n, W_1 @ n
    sigma = 1 / (1 + np.exp(-g))
    return W_2 @ (a * (sigma * g)[:, None] * W_1 + (1 - a) * (sigma * u)[:, None] * W_3)


# --- grouped -----------------------------------------------------------------------------------


def _grouped_probes(rng):
    for h, groups, N, k in ((6, 2, 3, 4), (4, 4, 5, 2), (3, 1, 4, 5), (8, 4, 2, 3)):
        Q, K = rng.normal(size=(h, N, k)), rng.normal(size=(groups, N, k)) + 0.3
        yield Probe((Q, K), f"{h} heads of queries on {groups} of keys, N = {N}, d_k = {k}")


def _shared(Q, K):
    return np.repeat(K, len(Q) // len(K), axis=0)


def _grouped_by_reshape(Q, K):
    grouped = Q.reshape(len(K), -1, *Q.shape[1:])
    return (grouped @ K[:, None].swapaxes(-1, -2)).reshape(len(Q), Q.shape[1], -1)


def _grouped_by_loop(Q, K):
    size = len(Q) // len(K)
    return [[[sum(q * k) for k in K[h // size]] for q in rows] for h, rows in enumerate(Q)]


def _groups_add(args, answer, slack):
    Q, K = args
    size = len(Q) // len(K)
    sums = answer.reshape(len(K), size, *answer.shape[1:]).sum(axis=1)
    right = Q.reshape(len(K), size, *Q.shape[1:]).sum(axis=1) @ K.swapaxes(1, 2)
    if differ(sums, right, slack, np.abs(answer)):
        return "the maps of the heads that share keys do not add up to that of their summed queries"


GROUPED = Exercise(
    name="pretrained.grouped",
    title="Queries that share their keys",
    reference=grouped,
    alternatives=(
        lambda Q, K: Q @ np.repeat(K, len(Q) // len(K), axis=0).swapaxes(1, 2),
        _grouped_by_reshape,
        _grouped_by_loop,
    ),
    wrong=(
        Wrong("dealt round", lambda Q, K: Q @ np.tile(
              K, (len(Q) // len(K), 1, 1)).swapaxes(1, 2),
              "the keys are dealt out in turn: neighbouring heads share one, head i has key head "
              "i // (h / g)"),
        Wrong("keys ask", lambda Q, K: _shared(Q, K) @ Q.swapaxes(1, 2),
              "query and key are exchanged: rows are queries, columns are keys"),
        Wrong("scaled", lambda Q, K: grouped(Q, K) / np.sqrt(Q.shape[2]),
              "it is divided by sqrt(d_k): the interaction is the bare overlap, the temperature "
              "comes later"),
        Wrong("first keys", lambda Q, K: Q @ K[0].T,
              "every head has the first head of keys: there are as many groups as heads of keys"),
        Wrong("mean keys", lambda Q, K: Q @ K.mean(axis=0).T,
              "every head has the mean of all keys: a group has its own"),
        Wrong("masked", lambda Q, K: np.tril(grouped(Q, K)),
              "the future is set to 0: the interaction is there before any mask"),
        Wrong("softmax", lambda Q, K: _softmax(grouped(Q, K) / np.sqrt(Q.shape[2])),
              "it is the mixing of a bidirectional model: the interaction S was asked for"),
        Wrong("from behind", lambda Q, K: Q @ _shared(Q, K[::-1]).swapaxes(1, 2),
              "the groups are in the wrong order: the first heads of queries have the first keys"),
    ),
    hints=(
        "Write down for h = 6 heads of queries and g = 2 heads of keys which key head each uses.",
        "S[h] = Q[h] K[h // (h_count / g)]^T: repeat each head of keys h_count / g times in place.",
        "shared = np.repeat(K, len(Q) // len(K), axis=0)",
    ),
    minutes=8,
    level="core",
    laws=(Law("groups add", _groups_add),),
    probes=_grouped_probes,
)


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# --- gated -------------------------------------------------------------------------------------


def _gated_probes(rng):
    for d, m, a in ((4, 3, 0.3), (3, 5, 0.8), (5, 2, 0.65), (2, 6, 0.1)):
        n = rng.normal(size=d) * 1.5
        W_3, W_1 = rng.normal(size=(2, m, d))
        yield Probe((n, W_3, W_1, rng.normal(size=(d, m)), a), f"d = {d}, m = {m}, a = {a}")


def _held(parts):
    """Return a gated whose two held factors are `parts(g, u, sigma, a)`, for W_1 and for W_3."""

    def changed(n, W_3, W_1, W_2, a):
        g, u = W_3 @ n, W_1 @ n
        of_up, of_gate = parts(g, u, 1 / (1 + np.exp(-g)), a)
        return W_2 @ (of_up[:, None] * W_1 + of_gate[:, None] * W_3)

    return changed


def _by_diagonals(n, W_3, W_1, W_2, a):
    g = np.diag(W_3 @ n)
    u = np.diag(W_1 @ n)
    sigma = np.diag((1 + np.tanh(W_3 @ n / 2)) / 2)
    return a * W_2 @ sigma @ g @ W_1 + (1 - a) * W_2 @ sigma @ u @ W_3


def _by_columns(n, W_3, W_1, W_2, a):
    g, u = W_3 @ n, W_1 @ n
    s = np.exp(-np.logaddexp(0, -g))
    return np.stack([
        W_2 @ (s * (a * g * (W_1 @ x) + (1 - a) * u * (W_3 @ x))) for x in np.eye(len(n))
    ]).T  # fmt: skip


def _slope(g, s):
    return s * (1 + g * (1 - s))


def _writes(args, answer, slack):
    n, W_3, W_1, W_2, _ = args
    g = W_3 @ n
    right = W_2 @ (g / (1 + np.exp(-g)) * (W_1 @ n))
    if differ(answer @ n, right, slack, np.abs(answer) @ np.abs(n)):
        return "V n is not what the MLP writes, W_2 [silu(W_3 n) * (W_1 n)]"


def _within_reach(args, answer, slack):
    W_2 = args[3]
    beyond = answer - W_2 @ np.linalg.pinv(W_2) @ answer
    if differ(beyond, 0.0, slack, np.abs(answer)):
        return "it writes where W_2 cannot: its columns leave the span of the columns of W_2"


GATED = Exercise(
    name="pretrained.gated",
    title="One gated MLP, frozen in as many ways as you like",
    reference=gated,
    alternatives=(
        _by_diagonals,
        _by_columns,
        _held(lambda g, u, s, a: (a * g * s, u * s - a * u * s)),
    ),
    wrong=(
        Wrong("gate alone", _held(lambda g, u, s, a: (s * g, 0 * u)),
              "the gate is held whole, whatever the share a: the other part holds the up"),
        Wrong("up alone", _held(lambda g, u, s, a: (0 * g, s * u)),
              "the up is held whole, whatever the share a: a share of the gate is held too"),
        Wrong("exchanged", _held(lambda g, u, s, a: ((1 - a) * s * g, a * s * u)),
              "a and 1 - a are exchanged: a is the share in which silu is held and W_1 acts"),
        Wrong("twice", _held(lambda g, u, s, a: (s * g, s * u)),
              "both factors act whole: V n is twice what the MLP writes"),
        Wrong("tangent", _held(lambda g, u, s, a: (s * g, _slope(g, s) * u)),
              "it is the derivative of the MLP: nothing is held there, and V n is not the write"),
        Wrong("sigmoid", _held(lambda g, u, s, a: (a * s, (1 - a) * s * u)),
              "sigma(g) is held where silu(g) = sigma(g) g should be"),
        Wrong("silu in both", _held(lambda g, u, s, a: (a * s * g, (1 - a) * s * g * u)),
              "silu(g) u multiplies W_3: there W_3 n brings the g itself, so only sigma(g) u is "
              "held"),
        Wrong("up gated", lambda n, W_3, W_1, W_2, a: gated(n, W_1, W_3, W_2, a),
              "W_1 and W_3 are exchanged: silu acts on W_3 n"),
        Wrong("on the right", lambda n, W_3, W_1, W_2, a: gated(n, W_3, W_1, W_2, a).T,
              "it is the transpose: V acts on a column, V n"),
    ),
    hints=(
        "silu(g) = sigma(g) g, so the write is W_2 [sigma(g) * g * u]: one held number a unit, and "
        "two factors that n enters. Which of them may still act?",
        "V = W_2 [a diag(sigma(g) g) W_1 + (1 - a) diag(sigma(g) u) W_3].",
        "g, u = W_3 @ n, W_1 @ n; sigma = 1 / (1 + np.exp(-g))",
    ),
    minutes=15,
    level="core",
    laws=(Law("writes", _writes), Law("within reach", _within_reach)),
    probes=_gated_probes,
)

EXERCISES = (GROUPED, GATED)

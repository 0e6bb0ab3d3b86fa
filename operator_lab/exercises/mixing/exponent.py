"""The exponent of the Boltzmann weight (notebook 03; paper III.1-3, III.5-6, Eq. 1).

States are rows, S[query, key] = q_i . k_j, T = tau sqrt(d_k), A = exp(S/T)/Z over keys j <= i.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def exponent(Q, K, tau=1.0):
    """Exponent S/T of the Boltzmann weight: a row for each query, a column for each key."""
    T = tau * np.sqrt(Q.shape[1])
    return Q @ K.T / T


def _exponent_cases(rng):
    for queries, keys, d_k, tau in ((3, 4, 2, None), (5, 2, 7, 0.3), (4, 4, 3, 2.5), (1, 6, 5, 7)):
        Q, K = rng.normal(size=(queries, d_k)), rng.normal(size=(keys, d_k))
        size = f"{queries} queries, {keys} keys, d_k = {d_k}"
        if tau is None:
            yield Case((Q, K), f"{size}, tau left out")
        else:
            yield Case((Q, K, tau), f"{size}, tau = {tau}")
    Q, K = rng.normal(size=(6, 3)) + 40, rng.normal(size=(4, 3)) - 25
    Q[4] = Q[1]
    yield Case((Q, K, 1.7), "6 long queries, one of them twice, 4 keys, d_k = 3, tau = 1.7")
    sizes = ((1, 1, 1, 1e-12), (4, 3, 4, 1e12), (3, 4, 4, 2.0), (3, 3, 4, 1.0), (45, 50, 60, 0.6))
    for queries, keys, d_k, tau in sizes:
        Q, K = rng.normal(size=(queries, d_k)), rng.normal(size=(keys, d_k))
        label = f"{queries} queries, {keys} keys, d_k = {d_k}, tau = {tau:g}"
        yield Case((Q, K, tau), label)
    for size in (1e-8, 1e8):
        Q, K = size * rng.integers(-2, 3, size=(4, 3)), size * rng.normal(size=(5, 3))
        yield Case((Q, K, 0.7), f"4 queries, 5 keys, all about {size:g}, d_k = 3, tau = 0.7")
    K = -rng.integers(0, 3, size=(4, 3)) * 1.0
    yield Case(
        (-np.abs(Q[:, :3]), K, 1.2), "4 queries and keys without a positive number, tau = 1.2"
    )


def _sum_rule(args, answer, slack):
    Q, K, tau = (*args, 1.0)[:3]
    terms = np.abs(Q).sum(axis=0) @ np.abs(K).sum(axis=0) / (tau * np.sqrt(Q.shape[1]))
    right = Q.sum(axis=0) @ K.sum(axis=0) / (tau * np.sqrt(Q.shape[1]))
    if abs(answer.sum() - right) > slack * terms:
        return "its sum over all pairs is not (sum of the q) . (sum of the k) / T"


WRONG = """
d_k: it divides by tau d_k: the temperature is T = tau sqrt(d_k)
    np.sqrt(Q.shape[1]) => Q.shape[1]
times T: it multiplies by T: the exponent is S / T
    / T => * T
transposed: it is transposed: queries are rows and keys are columns, Q K^T
    Q @ K.T => K @ Q.T
no temperature: it is S without the temperature: divide by T = tau sqrt(d_k)
    Q @ K.T / T => Q @ K.T
number of queries: it takes d_k from the wrong axis: Q.shape[0] counts the queries
    Q.shape[1] => Q.shape[0]
number of keys: it takes d_k from the wrong axis: K.shape[0] counts the keys
    Q.shape[1] => K.shape[0]
tau forgotten: it divides by sqrt(d_k) and leaves tau out: T = tau sqrt(d_k)
    tau * np => np
only tau: it divides by tau and leaves sqrt(d_k) out: T = tau sqrt(d_k)
    tau * np.sqrt(Q.shape[1]) => tau
times tau: it multiplies by tau: tau belongs to T, below the line
    tau * np.sqrt(Q.shape[1]) => np.sqrt(Q.shape[1]) / tau
tau in the root: it has tau inside the root: T = tau sqrt(d_k)
    tau * np.sqrt(Q.shape[1]) => np.sqrt(tau * Q.shape[1])
cosine: it is the cosine over tau: S is the bare overlap, lengths included, over T
    / T => / tau / np.outer(np.linalg.norm(Q, axis=1), np.linalg.norm(K, axis=1))
energy: its sign is that of E / T: E = -S, the exponent is -E / T = S / T
    return Q => return -Q
"""

EXERCISE = Exercise(
    title="The exponent of the Boltzmann weight",
    reference=exponent,
    cases=_exponent_cases,
    wrong=mistakes(exponent, WRONG),
    laws=(Law("sum rule", _sum_rule),),
    hints=(
        "Every query meets every key once: which product of Q and K gives all overlaps at once?",
        "S_ij = q_i . k_j is Q K^T; the exponent is S / T with T = tau sqrt(d_k).",
        "T = tau * np.sqrt(Q.shape[1])",
    ),
    minutes=8,
    level="core",
    spared=PLAIN,
)

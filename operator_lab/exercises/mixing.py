"""The exercises of notebook 03: attention as first-order mixing (paper III.1-3, III.5-6, Eq. 1).

States are rows, S[query, key] = q_i . k_j, T = tau sqrt(d_k), A = exp(S/T)/Z over keys j <= i.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def exponent(Q, K, tau=1.0):
    """Exponent S/T of the Boltzmann weight: a row for each query, a column for each key."""
    T = tau * np.sqrt(Q.shape[1])
    return Q @ K.T / T


def mixing(S, T):
    """Causal weights A = exp(S/T)/Z over the keys j <= i, finite at any temperature T > 0."""
    past = np.tril(np.ones(S.shape, dtype=bool))
    z = np.where(past, S / T, -np.inf)
    w = np.exp(z - z.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True)


def past(S, diagonal=0):
    """Return which keys a query may see: those up to itself, shifted by `diagonal`."""
    return np.tril(np.ones(S.shape, dtype=bool), diagonal)


def softmax(z, axis=1):
    """Return exp(z) shared out along an axis."""
    w = np.exp(z - z.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


def masked(z, allowed=None, fill=-np.inf):
    """Return z where it is allowed (by default the past), `fill` elsewhere."""
    return np.where(past(z) if allowed is None else allowed, z, fill)


def _shares(w):
    return w / w.sum(axis=1, keepdims=True)


# --- exponent ----------------------------------------------------------------------------------


def _exponent_probes(rng):
    for queries, keys, d_k, tau in ((3, 4, 2, None), (5, 2, 7, 0.3), (4, 4, 3, 2.5), (1, 6, 5, 7)):
        Q, K = rng.normal(size=(queries, d_k)), rng.normal(size=(keys, d_k))
        size = f"{queries} queries, {keys} keys, d_k = {d_k}"
        if tau is None:
            yield Probe((Q, K), f"{size}, tau left out")
        else:
            yield Probe((Q, K, tau), f"{size}, tau = {tau}")
    Q, K = rng.normal(size=(6, 3)) + 40, rng.normal(size=(4, 3)) - 25
    Q[4] = Q[1]
    yield Probe((Q, K, 1.7), "6 long queries, one of them twice, 4 keys, d_k = 3, tau = 1.7")


def _exponent_loop(Q, K, tau=1.0):
    T = tau * len(Q[0]) ** 0.5
    return [[sum(a * b for a, b in zip(q, k, strict=True)) / T for k in K] for q in Q]


def _sum_rule(args, answer, slack):
    Q, K, tau = (*args, 1.0)[:3]
    terms = np.abs(Q).sum(axis=0) @ np.abs(K).sum(axis=0) / (tau * np.sqrt(Q.shape[1]))
    right = Q.sum(axis=0) @ K.sum(axis=0) / (tau * np.sqrt(Q.shape[1]))
    if abs(answer.sum() - right) > slack * terms:
        return "its sum over all pairs is not (sum of the q) . (sum of the k) / T"


EXPONENT = Exercise(
    name="mixing.exponent",
    title="The exponent of the Boltzmann weight",
    reference=exponent,
    alternatives=(
        lambda Q, K, tau=1.0: np.einsum("id,jd->ij", Q, K) / (tau * Q.shape[-1] ** 0.5),
        lambda Q, K, tau=1.0: (Q / tau) @ (K / np.sqrt(K.shape[1])).T,
        lambda Q, K, tau=1.0: (Q[:, None, :] * K[None]).sum(-1) / (np.sqrt(Q[0].size) * tau),
        _exponent_loop,
    ),
    wrong=(
        Wrong("d_k", lambda Q, K, tau=1.0: Q @ K.T / (tau * Q.shape[1]),
              "it divides by tau d_k: the temperature is T = tau sqrt(d_k)"),
        Wrong("times T", lambda Q, K, tau=1.0: Q @ K.T * (tau * np.sqrt(Q.shape[1])),
              "it multiplies by T: the exponent is S / T"),
        Wrong("transposed", lambda Q, K, tau=1.0: K @ Q.T / (tau * np.sqrt(Q.shape[1])),
              "it is transposed: queries are rows and keys are columns, Q K^T"),
        Wrong("no temperature", lambda Q, K, tau=1.0: Q @ K.T,
              "it is S without the temperature: divide by T = tau sqrt(d_k)"),
        Wrong("number of queries", lambda Q, K, tau=1.0: Q @ K.T / (tau * np.sqrt(Q.shape[0])),
              "it takes d_k from the wrong axis: Q.shape[0] counts the queries"),
        Wrong("number of keys", lambda Q, K, tau=1.0: Q @ K.T / (tau * np.sqrt(K.shape[0])),
              "it takes d_k from the wrong axis: K.shape[0] counts the keys"),
        Wrong("tau forgotten", lambda Q, K, tau=1.0: Q @ K.T / np.sqrt(Q.shape[1]),
              "it divides by sqrt(d_k) and leaves tau out: T = tau sqrt(d_k)"),
        Wrong("only tau", lambda Q, K, tau=1.0: Q @ K.T / tau,
              "it divides by tau and leaves sqrt(d_k) out: T = tau sqrt(d_k)"),
        Wrong("times tau", lambda Q, K, tau=1.0: Q @ K.T / np.sqrt(Q.shape[1]) * tau,
              "it multiplies by tau: tau belongs to T, below the line"),
        Wrong("tau in the root", lambda Q, K, tau=1.0: Q @ K.T / np.sqrt(tau * Q.shape[1]),
              "it has tau inside the root: T = tau sqrt(d_k)"),
        Wrong("cosine", lambda Q, K, tau=1.0: Q @ K.T / tau / np.outer(
              np.linalg.norm(Q, axis=1), np.linalg.norm(K, axis=1)),
              "it is the cosine over tau: S is the bare overlap, lengths included, over T"),
        Wrong("energy", lambda Q, K, tau=1.0: -(Q @ K.T) / (tau * np.sqrt(Q.shape[1])),
              "its sign is that of E / T: E = -S, the exponent is -E / T = S / T"),
    ),
    hints=(
        "Every query meets every key once: which product of Q and K gives all overlaps at once?",
        "S_ij = q_i . k_j is Q K^T; the exponent is S / T with T = tau sqrt(d_k).",
        "T = tau * np.sqrt(Q.shape[1])",
    ),
    minutes=8,
    level="core",
    laws=(Law("sum rule", _sum_rule),),
    probes=_exponent_probes,
)

# --- mixing ------------------------------------------------------------------------------------


def _mixing_probes(rng):
    for N, T in ((3, 1.0), (5, 0.4), (6, 2.5)):
        yield Probe((2 * rng.normal(size=(N, N)), T), f"{N} positions, T = {T}")
    yield Probe((np.array([[3.0]]), 0.7), "a single position")
    yield Probe((rng.normal(size=(4, 4)), 1e3), "4 positions, hot: T = 1000")
    repeated = rng.normal(size=(5, 5))
    repeated[:, 3] = repeated[:, 1]
    yield Probe((repeated, 0.8), "5 positions, one key twice, T = 0.8")
    for offset in (1e3, -1e3):
        S = rng.normal(size=(5, 5)) + offset
        yield Probe((S, 1.0), f"5 positions, every score moved by {offset:g}, T = 1")
    # When it is cold a strong later key must not matter either.
    cold = 3 * rng.normal(size=(6, 6)) + 5 * np.triu(np.ones((6, 6)), 1)
    yield Probe((cold, 1e-6), "6 positions, cold: T = 1e-06")
    yield Probe((1e3 * cold, 1e-3), "6 positions, large scores, cold: T = 0.001")
    ties = rng.integers(-2, 1, size=(6, 6)).astype(float)
    ties[:, 0] = 0
    yield Probe((ties, 1e-6), "6 positions, equal scores, cold: T = 1e-06")


def _mixing_loop(S, T):
    A = np.zeros(S.shape)
    for i in range(len(S)):
        z = S[i, : i + 1] / T
        w = np.exp(z - max(z))
        A[i, : i + 1] = w / sum(w)
    return A


def _after_exp(S, T):
    allowed = np.tril(np.ones(S.shape))
    top = np.max(S, axis=1, keepdims=True, where=allowed > 0, initial=-np.inf)
    w = np.tril(np.exp((S - top) / T))
    return w / w.sum(axis=1, keepdims=True)


def _log_sum_exp(S, T):
    z = masked(S / T)
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def _rows_sum_to_one(args, answer, slack):
    total = answer.sum(axis=1)
    if np.abs(total - 1).max() > slack:
        return f"its rows do not sum to one ({total.min():.3g} ... {total.max():.3g})"


def _causal(args, answer, slack):
    if np.abs(np.triu(answer, 1)).max() > slack:
        return "it gives weight to keys that come later (above the diagonal)"


def _positive(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its weights are negative (down to {answer.min():.3g})"


MIXING = Exercise(
    name="mixing.mixing",
    title="Causal mixing weights at any temperature",
    reference=mixing,
    alternatives=(
        lambda S, T: softmax(np.where(past(S), S, -1e9) / T),
        lambda S, T: softmax(S / T - 1e9 * ~past(S)),
        lambda S, T: softmax(np.where(past(S), S, -np.inf) / T),
        _after_exp,
        _log_sum_exp,
        _mixing_loop,
    ),
    wrong=(
        Wrong("wrong axis", lambda S, T: softmax(masked(S / T), axis=0),
              "its columns sum to one: normalise over the keys, along each row"),
        Wrong("not renormalised", lambda S, T: np.tril(softmax(S / T)),
              "it masks after the softmax: what is left of a row no longer sums to one"),
        Wrong("masked with 0", lambda S, T: softmax(masked(S / T, fill=0.0)),
              "it masks with 0 before the exponential, but exp(0) = 1 is a weight: use -inf"),
        Wrong("strict mask, -inf", lambda S, T: softmax(masked(S / T, past(S, -1))),
              "it masks the diagonal too, so row 0 has no key left and becomes NaN: keep j = i"),
        Wrong("strict mask, -1e9", lambda S, T: softmax(masked(S / T, past(S, -1), -1e9)),
              "it masks the diagonal too, so row 0 falls back on equal weights: keep j = i"),
        Wrong("anti-causal", lambda S, T: softmax(masked(S / T, past(S).T)),
              "it keeps the later keys (upper triangle): a query sees the keys j <= i"),
        Wrong("no mask", lambda S, T: softmax(S / T),
              "it sees the future: keys j > i must get no weight"),
        Wrong("overflow", lambda S, T: _shares(np.where(past(S), np.exp(S / T), 0)),
              "right while S/T is moderate, but exp(S/T) overflows (inf/inf) or vanishes (0/0), "
              "NaN both: subtract each row's largest allowed S/T first"),
        Wrong("overflow times mask", lambda S, T: _shares(np.exp(S / T) * past(S)),
              "right while S/T is moderate, but exp(S/T) overflows and inf times the mask's 0 is "
              "NaN: subtract each row's largest allowed S/T first"),
        Wrong("one maximum", lambda S, T: _shares(np.exp(masked(S / T) - masked(S / T).max())),
              "it subtracts one maximum for the whole matrix: when cold, rows far below it vanish "
              "and 0/0 is NaN; subtract each row's own"),
        Wrong("scaled by the future", lambda S, T: _shares(np.tril(softmax(S / T))),
              "right unless a forbidden key is the strongest and T is small: then every allowed "
              "weight vanishes and 0/0 is NaN; scale each row by its largest allowed entry"),
        Wrong("times T", lambda S, T: softmax(masked(S * T)),
              "it multiplies by T: the exponent is S / T, so that cold means sharp"),
        Wrong("no temperature", lambda S, T: softmax(masked(S)),
              "it leaves the temperature out: the exponent is S / T"),
        Wrong("energy", lambda S, T: softmax(masked(-S / T)),
              "its sign is that of the energy: E = -S, so the weight is exp(-E/T) = exp(+S/T)"),
        Wrong("not normalised", lambda S, T: np.exp(
              masked(S / T) - masked(S / T).max(axis=1, keepdims=True)),
              "its weights are right up to Z: divide each row by its sum"),
        Wrong("one Z", lambda S, T: softmax(masked(S / T).reshape(1, -1)).reshape(S.shape),
              "the whole matrix sums to one: every query has its own Z, one for each row"),
    ),
    hints=(
        "Each query shares out one unit of weight among itself and the keys before it. What does "
        "the Boltzmann weight of a forbidden key have to be, and what is its energy then?",
        "A_ij = exp(S_ij/T) / sum_{l <= i} exp(S_il/T), and Z cancels any number subtracted from a "
        "whole row of S/T: subtract the row's largest, and exp never overflows.",
        "z = np.where(np.tril(np.ones(S.shape, dtype=bool)), S / T, -np.inf)",
    ),
    minutes=12,
    level="core",
    laws=(
        Law("rows sum to one", _rows_sum_to_one),
        Law("causal", _causal),
        Law("positive", _positive),
    ),
    probes=_mixing_probes,
)

EXERCISES = (EXPONENT, MIXING)

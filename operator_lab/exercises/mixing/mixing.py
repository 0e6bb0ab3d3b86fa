"""Causal mixing weights at any temperature (notebook 03; paper III.1-3, III.5-6, Eq. 1).

States are rows, S[query, key] = q_i . k_j, T = tau sqrt(d_k), A = exp(S/T)/Z over keys j <= i.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes, short


def mixing(S, T):
    """Causal weights A = exp(S/T)/Z over the keys j <= i, finite at any temperature T > 0."""
    past = np.tril(np.ones(S.shape, dtype=bool))
    z = np.where(past, S / T, -np.inf)
    w = np.exp(z - z.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True)


def _mixing_cases(rng):
    for N, T in ((3, 1.0), (5, 0.4), (6, 2.5)):
        yield Case((2 * rng.normal(size=(N, N)), T), f"{N} positions, T = {T}")
    yield Case((np.array([[3.0]]), 0.7), "a single position")
    yield Case((rng.normal(size=(4, 4)), 1e3), "4 positions, hot: T = 1000")
    repeated = rng.normal(size=(5, 5))
    repeated[:, 3] = repeated[:, 1]
    yield Case((repeated, 0.8), "5 positions, one key twice, T = 0.8")
    for offset in (1e3, -1e3):
        S = rng.normal(size=(5, 5)) + offset
        yield Case((S, 1.0), f"5 positions, every score moved by {offset:g}, T = 1")
    # When it is cold a strong later key must not matter either.
    cold = 3 * rng.normal(size=(6, 6)) + 5 * np.triu(np.ones((6, 6)), 1)
    yield Case((cold, 1e-6), "6 positions, cold: T = 1e-06")
    yield Case((1e3 * cold, 1e-3), "6 positions, large scores, cold: T = 0.001")
    ties = rng.integers(-2, 1, size=(6, 6)).astype(float)
    ties[:, 0] = 0
    yield Case((ties, 1e-6), "6 positions, equal scores, cold: T = 1e-06")
    yield Case((cold, 1e-12), "6 positions, as cold as 1e-12")
    yield Case((1e-12 * cold, 1e-12), "6 positions, scores and T both about 1e-12")
    yield Case((ties, 1e-12), "6 positions, equal scores, T = 1e-12")
    yield Case((1e8 * rng.normal(size=(4, 4)), 1e8), "4 positions, scores and T both about 1e8")
    yield Case((rng.normal(size=(4, 4)), 1e6), "4 positions, T = 1e6")
    S = 3 * rng.normal(size=(60, 60))
    S[20], S[:, 40] = S[19], S[:, 3]
    yield Case((S, 1.2), "60 positions, two queries alike, two keys alike")
    apart = 3000 * rng.normal(size=(5, 5)) + [[-9000], [0], [9000], [0], [4000]]
    yield Case((apart, 1.0), "5 positions, scores thousands apart, T = 1")
    S = np.float32(rng.normal(size=(7, 7)) + 1000)
    yield Case((S, 1.0), "7 positions, scores in float32, all about 1000")


def _rows_sum_to_one(args, answer, slack):
    total = answer.sum(axis=1)
    if np.abs(total - 1).max() > slack:
        return f"its rows do not sum to one ({short(total.min())} ... {short(total.max())})"


def _causal(args, answer, slack):
    if np.abs(np.triu(answer, 1)).max() > slack:
        return "it gives weight to keys that come later (above the diagonal)"


def _positive(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its weights are negative (down to {answer.min():.6g})"


WRONG = """
wrong axis: its columns sum to one: normalise over the keys, along each row
    z.max(axis=1 => z.max(axis=0
    w.sum(axis=1 => w.sum(axis=0
not renormalised: it masks after the softmax: what is left of a row no longer sums to one
    np.where(past, S / T, -np.inf) => S / T
    w / w.sum(axis=1, keepdims=True) => past * w / w.sum(axis=1, keepdims=True)
masked with 0: it masks with 0 before the exponential, but exp(0) = 1 is a weight: use -inf
    -np.inf => 0.0
strict mask, -inf: it masks the diagonal too, so row 0 has no key left and becomes NaN: keep j = \
    i
    dtype=bool) => dtype=bool), -1
strict mask, -1e9: it masks the diagonal too, so row 0 falls back on equal weights: keep j = i
    dtype=bool) => dtype=bool), -1
    -np.inf => -1e9
anti-causal: it keeps the later keys (upper triangle): a query sees the keys j <= i
    np.tril => np.triu
no mask: it sees the future: keys j > i must get no weight
    np.where(past, S / T, -np.inf) => S / T
overflow: right while S/T is moderate, but exp(S/T) overflows (inf/inf) or vanishes (0/0), NaN \
    both: subtract each row's largest allowed S/T first
    z - z.max(axis=1, keepdims=True) => z
overflow times mask: right while S/T is moderate, but exp(S/T) overflows and inf times the mask's \
    0 is NaN: subtract each row's largest allowed S/T first
    np.exp(z - z.max(axis=1, keepdims=True)) => np.exp(S / T) * past
one maximum: it subtracts one maximum for the whole matrix: when cold, rows far below it vanish \
    and 0/0 is NaN; subtract each row's own
    z.max(axis=1, keepdims=True) => z.max()
masked with a number: it puts -1e9 where no weight may be, below every S/T only until it is very \
    cold: there a later key gets weight, use -inf
    -np.inf => -1e9
scaled by the future: right unless a forbidden key is the strongest and T is small: then every \
    allowed weight vanishes and 0/0 is NaN; scale each row by its largest allowed entry
    np.where(past, S / T, -np.inf) => S / T
    np.exp(z - z.max(axis=1, keepdims=True)) => past * np.exp(z - z.max(axis=1, keepdims=True))
times T: it multiplies by T: the exponent is S / T, so that cold means sharp
    S / T => S * T
no temperature: it leaves the temperature out: the exponent is S / T
    S / T => S
energy: its exponent has the sign of the energy: E = -S, so the weight is exp(-E/T) = exp(+S/T)
    S / T => -S / T
not normalised: its weights are right up to Z: divide each row by its sum
    w / w.sum(axis=1, keepdims=True) => w
one Z: the whole matrix sums to one: every query has its own Z, one for each row
    z.max(axis=1, keepdims=True) => z.max()
    w.sum(axis=1, keepdims=True) => w.sum()
"""

EXERCISE = Exercise(
    title="Causal mixing weights at any temperature",
    reference=mixing,
    cases=_mixing_cases,
    wrong=mistakes(mixing, WRONG),
    laws=(
        Law("rows sum to one", _rows_sum_to_one),
        Law("causal", _causal),
        Law("positive", _positive),
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
)

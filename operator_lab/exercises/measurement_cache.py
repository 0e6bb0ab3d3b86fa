"""The third exercise of notebook 07: the arrow of time, one position after another (paper V).

The past is kept as keys and values (KV cache): what has been written is never written again.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def cached(K, V, q, k, v, T):
    """Keys [n + 1, d_k] and values [n + 1, d] with the new position's, and its own write [d].

    K [n, d_k], V [n, d] are those of the n positions before (n may be 0); q, k, v the new one's.
    """
    K, V = np.vstack([K, k]), np.vstack([V, v])
    z = K @ q / T
    w = np.exp(z - z.max())
    return K, V, w / w.sum() @ V


def _probes(rng):
    for n, d_k, d, T in ((3, 2, 4, 1.4), (4, 3, 3, 0.5), (1, 4, 2, 3.0), (0, 3, 4, 0.7)):
        args = [rng.normal(size=s) for s in ((n, d_k), (n, d), d_k, d_k, d)]
        yield Probe((*args, T), f"n = {n}, d_k = {d_k}, d = {d}, T = {T}")
    K, V, q, k, v = (rng.normal(size=s) for s in ((5, 3), (5, 2), 3, 3, 2))
    K[3], V[3] = K[1], V[1]
    yield Probe((K, V + 7, q, k, v - 4, 1.2), "one position twice, n = 5, d_k = 3, d = 2")
    for sign in (1, -1):
        far = 40 * sign * q / (q @ q)  # every overlap with q moves by 40
        label = f"every score moved by {40 * sign}, n = 5, T = 0.02"
        yield Probe((0.02 * K + far, V, q, 0.02 * k + far, v, 0.02), label)


def _weights(z):
    w = np.exp(z - z.max(initial=-np.inf))
    return w / w.sum()


def _grown(K, V, k, v):
    return np.concatenate([K, k[None]]), np.concatenate([V, v[None]])


def _with(write):
    """Return an answer in which `write(K, V, q, k, T)`, K and V the longer ones, is the write."""

    def changed(K, V, q, k, v, T):
        K, V = _grown(K, V, k, v)
        return K, V, write(K, V, q, k, T)

    return changed


def _by_loop(K, V, q, k, v, T):
    keys, values = [*K, k], [*V, v]
    z = [sum(a * b for a, b in zip(key, q, strict=True)) / T for key in keys]
    w = [np.exp(a - max(z)) for a in z]
    return keys, values, sum(a * value for a, value in zip(w, values, strict=True)) / sum(w)


def _one_by_one(K, V, q, k, v, T):
    """Keep a maximum, a sum and a mean while passing along the keys."""
    top, total, write = -np.inf, 0.0, np.zeros_like(v)
    K, V = _grown(K, V, k, v)
    for key, value in zip(K, V, strict=True):
        z = key @ q / T
        new = max(top, z)
        kept, weight = total * np.exp(top - new), np.exp(z - new)
        write = (kept * write + weight * value) / (kept + weight)
        top, total = new, kept + weight
    return K, V, write


def _past_kept(args, answer, slack):
    for name, before, new, after in zip("KV", args[:2], args[3:5], answer[:2], strict=True):
        if np.abs(after[:-1] - before).max(initial=0) > slack * np.abs(after).max():
            return f"its {name} does not begin with the rows of the cache: the past is never "\
                   "written again"
        if np.abs(after[-1] - new).max() > slack * np.abs(after).max():
            return f"the last row of its {name} is not the new position's"


def _a_mean(args, answer, slack):
    _, V, write = answer
    low, high = V.min(axis=0), V.max(axis=0)
    if np.maximum(low - write, write - high).max() > slack * np.abs(V).max():
        return "its write is no weighted mean of its values: it leaves their range"


CACHED = Exercise(
    name="measurement.cached",
    title="One more position, and the past stays as it is",
    reference=cached,
    alternatives=(
        _with(lambda K, V, q, k, T: np.einsum("j,jd->d", _weights(np.einsum("jk,k->j", K, q) / T),
              V)),
        _with(lambda K, V, q, k, T: np.exp(K @ (q / T) - np.logaddexp.reduce(K @ (q / T))) @ V),
        _by_loop,
        _one_by_one,
    ),
    wrong=(
        Wrong("not itself", lambda K, V, q, k, v, T: (*_grown(K, V, k, v), _weights(K @ q / T) @ V),
              "the new position does not see itself, so that the first has nothing to read: append "
              "k and v before taking the weights"),
        Wrong("not itself, empty", lambda K, V, q, k, v, T: (*_grown(K, V, k, v),
              cached(K[:-1], V[:-1], q, K[-1], V[-1], T)[2]),
              "the new position does not see itself, and with an empty cache that is an error: "
              "append k and v before taking the weights"),
        Wrong("cache unchanged", lambda K, V, q, k, v, T: (K, V, cached(K, V, q, k, v, T)[2]),
              "K and V are returned as they came: the next position needs the new row too"),
        Wrong("only the new rows", lambda K, V, q, k, v, T: (k[None], v[None],
              cached(K, V, q, k, v, T)[2]),
              "it returns the new rows alone: the cache holds those before as well"),
        Wrong("prepended", lambda K, V, q, k, v, T: (np.vstack([k, K]), np.vstack([v, V]),
              cached(K, V, q, k, v, T)[2]),
              "the new row stands first: time runs downwards, append it at the end"),
        Wrong("no temperature", _with(lambda K, V, q, k, T: _weights(K @ q) @ V),
              "T is left out: the exponent is k_j . q / T"),
        Wrong("times T", _with(lambda K, V, q, k, T: _weights(K @ q * T) @ V),
              "it multiplies by T: the exponent is k_j . q / T"),
        Wrong("root twice", _with(lambda K, V, q, k, T: _weights(K @ q / (T * len(q) ** 0.5)) @ V),
              "it divides by sqrt(d_k) as well: T is the whole temperature already"),
        Wrong("root for T", _with(lambda K, V, q, k, T: _weights(K @ q / len(q) ** 0.5) @ V),
              "it divides by sqrt(d_k) in the place of T: T is the whole temperature already, "
              "sqrt(d_k) is inside it"),
        Wrong("itself not written", _with(lambda K, V, q, k, T: _weights(K @ q / T)[:-1] @ V[:-1]),
              "the new position counts in the sum of weights but not in the write: its own v is "
              "missing from sum_j A_j V'_j"),
        Wrong("not normalised", _with(lambda K, V, q, k, T: np.exp(K @ q / T - (K @ q / T).max())
              @ V),
              "its weights do not add up to one: divide them by their sum"),
        Wrong("scores", _with(lambda K, V, q, k, T: K @ q / T @ V),
              "the scores themselves are taken for weights: the softmax is missing"),
        Wrong("uniform", _with(lambda K, V, q, k, T: V.mean(axis=0)),
              "all positions count alike: their weights come from k_j . q / T"),
        Wrong("strongest only", _with(lambda K, V, q, k, T: V[(K @ q).argmax()]),
              "it takes the value of the strongest key alone, as if T were 0"),
        Wrong("k asks", _with(lambda K, V, q, k, T: _weights(K @ k / T) @ V),
              "the weights are those of k_j . k: it is the query q that asks"),
        Wrong("k and q exchanged", lambda K, V, q, k, v, T: cached(K, V, k, q, v, T),
              "k and q are exchanged: the key is what others will ask for, k goes into the cache"),
        Wrong("sign", _with(lambda K, V, q, k, T: _weights(-K @ q / T) @ V),
              "its sign is that of the energy: E = -k_j . q, so the weight is exp(-E/T) = "
              "exp(k_j . q / T)"),
        Wrong("overflow", _with(lambda K, V, q, k, T: np.exp(K @ q / T) @ V
              / np.exp(K @ q / T).sum()),
              "right while the scores are moderate, but exp overflows (inf/inf) or vanishes (0/0), "
              "NaN both: subtract the largest first"),
        Wrong("write first", lambda K, V, q, k, v, T: cached(K, V, q, k, v, T)[::-1],
              "the order is turned round: return K', V', then the write"),
    ),
    hints=(
        "What the past has put down, keys and values, does not depend on what comes later. The new "
        "position adds its own row, then asks everyone, itself included.",
        "K' = (K; k), V' = (V; v), A = softmax(K' q / T) over n + 1 rows, write = sum_j A_j V'_j.",
        "K_new, V_new = np.vstack([K, k]), np.vstack([V, v])",
    ),
    minutes=15,
    level="core",
    laws=(Law("the past is kept", _past_kept), Law("a mean of values", _a_mean)),
    probes=_probes,
    parts=3,
)  # fmt: skip

EXERCISES = (CACHED,)

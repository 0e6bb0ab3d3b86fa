"""One more position, and the past stays as it is (notebook 07; paper V).

The past is kept as keys and values (KV cache): what has been written is never written again.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def cached(K, V, q, k, v, T):
    """Keys [n + 1, d_k] and values [n + 1, d] with the new position's, and its own write [d].

    K [n, d_k], V [n, d] are those of the n positions before (n may be 0); q, k, v the new one's.
    """
    K, V = np.vstack([K, k]), np.vstack([V, v])
    z = K @ q / T
    w = np.exp(z - z.max())
    return K, V, w / w.sum() @ V


def _cases(rng):
    for n, d_k, d, T in ((3, 2, 4, 1.4), (4, 3, 3, 0.5), (1, 4, 2, 3.0), (0, 3, 4, 0.7)):
        args = [rng.normal(size=s) for s in ((n, d_k), (n, d), d_k, d_k, d)]
        yield Case((*args, T), f"n = {n}, d_k = {d_k}, d = {d}, T = {T}")
    K, V, q, k, v = (rng.normal(size=s) for s in ((5, 3), (5, 2), 3, 3, 2))
    K[3], V[3] = K[1], V[1]
    yield Case((K, V + 7, q, k, v - 4, 1.2), "one position twice, n = 5, d_k = 3, d = 2")
    for sign in (1, -1):
        far = 40 * sign * q / (q @ q)  # every overlap with q moves by 40
        label = f"every score moved by {40 * sign}, n = 5, T = 0.02"
        yield Case((0.02 * K + far, V, q, 0.02 * k + far, v, 0.02), label)
    for n, d_k, d, T in (
        (50, 3, 3, 1.0),
        (3, 3, 50, 1e12),
        (4, 50, 2, 1.5),
        (0, 1, 1, 1e-12),
        (3, 4, 3, 1.0),
    ):
        args = [rng.normal(size=s) for s in ((n, d_k), (n, d), d_k, d_k, d)]
        yield Case((*args, T), f"n = {n}, d_k = {d_k}, d = {d}, T = {T:g}")
    yield Case((K, V, q, k, v, 1e-12), "n = 5, as cold as T = 1e-12")
    yield Case((1e3 * K, V, 3 * q, -1e3 * k, v, 1.0), "n = 5, scores thousands apart")
    label = "n = 5, scores and T both about 1e-12"
    yield Case((1e-12 * K, V, q, 1e-12 * k, v, 1e-12), label)
    for size in (1e-8, 1e8):
        args = size * K, size * V, q / size, size * k, size * v, 1.3
        yield Case(args, f"n = 5, keys and values about {size:g}, scores of size 1")
    one = np.ones((6, 3))
    yield Case((one, one, q, one[0], one[0] + 1, 0.5), "n = 6, all keys and values alike")
    yield Case((-np.abs(K), -np.abs(V), q, 0 * k, 0 * v, 0.8), "n = 5, the new key and value 0")
    whole = np.array([0.0, 1.0, -2.0])
    yield Case((one, -one, whole, whole, whole, 2.0), "n = 6, whole numbers, d_k = d = 3")


def _past_kept(args, answer, slack):
    for name, before, new, after in zip("KV", args[:2], args[3:5], answer[:2], strict=True):
        if np.abs(after[:-1] - before).max(initial=0) > slack * np.abs(after).max():
            return (
                f"its {name} does not begin with the rows of the cache: the past is never "
                "written again"
            )
        if np.abs(after[-1] - new).max() > slack * np.abs(after).max():
            return f"the last row of its {name} is not the new position's"


def _a_mean(args, answer, slack):
    _, V, write = answer
    low, high = V.min(axis=0), V.max(axis=0)
    if np.maximum(low - write, write - high).max() > slack * np.abs(V).max():
        return "its write is no weighted mean of its values: it leaves their range"


WRONG = """
not itself: the new position does not see itself, so that the first has nothing to read: append k \
    and v before taking the weights
    K @ q => K[:-1] @ q
    z.max() => z.max(initial=-np.inf)
    w.sum() @ V => w.sum() @ V[:-1]
not itself, empty: the new position does not see itself, and with an empty cache that is an \
    error: append k and v before taking the weights
    K @ q => K[:-1] @ q
    w.sum() @ V => w.sum() @ V[:-1]
cache unchanged: K and V are returned as they came: the next position needs the new row too
    return K, V => return K[:-1], V[:-1]
only the new rows: it returns the new rows alone: the cache holds those before as well
    return K, V => return K[-1:], V[-1:]
prepended: the new row stands first: time runs downwards, append it at the end
    [K, k] => [k, K]
    [V, v] => [v, V]
no temperature: T is left out: the exponent is k_j . q / T
    q / T => q
times T: it multiplies by T: the exponent is k_j . q / T
    q / T => q * T
root twice: it divides by sqrt(d_k) as well: T is the whole temperature already
    q / T => q / (T * len(q) ** 0.5)
root for T: it divides by sqrt(d_k) in the place of T: T is the whole temperature already, \
    sqrt(d_k) is inside it
    q / T => q / len(q) ** 0.5
itself not written: the new position counts in the sum of weights but not in the write: its own v \
    is missing from sum_j A_j V'_j
    w / w.sum() @ V => (w / w.sum())[:-1] @ V[:-1]
not normalised: its weights do not add up to one: divide them by their sum
    w / w.sum() => w
scores: the scores themselves are taken for weights: the softmax is missing
    w / w.sum() => z
uniform: all positions count alike: their weights come from k_j . q / T
    w / w.sum() @ V => V.mean(axis=0)
strongest only: it takes the value of the strongest key alone, as if T were 0
    w / w.sum() @ V => V[z.argmax()]
k asks: the weights are those of k_j . k: it is the query q that asks
    K @ q => K @ k
k and q exchanged: k and q are exchanged: the key is what others will ask for, k goes into the \
    cache
    [K, k] => [K, q]
    K @ q => K @ k
sign: its exponent has the sign of the energy: E = -k_j . q, so the weight is exp(-E/T) = exp(k_j \
    . q / T)
    z = K => z = -K
overflow: right while the scores are moderate, but exp overflows (inf/inf) or vanishes (0/0), NaN \
    both: subtract the largest first
    z - z.max() => z
write first: the order is turned round: return K', V', then the write
    K, V, w / w.sum() @ V => w / w.sum() @ V, V, K
"""

EXERCISE = Exercise(
    title="One more position, and the past stays as it is",
    reference=cached,
    cases=_cases,
    wrong=mistakes(cached, WRONG),
    laws=(Law("the past is kept", _past_kept), Law("a mean of values", _a_mean)),
    hints=(
        "What the past has put down, keys and values, does not depend on what comes later. The new "
        "position adds its own row, then asks everyone, itself included.",
        "K' = (K; k), V' = (V; v), A = softmax(K' q / T) over n + 1 rows, write = sum_j A_j V'_j.",
        "K_new, V_new = np.vstack([K, k]), np.vstack([V, v])",
    ),
    minutes=15,
    level="core",
    parts=3,
    spared=PLAIN,
)

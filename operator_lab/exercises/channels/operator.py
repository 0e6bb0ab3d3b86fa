"""All heads as one operator (notebook 04; paper III.4).

States are rows; head n mixes with A[n], reads v[n] = x W_V[n]^T and owns d_k columns of W_O.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes
from ..mixing.mixing import mixing


def operator(A, W):
    """The matrix on x.ravel() that gives (sum_h A_h x W_h^T).ravel(): sum_h A_h (x) W_h."""
    return sum(np.kron(a, w) for a, w in zip(A, W, strict=True))


def _patterns(rng, h, N):
    """Return causal mixing matrices [h, N, N]."""
    return np.stack([mixing(2 * rng.normal(size=(N, N)), 1.0) for _ in range(h)])


def _heads(h):
    return f"{h} head{'s' if h > 1 else ''}"


def _operator_cases(rng):
    for h, N, d in ((2, 3, 2), (3, 2, 4), (2, 3, 3), (1, 4, 2), (2, 1, 3), (2, 3, 1)):
        W = rng.normal(size=(h, d, d)) + 0.5
        yield Case((_patterns(rng, h, N), W), f"{_heads(h)}, N = {N}, d = {d}")
    A, W = rng.normal(size=(2, 2, 2)) + 3, 1e3 * rng.normal(size=(2, 3, 3))
    yield Case((A, W), "2 heads, N = 2, d = 3, any A, large W")
    sizes = ((1, 1, 1, 1.0), (50, 2, 3, 1.0), (2, 41, 1, 1e-8), (2, 1, 41, 1e8), (3, 2, 3, 1.0))
    for h, N, d, size in (*sizes, (2, 2, 3, 1.0), (2, 3, 2, 1.0)):
        A, W = _patterns(rng, h, N), size * rng.normal(size=(h, d, d))
        W[-1] = W[0]
        label = f"{_heads(h)}, the last W as the first, N = {N}, d = {d}, W about {size:g}"
        yield Case((A, W), label)
    W = rng.integers(-2, 2, size=(2, 3, 3)) * 1.0
    for size in (-1e-8, 1e8):
        A = size * rng.uniform(0.1, 1, size=(2, 2, 2))
        yield Case((A, W), f"2 heads, N = 2, d = 3, W of whole numbers, A about {size:g}")
    yield Case((np.ones((1, 2, 2)), -np.abs(W[:1]) - 0.5), "1 head, A of ones, W negative")


def _trace(args, answer, slack):
    A, W = args
    traces = np.trace(A, axis1=1, axis2=2) * np.trace(W, axis1=1, axis2=2)
    terms = len(answer) * np.abs(answer)  # every entry may be off by a share of the largest
    if differ(np.diag(answer).sum(keepdims=True), traces.sum(), slack, terms):
        return (
            f"its trace is {np.trace(answer):.6g}, the products Tr A_h Tr W_h add up to "
            f"{traces.sum():.6g}"
        )


def _arrow(args, answer, slack):
    A, W = args
    N, d = A.shape[1], W.shape[1]
    later = answer.reshape(N, d, N, d) * np.triu(np.ones((N, N)), 1)[:, None, :, None]
    if not np.triu(A, 1).any() and differ(later, 0.0, slack, np.abs(answer)):
        return "it carries something from a later position to an earlier one: no A here does"


WRONG = """
features first: it is kron(W_h, A_h): x.ravel() runs through all features of position 0 first, so \
    A_h stands on the outside
    kron(a, w) => kron(w, a)
W transposed: W is transposed: x W^T already is W on every state, so W_h itself stands in M
    kron(a, w) => kron(a, w.T)
A transposed: A is transposed: row i of A holds the weights with which position i collects
    kron(a, w) => kron(a.T, w)
both transposed: M is transposed: it acts from the left, on a column x.ravel()
    kron(a, w) => kron(a.T, w.T)
sums first: it is (sum of the A_h) (x) (sum of the W_h), which pairs the A of one head with the W \
    of another: pair first, then add
    return np.kron(A.sum(axis=0), W.sum(axis=0))
mean: it is the mean over the heads: their writes add up
    strict=True)) => strict=True)) / len(A)
mean A: all heads mix with the mean of the A_h: each has its own
    kron(a, w) => kron(A.mean(axis=0), w)
A of head 0: all heads mix with the A of head 0: each has its own
    kron(a, w) => kron(A[0], w)
heads reversed: A runs through the heads forwards and W backwards: A_h belongs to W_h
    zip(A, W, => zip(A, W[::-1],
side by side: the heads are blocks on a diagonal, as if each had states of its own: all act on \
    the same x, so their operators add
    kron(a, w) for a, w in zip(A, W, => \
        kron(np.diag(e), np.kron(a, w)) for e, a, w in zip(np.eye(len(A)), A, W,
not added: it is one matrix for each head, [h, N d, N d]: add them
    return sum( => return list(
product: the heads are multiplied, one after the other: they act side by side on the same x, so \
    their operators add
    return sum( => return np.linalg.multi_dot([np.eye(len(A[0]) * len(W[0])), *(
    strict=True)) => strict=True))])
Kronecker sum: it is A_h (x) 1 + 1 (x) W_h: a head moves and changes in one go, which is the \
    product A_h (x) W_h
    kron(a, w) => kron(a, np.eye(len(w))) + np.kron(np.eye(len(a)), w)
residual: the identity is added: it is what the heads write that is asked, without x
    strict=True)) => strict=True)) + np.eye(len(A[0]) * len(W[0]))
axes not moved: [i, j, a, b] is reshaped as it stands: rows of M are pairs (i, a) and columns (j, \
    b), so the axes must be [i, a, j, b] before
    return np.einsum("hij,hab->ijab", A, W).reshape(len(A[0]) * len(W[0]), -1)
last head: it is the operator of the last head: those of all heads add up
    return np.kron(A[-1], W[-1])
first head: it is the operator of head 0: those of all heads add up
    return np.kron(A[0], W[0])
"""

EXERCISE = Exercise(
    title="All heads as one operator",
    reference=operator,
    cases=_operator_cases,
    wrong=mistakes(operator, WRONG),
    laws=(Law("trace", _trace), Law("arrow of time", _arrow)),
    hints=(
        "A acts between positions, W within one. In which order does x.ravel() list the numbers "
        "x[position, feature]?",
        "(A x W^T)[i, a] = sum_jb A[i, j] W[a, b] x[j, b]: block (i, j) of M is A[i, j] W, which "
        "is A (x) W. Heads add.",
        "M = np.kron(A[0], W[0])  # then the other heads",
    ),
    minutes=12,
    level="core",
    spared=PLAIN,
)

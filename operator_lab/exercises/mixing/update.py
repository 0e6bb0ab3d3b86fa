"""The residual update of three tokens (notebook 03).

W acts on columns in the paper; states are rows here, so W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes
from .mixing import mixing


def update(x, W_Q, W_K, W_V, tau=1.0):
    """One step x + A V, with Q = x W_Q^T, K = x W_K^T, V = x W_V^T and causal weights A."""
    S = (x @ W_Q.T) @ (x @ W_K.T).T
    A = mixing(S, tau * np.sqrt(len(W_Q)))
    return x + A @ (x @ W_V.T)


def _update_cases(rng):
    sizes = ((3, 2, 1, None), (3, 4, 2, 1.6), (5, 3, 3, 0.5), (4, 2, 5, 1.3), (1, 3, 2, 2))
    for N, d, d_k, tau in sizes:
        x, W_Q, W_K = rng.normal(size=(N, d)), rng.normal(size=(d_k, d)), rng.normal(size=(d_k, d))
        args = (x, W_Q, W_K, rng.normal(size=(d, d)))
        size = f"{N} positions, d = {d}, d_k = {d_k}"
        if tau is None:
            yield Case(args, f"{size}, tau left out")
        else:
            yield Case((*args, tau), f"{size}, tau = {tau}")
    x, W_Q, W_K, W_V = (rng.normal(size=s) for s in ((6, 4), (3, 4), (3, 4), (4, 4)))
    x[3] = x[1]
    yield Case((x + 2, W_Q, W_K, W_V, 4.0), "6 positions, one token twice, d = 4, d_k = 3")
    sizes = ((1, 1, 1, 1.0), (4, 3, 4, 0.8), (4, 4, 3, 1.0), (50, 41, 45, 1.0), (3, 3, 3, 1e12))
    for N, d, d_k, tau in sizes:
        x, (W_Q, W_K) = rng.normal(size=(N, d)), rng.normal(size=(2, d_k, d)) / np.sqrt(d)
        label = f"{N} positions, d = {d}, d_k = {d_k}, tau = {tau:g}"
        yield Case((x, W_Q, W_K, rng.normal(size=(d, d)), tau), label)
    x, W_V = rng.normal(size=(5, 3)), rng.normal(size=(3, 3))
    W_Q, W_K = rng.normal(size=(2, 2, 3))
    yield Case((x, W_Q, W_K, W_V, 1e-6), "5 positions, d = 3, d_k = 2, as cold as tau = 1e-6")
    yield Case((60 * x, W_Q, W_K, W_V, 1.0), "5 positions, scores thousands apart")
    ones = np.repeat(rng.normal(size=(1, 3)), 6, axis=0)
    yield Case((ones, W_Q, W_K, W_V, 0.5), "6 positions, all alike, d = 3, d_k = 2")
    for small in (1e-9, 1e9):
        label = f"5 positions, scores and tau both about {small:g}"
        yield Case((x, small * W_Q, W_K, W_V, small), label)
    for size in (1e-8, 1e8):
        label = f"5 positions of size {size:g}, the scores of size 1"
        yield Case((size * x, W_Q / size, W_K / size, W_V, 1.5), label)
    x = -np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [3.0, 1.0, 0.0]])
    W_Q, W_K = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]]), np.array([[0.0, 1.0, 1.0]] * 2)
    for size in (1.0, 1e8):
        label = f"3 positions of whole numbers, W_V about {size:g}, tau = 2"
        yield Case((x, W_Q, W_K, size * np.eye(3)[[1, 2, 0]], 2.0), label)


def _first_row(args, answer, slack):
    x, W_V = args[0], args[3]
    right = x[0] + W_V @ x[0]
    if np.abs(answer[0] - right).max() > slack * max(1.0, np.abs(right).max()):
        return "its row 0 is off, and that row sees only itself: it must become x_0 + W_V x_0"


WRONG = """
residual forgotten: it is A V alone: the update adds A V to x, it does not replace x
    x + A => A
nothing transposed: no W is transposed: states are rows, so W x becomes x @ W.T
    x @ W_Q.T => x @ W_Q
    x @ W_K.T => x @ W_K
    W_V.T => W_V
W_Q, W_K not transposed: W_Q and W_K are not transposed: states are rows, so Q = x @ W_Q.T
    x @ W_Q.T => x @ W_Q
    x @ W_K.T => x @ W_K
W_V not transposed: W_V is not transposed: states are rows, so V = x @ W_V.T
    W_V.T => W_V
Q and K exchanged: queries and keys are exchanged: the interaction is not symmetric, S = Q K^T
    (x @ W_Q.T) @ (x @ W_K.T).T => (x @ W_K.T) @ (x @ W_Q.T).T
W_V forgotten: it mixes the states x themselves: what is mixed is V = x @ W_V.T
    (x @ W_V.T) => x
A transposed: A is transposed: row i of A holds the weights with which query i collects values
    A @ (x => A.T @ (x
strict mask, -inf: the diagonal is masked too, so position 0 has no key left, hence NaN: keep j = \
    i
    mixing(S, => mixing(np.where(np.tri(len(x), k=-1) > 0, S, -np.inf),
strict mask, empty: the diagonal is masked too: a position also collects from itself, keep j = i
    mixing(S, => mixing(np.where(np.tri(len(x), k=-1) > 0, S, -np.inf),
    A @ (x => np.nan_to_num(A) @ (x
no mask: positions collect from later ones: the causal mask (keys j <= i) is missing
    A = mixing(S, tau * np.sqrt(len(W_Q))) => w = np.exp(S / (tau * np.sqrt(len(W_Q)))); \
        A = w / w.sum(axis=1, keepdims=True)
no temperature: the weights are taken at T = 1: the exponent is S / T with T = tau sqrt(d_k)
    tau * np.sqrt(len(W_Q)) => 1.0
tau forgotten: tau is left out of the temperature: T = tau sqrt(d_k)
    tau * np => np
only tau: sqrt(d_k) is left out of the temperature: T = tau sqrt(d_k)
    tau * np.sqrt(len(W_Q)) => tau
temperature twice: it divides by the temperature twice: what exponent returns is S / T already, \
    so mix it at T = 1
    tau * np.sqrt(len(W_Q)) => tau**2 * len(W_Q)
d for d_k: T is computed with d, the features of x: d_k is the number of rows of W_Q
    len(W_Q) => x.shape[1]
d_k without root: T is computed as tau d_k: the temperature is T = tau sqrt(d_k)
    np.sqrt(len(W_Q)) => len(W_Q)
"""

EXERCISE = Exercise(
    title="The residual update of three tokens",
    reference=update,
    cases=_update_cases,
    wrong=mistakes(update, WRONG),
    laws=(Law("row 0 sees itself", _first_row),),
    hints=(
        "Each position stays what it is and adds a little of what it and its past have to say, in "
        "shares that its overlaps with them decide.",
        "x' = x + A V with Q = x W_Q^T, K = x W_K^T, V = x W_V^T, and A the causal weights of "
        "S = Q K^T at T = tau sqrt(d_k).",
        "S = (x @ W_Q.T) @ (x @ W_K.T).T",
    ),
    minutes=12,
    level="core",
    spared=PLAIN,
)

"""What all heads write together (notebook 04; paper III.4).

States are rows; head n mixes with A[n], reads v[n] = x W_V[n]^T and owns d_k columns of W_O.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes
from ..mixing.mixing import mixing


def write(A, v, W_O):
    """What all heads write together [N, d]: W_O on what each has mixed, one head after another."""
    h, N, d_k = v.shape
    mixed = A @ v
    return mixed.swapaxes(0, 1).reshape(N, h * d_k) @ W_O.T


def _patterns(rng, h, N):
    """Return causal mixing matrices [h, N, N]."""
    return np.stack([mixing(2 * rng.normal(size=(N, N)), 1.0) for _ in range(h)])


def _write_cases(rng):
    for h, N, d, d_k in ((2, 3, 5, 2), (3, 4, 6, 2), (3, 2, 4, 3), (1, 3, 4, 2), (2, 1, 3, 1)):
        v, W_O = rng.normal(size=(h, N, d_k)), rng.normal(size=(d, h * d_k))
        yield Case((_patterns(rng, h, N), v, W_O), f"{_heads(h)}, N = {N}, d = {d}, d_k = {d_k}")
    v, W_O = 100 * rng.normal(size=(2, 3, 2)) + 300, rng.normal(size=(4, 4)) - 2
    yield Case((_patterns(rng, 2, 3), v, W_O), "2 heads, N = 3, d = 4, d_k = 2, large values")
    sizes = (
        (1, 1, 1, 1, 1.0),
        (3, 3, 4, 2, 1e-8),
        (2, 4, 4, 3, 1e8),
        (4, 3, 5, 4, 1.0),
        (2, 3, 5, 3, 1.0),
    )
    for h, N, d, d_k, size in (
        *sizes,
        (5, 3, 5, 2, 1.0),
        (2, 5, 2, 3, 1.0),
        (2, 3, 3, 3, 1.0),
        (2, 4, 5, 2, 1.0),
        (5, 2, 3, 5, 1.0),
    ):
        v, W_O = size * rng.normal(size=(h, N, d_k)), rng.normal(size=(d, h * d_k))
        v[-1, -1] = v[-1, 0]
        label = f"{_heads(h)}, N = {N}, d = {d}, d_k = {d_k}, values about {size:g}"
        yield Case((_patterns(rng, h, N), v, W_O), label)
    v, W_O = rng.normal(size=(12, 50, 4)), rng.normal(size=(45, 48))
    yield Case((_patterns(rng, 12, 50), v, W_O), "12 heads, N = 50, d = 45, d_k = 4")
    v, W_O = (rng.integers(-2, 3, size=s) * 1.0 for s in ((20, 2, 1), (18, 20)))
    for size in (1e-8, 1e8):
        A = size * rng.uniform(-1, 1, size=(20, 2, 2))
        yield Case((A, v, W_O / size), f"20 heads, whole numbers, N = 2, d = 18, A about {size:g}")


def _heads(h):
    return f"{h} head{'s' if h > 1 else ''}"


def _first_row(args, answer, slack):
    A, v, W_O = args
    if np.triu(A, 1).any():
        return None
    right = W_O @ (A[:, 0, :1] * v[:, 0]).ravel()
    terms = np.abs(W_O) @ np.abs(v[:, 0]).ravel()
    if differ(answer[0], right, slack, np.append(np.abs(answer), terms)):
        return "its row 0 is off, and that position sees only itself: there the mixing does nothing"


def _written_space(args, answer, slack):
    Q = np.linalg.qr(args[2])[0]
    if differ(answer @ Q @ Q.T, answer, slack):
        return "it leaves the space of the columns of W_O: heads write nothing else"


WRONG = """
features first: the heads are interleaved, feature 0 of all of them first: W_O has all d_k \
    columns of head 0 first, then those of head 1
    mixed.swapaxes(0, 1) => mixed.transpose(1, 2, 0)
axes not moved: [h, N, d_k] is reshaped to [N, h d_k] as it stands, which mixes positions up: the \
    position must become the first axis before
    mixed.swapaxes(0, 1) => mixed
mean: it is the mean over the heads: their writes add up
    W_O.T => W_O.T / h
W_O not transposed: W_O is not transposed: states are rows, so W_O acts as @ W_O.T
    W_O.T => W_O
W_O reshaped: W_O [d, h d_k] is reshaped where it must be transposed: its numbers change places
    W_O.T => W_O.reshape(-1, len(W_O))
cut by rows: W_O is cut into [h, d, d_k] by a reshape alone, along its rows: a head owns d_k \
    columns of it
    return np.einsum("hik,hdk->id", A @ v, W_O.reshape(len(A), len(W_O), -1))
A transposed: A is transposed: row i of A holds the weights with which position i collects
    A @ v => A.swapaxes(1, 2) @ v
heads reversed: the heads come in reverse order: the first d_k columns of W_O belong to head 0
    A @ v => A[::-1] @ v[::-1]
A of head 0: all heads mix with the A of head 0: each has its own
    A @ v => A[0] @ v
A summed: all heads mix with the sum of the A_h: each has its own
    A @ v => A.sum(axis=0) @ v
A averaged: all heads mix with the mean of the A_h: each has its own
    A @ v => A.mean(axis=0) @ v
W_O of head 0: all heads write with the columns of head 0: each has d_k columns of W_O of its own
    return (A @ v).sum(axis=0) @ W_O[:, : v.shape[2]].T
not mixed: nothing is mixed: A is missing, what is written is collected from A_h v_h
    A @ v => v
first head: it is what head 0 writes: the writes of all heads add up
    return A[0] @ v[0] @ W_O[:, : v.shape[2]].T
last head: it is what the last head writes: the writes of all heads add up
    return A[-1] @ v[-1] @ W_O[:, -v.shape[2] :].T
not added: it is what each head writes, [h, N, d]: the writes add up to [N, d]
    return A @ v @ W_O.T.reshape(len(A), -1, len(W_O))
no W_O: W_O is missing: it is what the heads have mixed, side by side [N, h d_k]
    @ W_O.T =>
"""

EXERCISE = Exercise(
    title="What all heads write together",
    reference=write,
    cases=_write_cases,
    wrong=mistakes(write, WRONG),
    laws=(Law("position 0 sees itself", _first_row), Law("written space", _written_space)),
    hints=(
        "Each head collects its values with its own A. W_O sees them side by side in one long "
        "row: which columns of W_O does head 0 meet?",
        "sum_h A_h v_h W_h^T with W_h = W_O[:, h d_k : (h + 1) d_k]; the same as W_O on the "
        "concatenation [A_0 v_0, A_1 v_1, ...].",
        "mixed = A @ v  # [h, N, d_k]",
    ),
    minutes=10,
    level="core",
    spared=PLAIN,
)

"""The exercises of notebook 04: what the heads of a layer write together (paper III.4).

States are rows; head n mixes with A[n], reads v[n] = x W_V[n]^T and owns d_k columns of W_O.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ
from .mixing import mixing


def write(A, v, W_O):
    """What all heads write together [N, d]: W_O on what each has mixed, one head after another."""
    h, N, d_k = v.shape
    mixed = A @ v
    return mixed.swapaxes(0, 1).reshape(N, h * d_k) @ W_O.T


def operator(A, W):
    """The matrix on x.ravel() that gives (sum_h A_h x W_h^T).ravel(): sum_h A_h (x) W_h."""
    return sum(np.kron(a, w) for a, w in zip(A, W, strict=True))


def _patterns(rng, h, N):
    """Return causal mixing matrices [h, N, N]."""
    return np.stack([mixing(2 * rng.normal(size=(N, N)), 1.0) for _ in range(h)])


def _transposed(A):
    return A.swapaxes(1, 2)


# --- write -------------------------------------------------------------------------------------


def _write_probes(rng):
    for h, N, d, d_k in ((2, 3, 5, 2), (3, 4, 6, 2), (3, 2, 4, 3), (1, 3, 4, 2), (2, 1, 3, 1)):
        v, W_O = rng.normal(size=(h, N, d_k)), rng.normal(size=(d, h * d_k))
        yield Probe((_patterns(rng, h, N), v, W_O), f"{_heads(h)}, N = {N}, d = {d}, d_k = {d_k}")
    v, W_O = 100 * rng.normal(size=(2, 3, 2)) + 300, rng.normal(size=(4, 4)) - 2
    yield Probe((_patterns(rng, 2, 3), v, W_O), "2 heads, N = 3, d = 4, d_k = 2, large values")


def _heads(h):
    return f"{h} head{'s' if h > 1 else ''}"


def _columns(W_O, h):
    """Return the columns of W_O that belong to each head [h, d, d_k]."""
    return W_O.reshape(len(W_O), h, -1).swapaxes(0, 1)


def _added(A, v, blocks):
    """Return the sum of A_h v_h W_h^T over the heads."""
    return np.einsum("hij,hjk,hdk->id", A, v, blocks)


def _concatenated(A, v):
    return np.hstack(list(A @ v))


def _write_loop(A, v, W_O):
    out, d_k = np.zeros((len(A[0]), len(W_O))), len(v[0][0])
    for n in range(len(A)):
        for i in range(len(out)):
            collected = sum(A[n][i][j] * v[n][j] for j in range(len(out)))
            out[i] += W_O[:, n * d_k : (n + 1) * d_k] @ collected
    return out


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


WRITE = Exercise(
    name="channels.write",
    title="What all heads write together",
    reference=write,
    alternatives=(
        lambda A, v, W_O: _added(A, v, _columns(W_O, len(v))),
        lambda A, v, W_O: _concatenated(A, v) @ W_O.T,
        lambda A, v, W_O: sum(a @ (u @ W.T) for a, u, W in zip(
            A, v, np.split(W_O, len(v), axis=1), strict=True)),
        _write_loop,
    ),
    wrong=(
        Wrong("features first", lambda A, v, W_O:
              (A @ v).transpose(1, 2, 0).reshape(len(A[0]), -1) @ W_O.T,
              "the heads are interleaved, feature 0 of all of them first: W_O has all d_k columns "
              "of head 0 first, then those of head 1"),
        Wrong("axes not moved", lambda A, v, W_O: (A @ v).reshape(len(A[0]), -1) @ W_O.T,
              "[h, N, d_k] is reshaped to [N, h d_k] as it stands, which mixes positions up: the "
              "position must become the first axis before"),
        Wrong("mean", lambda A, v, W_O: write(A, v, W_O) / len(A),
              "it is the mean over the heads: their writes add up"),
        Wrong("W_O not transposed", lambda A, v, W_O: _concatenated(A, v) @ W_O,
              "W_O is not transposed: states are rows, so W_O acts as @ W_O.T"),
        Wrong("W_O reshaped", lambda A, v, W_O: _concatenated(A, v) @ W_O.reshape(-1, len(W_O)),
              "W_O [d, h d_k] is reshaped where it must be transposed: its numbers change places"),
        Wrong("cut by rows", lambda A, v, W_O: _added(A, v, W_O.reshape(len(A), len(W_O), -1)),
              "W_O is cut into [h, d, d_k] by a reshape alone, along its rows: a head owns d_k "
              "columns of it"),
        Wrong("A transposed", lambda A, v, W_O: write(_transposed(A), v, W_O),
              "A is transposed: row i of A holds the weights with which position i collects"),
        Wrong("heads reversed", lambda A, v, W_O: write(A[::-1], v[::-1], W_O),
              "the heads come in reverse order: the first d_k columns of W_O belong to head 0"),
        Wrong("A of head 0", lambda A, v, W_O: write(A[:1], v, W_O),
              "all heads mix with the A of head 0: each has its own"),
        Wrong("A summed", lambda A, v, W_O: write(A.sum(axis=0), v, W_O),
              "all heads mix with the sum of the A_h: each has its own"),
        Wrong("A averaged", lambda A, v, W_O: write(A.mean(axis=0), v, W_O),
              "all heads mix with the mean of the A_h: each has its own"),
        Wrong("W_O of head 0", lambda A, v, W_O:
              (A @ v).sum(axis=0) @ W_O[:, : v.shape[2]].T,
              "all heads write with the columns of head 0: each has d_k columns of W_O of its own"),
        Wrong("not mixed", lambda A, v, W_O: np.hstack(list(v)) @ W_O.T,
              "nothing is mixed: A is missing, what is written is collected from A_h v_h"),
        Wrong("first head", lambda A, v, W_O: write(A[:1], v[:1], W_O[:, : v.shape[2]]),
              "it is what head 0 writes: the writes of all heads add up"),
        Wrong("last head", lambda A, v, W_O: write(A[-1:], v[-1:], W_O[:, -v.shape[2] :]),
              "it is what the last head writes: the writes of all heads add up"),
        Wrong("not added", lambda A, v, W_O: A @ v @ _columns(W_O, len(A)).swapaxes(1, 2),
              "it is what each head writes, [h, N, d]: the writes add up to [N, d]"),
        Wrong("no W_O", lambda A, v, W_O: _concatenated(A, v),
              "W_O is missing: it is what the heads have mixed, side by side [N, h d_k]"),
    ),
    hints=(
        "Each head collects its values with its own A. W_O sees them side by side in one long "
        "row: which columns of W_O does head 0 meet?",
        "sum_h A_h v_h W_h^T with W_h = W_O[:, h d_k : (h + 1) d_k]; the same as W_O on the "
        "concatenation [A_0 v_0, A_1 v_1, ...].",
        "mixed = A @ v  # [h, N, d_k]",
    ),
    minutes=10,
    level="core",
    laws=(Law("position 0 sees itself", _first_row), Law("written space", _written_space)),
    probes=_write_probes,
)  # fmt: skip

# --- operator ----------------------------------------------------------------------------------


def _operator_probes(rng):
    for h, N, d in ((2, 3, 2), (3, 2, 4), (2, 3, 3), (1, 4, 2), (2, 1, 3), (2, 3, 1)):
        W = rng.normal(size=(h, d, d)) + 0.5
        yield Probe((_patterns(rng, h, N), W), f"{_heads(h)}, N = {N}, d = {d}")
    A, W = rng.normal(size=(2, 2, 2)) + 3, 1e3 * rng.normal(size=(2, 3, 3))
    yield Probe((A, W), "2 heads, N = 2, d = 3, any A, large W")


def _by_columns(A, W):
    N, d = len(A[0]), len(W[0])
    basis = np.eye(N * d).reshape(N * d, N, d)
    return np.array([sum(a @ x @ w.T for a, w in zip(A, W, strict=True)).ravel() for x in basis]).T


def _by_blocks(A, W):
    def block(i, j):
        return sum(A[n][i][j] * W[n] for n in range(len(A)))

    positions = range(len(A[0]))
    return np.block([[block(i, j) for j in positions] for i in positions])


def _matrix(blocks):
    """Return [i, a, j, b] as a matrix with rows (i, a) and columns (j, b)."""
    rows = blocks.shape[0] * blocks.shape[1]
    return blocks.reshape(rows, rows)


def _each(A, W):
    return np.stack([np.kron(a, w) for a, w in zip(A, W, strict=True)])


def _one(like):
    return np.eye(like.shape[-1])


def _trace(args, answer, slack):
    A, W = args
    traces = np.trace(A, axis1=1, axis2=2) * np.trace(W, axis1=1, axis2=2)
    terms = len(answer) * np.abs(answer)  # every entry may be off by a share of the largest
    if differ(np.diag(answer).sum(keepdims=True), traces.sum(), slack, terms):
        return (f"its trace is {np.trace(answer):.3g}, the products Tr A_h Tr W_h add up to "
                f"{traces.sum():.3g}")  # fmt: skip


def _arrow(args, answer, slack):
    A, W = args
    N, d = A.shape[1], W.shape[1]
    later = answer.reshape(N, d, N, d) * np.triu(np.ones((N, N)), 1)[:, None, :, None]
    if not np.triu(A, 1).any() and differ(later, 0.0, slack, np.abs(answer)):
        return "it carries something from a later position to an earlier one: no A here does"


OPERATOR = Exercise(
    name="channels.operator",
    title="All heads as one operator",
    reference=operator,
    alternatives=(
        lambda A, W: _matrix(np.einsum("hij,hab->iajb", A, W)),
        lambda A, W: _each(A, W).sum(axis=0),
        _by_columns,
        _by_blocks,
    ),
    wrong=(
        Wrong("features first", lambda A, W: _each(W, A).sum(axis=0),
              "it is kron(W_h, A_h): x.ravel() runs through all features of position 0 first, so "
              "A_h stands on the outside"),
        Wrong("W transposed", lambda A, W: operator(A, _transposed(W)),
              "W is transposed: x W^T already is W on every state, so W_h itself stands in M"),
        Wrong("A transposed", lambda A, W: operator(_transposed(A), W),
              "A is transposed: row i of A holds the weights with which position i collects"),
        Wrong("both transposed", lambda A, W: operator(_transposed(A), _transposed(W)),
              "M is transposed: it acts from the left, on a column x.ravel()"),
        Wrong("sums first", lambda A, W: np.kron(A.sum(axis=0), W.sum(axis=0)),
              "it is (sum of the A_h) (x) (sum of the W_h), which pairs the A of one head with the "
              "W of another: pair first, then add"),
        Wrong("mean", lambda A, W: operator(A, W) / len(A),
              "it is the mean over the heads: their writes add up"),
        Wrong("mean A", lambda A, W: np.kron(A.mean(axis=0), W.sum(axis=0)),
              "all heads mix with the mean of the A_h: each has its own"),
        Wrong("A of head 0", lambda A, W: np.kron(A[0], W.sum(axis=0)),
              "all heads mix with the A of head 0: each has its own"),
        Wrong("heads reversed", lambda A, W: operator(A, W[::-1]),
              "A runs through the heads forwards and W backwards: A_h belongs to W_h"),
        Wrong("side by side", lambda A, W: sum(
              np.kron(np.diag(unit), M) for unit, M in zip(np.eye(len(A)), _each(A, W),
              strict=True)),
              "the heads are blocks on a diagonal, as if each had states of its own: all act on "
              "the same x, so their operators add"),
        Wrong("not added", lambda A, W: _each(A, W),
              "it is one matrix for each head, [h, N d, N d]: add them"),
        Wrong("product", lambda A, W: np.linalg.multi_dot([np.eye(len(A[0]) * len(W[0])),
              *_each(A, W)]),
              "the heads are multiplied, one after the other: they act side by side on the same x, "
              "so their operators add"),
        Wrong("Kronecker sum", lambda A, W: sum(np.kron(a, _one(W)) + np.kron(_one(A), w)
              for a, w in zip(A, W, strict=True)),
              "it is A_h (x) 1 + 1 (x) W_h: a head moves and changes in one go, which is the "
              "product A_h (x) W_h"),
        Wrong("residual", lambda A, W: operator(A, W) + np.eye(len(A[0]) * len(W[0])),
              "the identity is added: it is what the heads write that is asked, without x"),
        Wrong("axes not moved", lambda A, W: _matrix(np.einsum("hij,hab->ijab", A, W).reshape(
              len(A[0]), len(W[0]), len(A[0]), len(W[0]))),
              "[i, j, a, b] is reshaped as it stands: rows of M are pairs (i, a) and columns "
              "(j, b), so the axes must be [i, a, j, b] before"),
        Wrong("last head", lambda A, W: np.kron(A[-1], W[-1]),
              "it is the operator of the last head: those of all heads add up"),
        Wrong("first head", lambda A, W: np.kron(A[0], W[0]),
              "it is the operator of head 0: those of all heads add up"),
    ),
    hints=(
        "A acts between positions, W within one. In which order does x.ravel() list the numbers "
        "x[position, feature]?",
        "(A x W^T)[i, a] = sum_jb A[i, j] W[a, b] x[j, b]: block (i, j) of M is A[i, j] W, which "
        "is A (x) W. Heads add.",
        "M = np.kron(A[0], W[0])  # then the other heads",
    ),
    minutes=12,
    level="core",
    laws=(Law("trace", _trace), Law("arrow of time", _arrow)),
    probes=_operator_probes,
)  # fmt: skip

EXERCISES = (WRITE, OPERATOR)

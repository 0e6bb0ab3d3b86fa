"""The last exercise of notebook 07: a measurement made of word vectors (paper V).

More words than dimensions: no projectors can do it, effects that add up to the identity can.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def povm(W_U):
    """Effects E_k = S^-1/2 v_k v_k^T S^-1/2 [V, d, d] of the rows v_k of W_U [V, d].

    S = sum_k v_k v_k^T has full rank; its root is the symmetric one.
    """
    eigenvalues, Q = np.linalg.eigh(W_U.T @ W_U)
    u = W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T
    return u[:, :, None] * u[:, None, :]


def _probes(rng):
    for V, d, offset in ((5, 3, 0.0), (7, 2, 0.7), (4, 4, 0.0), (6, 1, 0.5)):
        stretched = rng.normal(size=(V, d)) * np.linspace(0.6, 2, d) + offset
        W_U = stretched + 3 * np.eye(V, d) if V == d else stretched
        yield Probe((W_U,), f"V = {V}, d = {d}, stretched, moved by {offset:g}")
    W_U = rng.normal(size=(6, 3)) + np.array([1.0, 0.0, -0.5])
    W_U[4], W_U[2] = W_U[1], 5 * W_U[2]
    yield Probe((20 * W_U,), "V = 6, d = 3, large, one word twice, one of them long")
    yield Probe((rng.uniform(0.1, 2, size=(5, 3)),), "V = 5, d = 3, all entries positive")


def _outer(u, w=None):
    return np.einsum("ki,kj->kij", u, u if w is None else w)


def _root(W_U, power=-0.5):
    """Return a power of S."""
    eigenvalues, Q = np.linalg.eigh(W_U.T @ W_U)
    return (Q * eigenvalues**power) @ Q.T


def _polar(W_U):
    U, _, Vt = np.linalg.svd(W_U, full_matrices=False)
    return _outer(U @ Vt)


def _newton(S):
    """Return S^-1/2 by Denman and Beavers' iteration: means of a matrix and an inverse."""
    Y, Z = S, np.eye(len(S))
    for _ in range(40):
        Y, Z = (Y + np.linalg.inv(Z)) / 2, (Z + np.linalg.inv(Y)) / 2
    return Z


def _by_loop(W_U):
    root = _newton(sum(np.outer(v, v) for v in W_U))
    return [root @ np.outer(v, v) @ root for v in W_U]


def _complete(args, answer, slack):
    total, one = answer.sum(axis=0), np.eye(answer.shape[1])
    if differ(total, one, slack):
        return f"its effects do not add up to the identity (the trace of their sum is "\
               f"{np.trace(total):.3g})"


def _symmetric(args, answer, slack):
    if differ(answer, answer.swapaxes(1, 2), slack):
        return "its effects are not symmetric"


def _positive(args, answer, slack):
    lowest = np.linalg.eigvalsh((answer + answer.swapaxes(1, 2)) / 2).min()
    if lowest < -slack * np.abs(answer).max():
        return f"some of its effects are not positive: an eigenvalue is {lowest:.3g}"


POVM = Exercise(
    name="measurement.povm",
    title="More outcomes than dimensions",
    reference=povm,
    alternatives=(
        _polar,
        _by_loop,
        lambda W_U: np.einsum("ia,ka,kb,bj->kij", _root(W_U), W_U, W_U, _root(W_U)),
    ),
    wrong=(
        Wrong("no S", _outer,
              "it is v v^T as it stands: these add up to S, not to the identity, S^-1/2 on both "
              "sides is missing"),
        Wrong("projectors", lambda W_U: _outer(W_U / np.linalg.norm(W_U, axis=1, keepdims=True)),
              "each is a projector v v^T / |v|^2: V of them in d dimensions do not add up to the "
              "identity"),
        Wrong("one-sided", lambda W_U: _outer(W_U @ _root(W_U, -1), W_U),
              "it is S^-1 v v^T: they add up to the identity but are not symmetric; half of S^-1 "
              "belongs on either side"),
        Wrong("one-sided, right", lambda W_U: _outer(W_U, W_U @ _root(W_U, -1)),
              "it is v v^T S^-1: they add up to the identity but are not symmetric; half of S^-1 "
              "belongs on either side"),
        Wrong("root on one side", lambda W_U: _outer(W_U @ _root(W_U), W_U),
              "S^-1/2 stands on one side only: it belongs on both"),
        Wrong("S^-1 twice", lambda W_U: _outer(W_U @ _root(W_U, -1)),
              "S^-1 stands on both sides, which is one S^-1 too many: take the root, S^-1/2"),
        Wrong("Cholesky", lambda W_U: _outer(np.linalg.solve(np.linalg.cholesky(W_U.T @ W_U),
              W_U.T).T),
              "it is a POVM, but a rotated one: its root is Cholesky's triangle, the symmetric one "
              "is asked"),
        Wrong("eigenbasis", lambda W_U: _outer(W_U @ (np.linalg.eigh(W_U.T @ W_U)[1]
              / np.sqrt(np.linalg.eigvalsh(W_U.T @ W_U)))),
              "it is a POVM, but in the eigenbasis of S: turn back, S^-1/2 = Q (1/root) Q^T"),
        Wrong("root not inverted", lambda W_U: _outer(W_U @ _root(W_U, 0.5)),
              "the root of S is not inverted: S^-1/2, with 1/sqrt of the eigenvalues"),
        Wrong("no root", lambda W_U: _outer(W_U @ _root(W_U, -0.25)),
              "it takes the fourth root: S^-1/2 stands on each side, not S^-1/4"),
        Wrong("rows normalised", lambda W_U: povm(W_U / np.linalg.norm(W_U, axis=1, keepdims=True)),
              "each v is scaled to length 1 first: it is a POVM, but another one, in which a long "
              "v counts no more than a short one"),
        Wrong("root by entries", lambda W_U: _outer(W_U @ (W_U.T @ W_U) ** -0.5),
              "S^-1/2 is taken entry by entry: it is the matrix Q diag(1/sqrt(s)) Q^T"),
        Wrong("root by entries, inverted", lambda W_U: _outer(W_U @ np.linalg.inv(
              np.sqrt(W_U.T @ W_U))),
              "the root of S is taken entry by entry, then inverted: the root of a matrix is Q "
              "diag(sqrt(s)) Q^T"),
        Wrong("inverse, root by entries", lambda W_U: _outer(W_U @ np.sqrt(np.linalg.inv(
              W_U.T @ W_U))),
              "the root of S^-1 is taken entry by entry: the root of a matrix is Q diag(sqrt(s)) "
              "Q^T"),
        Wrong("divided by V", lambda W_U: _outer(W_U) / len(W_U),
              "it is v v^T / V: S is no multiple of the identity, V does not replace it"),
        Wrong("divided by the trace", lambda W_U: _outer(W_U) / (W_U**2).sum(),
              "it is v v^T / tr S: a number replaces S only if d = 1"),
        Wrong("trace 1", lambda W_U: (e := povm(W_U)) / np.trace(e, axis1=1, axis2=2)[:, None,
              None],
              "each has trace 1, as a state has: effects add up to the identity instead"),
        Wrong("the sum", lambda W_U: povm(W_U).sum(axis=0),
              "it is their sum, the identity: the V effects themselves are asked, [V, d, d]"),
    ),
    hints=(
        "V vectors in d dimensions overlap, and v v^T adds up to some S. Which change of "
        "coordinates turns S into the identity?",
        "u_k = S^-1/2 v_k, E_k = u_k u_k^T: the sum is S^-1/2 S S^-1/2 = 1. With S = Q diag(s) "
        "Q^T, S^-1/2 = Q diag(1/sqrt(s)) Q^T.",
        "s, Q = np.linalg.eigh(W_U.T @ W_U)",
    ),
    minutes=15,
    level="stretch",
    laws=(
        Law("add up to the identity", _complete),
        Law("symmetric", _symmetric),
        Law("positive", _positive),
    ),
    probes=_probes,
)  # fmt: skip

EXERCISES = (POVM,)

"""More outcomes than dimensions (notebook 07; paper V).

More words than dimensions: no projectors can do it, effects that add up to the identity can.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def povm(W_U):
    """Effects E_k = S^-1/2 v_k v_k^T S^-1/2 [V, d, d] of the rows v_k of W_U [V, d].

    S = sum_k v_k v_k^T has full rank; its root is the symmetric one.
    """
    eigenvalues, Q = np.linalg.eigh(W_U.T @ W_U)
    u = W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T
    return u[:, :, None] * u[:, None, :]


def _cases(rng):
    for V, d, offset in ((5, 3, 0.0), (7, 2, 0.7), (4, 4, 0.0), (6, 1, 0.5)):
        stretched = rng.normal(size=(V, d)) * np.linspace(0.6, 2, d) + offset
        W_U = stretched + 3 * np.eye(V, d) if V == d else stretched
        yield Case((W_U,), f"V = {V}, d = {d}, stretched, moved by {offset:g}")
    W_U = rng.normal(size=(6, 3)) + np.array([1.0, 0.0, -0.5])
    W_U[4], W_U[2] = W_U[1], 5 * W_U[2]
    yield Case((20 * W_U,), "V = 6, d = 3, large, one word twice, one of them long")
    yield Case((rng.uniform(0.1, 2, size=(5, 3)),), "V = 5, d = 3, all entries positive")
    for V, d, size in ((1, 1, 1.0), (50, 41, 1e-8), (3, 3, 1e8), (5, 3, 1e-9)):
        W_U = size * (rng.normal(size=(V, d)) + 8 * np.eye(V, d))
        yield Case((W_U,), f"V = {V}, d = {d}, entries about {size:g}")
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    W_U = rng.normal(size=(6, 3)) * [1, 1, 0.02] @ R
    yield Case((W_U,), "V = 6, d = 3, nearly in a plane")
    whole = -np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    yield Case((whole,), "V = 4, d = 2, whole numbers, none positive")


def _complete(args, answer, slack):
    total, one = answer.sum(axis=0), np.eye(answer.shape[1])
    if differ(total, one, slack):
        return (
            f"its effects do not add up to the identity (the trace of their sum is "
            f"{np.trace(total):.6g})"
        )


def _symmetric(args, answer, slack):
    if differ(answer, answer.swapaxes(1, 2), slack):
        return "its effects are not symmetric"


def _positive(args, answer, slack):
    lowest = np.linalg.eigvalsh((answer + answer.swapaxes(1, 2)) / 2).min()
    if lowest < -slack * np.abs(answer).max():
        return f"some of its effects are not positive: an eigenvalue is {lowest:.6g}"


WRONG = """
no S: it is v v^T as it stands: these add up to S, not to the identity, S^-1/2 on both sides is \
    missing
    W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T => W_U
projectors: each is a projector v v^T / |v|^2: V of them in d dimensions do not add up to the \
    identity
    W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T => W_U / np.linalg.norm(W_U, axis=1, keepdims=True)
one-sided: it is S^-1 v v^T: they add up to the identity but are not symmetric; half of S^-1 \
    belongs on either side
    np.sqrt(eigenvalues) => eigenvalues
    * u[:, None, :] => * W_U[:, None, :]
one-sided, right: it is v v^T S^-1: they add up to the identity but are not symmetric; half of \
    S^-1 belongs on either side
    np.sqrt(eigenvalues) => eigenvalues
    u[:, :, None] * => W_U[:, :, None] *
root on one side: S^-1/2 stands on one side only: it belongs on both
    * u[:, None, :] => * W_U[:, None, :]
S^-1 twice: S^-1 stands on both sides, which is one S^-1 too many: take the root, S^-1/2
    np.sqrt(eigenvalues) => eigenvalues
Cholesky: it is a POVM, but a rotated one: its root is Cholesky's triangle, the symmetric one is \
    asked
    W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T => \
        np.linalg.solve(np.linalg.cholesky(W_U.T @ W_U), W_U.T).T
eigenbasis: it is a POVM, but in the eigenbasis of S: turn back, S^-1/2 = Q (1/root) Q^T
    (Q / np.sqrt(eigenvalues)) @ Q.T => (Q / np.sqrt(eigenvalues))
root not inverted: the root of S is not inverted: S^-1/2, with 1/sqrt of the eigenvalues
    Q / np.sqrt => Q * np.sqrt
no root: it takes the fourth root: S^-1/2 stands on each side, not S^-1/4
    np.sqrt(eigenvalues) => eigenvalues**0.25
rows normalised: each v is scaled to length 1 first: it is a POVM, but another one, in which a \
    long v counts no more than a short one
    eigenvalues, Q = => W_U = W_U / np.linalg.norm(W_U, axis=1, keepdims=True); eigenvalues, Q =
root by entries: S^-1/2 is taken entry by entry: it is the matrix Q diag(1/sqrt(s)) Q^T
    (Q / np.sqrt(eigenvalues)) @ Q.T => (W_U.T @ W_U) ** -0.5
root by entries, inverted: the root of S is taken entry by entry, then inverted: the root of a \
    matrix is Q diag(sqrt(s)) Q^T
    (Q / np.sqrt(eigenvalues)) @ Q.T => np.linalg.inv(np.sqrt(W_U.T @ W_U))
inverse, root by entries: the root of S^-1 is taken entry by entry: the root of a matrix is Q \
    diag(sqrt(s)) Q^T
    (Q / np.sqrt(eigenvalues)) @ Q.T => np.sqrt(np.linalg.inv(W_U.T @ W_U))
divided by V: it is v v^T / V: S is no multiple of the identity, V does not replace it
    W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T => W_U / np.sqrt(len(W_U))
divided by the trace: it is v v^T / tr S: a number replaces S only if d = 1
    W_U @ (Q / np.sqrt(eigenvalues)) @ Q.T => W_U / np.linalg.norm(W_U)
trace 1: each has trace 1, as a state has: effects add up to the identity instead
    return => u = u / np.linalg.norm(u, axis=1, keepdims=True); return
the sum: it is their sum, the identity: the V effects themselves are asked, [V, d, d]
    u[:, :, None] * u[:, None, :] => u.T @ u
"""

EXERCISE = Exercise(
    title="More outcomes than dimensions",
    reference=povm,
    cases=_cases,
    wrong=mistakes(povm, WRONG),
    laws=(
        Law("add up to the identity", _complete),
        Law("symmetric", _symmetric),
        Law("positive", _positive),
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
    spared=PLAIN,
)

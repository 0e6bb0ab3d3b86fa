"""A change of basis nobody can see (notebook 03).

W acts on columns in the paper; states are rows here, so W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def gauge(W_Q, W_K, M):
    """W_Q becomes M W_Q; W_K follows so that every overlap q_i . k_j stays what it was."""
    return M @ W_Q, np.linalg.inv(M).T @ W_K


def _gauge_cases(rng):
    for d_k, d, size in ((2, 4, 1.0), (3, 3, 1.0), (3, 5, 20.0), (1, 3, 0.3)):
        M = size * (rng.normal(size=(d_k, d_k)) + 2 * np.eye(d_k))
        W_Q, W_K = rng.normal(size=(d_k, d)), rng.normal(size=(d_k, d))
        yield Case((W_Q, W_K, M), f"d_k = {d_k}, d = {d}, entries of M about {size:g}")
    for d_k, d, size in ((1, 1, 1.0), (41, 50, 1.0), (2, 2, 1e-8), (3, 4, 1e8)):
        M = size * (rng.normal(size=(d_k, d_k)) + 2 * np.sqrt(d_k) * np.eye(d_k))
        W_Q, W_K = rng.normal(size=(2, d_k, d)) / size
        W_Q[-1] = W_Q[0]
        label = f"d_k = {d_k}, d = {d}, entries of M about {size:g}, two queries alike"
        yield Case((W_Q, W_K, M), label)
    M = np.diag([30.0, 1.0, 0.03]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    W_Q, W_K = rng.integers(-2, 3, size=(2, 3, 4)) * 1.0
    yield Case((W_Q, W_K, M), "d_k = 3, d = 4, M stretches by 30 and by 0.03")
    M = -np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
    yield Case((W_Q, -np.abs(W_K), M), "d_k = 3, d = 4, M of whole numbers, none positive")


def _follows_M(args, answer, slack):
    W_Q, _, M = args
    if np.abs(answer[0] - M @ W_Q).max() > slack * np.abs(M @ W_Q).max():
        return "its first item is not M W_Q"


def _overlaps_kept(args, answer, slack):
    W_Q, W_K, _ = args
    before, after = W_Q.T @ W_K, answer[0].T @ answer[1]
    size = np.abs(answer[0]).T @ np.abs(answer[1])
    if np.abs(after - before).max() > slack * max(size.max(), np.abs(before).max()):
        change = np.linalg.norm(after - before) / np.linalg.norm(before)
        return f"the overlaps change: W_Q^T W_K moves by {change:.6g} of its size"


WRONG = """
M for both: W_K is moved by M as well: overlaps stay only if W_K undoes what M does to W_Q
    np.linalg.inv(M).T => M
no transpose: W_K is moved by M^-1: in W_Q^T M^T W_K' it meets M^T, so its inverse is needed
    inv(M).T => inv(M)
no inverse: W_K is moved by M^T, which undoes M only if M is orthogonal: invert it
    np.linalg.inv(M).T => M.T
W_Q^T: the overlaps stay, but W_Q became M^T W_Q: it was to become M W_Q
    return M => return M.T
    inv(M).T => inv(M)
right multiplication: M stands on the wrong side: it acts on the d_k rows of W_Q, M W_Q
    M @ W_Q => W_Q @ M
    np.linalg.inv(M).T @ W_K => W_K @ np.linalg.inv(M).T
only W_K: W_Q is returned unchanged: it was to become M W_Q
    M @ W_Q => W_Q
only W_Q: W_K is returned unchanged: the overlaps have moved with M
    np.linalg.inv(M).T @ W_K => W_K
roles exchanged: the overlaps stay, but the roles are exchanged: W_Q was to become M W_Q
    return M => return np.linalg.inv(M).T
    np.linalg.inv(M).T @ W_K => M @ W_K
order: the two arrays are right but in the wrong order: return W_Q' first
    M @ W_Q, np.linalg.inv(M).T @ W_K => np.linalg.inv(M).T @ W_K, M @ W_Q
"""

EXERCISE = Exercise(
    title="A change of basis nobody can see",
    reference=gauge,
    cases=_gauge_cases,
    wrong=mistakes(gauge, WRONG),
    laws=(Law("W_Q becomes M W_Q", _follows_M), Law("overlaps are kept", _overlaps_kept)),
    hints=(
        "Queries and keys are only ever seen through their overlaps: turn and stretch the one, "
        "and the other has to give way exactly.",
        "q' . k' = (M q)^T k' must be q^T k for every q and k: M^T k' = k.",
        "W_K_new = np.linalg.solve(M.T, W_K)",
    ),
    minutes=10,
    level="stretch",
    parts=2,
    spared=PLAIN,
)

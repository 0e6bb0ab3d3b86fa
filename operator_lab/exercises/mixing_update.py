"""The later exercises of notebook 03: the residual update (Eq. 1), the gauge of W_Q and W_K.

W acts on columns in the paper; states are rows here, so W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .mixing import masked, mixing, past, softmax


def update(x, W_Q, W_K, W_V, tau=1.0):
    """One step x + A V, with Q = x W_Q^T, K = x W_K^T, V = x W_V^T and causal weights A."""
    S = (x @ W_Q.T) @ (x @ W_K.T).T
    A = mixing(S, tau * np.sqrt(len(W_Q)))
    return x + A @ (x @ W_V.T)


def gauge(W_Q, W_K, M):
    """W_Q becomes M W_Q; W_K follows so that every overlap q_i . k_j stays what it was."""
    return M @ W_Q, np.linalg.inv(M).T @ W_K


# --- update ------------------------------------------------------------------------------------


def _update_probes(rng):
    sizes = ((3, 2, 1, None), (3, 4, 2, 1.6), (5, 3, 3, 0.5), (4, 2, 5, 1.3), (1, 3, 2, 2))
    for N, d, d_k, tau in sizes:
        x, W_Q, W_K = rng.normal(size=(N, d)), rng.normal(size=(d_k, d)), rng.normal(size=(d_k, d))
        args = (x, W_Q, W_K, rng.normal(size=(d, d)))
        size = f"{N} positions, d = {d}, d_k = {d_k}"
        if tau is None:
            yield Probe(args, f"{size}, tau left out")
        else:
            yield Probe((*args, tau), f"{size}, tau = {tau}")
    x, W_Q, W_K, W_V = (rng.normal(size=s) for s in ((6, 4), (3, 4), (3, 4), (4, 4)))
    x[3] = x[1]
    yield Probe((x + 2, W_Q, W_K, W_V, 4.0), "6 positions, one token twice, d = 4, d_k = 3")


def _step(scores, T, values, allowed=None):
    return softmax(masked(scores / T, allowed)) @ values


def _overlaps(x, W_Q, W_K):
    return x @ W_Q.T @ W_K @ x.T


def _strict(scores, T):
    A = np.exp(masked(scores / T, past(scores, -1)) - (scores / T).max())
    return A / np.maximum(A.sum(axis=1, keepdims=True), 1e-300)


def _update_loop(x, W_Q, W_K, W_V, tau=1.0):
    out, T = x.copy(), tau * W_Q.shape[0] ** 0.5
    for i in range(len(x)):
        w = np.exp([(W_Q @ x[i]) @ (W_K @ x[j]) / T for j in range(i + 1)])
        out[i] = x[i] + sum(w[j] * (W_V @ x[j]) for j in range(i + 1)) / w.sum()
    return out


def _update_by_index(x, W_Q, W_K, W_V, tau=1.0):
    z = np.einsum("ia,ka,kb,jb->ij", x, W_Q, W_K, x) / (tau * np.sqrt(W_K.shape[0]))
    return x + np.einsum("ij,ja,da->id", softmax(masked(z)), x, W_V)


def _first_row(args, answer, slack):
    x, W_V = args[0], args[3]
    right = x[0] + W_V @ x[0]
    if np.abs(answer[0] - right).max() > slack * max(1.0, np.abs(right).max()):
        return "its row 0 is off, and that row sees only itself: it must become x_0 + W_V x_0"


def _update(change):
    """Return an update in which `change(x, W_Q, W_K, W_V, T, tau)` takes the place of x + A V."""

    def changed(x, W_Q, W_K, W_V, tau=1.0):
        return change(x, W_Q, W_K, W_V, tau * np.sqrt(len(W_Q)), tau)

    return changed


UPDATE = Exercise(
    name="mixing.update",
    title="The residual update of three tokens",
    reference=update,
    alternatives=(
        _update(lambda x, W_Q, W_K, W_V, T, tau:
                x + softmax(masked(_overlaps(x, W_Q, W_K) / T, fill=-1e9)) @ x @ W_V.T),
        _update_by_index,
        _update_loop,
    ),
    wrong=(
        Wrong("residual forgotten", _update(lambda x, W_Q, W_K, W_V, T, tau:
              _step(_overlaps(x, W_Q, W_K), T, x @ W_V.T)),
              "it is A V alone: the update adds A V to x, it does not replace x"),
        Wrong("nothing transposed", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(x @ W_Q @ (x @ W_K).T, T, x @ W_V)),
              "no W is transposed: states are rows, so W x becomes x @ W.T"),
        Wrong("W_Q, W_K not transposed", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(x @ W_Q @ (x @ W_K).T, T, x @ W_V.T)),
              "W_Q and W_K are not transposed: states are rows, so Q = x @ W_Q.T"),
        Wrong("W_V not transposed", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), T, x @ W_V)),
              "W_V is not transposed: states are rows, so V = x @ W_V.T"),
        Wrong("Q and K exchanged", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_K, W_Q), T, x @ W_V.T)),
              "queries and keys are exchanged: the interaction is not symmetric, S = Q K^T"),
        Wrong("W_V forgotten", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), T, x)),
              "it mixes the states x themselves: what is mixed is V = x @ W_V.T"),
        Wrong("A transposed", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + softmax(masked(_overlaps(x, W_Q, W_K) / T)).T @ x @ W_V.T),
              "A is transposed: row i of A holds the weights with which query i collects values"),
        Wrong("strict mask, -inf", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), T, x @ W_V.T, np.tri(len(x), k=-1) > 0)),
              "the diagonal is masked too, so position 0 has no key left, hence NaN: keep j = i"),
        Wrong("strict mask, empty", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _strict(_overlaps(x, W_Q, W_K), T) @ x @ W_V.T),
              "the diagonal is masked too: a position also collects from itself, keep j = i"),
        Wrong("no mask", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + softmax(_overlaps(x, W_Q, W_K) / T) @ x @ W_V.T),
              "positions collect from later ones: the causal mask (keys j <= i) is missing"),
        Wrong("no temperature", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), 1.0, x @ W_V.T)),
              "the weights are taken at T = 1: the exponent is S / T with T = tau sqrt(d_k)"),
        Wrong("tau forgotten", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), T / tau, x @ W_V.T)),
              "tau is left out of the temperature: T = tau sqrt(d_k)"),
        Wrong("only tau", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), tau, x @ W_V.T)),
              "sqrt(d_k) is left out of the temperature: T = tau sqrt(d_k)"),
        Wrong("temperature twice", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), T * T, x @ W_V.T)),
              "it divides by the temperature twice: what exponent returns is S / T already, so mix "
              "it at T = 1"),
        Wrong("d for d_k", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), tau * np.sqrt(x.shape[1]), x @ W_V.T)),
              "T is computed with d, the features of x: d_k is the number of rows of W_Q"),
        Wrong("d_k without root", _update(lambda x, W_Q, W_K, W_V, T, tau:
              x + _step(_overlaps(x, W_Q, W_K), tau * len(W_Q), x @ W_V.T)),
              "T is computed as tau d_k: the temperature is T = tau sqrt(d_k)"),
    ),
    hints=(
        "Each position stays what it is and adds a little of what it and its past have to say, in "
        "shares that its overlaps with them decide.",
        "x' = x + A V with Q = x W_Q^T, K = x W_K^T, V = x W_V^T, and A the causal weights of "
        "S = Q K^T at T = tau sqrt(d_k).",
        "S = (x @ W_Q.T) @ (x @ W_K.T).T",
    ),
    minutes=12,
    level="core",
    laws=(Law("row 0 sees itself", _first_row),),
    probes=_update_probes,
)

# --- gauge -------------------------------------------------------------------------------------


def _gauge_probes(rng):
    for d_k, d, size in ((2, 4, 1.0), (3, 3, 1.0), (3, 5, 20.0), (1, 3, 0.3)):
        M = size * (rng.normal(size=(d_k, d_k)) + 2 * np.eye(d_k))
        W_Q, W_K = rng.normal(size=(d_k, d)), rng.normal(size=(d_k, d))
        yield Probe((W_Q, W_K, M), f"d_k = {d_k}, d = {d}, entries of M about {size:g}")


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
        return f"the overlaps change: W_Q^T W_K moves by {change:.3g} of its size"


GAUGE = Exercise(
    name="mixing.gauge",
    title="A change of basis nobody can see",
    reference=gauge,
    alternatives=(
        lambda W_Q, W_K, M: (M @ W_Q, np.linalg.solve(M.T, W_K)),
        lambda W_Q, W_K, M: (np.einsum("ab,bd->ad", M, W_Q), np.linalg.inv(M.T) @ W_K),
        lambda W_Q, W_K, M: [(W_Q.T @ M.T).T, (W_K.T @ np.linalg.pinv(M)).T],
    ),
    wrong=(
        Wrong("M for both", lambda W_Q, W_K, M: (M @ W_Q, M @ W_K),
              "W_K is moved by M as well: overlaps stay only if W_K undoes what M does to W_Q"),
        Wrong("no transpose", lambda W_Q, W_K, M: (M @ W_Q, np.linalg.inv(M) @ W_K),
              "W_K is moved by M^-1: in W_Q^T M^T W_K' it meets M^T, so its inverse is needed"),
        Wrong("no inverse", lambda W_Q, W_K, M: (M @ W_Q, M.T @ W_K),
              "W_K is moved by M^T, which undoes M only if M is orthogonal: invert it"),
        Wrong("W_Q^T", lambda W_Q, W_K, M: (M.T @ W_Q, np.linalg.inv(M) @ W_K),
              "the overlaps stay, but W_Q became M^T W_Q: it was to become M W_Q"),
        Wrong("right multiplication", lambda W_Q, W_K, M: (W_Q @ M, W_K @ np.linalg.inv(M).T),
              "M stands on the wrong side: it acts on the d_k rows of W_Q, M W_Q"),
        Wrong("only W_K", lambda W_Q, W_K, M: (W_Q, np.linalg.inv(M).T @ W_K),
              "W_Q is returned unchanged: it was to become M W_Q"),
        Wrong("only W_Q", lambda W_Q, W_K, M: (M @ W_Q, W_K),
              "W_K is returned unchanged: the overlaps have moved with M"),
        Wrong("roles exchanged", lambda W_Q, W_K, M: (np.linalg.inv(M).T @ W_Q, M @ W_K),
              "the overlaps stay, but the roles are exchanged: W_Q was to become M W_Q"),
        Wrong("order", lambda W_Q, W_K, M: (np.linalg.inv(M).T @ W_K, M @ W_Q),
              "the two arrays are right but in the wrong order: return W_Q' first"),
    ),
    hints=(
        "Queries and keys are only ever seen through their overlaps: turn and stretch the one, "
        "and the other has to give way exactly.",
        "q' . k' = (M q)^T k' must be q^T k for every q and k: M^T k' = k.",
        "W_K_new = np.linalg.solve(M.T, W_K)",
    ),
    minutes=10,
    level="stretch",
    laws=(Law("W_Q becomes M W_Q", _follows_M), Law("overlaps are kept", _overlaps_kept)),
    probes=_gauge_probes,
    parts=2,
)

EXERCISES = (UPDATE, GAUGE)

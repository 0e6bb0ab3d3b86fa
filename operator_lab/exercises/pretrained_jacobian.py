"""The later exercises of notebook 12: a trap in raw scores, and whether an MLP damps."""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def trap(S):
    """Antisymmetric share of each map S [h, N, N] after its row and column means are taken out."""
    rows, columns = S.mean(axis=2, keepdims=True), S.mean(axis=1, keepdims=True)
    C = S - rows - columns + S.mean(axis=(1, 2), keepdims=True)
    return ((C - C.swapaxes(1, 2)) ** 2).sum(axis=(1, 2)) / (4 * (C**2).sum(axis=(1, 2)))


def damping(X, W_3, W_1, W_2):
    """tr J / d at each state of X [N, d], J the Jacobian of x -> W_2 [silu(W_3 x) * (W_1 x)]."""
    g, u = X @ W_3.T, X @ W_1.T
    s = 1 / (1 + np.exp(-g))
    up, gate = np.einsum("dm,md->m", W_2, W_1), np.einsum("dm,md->m", W_2, W_3)
    return ((s * g) @ up + (s * (1 + g * (1 - s)) * u) @ gate) / X.shape[1]


# --- trap --------------------------------------------------------------------------------------


def _trap_probes(rng):
    for h, N, common in ((3, 4, 5.0), (2, 6, 0.5), (4, 5, 2.0)):
        S = rng.normal(size=(h, N, N))
        S = S + common * (1 + rng.normal(size=(h, N, 1)) + 0.5 * rng.normal(size=(h, 1, N)))
        yield Probe((S,), f"{h} heads, N = {N}, a common part of size {common:g}")
    A = rng.normal(size=(2, 4, 4))
    pure = np.stack([A[0] + A[0].T, A[1] - A[1].T])
    yield Probe((pure + 1.5,), "one symmetric, one antisymmetric, and 1.5 more")


def _share(C):
    return ((C - C.swapaxes(1, 2)) ** 2).sum((1, 2)) / (4 * (C**2).sum((1, 2)))


def _less(S, rows=False, columns=False, whole=0.0):
    """S without some of its means."""
    C = S - (S.mean(axis=2, keepdims=True) if rows else 0)
    C = C - (S.mean(axis=1, keepdims=True) if columns else 0)
    return C + whole * S.mean(axis=(1, 2), keepdims=True)


def _by_projectors(S):
    P = np.eye(S.shape[1]) - 1 / S.shape[1]
    C = P @ S @ P
    odd = (C - C.swapaxes(1, 2)) / 2
    return (odd**2).sum(axis=(1, 2)) / (C**2).sum(axis=(1, 2))


def _by_loop(S):
    found = []
    for s in S:
        c = s - s.mean(axis=0)
        c = c - c.mean(axis=1)[:, None]
        found.append((1 - np.vdot(c, c.T) / np.vdot(c, c)) / 2)
    return found


def _a_share(args, answer, slack):
    if (answer < -slack).any() or (answer > 1 + slack).any():
        return "a share lies between 0 and 1"


def _extremes(args, answer, slack):
    S = args[0]
    for s, a in zip(S, answer, strict=True):
        c = s - s.mean()
        if np.allclose(c, c.T) and abs(a) > slack:
            return "a symmetric map has no antisymmetric share, and it says otherwise"
        if np.allclose(c, -c.T) and abs(a - 1) > slack:
            return "a constant added to an antisymmetric map leaves its share at 1, and it does not"


TRAP = Exercise(
    name="pretrained.trap",
    title="What a common direction hides",
    reference=trap,
    alternatives=(
        _by_projectors,
        _by_loop,
        lambda S: (1 - np.einsum("hij,hji->h", C := _less(S, True, True, 1.0), C)
                   / (C**2).sum(axis=(1, 2))) / 2,
    ),
    wrong=(
        Wrong("raw", _share, "it is the share of the raw map: take the means out first"),
        Wrong("rows only", lambda S: _share(_less(S, rows=True)),
              "only the means of the rows are taken out: a key that all queries like is left"),
        Wrong("columns only", lambda S: _share(_less(S, columns=True)),
              "only the means of the columns are taken out: a query that likes all keys is left"),
        Wrong("one mean", lambda S: _share(_less(S, whole=-1.0)),
              "only the mean of the whole map is taken out: each row and column has its own"),
        Wrong("mean twice", lambda S: _share(_less(S, True, True)),
              "the mean of the whole map is taken out twice, with the rows and with the columns: "
              "put it back once"),
        Wrong("symmetric", lambda S: 1 - trap(S), "it is the symmetric share, 1 minus this one"),
        Wrong("not squared", lambda S: np.sqrt(trap(S)),
              "it is a ratio of norms: shares are ratios of squares"),
        Wrong("factor", lambda S: 4 * trap(S),
              "the antisymmetric part is (C - C^T) / 2, and its square has a quarter"),
        Wrong("all heads at once", lambda S: np.full(
              len(S), _share(_less(S, True, True, 1.0).reshape(1, -1, S.shape[2])[:, :S.shape[1]])),
              "it is the share of the first head, for all of them: each head has its own"),
    ),
    hints=(
        "States that share a direction c have S_ij = c.c + a part of i + a part of j + the rest. "
        "Which means take the first three away?",
        "C = S - row means - column means + the mean of all; share = |C - C^T|^2 / (4 |C|^2).",
        "C = S - S.mean(axis=2, keepdims=True) - S.mean(axis=1, keepdims=True) + "
        "S.mean(axis=(1, 2), keepdims=True)",
    ),
    minutes=10,
    level="core",
    laws=(Law("a share", _a_share), Law("extremes", _extremes)),
    probes=_trap_probes,
)

# --- damping -----------------------------------------------------------------------------------


def _damping_probes(rng):
    for N, d, m in ((3, 4, 5), (2, 3, 7), (4, 5, 2)):
        W_3, W_1 = rng.normal(size=(2, m, d)) + 0.2
        X = rng.normal(size=(N, d))
        X[1] = 0.0  # at 0 the gate is shut and the up is 0
        yield Probe((X, W_3, W_1, rng.normal(size=(d, m))), f"{N} states, d = {d}, m = {m}, one 0")


def _trace(parts, over=True):
    """Return a damping from `parts(g, u, s)`, the factors of the traces of W_2 W_1 and W_2 W_3."""

    def changed(X, W_3, W_1, W_2):
        g, u = X @ W_3.T, X @ W_1.T
        of_up, of_gate = parts(g, u, 1 / (1 + np.exp(-g)))
        found = of_up @ np.einsum("dm,md->m", W_2, W_1) + of_gate @ np.einsum("dm,md->m", W_2, W_3)
        return found / (X.shape[1] if over else 1)

    return changed


def _whole_jacobians(X, W_3, W_1, W_2):
    found = []
    for x in X:
        g, u = W_3 @ x, W_1 @ x
        s = (1 + np.tanh(g / 2)) / 2
        J = W_2 @ (np.diag(s * g) @ W_1 + np.diag(s * u + s * (1 - s) * g * u) @ W_3)
        found.append(np.trace(J) / len(x))
    return np.array(found)


def _by_the_other_product(X, W_3, W_1, W_2):
    up, gate = np.diag(W_1 @ W_2), np.diag(W_3 @ W_2)
    g, u = X @ W_3.T, X @ W_1.T
    s = 1 / (1 + np.exp(-g))
    return np.sum(s * g * up + s * (1 + g - s * g) * u * gate, axis=1) / len(W_2)


def _nothing_at_zero(args, answer, slack):
    still = ~args[0].any(axis=1)
    if (np.abs(answer[still]) > slack * np.abs(answer).max()).any():
        return "at x = 0 the Jacobian is 0 (silu(0) = 0 and u = 0), and its trace is not"


DAMPING = Exercise(
    name="pretrained.damping",
    title="Does an MLP damp? The trace of its Jacobian",
    reference=damping,
    alternatives=(
        _whole_jacobians,
        _by_the_other_product,
        _trace(lambda g, u, s: (s * g, (s + s * (1 - s) * g) * u)),
    ),
    wrong=(
        Wrong("gate held", _trace(lambda g, u, s: (s * g, 0 * u)),
              "the gate is held: the Jacobian also has silu'(g) u from the change of the gate"),
        Wrong("up held", _trace(lambda g, u, s: (0 * g, s * (1 + g * (1 - s)) * u)),
              "the up is held: the true Jacobian also has silu(g) from the change of the up"),
        Wrong("secants", _trace(lambda g, u, s: (s * g, s * u)),
              "silu(g) / g is taken for the slope of silu: silu'(g) = sigma (1 + g (1 - sigma))"),
        Wrong("sigmoid's slope", _trace(lambda g, u, s: (s * g, s * (1 - s) * u)),
              "sigma' is taken for the slope of silu: silu'(g) = sigma + g sigma'"),
        Wrong("sigmoid", _trace(lambda g, u, s: (s, s * (1 - s) * u)),
              "the gate is sigma(g) there: silu(g) = sigma(g) g"),
        Wrong("sum", _trace(lambda g, u, s: (s * g, s * (1 + g * (1 - s)) * u), over=False),
              "it is the trace itself: divide by d"),
        Wrong("per unit", lambda X, W_3, W_1, W_2: (
              damping(X, W_3, W_1, W_2) * X.shape[1] / len(W_1)),
              "it is divided by the number of units m: the trace has d terms"),
        Wrong("no nonlinearity", _trace(lambda g, u, s: (g, u)),
              "silu is left out: g stands where silu(g) and its slope should be"),
        Wrong("exchanged", lambda X, W_3, W_1, W_2: damping(X, W_1, W_3, W_2),
              "W_1 and W_3 are exchanged: silu acts on W_3 x"),
    ),
    hints=(
        "Change x a little: both factors of silu(g) u change. Write the change of the product, "
        "then the trace of a product of matrices with a diagonal one in the middle.",
        "tr J = sum_m [silu(g_m) (W_1 W_2)_mm + silu'(g_m) u_m (W_3 W_2)_mm], with silu'(g) = "
        "sigma (1 + g (1 - sigma)).",
        'up, gate = np.einsum("dm,md->m", W_2, W_1), np.einsum("dm,md->m", W_2, W_3)',
    ),
    minutes=20,
    level="stretch",
    laws=(Law("nothing at zero", _nothing_at_zero),),
    probes=_damping_probes,
)

EXERCISES = (TRAP, DAMPING)

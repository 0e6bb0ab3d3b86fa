"""The last exercise of notebook 07: a belief is found in a state, and rewritten (paper V).

A linear read-out finds it; many states are read alike, and the nearest of them is chosen.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def write(x, W, c, C, b):
    """The states nearest to x [n, d] of which the read-out x W + c says b [n, k].

    Nearest: y makes (y - x) C^-1 (y - x)^T least, row by row; C [d, d] is the states' covariance.
    W [d, k] has full column rank.
    """
    pull = W.T @ C  # the directions in which states vary together with what is read
    return x + np.linalg.solve(pull @ W, (b - x @ W - c).T).T @ pull


def _probes(rng):
    def drawn(n, d, k, offset=0.0):
        Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
        C = Q * np.geomspace(0.2, 5, d) @ Q.T
        x, W = rng.normal(size=(n, d)) + offset, rng.normal(size=(d, k)) + 1.5 * np.eye(d, k)
        return x, W, rng.normal(size=k) - 2, C, rng.normal(size=(n, k)) + 1

    for n, d, k in ((4, 3, 2), (3, 5, 1), (1, 4, 2), (3, 3, 3)):
        yield Probe(drawn(n, d, k), f"n = {n}, d = {d}, k = {k}")
    x, W, c, C, b = drawn(5, 4, 2, offset=6.0)
    b[[1, 3]] = (x @ W + c)[[1, 3]]
    yield Probe((x, W, c, C, b), "n = 5, d = 4, k = 2, two states read b already")
    x, W, c, C, b = drawn(2, 6, 3)
    yield Probe((x, W, c, 1e-3 * C, b), "n = 2, d = 6, k = 3, states that hardly vary")


def _missing(x, W, c, b):
    return b - (x @ W + c)


def _along(pull):
    """Return the answer whose change lies along the rows of pull(W, C), as far as b asks."""

    def changed(x, W, c, C, b):
        P = pull(W, C)
        return x + _missing(x, W, c, b) @ np.linalg.inv(P @ W) @ P

    return changed


def _by_loop(x, W, c, C, b):
    """Row by row, a Lagrange multiplier for each thing read."""
    d, k = W.shape
    system = np.block([[np.linalg.inv(C), W], [W.T, np.zeros((k, k))]])
    rows = []
    for state, wanted in zip(x, b, strict=True):
        right = np.concatenate([np.zeros(d), wanted - c - state @ W])
        rows.append(state + np.linalg.solve(system, right)[:d])
    return rows


def _whitened(x, W, c, C, b):
    """In coordinates in which the covariance is 1, the shortest solution."""
    L = np.linalg.cholesky(C)
    return x + np.linalg.lstsq(W.T @ L, _missing(x, W, c, b).T, rcond=None)[0].T @ L.T


def _projected(x, W, c, C, b):
    back = np.einsum("kl,dl,de->ke", np.linalg.inv(W.T @ C @ W), W, C)
    return np.einsum("nd,de->ne", x, np.eye(len(W)) - W @ back) + (b - c) @ back


def _unseen(x, W, c, C, b):
    """From any state that says b, along the directions the read-out does not see."""
    any_one = x + _missing(x, W, c, b) @ np.linalg.pinv(W)
    N = np.linalg.svd(W.T)[2][W.shape[1] :]  # N W = 0
    metric = np.linalg.inv(C)
    return any_one - (any_one - x) @ metric @ N.T @ np.linalg.inv(N @ metric @ N.T) @ N


def _says_b(args, answer, slack):
    _, W, c, _, b = args
    gap = np.abs(answer @ W + c - b).max()
    if differ(answer @ W + c, b, slack, np.abs(answer) @ np.abs(W)):
        return f"the read-out does not say b of its states: it is off by up to {gap:.3g}"


def _content(args, answer, slack):
    x, W, c, _, b = args
    already = np.abs(_missing(x, W, c, b)).max(axis=1) < 1e-9
    if np.abs(answer - x)[already].max(initial=0) > slack * np.abs(x).max():
        return "it moves a state of which the read-out says b already"


def _along_the_spread(args, answer, slack):
    x, W, _, C, _ = args
    Q = np.linalg.qr(C @ W)[0]
    change = answer - x
    if differ(change @ Q @ Q.T, change, slack, np.abs(answer)):
        return "its change leaves the span of the columns of C W: a nearer state is read alike"


WRITE = Exercise(
    name="measurement.write",
    title="Another belief, written into a state",
    reference=write,
    alternatives=(
        _along(lambda W, C: W.T @ C),
        _by_loop,
        _whitened,
        _projected,
        _unseen,
    ),
    wrong=(
        Wrong("C left out", _along(lambda W, C: W.T),
              "it makes the least change in plain distance, C left out: near means near in units "
              "of the states' own spread, (y - x) C^-1 (y - x)^T"),
        Wrong("C inverted", _along(lambda W, C: W.T @ np.linalg.inv(C)),
              "C^-1 stands where C belongs: C^-1 measures the distance, so that the change goes "
              "along W^T C, where states vary much"),
        Wrong("C at the end only", lambda x, W, c, C, b: x + _missing(x, W, c, b)
              @ np.linalg.inv(W.T @ W) @ W.T @ C,
              "C is missing in the inverse: (W^T C W)^-1 W^T C, else b is not what is read"),
        Wrong("C in the inverse only", lambda x, W, c, C, b: x + _missing(x, W, c, b)
              @ np.linalg.inv(W.T @ C @ W) @ W.T,
              "C is missing at the end: (W^T C W)^-1 W^T C, else b is not what is read"),
        Wrong("c forgotten", lambda x, W, c, C, b: write(x, W, 0, C, b),
              "the offset c is left out: the read-out of x says x W + c"),
        Wrong("sign of c", lambda x, W, c, C, b: write(x, W, -c, C, b),
              "the offset c has the wrong sign: what is missing is b - (x W + c) = b - x W - c"),
        Wrong("no inverse", lambda x, W, c, C, b: x + _missing(x, W, c, b) @ W.T @ C,
              "(W^T C W)^-1 is left out: along W^T C, but not as far as what is missing asks"),
        Wrong("transpose", lambda x, W, c, C, b: x + _missing(x, W, c, b) @ W.T,
              "it goes back through W^T, which is no inverse of W: (W^T C W)^-1 W^T C is one, "
              "from the left"),
        Wrong("b added", lambda x, W, c, C, b: write(x, W, 0, C, b + x @ W),
              "b is added to what is read already: only what is missing counts, b - (x W + c)"),
        Wrong("from nothing", lambda x, W, c, C, b: write(0 * x, W, c, C, b),
              "these are the states nearest to 0 that are read so: those nearest to x are asked"),
        Wrong("change alone", lambda x, W, c, C, b: write(x, W, c, C, b) - x,
              "it is the change alone: add it to x"),
        Wrong("away", lambda x, W, c, C, b: 2 * x - write(x, W, c, C, b),
              "it goes as far as it should, the other way: what is missing is b - (x W + c)"),
        Wrong("mean", lambda x, W, c, C, b: x + (write(x, W, c, C, b) - x).mean(axis=0),
              "every state is moved by the mean change: each row of b is for its own state"),
        Wrong("one by one", lambda x, W, c, C, b: x + _missing(x, W, c, b)
              / np.diag(W.T @ C @ W) @ W.T @ C,
              "it divides by the diagonal of W^T C W alone: writing one number moves the others "
              "too, the inverse of the whole matrix sees to that"),
    ),
    hints=(
        "Many states are read as b. To be the nearest, y may move only where that is read, and "
        "most where states vary anyway: along the columns of C W.",
        "y = x + a W^T C; y W + c = b then says a = (b - x W - c) (W^T C W)^-1.",
        "pull = W.T @ C",
    ),
    minutes=12,
    level="stretch",
    laws=(
        Law("says b", _says_b),
        Law("what says b stays", _content),
        Law("along the spread", _along_the_spread),
    ),
    probes=_probes,
)  # fmt: skip

EXERCISES = (WRITE,)

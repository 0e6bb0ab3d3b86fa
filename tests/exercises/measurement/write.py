"""Other right answers to measurement.write."""

from __future__ import annotations

import numpy as np

from operator_lab.exercises.measurement.write import _missing


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


RIGHT = (
    _along(lambda W, C: W.T @ C),
    _by_loop,
    _whitened,
    _projected,
    _unseen,
)

"""Other right answers to thermodynamics.fisher."""

from __future__ import annotations

import numpy as np


def _by_loop(p):
    return [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]


def _by_scores(p):
    # the mean over levels of the outer product of d ln p_k / d z
    scores = np.eye(len(p)) - p
    return np.einsum("k,ki,kj->ij", p, scores, scores)


RIGHT = (
    _by_loop,
    _by_scores,
    lambda p: p[:, None] * (np.eye(len(p)) - p),
    lambda p: np.diag(p) @ (np.eye(len(p)) - np.ones((len(p), 1)) * p),
)

"""Other right answers to mixing.exponent."""

from __future__ import annotations

import numpy as np


def _exponent_loop(Q, K, tau=1.0):
    T = tau * len(Q[0]) ** 0.5
    return [[sum(a * b for a, b in zip(q, k, strict=True)) / T for k in K] for q in Q]


RIGHT = (
    lambda Q, K, tau=1.0: np.einsum("id,jd->ij", Q, K) / (tau * Q.shape[-1] ** 0.5),
    lambda Q, K, tau=1.0: (Q / tau) @ (K / np.sqrt(K.shape[1])).T,
    lambda Q, K, tau=1.0: (Q[:, None, :] * K[None]).sum(-1) / (np.sqrt(Q[0].size) * tau),
    _exponent_loop,
)

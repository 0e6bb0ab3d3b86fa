"""Other right answers to mixing.gauge."""

from __future__ import annotations

import numpy as np

RIGHT = (
    lambda W_Q, W_K, M: (M @ W_Q, np.linalg.solve(M.T, W_K)),
    lambda W_Q, W_K, M: (np.einsum("ab,bd->ad", M, W_Q), np.linalg.inv(M.T) @ W_K),
    lambda W_Q, W_K, M: [(W_Q.T @ M.T).T, (W_K.T @ np.linalg.pinv(M)).T],
)

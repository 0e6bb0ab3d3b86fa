"""Other right answers to embedding.rotate."""

from __future__ import annotations

import numpy as np


def _by_columns(W_E, W, W_U, R):
    columns = R @ W_E.T  # one column a state
    back = np.linalg.inv(R)  # whoever reads a new state turns it back first
    return columns.T, R @ W @ back, W_U @ back


def _row_by_row(W_E, W, W_U, R):
    turned = [[sum(a * b for a, b in zip(r, x, strict=True)) for r in R] for x in W_E]
    images = np.array([R @ (W @ (R.T @ e)) for e in np.eye(len(R))])
    return turned, images.T, np.stack([R @ u for u in W_U])


RIGHT = (
    lambda W_E, W, W_U, R: [
        np.einsum("ij,vj->vi", R, W_E),
        np.einsum("ia,ab,jb->ij", R, W, R),
        np.einsum("ij,vj->vi", R, W_U),
    ],
    _by_columns,
    _row_by_row,
)

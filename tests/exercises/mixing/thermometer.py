"""Other right answers to mixing.thermometer."""

from __future__ import annotations

import numpy as np


def _pairs(S, A):
    """Gaps in S and in log A between the strongest key of each row and the others."""
    for i in range(1, len(S)):
        best = int(np.argmax(A[i, : i + 1]))
        for j in range(i + 1):
            if j != best and A[i, j] > 1e-30:
                yield S[i, best] - S[i, j], np.log(A[i, best] / A[i, j])


def _largest_gap(S, A):
    gap, told = max(_pairs(S, A), key=lambda pair: pair[0])
    return gap / told


def _fitted(S, A):
    gap, told = np.array(list(_pairs(S, A)), dtype=float).T
    return gap.sum() / told.sum()


RIGHT = (_largest_gap, _fitted)

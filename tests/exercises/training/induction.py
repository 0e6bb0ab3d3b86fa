"""Other right answers to training.induction."""

from __future__ import annotations

import numpy as np


def _by_mask(A, tokens):
    N = len(tokens)
    same = np.tril(tokens[:, None] == tokens[None, :], -1)
    last = np.where(same.any(axis=1), N - 1 - same[:, ::-1].argmax(axis=1), -1)
    mask = np.zeros((N, N))
    for i, j in enumerate(last):
        if j >= 0:
            mask[i, j + 1] = 1
    score = np.einsum("lhij,ij->lh", A, mask)
    return np.argwhere(score == score.max())[0]


def _by_memory(A, tokens):
    score, seen = np.zeros(A.shape[:2]), {}
    for i, word in enumerate(tokens.tolist()):
        if word in seen:
            score = score + A[:, :, i, seen[word] + 1]
        seen[word] = i
    return divmod(int(score.argmax()), score.shape[1])


RIGHT = (_by_mask, lambda A, tokens: np.array(_by_memory(A, tokens)))

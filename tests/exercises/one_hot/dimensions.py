"""Other right answers to one_hot.dimensions."""

from __future__ import annotations

import numpy as np


def _by_digits(N, d):
    pairs = np.broadcast(N, d)
    # Python's own integers have as many digits as it takes
    large = [int(b) ** int(a) for a, b in pairs]
    digits = [len(str(n)) for n in large]
    logs = [k - 15 + np.log10(n / 10 ** (k - 15)) for n, k in zip(large, digits, strict=True)]
    return np.multiply(N, d), np.array(logs).reshape(pairs.shape)


def _by_kron(N, d):
    one = np.empty(np.broadcast(N, d).shape)
    for i, (a, b) in zip(np.ndindex(one.shape), np.broadcast(N, d), strict=True):
        one[i] = sum(b for _ in range(a))
    return one, np.log(d) / np.log(10) * N


RIGHT = (
    lambda N, d: (N * d, np.log10(d) * N),
    lambda N, d: (np.einsum("...,...->...", N, d), N * np.log2(d) * np.log10(2)),
    _by_digits,
    _by_kron,
)

"""Other right answers to dyson.hops."""

# ruff: noqa: E741  (O is the name of the operator)

from __future__ import annotations

from itertools import combinations

import numpy as np


def _start(L, x):
    return [x] + [0 * x] * len(L)


def _downwards(L, O, x):
    y = _start(L, x)
    for on_site, between in zip(L, O, strict=True):
        for n in range(len(L), 0, -1):
            y[n] = y[n] + on_site @ y[n] + between @ y[n - 1]
        y[0] = y[0] + on_site @ y[0]
    return y


def _chosen(L, O, x):
    found = _start(L, 0 * x)
    for n in range(len(L) + 1):
        for hopping in combinations(range(len(L)), n):
            y = x
            for step in range(len(L)):
                y = O[step] @ y if step in hopping else y + L[step] @ y
            found[n] = found[n] + y
    return found


def _fourier(L, O, x):
    count, found = len(L) + 1, []
    for w in np.exp(2j * np.pi * np.arange(count) / count):
        y = x
        for on_site, between in zip(L, O, strict=True):
            y = y + (on_site + w * between) @ y
        found.append(y)
    return np.fft.fft(found, axis=0).real / count


def _stepwise(change):
    """Return hops in which a step makes `change(y, L, O, up)` of all orders, one per row.

    `up` moves each order one up.
    """

    def changed(L, O, x):
        y = np.array(_start(L, x))
        for on_site, between in zip(L, O, strict=True):
            y = change(y, on_site.T, between.T, lambda a: np.concatenate([0 * a[:1], a[:-1]]))
        return y

    return changed


RIGHT = (
    _downwards,
    _chosen,
    _fourier,
    _stepwise(lambda y, L, O, up: y + y @ L + up(y @ O)),
)

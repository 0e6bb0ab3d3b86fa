"""Other right answers to dyson.orders."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from operator_lab.exercises.dyson.orders import chain, final


def _downwards(V, x):
    y = [x] + [0 * x] * len(V)
    for step in V:
        for n in range(len(V), 0, -1):
            y[n] = y[n] + step @ y[n - 1]
    return y


def _chosen(V, x):
    return [sum(chain(some, x) for some in combinations(V, n)) for n in range(len(V) + 1)]


def _fourier(V, x):
    # sum_n y_n z^n is the product of the 1 + z V[l]: read the y_n off its values on a circle
    count = len(V) + 1
    z = np.exp(2j * np.pi * np.arange(count) / count)
    return np.fft.fft([final(w * V, x) for w in z], axis=0).real / count


RIGHT = (_downwards, _chosen, _fourier)

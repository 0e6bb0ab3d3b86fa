"""The third exercise of notebook 05: orders counted in hops (paper IV, Eq. 7, on-site part free).

A step is 1 + L[l] + O[l] on the flattened state: L acts within positions, O between them.
"""

# ruff: noqa: E741  (O is the name of the operator)

from __future__ import annotations

from itertools import combinations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def hops(L, O, x):
    """Terms y_0 ... y_k of the product of the 1 + L[l] + O[l] applied to x, row n: n hops."""
    y = np.zeros((len(L) + 1, len(x)))
    y[0] = x
    for on_site, between in zip(L, O, strict=True):
        raised = y[:-1] @ between.T
        y = y + y @ on_site.T
        y[1:] += raised
    return y


def _hops_probes(rng):
    for k, N, d in ((1, 3, 2), (3, 4, 2), (4, 2, 3), (4, 3, 1), (5, 3, 2)):
        within = np.kron(np.eye(N), np.ones((d, d)))
        earlier = np.kron(np.tri(N, k=-1), np.ones((d, d)))
        L, O = (0.7 * rng.normal(size=(k, N * d, N * d)) * m for m in (within, earlier))
        label = f"{k} step{'s' * (k > 1)}, {N} positions of {d} feature{'s' * (d > 1)}"
        yield Probe((L, O, rng.normal(size=N * d) + 1), label)
    L, O = 0.6 * rng.normal(size=(2, 3, 4, 4))
    yield Probe((L, O, rng.normal(size=4)), "3 steps, L and O without any zeros")


def _start(L, x):
    return [x] + [0 * x] * len(L)


def _downwards(L, O, x):
    y = _start(L, x)
    for on_site, between in zip(L, O, strict=True):
        for n in range(len(L), 0, -1):
            y[n] = y[n] + on_site @ y[n] + between @ y[n - 1]
        y[0] = y[0] + on_site @ y[0]
    return y


def _upwards(L, O, x):
    y = _start(L, x)
    for on_site, between in zip(L, O, strict=True):
        for n in range(len(L) + 1):
            y[n] = y[n] + on_site @ y[n] + (between @ y[n - 1] if n else 0)
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


def _hops_sum(args, answer, slack):
    L, O, x = args
    for on_site, between in zip(L, O, strict=True):
        x = x + (on_site + between) @ x
    if differ(answer.sum(0), x, slack, np.abs(answer).sum(0)):
        return "its orders do not add up to the product of all 1 + L + O applied to x"


def _no_hop(args, answer, slack):
    L, _, x = args
    for on_site in L:
        x = x + on_site @ x
    if differ(answer[0], x, slack, np.abs(answer)):
        return "its order 0 is not the product of all 1 + L applied to x"


def _nilpotent(args, answer, slack):
    reached = hops(*(np.abs(a) for a in args)).any(axis=1)
    for n in np.flatnonzero(~reached):
        if np.abs(answer[n]).max() > slack * np.abs(answer).max():
            return f"its order {n} is not zero, but no path makes {n} hops: every O leads forwards"


HOPS = Exercise(
    name="dyson.hops",
    title="Orders counted in hops",
    reference=hops,
    alternatives=(
        _downwards, _chosen, _fourier, _stepwise(lambda y, L, O, up: y + y @ L + up(y @ O)),
    ),
    wrong=(
        Wrong("updated upwards", _upwards,
              "O acts on the order this step has already changed, so that one step hops several "
              "times: take all orders from the old values, or go from high n to low"),
        Wrong("L on order 0 only", _stepwise(lambda y, L, O, up:
              y + np.concatenate([y[:1] @ L, 0 * y[1:]]) + up(y @ O)),
              "L acts on order 0 alone: what has hopped goes on being changed within its position"),
        Wrong("exchanged", _stepwise(lambda y, L, O, up: y + y @ O + up(y @ L)),
              "L and O are exchanged: L keeps the order, O raises it"),
        Wrong("all of it counted", _stepwise(lambda y, L, O, up: y + up(y @ (L + O))),
              "L raises the order too: what acts within a position is free, only O counts"),
        Wrong("L forgotten", _stepwise(lambda y, L, O, up: y + up(y @ O)),
              "L is left out: y_n <- (1 + L) y_n + O y_{n-1}"),
        Wrong("1 forgotten", _stepwise(lambda y, L, O, up: y @ L + up(y @ O)),
              "the 1 of 1 + L is missing: a step adds to the state, it does not replace it"),
        Wrong("L before O", _stepwise(lambda y, L, O, up: (y + y @ L) + up((y + y @ L) @ O)),
              "within one step O acts on what L has already changed: both read the same old state"),
        Wrong("L after O", _stepwise(lambda y, L, O, up: (y + up(y @ O)) @ (np.eye(len(L)) + L)),
              "within one step L acts on what O has just brought: both read the same old state"),
        Wrong("reversed depth", lambda L, O, x: hops(L[::-1], O[::-1], x),
              "the depth is reversed: L[0] and O[0] act first"),
        Wrong("partial sums", lambda L, O, x: np.cumsum(hops(L, O, x), axis=0),
              "row n is the sum of all orders up to n: return each order on its own"),
    ),
    hints=(
        "As in dyson.orders all orders go through the steps together. Which part of a step leaves "
        "the number of hops as it is, and which raises it by one?",
        "y_n <- (1 + L) y_n + O y_{n-1}, for all n from the old values.",
        "y = np.zeros((len(L) + 1, len(x))); y[0] = x",
    ),
    minutes=5,
    level="core",
    laws=(Law("sum over orders", _hops_sum), Law("order 0", _no_hop), Law("hops end", _nilpotent)),
    probes=_hops_probes,
)

EXERCISES = (HOPS,)

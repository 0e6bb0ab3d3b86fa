"""Orders counted in hops (notebook 05; paper IV, Eq. 7, on-site part free).

A step is 1 + L[l] + O[l] on the flattened state: L acts within positions, O between them.
"""

# ruff: noqa: E741  (O is the name of the operator)

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def hops(L, O, x):
    """Terms y_0 ... y_k of the product of the 1 + L[l] + O[l] applied to x, row n: n hops."""
    y = np.zeros((len(L) + 1, len(x)))
    y[0] = x
    for on_site, between in zip(L, O, strict=True):
        raised = y[:-1] @ between.T
        y = y + y @ on_site.T
        y[1:] += raised
    return y


def _hops_cases(rng):
    for k, N, d in ((1, 3, 2), (3, 4, 2), (4, 2, 3), (4, 3, 1), (5, 3, 2)):
        within = np.kron(np.eye(N), np.ones((d, d)))
        earlier = np.kron(np.tri(N, k=-1), np.ones((d, d)))
        L, O = (0.7 * rng.normal(size=(k, N * d, N * d)) * m for m in (within, earlier))
        label = f"{k} step{'s' * (k > 1)}, {N} positions of {d} feature{'s' * (d > 1)}"
        yield Case((L, O, rng.normal(size=N * d) + 1), label)
    L, O = 0.6 * rng.normal(size=(2, 3, 4, 4))
    yield Case((L, O, rng.normal(size=4)), "3 steps, L and O without any zeros")
    for k, N, d, size in (
        (1, 1, 1, 1.0),
        (2, 2, 2, 1e-8),
        (3, 2, 3, 1e8),
        (9, 2, 2, 1.0),
        (2, 45, 1, 1.0),
    ):
        earlier = np.kron(np.tri(N, k=-1), np.ones((d, d)))
        L = 0.5 * rng.normal(size=(k, N * d, N * d)) * np.kron(np.eye(N), np.ones((d, d)))
        O = 0.5 * rng.normal(size=(k, N * d, N * d)) * earlier / np.sqrt(N)
        x = size * np.tile(rng.normal(size=d), N)
        label = f"{k} steps, {N} equal positions of {d} features, x about {size:g}"
        yield Case((L, O, x), label)
    L, O = 0.3 * rng.normal(size=(2, 12, 3, 3))
    yield Case((L, O, rng.normal(size=3)), "12 steps, L and O without any zeros")
    same = 0.6 * rng.integers(-1, 2, size=(1, 4, 4)).repeat(4, axis=0)
    yield Case((same, same[:, ::-1], np.arange(4.0)), "4 equal steps, L and O without a pattern")


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


WRONG = """
updated upwards: O acts on the order this step has already changed, so that one step hops several \
    times: take all orders from the old values, or go from high n to low
    raised = y[:-1] @ between.T =>
    y[1:] += raised => for n in range(1, len(y)): y[n] += between @ y[n - 1]
L on order 0 only: L acts on order 0 alone: what has hopped goes on being changed within its \
    position
    y = y + y @ on_site.T => y[0] += on_site @ y[0]
exchanged: L and O are exchanged: L keeps the order, O raises it
    zip(L, O, => zip(O, L,
all of it counted: L raises the order too: what acts within a position is free, only O counts
    y[:-1] @ between.T => y[:-1] @ (on_site + between).T
    y = y + y @ on_site.T =>
L forgotten: L is left out: y_n <- (1 + L) y_n + O y_{n-1}
    y = y + y @ on_site.T =>
1 forgotten: the 1 of 1 + L is missing: a step adds to the state, it does not replace it
    y = y + y @ on_site.T => y = y @ on_site.T
L before O: within one step O acts on what L has already changed: both read the same old state
    raised = y[:-1] @ between.T =>
    += raised => += y[:-1] @ between.T
L after O: within one step L acts on what O has just brought: both read the same old state
    y = y + y @ on_site.T =>
    += raised => += raised; y = y + y @ on_site.T
reversed depth: the depth is reversed: L[0] and O[0] act first
    zip(L, O, => zip(L[::-1], O[::-1],
partial sums: row n is the sum of all orders up to n: return each order on its own
    return y => return np.cumsum(y, axis=0)
"""

EXERCISE = Exercise(
    title="Orders counted in hops",
    reference=hops,
    cases=_hops_cases,
    wrong=mistakes(hops, WRONG),
    laws=(Law("sum over orders", _hops_sum), Law("order 0", _no_hop), Law("hops end", _nilpotent)),
    hints=(
        "As in dyson.orders all orders go through the steps together. Which part of a step leaves "
        "the number of hops as it is, and which raises it by one?",
        "y_n <- (1 + L) y_n + O y_{n-1}, for all n from the old values.",
        "y = np.zeros((len(L) + 1, len(x))); y[0] = x",
    ),
    minutes=5,
    level="core",
    spared=PLAIN,
)

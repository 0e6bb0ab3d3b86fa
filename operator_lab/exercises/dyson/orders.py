"""The orders of a product (notebook 05; paper IV, Eq. 3-7).

V[l] is step l as a matrix on the flattened state, x + V[l] x what it makes of x; V[0] acts first.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def orders(V, x):
    """Terms y_0 ... y_k of the product of the 1 + V[l] applied to x, row n: n steps acted."""
    y = np.zeros((len(V) + 1, len(x)))
    y[0] = x
    for step in V:
        y[1:] = y[1:] + y[:-1] @ step.T
    return y


def final(V, x):
    """Return the product of the 1 + V[l], V[0] first, applied to x."""
    for step in V:
        x = x + step @ x
    return x


def chain(V, x):
    """Return ... V[1] V[0] x."""
    for step in V:
        x = step @ x
    return x


def steps_apart(rng):
    """Yield matrices that do not commute and a state, in several numbers and sizes."""
    for k, n, size in ((1, 3, 1.0), (2, 2, 1.0), (3, 4, 0.7), (4, 3, 0.8), (4, 2, 2.0)):
        V, x = size * rng.normal(size=(k, n, n)), rng.normal(size=n) + 1
        yield Case((V, x), f"{k} step{'s' * (k > 1)}, a state of {n} numbers, V of size {size:g}")
    for k, n, size in ((1, 1, 1.0), (2, 2, 1e-8), (4, 4, 1e8), (9, 2, 1.0), (2, 45, 1.0)):
        V, x = 0.7 * rng.normal(size=(k, n, n)) / np.sqrt(n), size * rng.normal(size=n)
        yield Case((V, x), f"{k} steps, a state of {n} numbers, x about {size:g}")
    V, x = 0.3 * rng.normal(size=(12, 3, 3)), rng.normal(size=3)
    yield Case((V, x), "12 steps, a state of 3 numbers")
    same = rng.integers(-1, 2, size=(1, 3, 3)).repeat(4, axis=0) * 1.0
    yield Case((same, np.ones(3)), "4 equal steps of whole numbers")


def _orders_sum(args, answer, slack):
    if differ(answer.sum(0), final(*args), slack, np.abs(answer).sum(0)):
        return "its orders do not add up to (1 + V_k) ... (1 + V_1) x"


def _ends(args, answer, slack):
    V, x = args
    for row, right, name in (
        (0, x, "x"),
        (1, sum(V) @ x, "(V_1 + ... + V_k) x"),
        (-1, chain(V, x), "V_k ... V_2 V_1 x"),
    ):
        if differ(answer[row], right, slack, np.abs(answer)):
            return f"its order {row % len(answer)} is not {name}"


WRONG = """
updated upwards: a step acts several times in one order: y_n takes the y_{n-1} this step has \
    already changed; take all orders from the old values, or go from high n to low
    y[1:] = y[1:] + y[:-1] @ step.T => for n in range(1, len(y)): y[n] += step @ y[n - 1]
reversed depth: the depth is reversed: V[0] acts first, so it stands rightmost in every product
    in V: => in V[::-1]:
1/n!: order n is divided by n!: in an ordered product each choice of n steps occurs once
    return y => return y / np.cumprod([1, *range(1, len(y))])[:, None]
unordered: order n is (sum of V)^n / n! x, the exponential of the sum: the steps do not commute \
    and none acts twice, so the order in depth has to be kept
    for step in V: => for n in range(1, len(y)):
    y[1:] = y[1:] + y[:-1] @ step.T => y[n] = sum(V) @ y[n - 1] / n
powers of the sum: order n is (sum of V)^n x: that lets every step act at every place, also twice
    for step in V: => for n in range(1, len(y)):
    y[1:] = y[1:] + y[:-1] @ step.T => y[n] = sum(V) @ y[n - 1]
x lost: order 0 is zero: no step acting leaves x itself
    return y => y[0] = 0; return y
first order only: it stops after order 1: what a step adds is seen by all later steps, at order 2
    y[1:] = y[1:] + y[:-1] @ step.T => y[1] += step @ x
partial sums: row n is the sum of all orders up to n: return each order on its own
    return y => return np.cumsum(y, axis=0)
states: row s is the state after s steps: rows count how many steps acted, not how deep
    for step in V: => for s, step in enumerate(V):
    y[1:] = y[1:] + y[:-1] @ step.T => y[s + 1] = y[s] + step @ y[s]
writes: row s is what step s adds to the state, all orders together: sort by the number of steps \
    that acted
    for step in V: => for s, step in enumerate(V):
    y[1:] = y[1:] + y[:-1] @ step.T => y[s + 1] = y[s] + step @ y[s]
    return y => return np.diff(y, axis=0, prepend=0 * x[None])
one path: order n is V_n ... V_1 x, a single path: any n of the steps may be the ones to act
    for step in V: => for n, step in enumerate(V):
    y[1:] = y[1:] + y[:-1] @ step.T => y[n + 1] = step @ y[n]
"""

EXERCISE = Exercise(
    title="The orders of a product",
    reference=orders,
    cases=steps_apart,
    wrong=mistakes(orders, WRONG),
    laws=(Law("sum over orders", _orders_sum), Law("orders 0, 1 and k", _ends)),
    hints=(
        "Send all orders through the steps together. A step either leaves an order as it is or "
        "acts on it: to which order does what it then adds belong?",
        "(1 + V)(y_0 + y_1 + ...): y_n <- y_n + V y_{n-1}, for all n from the old values.",
        "y = np.zeros((len(V) + 1, len(x))); y[0] = x",
    ),
    minutes=5,
    level="core",
    spared=PLAIN,
)

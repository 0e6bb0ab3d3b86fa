"""The exercises of notebook 05, depth as an ordered product (paper IV, Eq. 3-7).

V[l] is step l as a matrix on the flattened state, x + V[l] x what it makes of x; V[0] acts first.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def orders(V, x):
    """Terms y_0 ... y_k of the product of the 1 + V[l] applied to x, row n: n steps acted."""
    y = np.zeros((len(V) + 1, len(x)))
    y[0] = x
    for step in V:
        y[1:] = y[1:] + y[:-1] @ step.T
    return y


def paths(V, x):
    """All 2^k terms of the same product, row p: V[l] acts wherever bit l of p is 1."""
    y = np.array([x])
    for step in V:
        y = np.concatenate([y, y @ step.T])
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
        yield Probe((V, x), f"{k} step{'s' * (k > 1)}, a state of {n} numbers, V of size {size:g}")


# --- orders ------------------------------------------------------------------------------------


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


def _upwards(V, x):
    y = [x] + [0 * x] * len(V)
    for step in V:
        for n in range(1, len(V) + 1):
            y[n] = y[n] + step @ y[n - 1]
    return y


def _powers(V, x):
    y = [x]
    for _ in V:
        y.append(sum(V) @ y[-1])
    return np.array(y)


def _over_factorials(y):
    return y / np.cumprod([1, *range(1, len(y))])[:, None]


def _states(V, x):
    return np.array([final(V[:s], x) for s in range(len(V) + 1)])


def _without_first(y):
    return np.concatenate([0 * y[:1], y[1:]])


def _orders_sum(args, answer, slack):
    if differ(answer.sum(0), final(*args), slack, np.abs(answer).sum(0)):
        return "its orders do not add up to (1 + V_k) ... (1 + V_1) x"


def _ends(args, answer, slack):
    V, x = args
    for row, right, name in ((0, x, "x"), (1, sum(V) @ x, "(V_1 + ... + V_k) x"),
                             (-1, chain(V, x), "V_k ... V_2 V_1 x")):  # fmt: skip
        if differ(answer[row], right, slack, np.abs(answer)):
            return f"its order {row % len(answer)} is not {name}"


ORDERS = Exercise(
    name="dyson.orders",
    title="The orders of a product",
    reference=orders,
    alternatives=(_downwards, _chosen, _fourier),
    wrong=(
        Wrong("updated upwards", _upwards,
              "a step acts several times in one order: y_n takes the y_{n-1} this step has already "
              "changed; take all orders from the old values, or go from high n to low"),
        Wrong("reversed depth", lambda V, x: orders(V[::-1], x),
              "the depth is reversed: V[0] acts first, so it stands rightmost in every product"),
        Wrong("1/n!", lambda V, x: _over_factorials(orders(V, x)),
              "order n is divided by n!: in an ordered product each choice of n steps occurs once"),
        Wrong("unordered", lambda V, x: _over_factorials(_powers(V, x)),
              "order n is (sum of V)^n / n! x, the exponential of the sum: the steps do not "
              "commute and none acts twice, so the order in depth has to be kept"),
        Wrong("powers of the sum", _powers,
              "order n is (sum of V)^n x: that lets every step act at every place, also twice"),
        Wrong("x lost", lambda V, x: _without_first(orders(V, x)),
              "order 0 is zero: no step acting leaves x itself"),
        Wrong("first order only", lambda V, x: np.concatenate([_powers(V, x)[:2],
              np.zeros((len(V) - 1, len(x)))]),
              "it stops after order 1: what a step adds is seen by all later steps, at order 2"),
        Wrong("partial sums", lambda V, x: np.cumsum(orders(V, x), axis=0),
              "row n is the sum of all orders up to n: return each order on its own"),
        Wrong("states", _states,
              "row s is the state after s steps: rows count how many steps acted, not how deep"),
        Wrong("writes", lambda V, x: np.diff(_states(V, x), axis=0, prepend=0 * x[None]),
              "row s is what step s adds to the state, all orders together: sort by the number of "
              "steps that acted"),
        Wrong("one path", lambda V, x: np.array([chain(V[:n], x) for n in range(len(V) + 1)]),
              "order n is V_n ... V_1 x, a single path: any n of the steps may be the ones to act"),
    ),
    hints=(
        "Send all orders through the steps together. A step either leaves an order as it is or "
        "acts on it: to which order does what it then adds belong?",
        "(1 + V)(y_0 + y_1 + ...): y_n <- y_n + V y_{n-1}, for all n from the old values.",
        "y = np.zeros((len(V) + 1, len(x))); y[0] = x",
    ),
    minutes=5,
    level="core",
    laws=(Law("sum over orders", _orders_sum), Law("orders 0, 1 and k", _ends)),
    probes=steps_apart,
)

# --- paths -------------------------------------------------------------------------------------


def _bits(p, k):
    return [step for step in range(k) if p >> step & 1]


def _rows(choose):
    """Return paths in which `choose(p, k)` lists the steps of row p as they act."""

    def rows(V, x):
        k = len(V)
        return np.array([chain([V[step] for step in choose(p, k)], x) for p in range(2**k)])

    return rows


def _each(act):
    """Return paths in which step V with bit b makes `act(V, b, y)` of y."""

    def rows(V, x):
        found = []
        for p in range(2 ** len(V)):
            y = x
            for step, matrix in enumerate(V):
                y = act(matrix, p >> step & 1, y)
            found.append(y)
        return np.array(found)

    return rows


def _recursive(V, x):
    if not len(V):
        return [x]
    before = _recursive(V[:-1], x)
    return [*before, *(V[-1] @ y for y in before)]


def _sorted_rows(V, x):
    return paths(V, x)[sorted(range(2 ** len(V)), key=int.bit_count)]


def _paths_sum(args, answer, slack):
    if differ(answer.sum(0), final(*args), slack, np.abs(answer).sum(0)):
        return "its paths do not add up to (1 + V_k) ... (1 + V_1) x"


def _short_paths(args, answer, slack):
    V, x = args
    if differ(answer[0], x, slack, np.abs(answer)):
        return "its row 0, the path on which no step acts, is not x"
    for step, matrix in enumerate(V):
        if differ(answer[2**step], matrix @ x, slack, np.abs(answer)):
            return f"its row {2**step}, the path on which V[{step}] alone acts, is not V[{step}] x"


PATHS = Exercise(
    name="dyson.paths",
    title="Every path through depth",
    reference=paths,
    alternatives=(
        _rows(_bits),
        _each(lambda V, bit, y: V @ y if bit else y),
        _each(lambda V, bit, y: np.einsum("ij,j->i", bit * V + (1 - bit) * np.eye(len(V)), y)),
        _recursive,
    ),
    wrong=(
        Wrong("bits reversed", _rows(lambda p, k: [s for s in range(k) if p >> (k - 1 - s) & 1]),
              "the paths are right but the bits are read backwards: bit 0, the one worth 1, "
              "belongs to V[0]"),
        Wrong("product reversed", _rows(lambda p, k: _bits(p, k)[::-1]),
              "on each path the deepest step acts first: V[0] acts before V[1]"),
        Wrong("from the last", _rows(lambda p, k: [k - 1 - s for s in _bits(p, k)]),
              "the list is read from its end: V[0] is the first step and belongs to bit 0"),
        Wrong("bits exchanged", _rows(lambda p, k: [s for s in range(k) if not p >> s & 1]),
              "0 and 1 are exchanged: V[l] acts where bit l is 1, and row 0 is x"),
        Wrong("1 + V at bit 1", _each(lambda V, bit, y: y + bit * (V @ y)),
              "where the bit is 1 it applies 1 + V: the 1 is the path with bit 0, apply V alone"),
        Wrong("1 + V at bit 0", _each(lambda V, bit, y: V @ y + (1 - bit) * y),
              "where the bit is 0 it applies 1 + V: there the step passes the state on unchanged"),
        Wrong("by order", _sorted_rows,
              "the paths are right but sorted by how many steps act: row p is the path whose bits "
              "spell p"),
        Wrong("partial sums", lambda V, x: np.cumsum(paths(V, x), axis=0),
              "row p is the sum of all paths up to p: return each path on its own"),
        Wrong("identity path zero", lambda V, x: _without_first(paths(V, x)),
              "row 0 is zero: the path on which no step acts carries x itself"),
        Wrong("identity path missing", lambda V, x: paths(V, x)[1:],
              "a row is missing, the path on which no step acts: row 0 is x itself"),
    ),
    hints=(
        "Multiply the brackets out one by one. Every step turns each path so far into two: one on "
        "which it does nothing and one on which it acts.",
        "Row p is the product of V[l]^(bit l of p), V[0] rightmost, applied to x. Step l adds the "
        "rows 2^l ... 2^(l+1) - 1: they are V[l] times the rows before.",
        "y = np.array([x])",
    ),
    minutes=10,
    level="core",
    laws=(Law("sum over paths", _paths_sum), Law("short paths", _short_paths)),
    probes=steps_apart,
)

EXERCISES = (ORDERS, PATHS)

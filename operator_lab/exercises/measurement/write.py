"""Another belief, written into a state (notebook 07; paper V).

A linear read-out finds it; many states are read alike, and the nearest of them is chosen.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def write(x, W, c, C, b):
    """The states nearest to x [n, d] of which the read-out x W + c says b [n, k].

    Nearest: y makes (y - x) C^-1 (y - x)^T least, row by row; C [d, d] is the states' covariance.
    W [d, k] has full column rank.
    """
    pull = W.T @ C  # the directions in which states vary together with what is read
    return x + np.linalg.solve(pull @ W, (b - x @ W - c).T).T @ pull


def _cases(rng):
    def drawn(n, d, k, offset=0.0):
        Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
        C = Q * np.geomspace(0.2, 5, d) @ Q.T
        x, W = rng.normal(size=(n, d)) + offset, rng.normal(size=(d, k)) + 1.5 * np.eye(d, k)
        return x, W, rng.normal(size=k) - 2, C, rng.normal(size=(n, k)) + 1

    for n, d, k in ((4, 3, 2), (3, 5, 1), (1, 4, 2), (3, 3, 3)):
        yield Case(drawn(n, d, k), f"n = {n}, d = {d}, k = {k}")
    x, W, c, C, b = drawn(5, 4, 2, offset=6.0)
    b[[1, 3]] = (x @ W + c)[[1, 3]]
    yield Case((x, W, c, C, b), "n = 5, d = 4, k = 2, two states read b already")
    x, W, c, C, b = drawn(2, 6, 3)
    yield Case((x, W, c, 1e-3 * C, b), "n = 2, d = 6, k = 3, states that hardly vary")
    for n, d, k, size in ((1, 1, 1, 1.0), (50, 41, 3, 1.0), (3, 4, 3, 1e-8), (4, 4, 2, 1e8)):
        x, W, c, C, b = drawn(n, d, k)
        x[-1] = x[0]
        label = f"n = {n}, two states alike, d = {d}, k = {k}, states about {size:g}"
        yield Case((size * x, W / size, c, size**2 * C, b), label)
    W = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0], [2.0, 0.0]])
    x, b = (rng.integers(-2, 3, size=s) * 1.0 for s in ((3, 4), (3, 2)))
    yield Case((x, W, np.zeros(2), np.diag([1.0, 2.0, 1.0, 3.0]), b), "whole numbers, c = 0")
    yield Case(drawn(20, 30, 18), "n = 20, d = 30, k = 18")


def _missing(x, W, c, b):
    return b - (x @ W + c)


def _says_b(args, answer, slack):
    _, W, c, _, b = args
    gap = np.abs(answer @ W + c - b).max()
    if differ(answer @ W + c, b, slack, np.abs(answer) @ np.abs(W)):
        return f"the read-out does not say b of its states: it is off by up to {gap:.6g}"


def _content(args, answer, slack):
    x, W, c, _, b = args
    already = np.abs(_missing(x, W, c, b)).max(axis=1) < 1e-9
    if np.abs(answer - x)[already].max(initial=0) > slack * np.abs(x).max():
        return "it moves a state of which the read-out says b already"


def _along_the_spread(args, answer, slack):
    x, W, _, C, _ = args
    Q = np.linalg.qr(C @ W)[0]
    change = answer - x
    if differ(change @ Q @ Q.T, change, slack, np.abs(answer)):
        return "its change leaves the span of the columns of C W: a nearer state is read alike"


WRONG = """
C left out: it makes the least change in plain distance, C left out: near means near in units of \
    the states' own spread, (y - x) C^-1 (y - x)^T
    W.T @ C => W.T
C inverted: C^-1 stands where C belongs: C^-1 measures the distance, so that the change goes \
    along W^T C, where states vary much
    W.T @ C => W.T @ np.linalg.inv(C)
C at the end only: C is missing in the inverse: (W^T C W)^-1 W^T C, else b is not what is read
    pull @ W => W.T @ W
C in the inverse only: C is missing at the end: (W^T C W)^-1 W^T C, else b is not what is read
    .T @ pull => .T @ W.T
c forgotten: the offset c is left out: the read-out of x says x W + c
    x @ W - c => x @ W
sign of c: the offset c has the wrong sign: what is missing is b - (x W + c) = b - x W - c
    x @ W - c => x @ W + c
no inverse: (W^T C W)^-1 is left out: along W^T C, but not as far as what is missing asks
    np.linalg.solve(pull @ W, (b - x @ W - c).T).T => (b - x @ W - c)
transpose: it goes back through W^T, which is no inverse of W: (W^T C W)^-1 W^T C is one, from \
    the left
    np.linalg.solve(pull @ W, (b - x @ W - c).T).T @ pull => (b - x @ W - c) @ W.T
b added: b is added to what is read already: only what is missing counts, b - (x W + c)
    (b - x @ W - c) => b
from nothing: these are the states nearest to 0 that are read so: those nearest to x are asked
    pull = W => x = 0 * x; pull = W
change alone: it is the change alone: add it to x
    return x + => return
away: it goes as far as it should, the other way: what is missing is b - (x W + c)
    return x + => return x -
mean: every state is moved by the mean change: each row of b is for its own state
    np.linalg.solve(pull @ W, (b - x @ W - c).T).T @ pull => \
        (np.linalg.solve(pull @ W, (b - x @ W - c).T).T @ pull).mean(axis=0)
one by one: it divides by the diagonal of W^T C W alone: writing one number moves the others too, \
    the inverse of the whole matrix sees to that
    np.linalg.solve(pull @ W, (b - x @ W - c).T).T => (b - x @ W - c) / np.diag(pull @ W)
"""

EXERCISE = Exercise(
    title="Another belief, written into a state",
    reference=write,
    cases=_cases,
    wrong=mistakes(write, WRONG),
    laws=(
        Law("says b", _says_b),
        Law("what says b stays", _content),
        Law("along the spread", _along_the_spread),
    ),
    hints=(
        "Many states are read as b. To be the nearest, y may move only where that is read, and "
        "most where states vary anyway: along the columns of C W.",
        "y = x + a W^T C; y W + c = b then says a = (b - x W - c) (W^T C W)^-1.",
        "pull = W.T @ C",
    ),
    minutes=12,
    level="stretch",
    spared=PLAIN,
)

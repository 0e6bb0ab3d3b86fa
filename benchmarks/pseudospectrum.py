"""A pseudospectrum on a grid of 50 x 50 against a singular value decomposition at each point.

The decompositions are timed on a random part of the grid and scaled to the whole of it; the largest
relative error of ours is measured there too.
"""

from __future__ import annotations

import numpy as np

from operator_lab.pseudospectra import pseudospectrum

from .timing import Effort, Line, absolute, ratio, take_turns

TITLE = "A pseudospectrum on 50 x 50 points, real matrices"
POINTS, WINDOW = 50, (-2.0, 2.0, -2.0, 2.0)
PARTS = {64: 200, 128: 80, 256: 40}  # points that are decomposed, by the size of the matrix


def matrix(n: int) -> np.ndarray:
    """A real matrix that is clearly not normal."""
    rng = np.random.default_rng(0)
    upper = np.triu(rng.normal(size=(n, n)), 1)
    return (rng.normal(size=(n, n)) + 2 * upper) / n**0.5


def by_decomposition(A: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The smallest singular value of z - A, one point after the other."""
    one = np.eye(len(A))
    return np.array([np.linalg.svd(w * one - A, compute_uv=False)[-1] for w in z])


def measure(effort: Effort) -> list[Line]:
    """The ratio at each size, then the error of the largest."""
    parts = {8: 5} if effort.small else PARTS
    lines = []
    for n, part in parts.items():
        A = matrix(n)
        found = pseudospectrum(A, POINTS, WINDOW)
        index = np.random.default_rng(1).choice(POINTS**2, part, replace=False)
        z = (found.x + 1j * found.y[:, None]).ravel()[index]
        contenders = {
            "ours": lambda A=A: pseudospectrum(A, POINTS, WINDOW),
            f"{part} points": lambda A=A, z=z: by_decomposition(A, z),
        }
        fewer = Effort(effort.threads, max(1, effort.rounds // 6), effort.small)
        times = take_turns(contenders, fewer)
        target = dict(must=50, aim=150) if n == max(parts) else {}
        lines.append(ratio(f"n = {n}: decompositions", effort, times, f"{part} points", "ours",
                           scale=POINTS**2 / part, **target))  # fmt: skip
    error = abs(found.sigma.ravel()[index] / by_decomposition(A, z) - 1)
    last = f"largest error at n = {n}, of {part} points"
    return [*lines, absolute(last, effort, [100 * float(error.max())], "%", must=0.3)]

"""A symmetric layer (notebook 10)."""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def strang(A, B, h):
    """e^{hA/2} e^{hB} e^{hA/2}, one Strang step of u' = (A + B) u as a matrix."""
    from scipy.linalg import expm

    half = expm(h / 2 * A)
    return half @ expm(h * B) @ half


def _strang_cases(rng):
    for n, h, symmetric in ((2, 0.7, False), (3, 0.3, False), (3, 0.5, True), (4, 0.2, False)):
        A, B = 1.2 * rng.normal(size=(2, n, n)) + 0.2
        if symmetric:
            A, B = A + A.T, B + B.T
        kind = "symmetric " * symmetric
        yield Case((A, B, h), f"{kind}{n} x {n} matrices, h = {h:g}")
    for n, h, size in (
        (1, 0.5, 1.0),
        (8, 0.3, 0.5),
        (3, 1e-8, 1e8),
        (3, 1e8, 1e-8),
        (2, -0.6, 1.0),
    ):
        A, B = size * rng.normal(size=(2, n, n))
        A[-1] = A[0]
        yield Case((A, B, h), f"{n} x {n} matrices of size {size:g}, two rows alike, h = {h:g}")
    A, B = np.diag([1.0, -1.0, 1.0]), np.eye(3)[[1, 2, 0]]
    yield Case((A, B, 0.8), "a diagonal A, and B a circle of 3, h = 0.8")
    A, B = 0.2 * rng.normal(size=(2, 20, 20))
    yield Case((A, B, 0.4), "20 x 20 matrices, h = 0.4")


def _determinant(args, answer, slack):
    A, B, h = args
    right = np.exp(h * (np.trace(A) + np.trace(B)))
    size = np.linalg.norm(answer, 2) ** len(A)  # what its terms are made of
    if abs(np.linalg.det(answer) - right) > slack * max(right, size):
        return "its determinant is not e^(h (tr A + tr B)), as of every product of exact flows"


def _symmetric(args, answer, slack):
    A, B, _ = args
    if (A == A.T).all() and (B == B.T).all() and differ(answer, answer.T, slack):
        return "with symmetric A and B it is not symmetric: read backwards Strang is the same"


WRONG = """
Lie, A first: it is Lie splitting, A first: Strang does half of A before B and half after
    half @ expm(h * B) @ half => expm(h * B) @ expm(h * A)
Lie, B first: it is Lie splitting, B first: Strang does half of A before B and half after
    half @ expm(h * B) @ half => expm(h * A) @ expm(h * B)
B halved: it halves B and does A in the middle: of second order too, but here A is halved
    h / 2 * A => h / 2 * B
    h * B => h * A
A twice: A acts for h on both sides, 2h in all: each side is half a step
    h / 2 * A => h * A
B for half: B acts for half a step only: it stands alone in the middle, for all of h
    h * B => h / 2 * B
Euler: the sub-flows are Euler's, 1 + hA: exact ones are exponentials, and without them Strang is \
    of order 1
    expm(h / 2 * A) => np.eye(len(A)) + h / 2 * A
    expm(h * B) => (np.eye(len(B)) + h * B)
not split: it is the exact flow of A + B: that is what the splitting approximates
    half @ expm(h * B) @ half => expm(h * (A + B))
mean of both: it is the mean of both orders, of second order too but not this product
    half @ expm(h * B) @ half => (expm(h * A) @ expm(h * B) + expm(h * B) @ expm(h * A)) / 2
entrywise: np.exp takes the exponential of each entry: a flow needs that of the matrix \
    (scipy.linalg.expm)
    expm(h / 2 * A) => np.exp(h / 2 * A)
    expm(h * B) => np.exp(h * B)
half missing: the second half of A is missing
    expm(h * B) @ half => expm(h * B)
"""

EXERCISE = Exercise(
    title="A symmetric layer",
    reference=strang,
    cases=_strang_cases,
    wrong=mistakes(strang, WRONG),
    laws=(Law("determinant", _determinant), Law("symmetric", _symmetric)),
    hints=(
        "Lie goes A, then B, and read backwards it is another splitting. Share A out so that the "
        "layer reads the same from both ends.",
        "e^(hA/2) e^(hB) e^(hA/2), with matrix exponentials.",
        "half = scipy.linalg.expm(h / 2 * A)",
    ),
    minutes=6,
    level="core",
    spared={
        "many": "scipy's exponential of a matrix of forty rows takes longer than a check may",
        **PLAIN,
    },
)

"""The least nudge that makes a point an eigenvalue (notebook 11; paper VI).

sigma_min(z - A) is the size of the least perturbation that makes z an eigenvalue of A.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def nudge(A, z):
    """The smallest E [n, n], in the spectral norm and of rank one, with z an eigenvalue of A + E.

    z is a real number, no eigenvalue of A [n, n].
    """
    U, sigma, Vt = np.linalg.svd(z * np.eye(len(A)) - A)
    return sigma[-1] * np.outer(U[:, -1], Vt[-1])


def _nudge_cases(rng):
    for n, size in ((1, 1.0), (2, 1.0), (5, 1e-8), (4, 1e8), (41, 1.0)):
        A = size * (rng.normal(size=(n, n)) + np.triu(rng.normal(size=(n, n)), 1))
        if n > 2:
            A[1] = A[0]
        z = size * float(rng.uniform(0.5, 1.5)) + (3 * size if n > 1 else 3 * abs(A[0, 0]))
        yield Case((A, z), f"a {n} x {n} matrix of size {size:g}, z = {z:.3g}")
    chain = np.diag(np.full(5, 0.7)) + np.diag(np.full(4, 0.9), -1)
    yield Case((chain, 1.3), "a chain of 5 sites, z = 1.3")
    yield Case((np.diag([1.0, -1.0, 4000.0]), 2.5), "diag(1, -1, 4000), z = 2.5")


def _does_it(args, answer, slack):
    A, z = args
    left = np.linalg.svd(z * np.eye(len(A)) - A - answer, compute_uv=False)[-1]
    if left > slack * max(np.linalg.norm(z * np.eye(len(A)) - A, 2), np.linalg.norm(answer, 2)):
        return f"with it z is no eigenvalue yet: another {left:.6g} is missing"


def _least(args, answer, slack):
    A, z = args
    sigma = np.linalg.svd(z * np.eye(len(A)) - A, compute_uv=False)
    size = np.linalg.norm(answer, 2)
    if size > sigma[-1] * (1 + slack) + 1e-9 * sigma[0]:
        return f"its size is {size:.6g}, where {sigma[-1]:.6g} is enough"


WRONG = """
sign: its sign is wrong: z must become an eigenvalue of A + E
    return sigma => return -sigma
not scaled: its size is 1: the least singular value is enough
    sigma[-1] * np => np
multiple of one: it is a multiple of the identity of the right size: a piece of rank one is enough
    return np.eye(len(A)) * np.linalg.norm(z * np.eye(len(A)) - A, -2)
largest: it takes the largest singular value and its vectors: that undoes most of z - A, the \
    smallest is enough
    sigma[-1] * np.outer(U[:, -1], Vt[-1]) => sigma[0] * np.outer(U[:, 0], Vt[0])
transposed: it is transposed: it acts on the right singular vector and writes along the left one
    np.outer(U[:, -1], Vt[-1]) => np.outer(Vt[-1], U[:, -1])
columns of Vt: it takes the last column of V^T: the singular vectors are its rows
    Vt[-1] => Vt[:, -1]
of A: it makes A itself singular: z - A is what has to become so
    z * np.eye(len(A)) - A => A - 0 * z
whole: it is z - A, which makes everything an eigenvector: one direction is enough
    return z * np.eye(len(A)) - A
"""
EXERCISE = Exercise(
    title="The least nudge that makes a point an eigenvalue",
    reference=nudge,
    cases=_nudge_cases,
    wrong=mistakes(nudge, WRONG),
    laws=(Law("does it", _does_it), Law("least", _least)),
    hints=(
        "z - A has an inverse, barely. Which piece of it, taken away, leaves none?",
        "z - A = sum_i sigma_i u_i v_i^T; without its smallest piece it is singular, so "
        "E = sigma_n u_n v_n^T.",
        "U, sigma, Vt = np.linalg.svd(z * np.eye(len(A)) - A)",
    ),
    minutes=10,
    level="core",
    spared=PLAIN,
)

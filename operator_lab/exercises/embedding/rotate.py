"""A rotation nobody can see (notebook 02; paper II).

States are rows: x = X W_E, and W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def rotate(W_E, W, W_U, R):
    """Embedding, step and unembedding of the same model after every state column x became R x.

    The logits (x + x W^T) W_U^T do not change; R [d, d] is orthogonal.
    """
    return W_E @ R.T, R @ W @ R.T, W_U @ R.T


def _rotate_cases(rng):
    for V, d, size in ((5, 3, 1.0), (4, 2, 3.0), (3, 5, 0.2), (4, 4, 1.0)):
        R = np.linalg.qr(rng.normal(size=(d, d)))[0]
        W_E, W_U = 2 * rng.normal(size=(V, d)) + 1, rng.normal(size=(V, d))
        yield Case(
            (W_E, size * rng.normal(size=(d, d)), W_U, R), f"V = {V}, d = {d}, W of size {size:g}"
        )
    for V, d, size in ((1, 1, 1.0), (50, 45, 1e-8), (3, 3, 1e8)):
        R = np.linalg.qr(rng.normal(size=(d, d)))[0]
        W_E, W, W_U = (size * rng.normal(size=s) for s in ((V, d), (d, d), (V, d)))
        W_E[-1] = W_E[0]
        yield Case((W_E, W, W_U, R), f"V = {V}, two words alike, d = {d}, all of size {size:g}")
    W_E, W, W_U = (rng.integers(-2, 3, size=s) * 1.0 for s in ((4, 3), (3, 3), (4, 3)))
    yield Case(
        (W_E, W, W_U, np.roll(np.eye(3), 1, axis=0)), "whole numbers, three axes in a circle"
    )


def _logits(W_E, W, W_U):
    return (W_E + W_E @ W.T) @ W_U.T


def _turned(args, answer, slack):
    W_E, _, _, R = args
    if differ(answer[0], W_E @ R.T, slack):
        return "its states are not R x: the rows of the new embedding are those of W_E times R^T"


def _logits_kept(args, answer, slack):
    before, after = _logits(*args[:3]), _logits(*answer)
    size = _logits(*map(np.abs, answer))
    if differ(after, before, slack, size):
        change = np.linalg.norm(after - before) / np.linalg.norm(before)
        return f"the logits change, by {change:.6g} of their size"


WRONG = """
R for W_E: the embedding is turned the other way: rows are states, so R x becomes x @ R.T
    W_E @ R.T => W_E @ R
R for W_U: the unembedding is turned the other way: its rows turn with the states, or their \
    overlaps change
    W_U @ R.T => W_U @ R
R for W: the step is turned the other way, R^T W R: turn a state back, let W act, turn what it \
    writes, R W R^T
    R @ W @ R.T => R.T @ W @ R
inverse throughout: the logits stay, but the states became R^T x: every x was to become R x
    W_E @ R.T => W_E @ R
    R @ W @ R.T => R.T @ W @ R
    W_U @ R.T => W_U @ R
W not turned back: W is turned where it writes only, R W: it reads a turned state too, turn it \
    back first
    R @ W @ R.T => R @ W
W not turned forth: W is turned where it reads only, W R^T: what it writes must be turned as well
    R @ W @ R.T => W @ R.T
W left alone: W is left alone: it still reads and writes in the old basis
    R @ W @ R.T => W
W with R twice: it is R W R: reading undoes the rotation, R W R^T
    R @ W @ R.T => R @ W @ R
W_U left alone: W_U is left alone: it still reads in the old basis
    W_U @ R.T => W_U
W_E left alone: W_E is left alone: it still writes states in the old basis
    W_E @ R.T => W_E
only W_E: only W_E is turned: whatever reads or writes the state must follow
    R @ W @ R.T => W
    W_U @ R.T => W_U
columns: W_E and W_U come back transposed: one row for each word, W_E @ R.T
    W_E @ R.T => R @ W_E.T
    W_U @ R.T => R @ W_U.T
order: the arrays are right but in the wrong order: return W_E', W', W_U'
    R @ W @ R.T, W_U @ R.T => W_U @ R.T, R @ W @ R.T
"""

EXERCISE = Exercise(
    title="A rotation nobody can see",
    reference=rotate,
    cases=_rotate_cases,
    wrong=mistakes(rotate, WRONG),
    laws=(Law("states are R x", _turned), Law("logits are kept", _logits_kept)),
    hints=(
        "Whatever writes into the state has to write in the new basis, whatever reads it has to "
        "read in the new basis. What does the step W do, and what the unembedding?",
        "Rows: x' = x R^T. W' x' must be R (W x) with x = R^T x', and u' . x' must be u . x for "
        "every row u of W_U.",
        "W_E_new = W_E @ R.T",
    ),
    minutes=12,
    level="core",
    parts=3,
    spared=PLAIN,
)

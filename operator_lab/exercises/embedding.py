"""The exercises of notebook 02: labels become states, in a basis nobody can see (paper II).

States are rows: x = X W_E, and W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def embed(W_E, tokens):
    """One-hot rows X [N, V] of the tokens, and their states x = X W_E [N, d]."""
    X = np.eye(len(W_E))[tokens]
    return X, X @ W_E


def rotate(W_E, W, W_U, R):
    """Embedding, step and unembedding of the same model after every state column x became R x.

    The logits (x + x W^T) W_U^T do not change; R [d, d] is orthogonal.
    """
    return W_E @ R.T, R @ W @ R.T, W_U @ R.T


# --- embed -------------------------------------------------------------------------------------


def _embed_probes(rng):
    for V, d, N in ((5, 3, 4), (3, 6, 2), (4, 4, 4), (7, 2, 1)):
        tokens = rng.integers(V - 1, size=N)  # the last word need not occur
        yield Probe((rng.normal(size=(V, d)), tokens), f"V = {V}, d = {d}, N = {N}")
    tokens = np.array([5, 0, 2, 0, 5, 4])
    yield Probe((10 * rng.normal(size=(6, 5)) + 20, tokens), "V = 6, d = 5, two words come twice")


def _by_loop(W_E, tokens):
    X = [[float(v == w) for v in range(len(W_E))] for w in tokens]
    return X, [list(W_E[w]) for w in tokens]


def _placed(W_E, tokens):
    X = np.zeros((len(tokens), len(W_E)), dtype=int)
    X[np.arange(len(tokens)), tokens] = 1
    return X, np.einsum("nv,vd->nd", X, W_E)


def _one_each(args, answer, slack):
    X = answer[0]
    if differ(np.sort(X, axis=1), np.eye(X.shape[1])[-1:].repeat(len(X), 0), slack):
        return "the rows of X are not one 1 and zeros otherwise"


def _product(args, answer, slack):
    X, x = answer
    if differ(x, X @ args[0], slack, np.abs(X) @ np.abs(args[0])):
        return "its x is not its X times W_E"


EMBED = Exercise(
    name="embedding.embed",
    title="From labels to states",
    reference=embed,
    alternatives=(
        lambda W_E, tokens: ((tokens[:, None] == np.arange(len(W_E))) * 1.0, W_E[tokens]),
        lambda W_E, tokens: [np.eye(len(W_E)).take(tokens, 0), W_E.take(tokens, 0)],
        _by_loop,
        _placed,
    ),
    wrong=(
        Wrong("from 1", lambda W_E, tokens: embed(W_E, tokens - 1),
              "labels are counted from 1: label 0 is the first word, and tokens - 1 makes it the "
              "last"),
        Wrong("columns from 1", lambda W_E, tokens: (
              X := 1.0 * (tokens[:, None] == np.arange(1, len(W_E) + 1)), X @ W_E),
              "its columns are counted from 1, so that label 0 has none: compare with "
              "np.arange(V)"),
        Wrong("transposed", lambda W_E, tokens: (np.eye(len(W_E))[tokens].T, W_E[tokens]),
              "X is transposed: positions are rows, words are columns"),
        Wrong("bag of words", lambda W_E, tokens: (np.eye(len(W_E))[tokens].sum(axis=0),
              W_E[tokens].sum(axis=0)),
              "it counts words in one row, which forgets their order: every position has a row of "
              "its own"),
        Wrong("running sum", lambda W_E, tokens: (np.eye(len(W_E))[tokens],
              np.cumsum(W_E[tokens], axis=0)),
              "its x adds up the words so far: positions do not mix yet, row n is token n alone"),
        Wrong("sorted", lambda W_E, tokens: embed(W_E, np.sort(tokens)),
              "its rows are sorted by label: they follow the order of the sentence"),
        Wrong("each word once", lambda W_E, tokens: embed(W_E, np.unique(tokens)),
              "it has one row for each different word: a word that comes twice has two rows"),
        Wrong("d for V", lambda W_E, tokens: (np.eye(W_E.shape[1])[tokens], W_E[tokens]),
              "X has d columns, W_E.shape[1]: it has one for each word, V = W_E.shape[0]"),
        Wrong("V from the sentence", lambda W_E, tokens: (np.eye(tokens.max() + 1)[tokens],
              W_E[tokens]),
              "X ends with the largest label of the sentence: the vocabulary has V = len(W_E) "
              "words, present or not"),
        Wrong("W_E itself", lambda W_E, tokens: (np.eye(len(W_E))[tokens], W_E[: len(tokens)]),
              "its x are the first rows of W_E, whatever the tokens are"),
        Wrong("order", lambda W_E, tokens: embed(W_E, tokens)[::-1],
              "the two arrays are right but in the wrong order: return X first"),
    ),
    hints=(
        "A label points at one row of a table. Which row of numbers, times the table, picks just "
        "that one?",
        "X[n, v] = 1 if v is token n and 0 otherwise, v = 0 ... V - 1; x = X W_E.",
        "X = np.eye(len(W_E))[tokens]",
    ),
    minutes=6,
    level="core",
    laws=(Law("one 1 in each row", _one_each), Law("x = X W_E", _product)),
    probes=_embed_probes,
    parts=2,
)  # fmt: skip

# --- rotate ------------------------------------------------------------------------------------


def _rotate_probes(rng):
    for V, d, size in ((5, 3, 1.0), (4, 2, 3.0), (3, 5, 0.2), (4, 4, 1.0)):
        R = np.linalg.qr(rng.normal(size=(d, d)))[0]
        W_E, W_U = 2 * rng.normal(size=(V, d)) + 1, rng.normal(size=(V, d))
        yield Probe((W_E, size * rng.normal(size=(d, d)), W_U, R),
                    f"V = {V}, d = {d}, W of size {size:g}")  # fmt: skip


def _logits(W_E, W, W_U):
    return (W_E + W_E @ W.T) @ W_U.T


def _by_columns(W_E, W, W_U, R):
    columns = R @ W_E.T  # one column a state
    back = np.linalg.inv(R)  # whoever reads a new state turns it back first
    return columns.T, R @ W @ back, W_U @ back


def _row_by_row(W_E, W, W_U, R):
    turned = [[sum(a * b for a, b in zip(r, x, strict=True)) for r in R] for x in W_E]
    images = np.array([R @ (W @ (R.T @ e)) for e in np.eye(len(R))])
    return turned, images.T, np.stack([R @ u for u in W_U])


def _turned(args, answer, slack):
    W_E, _, _, R = args
    if differ(answer[0], W_E @ R.T, slack):
        return "its states are not R x: the rows of the new embedding are those of W_E times R^T"


def _logits_kept(args, answer, slack):
    before, after = _logits(*args[:3]), _logits(*answer)
    size = _logits(*map(np.abs, answer))
    if differ(after, before, slack, size):
        change = np.linalg.norm(after - before) / np.linalg.norm(before)
        return f"the logits change, by {change:.3g} of their size"


ROTATE = Exercise(
    name="embedding.rotate",
    title="A rotation nobody can see",
    reference=rotate,
    alternatives=(
        lambda W_E, W, W_U, R: [np.einsum("ij,vj->vi", R, W_E), np.einsum("ia,ab,jb->ij", R, W, R),
                                np.einsum("ij,vj->vi", R, W_U)],
        _by_columns,
        _row_by_row,
    ),
    wrong=(
        Wrong("R for W_E", lambda W_E, W, W_U, R: (W_E @ R, R @ W @ R.T, W_U @ R.T),
              "the embedding is turned the other way: rows are states, so R x becomes x @ R.T"),
        Wrong("R for W_U", lambda W_E, W, W_U, R: (W_E @ R.T, R @ W @ R.T, W_U @ R),
              "the unembedding is turned the other way: its rows turn with the states, or their "
              "overlaps change"),
        Wrong("R for W", lambda W_E, W, W_U, R: (W_E @ R.T, R.T @ W @ R, W_U @ R.T),
              "the step is turned the other way, R^T W R: turn a state back, let W act, turn what "
              "it writes, R W R^T"),
        Wrong("inverse throughout", lambda W_E, W, W_U, R: (W_E @ R, R.T @ W @ R, W_U @ R),
              "the logits stay, but the states became R^T x: every x was to become R x"),
        Wrong("W not turned back", lambda W_E, W, W_U, R: (W_E @ R.T, R @ W, W_U @ R.T),
              "W is turned where it writes only, R W: it reads a turned state too, turn it back "
              "first"),
        Wrong("W not turned forth", lambda W_E, W, W_U, R: (W_E @ R.T, W @ R.T, W_U @ R.T),
              "W is turned where it reads only, W R^T: what it writes must be turned as well"),
        Wrong("W left alone", lambda W_E, W, W_U, R: (W_E @ R.T, W, W_U @ R.T),
              "W is left alone: it still reads and writes in the old basis"),
        Wrong("W with R twice", lambda W_E, W, W_U, R: (W_E @ R.T, R @ W @ R, W_U @ R.T),
              "it is R W R: reading undoes the rotation, R W R^T"),
        Wrong("W_U left alone", lambda W_E, W, W_U, R: (W_E @ R.T, R @ W @ R.T, W_U),
              "W_U is left alone: it still reads in the old basis"),
        Wrong("W_E left alone", lambda W_E, W, W_U, R: (W_E, R @ W @ R.T, W_U @ R.T),
              "W_E is left alone: it still writes states in the old basis"),
        Wrong("only W_E", lambda W_E, W, W_U, R: (W_E @ R.T, W, W_U),
              "only W_E is turned: whatever reads or writes the state must follow"),
        Wrong("columns", lambda W_E, W, W_U, R: (R @ W_E.T, R @ W @ R.T, R @ W_U.T),
              "W_E and W_U come back transposed: one row for each word, W_E @ R.T"),
        Wrong("order", lambda W_E, W, W_U, R: (W_E @ R.T, W_U @ R.T, R @ W @ R.T),
              "the arrays are right but in the wrong order: return W_E', W', W_U'"),
    ),
    hints=(
        "Whatever writes into the state has to write in the new basis, whatever reads it has to "
        "read in the new basis. What does the step W do, and what the unembedding?",
        "Rows: x' = x R^T. W' x' must be R (W x) with x = R^T x', and u' . x' must be u . x for "
        "every row u of W_U.",
        "W_E_new = W_E @ R.T",
    ),
    minutes=12,
    level="core",
    laws=(Law("states are R x", _turned), Law("logits are kept", _logits_kept)),
    probes=_rotate_probes,
    parts=3,
)  # fmt: skip

EXERCISES = (EMBED, ROTATE)

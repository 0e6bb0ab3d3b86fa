"""From labels to states (notebook 02; paper II).

States are rows: x = X W_E, and W x becomes x @ W.T.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def embed(W_E, tokens):
    """One-hot rows X [N, V] of the tokens, and their states x = X W_E [N, d]."""
    X = np.eye(len(W_E))[tokens]
    return X, X @ W_E


def _embed_cases(rng):
    for V, d, N in ((5, 3, 4), (3, 6, 2), (4, 4, 4), (7, 2, 1)):
        tokens = rng.integers(V - 1, size=N)  # the last word need not occur
        yield Case((rng.normal(size=(V, d)), tokens), f"V = {V}, d = {d}, N = {N}")
    tokens = np.array([5, 0, 2, 0, 5, 4])
    yield Case((10 * rng.normal(size=(6, 5)) + 20, tokens), "V = 6, d = 5, two words come twice")
    for V, d, N, size in ((4, 2, 4, 1e-8), (2, 4, 4, 1e8), (4, 4, 2, 1.0), (1, 1, 1, 1.0)):
        args = size * rng.normal(size=(V, d)), rng.integers(V, size=N)
        yield Case(args, f"V = {V}, d = {d}, N = {N}, entries about {size:g}")
    W_E = rng.normal(size=(50, 60))
    W_E[7] = W_E[3]
    yield Case((W_E, rng.integers(50, size=45)), "V = 50, two words alike, d = 60, N = 45")
    whole = -rng.integers(0, 3, size=(6, 4)) * 1.0
    yield Case((whole, np.array([1, 5, 1])), "V = 6, d = 4, N = 3, whole numbers, none positive")


def _one_each(args, answer, slack):
    X = answer[0]
    if differ(np.sort(X, axis=1), np.eye(X.shape[1])[-1:].repeat(len(X), 0), slack):
        return "the rows of X are not one 1 and zeros otherwise"


def _product(args, answer, slack):
    X, x = answer
    if differ(x, X @ args[0], slack, np.abs(X) @ np.abs(args[0])):
        return "its x is not its X times W_E"


WRONG = """
from 1: labels are counted from 1: label 0 is the first word, and tokens - 1 makes it the last
    [tokens] => [tokens - 1]
columns from 1: its columns are counted from 1, so that label 0 has none: compare with \
    np.arange(V)
    np.eye(len(W_E))[tokens] => 1.0 * (tokens[:, None] == np.arange(1, len(W_E) + 1))
transposed: X is transposed: positions are rows, words are columns
    return X => return X.T
bag of words: it counts words in one row, which forgets their order: every position has a row of \
    its own
    return X, X @ W_E => return X.sum(axis=0), (X @ W_E).sum(axis=0)
running sum: its x adds up the words so far: positions do not mix yet, row n is token n alone
    X @ W_E => np.cumsum(X @ W_E, axis=0)
sorted: its rows are sorted by label: they follow the order of the sentence
    [tokens] => [np.sort(tokens)]
each word once: it has one row for each different word: a word that comes twice has two rows
    [tokens] => [np.unique(tokens)]
d for V: X has d columns, W_E.shape[1]: it has one for each word, V = W_E.shape[0]
    len(W_E) => W_E.shape[1]
    X @ W_E => W_E[tokens]
V from the sentence: X ends with the largest label of the sentence: the vocabulary has V = \
    len(W_E) words, present or not
    len(W_E) => tokens.max() + 1
    X @ W_E => W_E[tokens]
W_E itself: its x are the first rows of W_E, whatever the tokens are
    X @ W_E => W_E[: len(tokens)]
order: the two arrays are right but in the wrong order: return X first
    X, X @ W_E => X @ W_E, X
"""

EXERCISE = Exercise(
    title="From labels to states",
    reference=embed,
    cases=_embed_cases,
    wrong=mistakes(embed, WRONG),
    laws=(Law("one 1 in each row", _one_each), Law("x = X W_E", _product)),
    hints=(
        "A label points at one row of a table. Which row of numbers, times the table, picks just "
        "that one?",
        "X[n, v] = 1 if v is token n and 0 otherwise, v = 0 ... V - 1; x = X W_E.",
        "X = np.eye(len(W_E))[tokens]",
    ),
    minutes=6,
    level="core",
    parts=2,
    spared=PLAIN,
)

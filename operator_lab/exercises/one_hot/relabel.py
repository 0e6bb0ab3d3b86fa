"""Every word gets a new name (notebook 01; paper II).

Words are labels 0 ... V - 1, states are rows, z[position, word] are logits.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def relabel(tokens, z, p):
    """Word w is called p[w] from now on: labels [N] in new names, logits [N, V] back in old ones.

    `tokens` are old labels; the columns of z, from a model trained on new labels, are new ones.
    """
    return p[tokens], z[:, p]


def _relabel_cases(rng):
    for N, V in ((3, 5), (4, 4), (6, 3), (1, 7)):
        p, cycle = np.empty(V, dtype=int), rng.permutation(V)
        p[cycle] = np.roll(cycle, -1)  # one cycle of all words: not its own inverse
        yield Case((rng.integers(V, size=N), rng.normal(size=(N, V)), p), f"N = {N}, V = {V}")
    tokens, p = np.array([2, 0, 2, 2, 5]), np.array([0, 2, 4, 3, 1, 5])
    yield Case((tokens, 20 * rng.normal(size=(5, 6)) + 50, p), "one word three times, V = 6")
    for N, V, size in ((50, 60, 1e8), (60, 60, 1e-8), (1, 1, 1.0)):
        z = size * rng.normal(size=(N, V))
        z[N // 2] = z[0]
        args = rng.integers(V, size=N), z, rng.permutation(V)
        yield Case(args, f"N = {N}, V = {V}, logits about {size:g}, two rows alike")
    ties = rng.integers(3, size=(4, 6)).astype(float)
    yield Case((np.array([3, 3, 0, 5]), ties, np.array([1, 2, 3, 4, 5, 0])), "equal logits, V = 6")


def _one_word_one_logit(args, answer, slack):
    tokens, z, _ = args
    new, old = np.rint(answer[0]).astype(int), answer[1]
    if new.min() < 0 or new.max() >= z.shape[1]:
        return "some of its labels are not between 0 and V - 1"
    if differ(old[:, tokens], z[:, new], slack):
        return "a word of the sentence has one logit under its old label and another under its new"


def _same_numbers(args, answer, slack):
    if differ(np.sort(answer[1], axis=1), np.sort(args[1], axis=1), slack):
        return "the logits of a position are no longer the same numbers: only columns may move"


WRONG = """
tokens inverted: the tokens go the way back, through the inverse of p: the new label of w is p[w]
    p[tokens] => np.argsort(p)[tokens]
logits inverted: the columns are moved by the inverse of p: the logit of old word w stands in new \
    column p[w]
    z[:, p] => z[:, np.argsort(p)]
both inverted: it goes through the inverse of p twice, as if p[w] were the old name of w: it is \
    the new one
    p[tokens] => np.argsort(p)[tokens]
    z[:, p] => z[:, np.argsort(p)]
logits left: the logits are left in new labels: column w of the answer belongs to old word w
    z[:, p] => z
tokens left: the tokens are left in old labels: word w is p[w] from now on
    p[tokens] => tokens
nothing done: tokens and logits are returned as they came
    p[tokens], z[:, p] => tokens, z
rows: it permutes rows of z, which are positions: words are its columns
    z[:, p] => z[p]
words of the sentence: it keeps only the columns of words in the sentence: every word of the \
    vocabulary has a logit
    z[:, p] => z[:, p[tokens]]
tokens[p]: tokens[p] rearranges positions: look each token up in p, p[tokens]
    p[tokens] => tokens[p]
all of p: its first item is p itself, the new names of all words: those of the tokens are asked
    p[tokens] => p
order: the two arrays are right but in the wrong order: return the tokens first
    p[tokens], z[:, p] => z[:, p], p[tokens]
"""

EXERCISE = Exercise(
    title="Every word gets a new name",
    reference=relabel,
    cases=_relabel_cases,
    wrong=mistakes(relabel, WRONG),
    laws=(Law("one word, one logit", _one_word_one_logit), Law("same numbers", _same_numbers)),
    hints=(
        "A list of new names is a dictionary: look up the tokens on the way in, and for every old "
        "word look up, on the way out, where its logit stands.",
        "The new label of token w is p[w]; column w of the answer is column p[w] of z.",
        "new_tokens = p[tokens]",
    ),
    minutes=10,
    level="core",
    parts=2,
    spared=PLAIN,
)

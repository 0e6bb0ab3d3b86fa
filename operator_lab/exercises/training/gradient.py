"""Which way is down (notebook 08).

Logits are z[position, word]; `tokens` are the words that came, one for each position. Nats.
"""

from __future__ import annotations

import numpy as np

from ...judge import Exercise, Law, differ, mistakes
from .loss import batches, loss


def gradient(z, tokens):
    """Slope [N, V] of the mean cross-entropy in the logits: (softmax(z) - one-hot) / N."""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    p[np.arange(len(tokens)), tokens] -= 1
    return p / len(tokens)


def one_hot(tokens, V):
    """Return a row for each label, 1 in its column and 0 elsewhere."""
    return (np.arange(V) == np.asarray(tokens)[:, None]) * 1.0


def direction(shape):
    """Return a direction in the space of arrays of this shape, drawn once for all."""
    return np.random.default_rng(8).normal(size=shape)


def _slope(args, answer, slack):
    z, tokens = args
    u, h = direction(z.shape), 1e-4
    right = (loss(z + h * u, tokens) - loss(z - h * u, tokens)) / (2 * h)
    told = np.array((answer * u).sum())
    if differ(told, right, slack, np.abs(answer * u).sum()):
        return (
            f"moved in a random direction, the logits change the loss by {right:.6g} a unit, but "
            f"by {told:.6g} according to it"
        )


def _rows_cancel(args, answer, slack):
    total = answer.sum(axis=1)
    if differ(total, 0.0, slack, np.abs(answer)):
        return (
            f"its rows do not sum to zero ({total.min():.6g} ... {total.max():.6g}): a shift of "
            "all logits of a position changes nothing"
        )


def _pulls(args, answer, slack):
    came = one_hot(args[1], args[0].shape[1]) > 0
    if max(answer[came].max(), -answer[~came].min(initial=0)) > slack * np.abs(answer).max():
        return "a step against it would lower a word that came, or raise one that did not"


WRONG = """
no 1/N: it is N times too large: the loss is the mean over N positions
    return p / len(tokens) => return p
1/V: it divides by the number of words: the mean is over the N positions
    return p / len(tokens) => return p / z.shape[1]
sign: its sign is that of the way down: the gradient points up, p - one-hot
    return p => return -p
sign, no 1/N: it is one-hot - p of each position: the gradient points up, p - one-hot, and the \
    mean over N positions divides by N
    return p / len(tokens) => return -p
p alone: it is p / N, the gradient of log Z: what the word that came takes away, its one-hot, is \
    missing
    p[np.arange(len(tokens)), tokens] -= 1 =>
one-hot alone: it is that of the logit alone: log Z adds the law p itself
    p = p / p.sum(axis=1, keepdims=True) => p = 0 * p
1 from all: 1 is subtracted from every word: only from the one that came
    p[np.arange(len(tokens)), tokens] -= 1 => p -= 1
all pairs: [:, tokens] subtracts at each position the words of all positions: pair them with \
    [np.arange(N), tokens]
    p[np.arange(len(tokens)), tokens] => p[:, tokens]
index exchanged: 1 is subtracted with its indices exchanged: rows are positions, columns are \
    words, [np.arange(N), tokens]
    p[np.arange(len(tokens)), tokens] => p[tokens, np.arange(len(tokens))]
rows: p[tokens] are rows, and rows are positions: subtract 1 at [np.arange(N), tokens]
    p[np.arange(len(tokens)), tokens] => p[tokens]
over positions: its law is normalised over the positions (axis 0): the words of a row share one
    z.max(axis=1 => z.max(axis=0
    p.sum(axis=1 => p.sum(axis=0
logits: the one-hot is taken from the logits: it is the law softmax(z) it is taken from
    p = p / p.sum(axis=1, keepdims=True) => p = 1 * z
overflow: right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), NaN both: \
    subtract each row's largest z first
    z - z.max(axis=1, keepdims=True) => z
one maximum: it subtracts one maximum for all positions: rows far below it vanish and 0/0 is NaN; \
    subtract each row's own
    z.max(axis=1, keepdims=True) => z.max()
Jacobian twice: the derivative of the softmax is applied once more: p - one-hot is the slope in z \
    already
    p[np.arange(len(tokens)), tokens] -= 1 => g = 1 * p; g[np.arange(len(tokens)), tokens] -= 1
    return p => return p * (g - (p * g).sum(axis=1, keepdims=True))
of p: it is the slope of -p of the word that came: -log p has 1/p more
    p[np.arange(len(tokens)), tokens] -= 1 => came = p[np.arange(len(tokens)), tokens]; \
        p[np.arange(len(tokens)), tokens] -= 1
    return p => return came[:, None] * p
of log p in p: it is -1/p, the slope in the probability: the logits are behind the softmax
    p[np.arange(len(tokens)), tokens] -= 1 => at = np.arange(len(tokens)), tokens; g = 0 * p; \
        g[at] = -1 / p[at]
    return p => return g
only the target: only the word that came has a slope: the others lose p through Z
    p[np.arange(len(tokens)), tokens] -= 1 => at = np.arange(len(tokens)), tokens; g = 0 * p; \
        g[at] = p[at] - 1
    return p => return g
p (1 - p): p (1 - p) stands where the word came, -p elsewhere: the slope of -log p is p - 1 there \
    and p elsewhere
    p[np.arange(len(tokens)), tokens] -= 1 => at = np.arange(len(tokens)), tokens; g = -p; \
        g[at] = p[at] * (1 - p[at])
    return p => return g
"""

EXERCISE = Exercise(
    title="Which way is down",
    reference=gradient,
    cases=batches,
    wrong=mistakes(gradient, WRONG),
    laws=(Law("rows sum to zero", _rows_cancel), Law("pulls", _pulls), Law("slope", _slope)),
    hints=(
        "Raise one logit a little: log Z grows with the probability of that word, and the surprise "
        "shrinks by the same little if it is the word that came.",
        "d(log Z - z_w)/dz_v = p_v - delta_vw, and the mean over N positions divides by N.",
        "p = np.exp(z - z.max(axis=1, keepdims=True))",
    ),
    minutes=12,
    level="core",
)

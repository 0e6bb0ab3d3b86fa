"""The second exercise of notebook 08: the slope of the cross-entropy in the logits.

Logits are z[position, word]; `tokens` are the words that came, one for each position. Nats.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Wrong
from .facts import differ
from .mixing import softmax
from .training import batches, log_law, loss, one_hot, raw, raw_below


def gradient(z, tokens):
    """Slope [N, V] of the mean cross-entropy in the logits: (softmax(z) - one-hot) / N."""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    p[np.arange(len(tokens)), tokens] -= 1
    return p / len(tokens)


def _gradient_loop(z, tokens):
    g = np.zeros_like(z)
    for n, word in enumerate(tokens):
        w = np.exp(z[n] - max(z[n]))
        g[n] = w / sum(w)
        g[n, word] -= 1
    return g / len(z)


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
            f"moved in a random direction, the logits change the loss by {right:.3g} a unit, but "
            f"by {told:.3g} according to it"
        )


def _rows_cancel(args, answer, slack):
    total = answer.sum(axis=1)
    if differ(total, 0.0, slack, np.abs(answer)):
        return (
            f"its rows do not sum to zero ({total.min():.3g} ... {total.max():.3g}): a shift of "
            "all logits of a position changes nothing"
        )


def _pulls(args, answer, slack):
    came = one_hot(args[1], args[0].shape[1]) > 0
    if max(answer[came].max(), -answer[~came].min()) > slack * np.abs(answer).max():
        return "a step against it would lower a word that came, or raise one that did not"


def _gradient(change):
    """Return a gradient in which `change(p, one-hot)` takes the place of p - one-hot."""
    return lambda z, tokens: change(softmax(z), one_hot(tokens, z.shape[1])) / len(z)


def _less_one(place):
    """Return a gradient that subtracts 1 at `place(positions, tokens)`."""

    def changed(z, tokens):
        p = softmax(z)
        p[place(np.arange(len(tokens)), tokens)] -= 1
        return p / len(tokens)

    return changed


GRADIENT = Exercise(
    name="training.gradient",
    title="Which way is down",
    reference=gradient,
    alternatives=(
        _gradient(lambda p, e: p - e),
        lambda z, tokens: (np.exp(log_law(z)) - np.eye(z.shape[1])[tokens]) / z.shape[0],
        lambda z, tokens: np.einsum("nw,nwv->nv", one_hot(tokens, z.shape[1]),
            softmax(z)[:, None] - np.eye(z.shape[1])) / len(z),
        _gradient_loop,
    ),
    wrong=(
        Wrong("no 1/N", lambda z, tokens: len(z) * gradient(z, tokens),
              "it is N times too large: the loss is the mean over N positions"),
        Wrong("1/V", lambda z, tokens: len(z) * gradient(z, tokens) / z.shape[1],
              "it divides by the number of words: the mean is over the N positions"),
        Wrong("sign", lambda z, tokens: -gradient(z, tokens),
              "its sign is that of the way down: the gradient points up, p - one-hot"),
        Wrong("sign, no 1/N", lambda z, tokens: -len(z) * gradient(z, tokens),
              "it is one-hot - p of each position: the gradient points up, p - one-hot, and the "
              "mean over N positions divides by N"),
        Wrong("p alone", _gradient(lambda p, e: p),
              "it is p / N, the gradient of log Z: what the word that came takes away, its "
              "one-hot, is missing"),
        Wrong("one-hot alone", _gradient(lambda p, e: -e),
              "it is that of the logit alone: log Z adds the law p itself"),
        Wrong("1 from all", _gradient(lambda p, e: p - 1),
              "1 is subtracted from every word: only from the one that came"),
        Wrong("all pairs", _less_one(lambda n, tokens: (slice(None), tokens)),
              "[:, tokens] subtracts at each position the words of all positions: pair them with "
              "[np.arange(N), tokens]"),
        Wrong("index exchanged", _less_one(lambda n, tokens: (tokens, n)),
              "1 is subtracted with its indices exchanged: rows are positions, columns are words, "
              "[np.arange(N), tokens]"),
        Wrong("rows", _less_one(lambda n, tokens: tokens),
              "p[tokens] are rows, and rows are positions: subtract 1 at [np.arange(N), tokens]"),
        Wrong("over positions", lambda z, tokens:
              (softmax(z, axis=0) - one_hot(tokens, z.shape[1])) / len(z),
              "its law is normalised over the positions (axis 0): the words of a row share one"),
        Wrong("logits", lambda z, tokens: (z - one_hot(tokens, z.shape[1])) / len(z),
              "the one-hot is taken from the logits: it is the law softmax(z) it is taken from"),
        Wrong("overflow", lambda z, tokens: (raw(z) - one_hot(tokens, z.shape[1])) / len(z),
              "right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), NaN "
              "both: subtract each row's largest z first"),
        Wrong("one maximum", lambda z, tokens:
              (raw_below(z) - one_hot(tokens, z.shape[1])) / len(z),
              "it subtracts one maximum for all positions: rows far below it vanish and 0/0 is "
              "NaN; subtract each row's own"),
        Wrong("Jacobian twice", _gradient(
              lambda p, e: p * (p - e - (p * (p - e)).sum(axis=1, keepdims=True))),
              "the derivative of the softmax is applied once more: p - one-hot is the slope in z "
              "already"),
        Wrong("of p", _gradient(lambda p, e: (p * e).sum(axis=1, keepdims=True) * (p - e)),
              "it is the slope of -p of the word that came: -log p has 1/p more"),
        Wrong("of log p in p", _gradient(lambda p, e: -e / np.where(e > 0, p, 1)),
              "it is -1/p, the slope in the probability: the logits are behind the softmax"),
        Wrong("only the target", _gradient(lambda p, e: (p - 1) * e),
              "only the word that came has a slope: the others lose p through Z"),
        Wrong("p (1 - p)", _gradient(lambda p, e: p * (1 - p) * e - p * (1 - e)),
              "p (1 - p) stands where the word came, -p elsewhere: the slope of -log p is p - 1 "
              "there and p elsewhere"),
    ),
    hints=(
        "Raise one logit a little: log Z grows with the probability of that word, and the surprise "
        "shrinks by the same little if it is the word that came.",
        "d(log Z - z_w)/dz_v = p_v - delta_vw, and the mean over N positions divides by N.",
        "p = np.exp(z - z.max(axis=1, keepdims=True))",
    ),
    minutes=12,
    level="core",
    laws=(Law("rows sum to zero", _rows_cancel), Law("pulls", _pulls), Law("slope", _slope)),
    probes=batches,
)  # fmt: skip

EXERCISES = (GRADIENT,)

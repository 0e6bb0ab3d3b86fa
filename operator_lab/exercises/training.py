"""The first exercise of notebook 08: what training lowers, the cross-entropy.

Logits are z[position, word], one row for each position; `tokens` are the words that came next, one
label for each position. Nats.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .mixing import softmax


def loss(z, tokens):
    """Mean cross-entropy in nats of logits [N, V] and the words [N] that came: a single number."""
    top = z.max(axis=1)
    log_Z = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return (log_Z - z[np.arange(len(tokens)), tokens]).mean()


def one_hot(tokens, V):
    """Return a row for each label, 1 in its column and 0 elsewhere."""
    return (np.arange(V) == np.asarray(tokens)[:, None]) * 1.0


def batches(rng):
    """Yield logits and the words that came: rectangular, level, far apart, hopeless."""
    for N, V, size in ((4, 4, 3.0), (5, 2, 0.3), (1, 6, 1.0)):
        z, tokens = size * rng.normal(size=(N, V)) + 0.2, rng.integers(V, size=N)
        yield Probe((z, tokens), f"{N} position{'s' * (N > 1)}, {V} words, z about {size:g}")
    came = np.array([2, 0, 2, 2, 3, 0])
    yield Probe((rng.normal(size=(6, 5)), came), "6 positions, two words that come again")
    level = np.repeat(rng.normal(size=(3, 1)), 5, axis=1)
    yield Probe((level, rng.integers(5, size=3)), "3 positions that know nothing, 5 words")
    for offset, far in ((2000, [[1], [1], [1]]), (-2000, [[1], [1.5], [0.4]])):
        z = rng.normal(size=(3, 4)) * [[1], [5], [30]] + offset * np.array(far)
        apart = ", far from one row to the next" if len(set(map(tuple, far))) > 1 else ""
        yield Probe((z, rng.integers(4, size=3)), f"logits of about {offset}{apart}")
    z, tokens = rng.normal(size=(4, 3)), rng.integers(3, size=4)
    z[[0, 2], tokens[[0, 2]]] += [1000, -1000]
    yield Probe((z, tokens), "one word that came 1000 nats above the others, one 1000 below")


def log_law(z, axis=1):
    """Return log p = z - log Z, finite however small p is."""
    top = z.max(axis=axis, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(axis=axis, keepdims=True))


def _that_came(y, tokens):
    """Return of each row the entry of the word that came."""
    return np.take_along_axis(y, tokens[:, None], axis=1)[:, 0]


def raw(z):
    """Return the softmax without a shift, which overflows or vanishes."""
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def raw_below(z):
    """Return the softmax shifted by one number for all rows: some of them vanish."""
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)


def _loss_loop(z, tokens):
    total = 0.0
    for row, word in zip(z, tokens, strict=True):
        top = max(row)
        total += top - row[word] + np.log(sum(np.exp(a - top) for a in row))
    return total / len(z)


def _between_bounds(args, answer, slack):
    z, tokens = args
    gap, more = (z.max(axis=1) - _that_came(z, tokens)).mean(), np.log(z.shape[1])
    room = slack * max(gap + more, 1)
    if not gap - room <= answer <= gap + more + room:
        return (
            f"it gives {answer:.4g}, but log Z is at least the largest logit and at most log V "
            f"more, which puts the loss between {gap:.4g} and {gap + more:.4g}"
        )


def _knows_nothing(args, answer, slack):
    z, _ = args
    blind = np.log(z.shape[1])
    if not np.ptp(z, axis=1).any() and abs(answer - blind) > slack * blind:
        return f"it gives {answer:.3g} where all logits of a row are equal: that is log V nats"


LOSS = Exercise(
    name="training.loss",
    title="The surprise at the next word",
    reference=loss,
    alternatives=(
        lambda z, tokens: -_that_came(log_law(z), tokens).mean(),
        lambda z, tokens: np.mean(np.logaddexp.reduce(z, axis=1) - z[range(len(z)), tokens]),
        lambda z, tokens: -np.einsum("nv,nv->", one_hot(tokens, len(z[0])), log_law(z)) / len(z),
        _loss_loop,
    ),
    wrong=(
        Wrong("sum", lambda z, tokens: len(z) * loss(z, tokens),
              "it is the sum over the positions: their mean is asked"),
        Wrong("each position", lambda z, tokens: -_that_came(log_law(z), tokens),
              "it is the surprise of each position, right one by one: take the mean of them"),
        Wrong("bits", lambda z, tokens: loss(z, tokens) / np.log(2),
              "it is in bits (log2): nats are asked, the natural logarithm"),
        Wrong("sign", lambda z, tokens: -loss(z, tokens),
              "its sign is that of log p: the surprise is -log p, never negative"),
        Wrong("overflow", lambda z, tokens: np.mean(
              np.log(np.exp(z).sum(axis=1)) - _that_came(z, tokens)),
              "right while z is moderate, but exp(z) overflows or vanishes, and log Z is then inf "
              "or -inf: subtract each row's largest z, and add it to log Z again"),
        Wrong("overflow in the law", lambda z, tokens: -np.log(_that_came(raw(z), tokens)).mean(),
              "right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), NaN "
              "both: subtract each row's largest z first, and write log p = z - log Z"),
        Wrong("softmax, then log", lambda z, tokens: -np.log(_that_came(softmax(z), tokens)).mean(),
              "right unless the word that came is hopeless: its probability is 0 to the computer "
              "and log 0 infinite; never form p, write log p = z - log Z"),
        Wrong("a small number", lambda z, tokens: -np.log(
              _that_came(softmax(z), tokens) + 1e-12).mean(),
              "the 1e-12 under the logarithm hides how wrong a hopeless word was, 27.6 nats at "
              "most: write log p = z - log Z, which needs no such help"),
        Wrong("one maximum", lambda z, tokens: np.mean(
              z.max() + np.log(np.exp(z - z.max()).sum(axis=1)) - _that_came(z, tokens)),
              "it subtracts one maximum for all positions: rows far below it vanish and log 0 is "
              "-inf; subtract each row's own"),
        Wrong("one maximum in the law", lambda z, tokens: -np.log(
              _that_came(raw_below(z), tokens)).mean(),
              "it subtracts one maximum for all positions: rows far below it vanish and 0/0 is "
              "NaN; subtract each row's own, and write log p = z - log Z"),
        Wrong("over positions", lambda z, tokens: -_that_came(log_law(z, axis=0), tokens).mean(),
              "its law is normalised over the positions (axis 0): the words of a row share one"),
        Wrong("mean, then log", lambda z, tokens: -np.log(_that_came(softmax(z), tokens).mean()),
              "it takes the mean of the probabilities and then the logarithm: the surprises "
              "-log p are averaged, the logarithm comes first"),
        Wrong("no logarithm", lambda z, tokens: 1 - _that_came(softmax(z), tokens).mean(),
              "it is 1 - p, on average: the surprise is -log p"),
        Wrong("softmax twice", lambda z, tokens: loss(softmax(z), tokens),
              "the law goes through a softmax twice: log p = z - log Z, of the logits themselves"),
        Wrong("no Z", lambda z, tokens: -_that_came(z, tokens).mean(),
              "it is minus the logit of the word that came: log Z of its row is missing"),
        Wrong("likeliest", lambda z, tokens: -log_law(z).max(axis=1).mean(),
              "it is the surprise at the likeliest word: the one that came is asked"),
        Wrong("own entropy", lambda z, tokens: -(softmax(z) * log_law(z)).sum(axis=1).mean(),
              "it is the entropy of the model's own law, whatever came: -log p of the word that "
              "came is asked"),
        Wrong("all words", lambda z, tokens: -log_law(z).mean(),
              "all words are averaged: only the one that came counts"),
        Wrong("all pairs", lambda z, tokens: -log_law(z)[:, tokens].mean(),
              "[:, tokens] takes at each position the words of all positions: pair them with "
              "[np.arange(N), tokens]"),
        Wrong("index exchanged", lambda z, tokens: -np.mean(
              [log_law(z)[word, n] for n, word in enumerate(tokens)]),
              "its indices are exchanged: rows are positions, columns are words, "
              "[np.arange(N), tokens]"),
        Wrong("moved by one", lambda z, tokens: -np.divide(
              _that_came(log_law(z)[:-1], tokens[1:]).sum(), len(z) - 1),
              "it moves the words by one against the logits: they are the next words already, "
              "tokens[n] belongs to z[n]"),
    ),
    hints=(
        "A word of probability p surprises by -log p. How surprised is the model, on average, and "
        "must it ever form a p that may be too small for the computer?",
        "-log p_w = log Z - z_w with log Z = m + log sum_v exp(z_v - m), m the row's largest "
        "logit; then the mean over positions.",
        "top = z.max(axis=1)",
    ),
    minutes=8,
    level="core",
    laws=(Law("between bounds", _between_bounds), Law("knows nothing", _knows_nothing)),
    probes=batches,
)  # fmt: skip

EXERCISES = (LOSS,)

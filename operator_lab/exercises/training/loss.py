"""The surprise at the next word (notebook 08).

Logits are z[position, word], one row for each position; `tokens` are the words that came next, one
label for each position. Nats.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def loss(z, tokens):
    """Mean cross-entropy in nats of logits [N, V] and the words [N] that came: a single number."""
    top = z.max(axis=1)
    log_Z = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return (log_Z - z[np.arange(len(tokens)), tokens]).mean()


def batches(rng):
    """Yield logits and the words that came: rectangular, level, far apart, hopeless."""
    for N, V, size in ((4, 4, 3.0), (5, 2, 0.3), (1, 6, 1.0)):
        z, tokens = size * rng.normal(size=(N, V)) + 0.2, rng.integers(V, size=N)
        yield Case((z, tokens), f"{N} position{'s' * (N > 1)}, {V} words, z about {size:g}")
    came = np.array([2, 0, 2, 2, 3, 0])
    yield Case((rng.normal(size=(6, 5)), came), "6 positions, two words that come again")
    level = np.repeat(rng.normal(size=(3, 1)), 5, axis=1)
    yield Case((level, rng.integers(5, size=3)), "3 positions that know nothing, 5 words")
    for offset, far in ((2000, [[1], [1], [1]]), (-2000, [[1], [1.5], [0.4]])):
        z = rng.normal(size=(3, 4)) * [[1], [5], [30]] + offset * np.array(far)
        apart = ", far from one row to the next" if len(set(map(tuple, far))) > 1 else ""
        yield Case((z, rng.integers(4, size=3)), f"logits of about {offset}{apart}")
    z, tokens = rng.normal(size=(4, 3)), rng.integers(3, size=4)
    z[[0, 2], tokens[[0, 2]]] += [1000, -1000]
    yield Case((z, tokens), "one word that came 1000 nats above the others, one 1000 below")
    yield Case((rng.normal(size=(3, 1)), np.zeros(3, dtype=int)), "3 positions, a single word")
    yield Case((np.array([[0.3]]), np.array([0])), "a single position, a single word")
    z, tokens = rng.normal(size=(50, 60)), rng.integers(60, size=50)
    z[7], z[:, 5] = z[6], z[:, 4]
    yield Case((z, tokens), "50 positions, two of them alike, 60 words")
    for size in (1e-8, 1e8):
        z = size * rng.normal(size=(4, 3))
        yield Case((z, z.argsort(axis=1)[:, 1]), f"4 positions, 3 words, z about {size:g}")
    likely = np.array([[0.0, 800.0, 799.0], [801.0, 0.0, 800.0]])
    yield Case((likely, np.array([1, 2])), "likely words, and one 800 nats below them")
    apart = np.array([[0.0, 3000.0, -5000.0], [900.0, 900.0, -4000.0]])
    yield Case((apart, np.array([0, 1])), "logits thousands apart, two of them equal")
    single = np.float32(rng.normal(size=(4, 5)) + 1000)
    yield Case((single, rng.integers(5, size=4)), "logits in float32, all about 1000")


def _that_came(y, tokens):
    """Return of each row the entry of the word that came."""
    return np.take_along_axis(y, tokens[:, None], axis=1)[:, 0]


def _between_bounds(args, answer, slack):
    z, tokens = args
    gap, more = (z.max(axis=1) - _that_came(z, tokens)).mean(), np.log(z.shape[1])
    room = slack * max(gap + more, 1)
    if not gap - room <= answer <= gap + more + room:
        return (
            f"it gives {answer:.6g}, but log Z is at least the largest logit and at most log V "
            f"more, which puts the loss between {gap:.6g} and {gap + more:.6g}"
        )


def _knows_nothing(args, answer, slack):
    z, _ = args
    blind = np.log(z.shape[1])
    if not np.ptp(z, axis=1).any() and abs(answer - blind) > slack * blind:
        return f"it gives {answer:.6g} where all logits of a row are equal: that is log V nats"


WRONG = """
sum: it is the sum over the positions: their mean is asked
    .mean() => .sum()
each position: it is the surprise of each position, right one by one: take the mean of them
    .mean() =>
bits: it is in bits (log2): nats are asked, the natural logarithm
    .mean() => .mean() / np.log(2)
sign: its sign is that of log p: the surprise is -log p, never negative
    return => return -
overflow: right while z is moderate, but exp(z) overflows or vanishes, and log Z is then inf or \
    -inf: subtract each row's largest z, and add it to log Z again
    top + np.log(np.exp(z - top[:, None]) => np.log(np.exp(z)
overflow in the law: right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), \
    NaN both: subtract each row's largest z first, and write log p = z - log Z
    return => p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True); return
    (log_Z - z[np.arange(len(tokens)), tokens]) => -np.log(p[np.arange(len(tokens)), tokens])
softmax, then log: right unless the word that came is hopeless: its probability is 0 to the \
    computer and log 0 infinite; never form p, write log p = z - log Z
    (log_Z - z[np.arange(len(tokens)), tokens]) => \
        -np.log(np.exp(z[np.arange(len(tokens)), tokens] - log_Z))
a small number: the 1e-12 under the logarithm hides how wrong a hopeless word was, 27.6 nats at \
    most: write log p = z - log Z, which needs no such help
    (log_Z - z[np.arange(len(tokens)), tokens]) => \
        -np.log(np.exp(z[np.arange(len(tokens)), tokens] - log_Z) + 1e-12)
shifted by the least: right unless the logits of a row lie far apart: with each row's smallest z \
    subtracted exp(z) overflows; subtract its largest
    z.max(axis=1) => z.min(axis=1)
one maximum: it subtracts one maximum for all positions: rows far below it vanish and log 0 is \
    -inf; subtract each row's own
    top = z.max(axis=1) => z, top = z - z.max(), np.zeros(len(z), z.dtype)
one maximum in the law: it subtracts one maximum for all positions: rows far below it vanish and \
    0/0 is NaN; subtract each row's own, and write log p = z - log Z
    return => w = np.exp(z - z.max()); p = w / w.sum(axis=1, keepdims=True); return
    (log_Z - z[np.arange(len(tokens)), tokens]) => -np.log(p[np.arange(len(tokens)), tokens])
over positions: its law is normalised over the positions (axis 0): the words of a row share one
    z.max(axis=1) => z.max(axis=0)
    top[:, None]).sum(axis=1) => top).sum(axis=0)
    (log_Z => (log_Z[tokens]
mean, then log: it takes the mean of the probabilities and then the logarithm: the surprises -log \
    p are averaged, the logarithm comes first
    (log_Z - z[np.arange(len(tokens)), tokens]).mean() => \
        -np.log(np.exp(z[np.arange(len(tokens)), tokens] - log_Z).mean())
no logarithm: it is 1 - p, on average: the surprise is -log p
    (log_Z - z[np.arange(len(tokens)), tokens]).mean() => \
        1 - np.exp(z[np.arange(len(tokens)), tokens] - log_Z).mean()
softmax twice: the law goes through a softmax twice: log p = z - log Z, of the logits themselves
    (log_Z - z[np.arange(len(tokens)), tokens]).mean() => loss(np.exp(z - log_Z[:, None]), tokens)
no Z: it is minus the logit of the word that came: log Z of its row is missing
    (log_Z - z => (-z
likeliest: it is the surprise at the likeliest word: the one that came is asked
    z[np.arange(len(tokens)), tokens] => top
own entropy: it is the entropy of the model's own law, whatever came: -log p of the word that \
    came is asked
    (log_Z - z[np.arange(len(tokens)), tokens]).mean() => \
        (np.exp(z - log_Z[:, None]) * (log_Z[:, None] - z)).sum(axis=1).mean()
all words: all words are averaged: only the one that came counts
    log_Z - z[np.arange(len(tokens)), tokens] => log_Z[:, None] - z
all pairs: [:, tokens] takes at each position the words of all positions: pair them with \
    [np.arange(N), tokens]
    log_Z - z[np.arange(len(tokens)), tokens] => log_Z[:, None] - z[:, tokens]
index exchanged: its indices are exchanged: rows are positions, columns are words, [np.arange(N), \
    tokens]
    log_Z - z[np.arange(len(tokens)), tokens] => log_Z[tokens] - z[tokens, np.arange(len(tokens))]
moved by one: it moves the words by one against the logits: they are the next words already, \
    tokens[n] belongs to z[n]
    log_Z - z[np.arange(len(tokens)), tokens] => log_Z[:-1] - z[np.arange(len(z) - 1), tokens[1:]]
"""

EXERCISE = Exercise(
    title="The surprise at the next word",
    reference=loss,
    cases=batches,
    wrong=mistakes(loss, WRONG),
    laws=(Law("between bounds", _between_bounds), Law("knows nothing", _knows_nothing)),
    hints=(
        "A word of probability p surprises by -log p. How surprised is the model, on average, and "
        "must it ever form a p that may be too small for the computer?",
        "-log p_w = log Z - z_w with log Z = m + log sum_v exp(z_v - m), m the row's largest "
        "logit; then the mean over positions.",
        "top = z.max(axis=1)",
    ),
    minutes=8,
    level="core",
)

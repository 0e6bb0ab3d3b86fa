"""The later exercises of notebook 01: how much is left to know, how large the state space is.

Entropies in nats. The state space is one particle's: R^N (x) R^d, not a product over tokens.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


def remaining(joint):
    """Conditional entropy H(word | context), in nats, of joint[context, word]: a single number."""
    context = np.broadcast_to(joint.sum(axis=1, keepdims=True), joint.shape)
    seen = joint > 0  # 0 log 0 = 0, also in a context that never occurs
    return -(joint[seen] * np.log(joint[seen] / context[seen])).sum()


def dimensions(N, d):
    """Dimension N d of one particle on N sites; log10 of that of N particles with d states each.

    N and d are arrays of integers, of one shape or broadcast.
    """
    return 1.0 * N * d, N * np.log10(d)


# --- remaining ---------------------------------------------------------------------------------


def _remaining_probes(rng):
    def drawn(C, V):
        weight = rng.dirichlet(np.ones(C))
        return weight[:, None] * rng.dirichlet(np.ones(V), size=C)

    for C, V in ((3, 5), (4, 2), (1, 6), (3, 3)):
        yield Probe((drawn(C, V),), f"{C} context{'s' * (C > 1)}, {V} words")
    some = drawn(4, 5)
    some[[0, 1, 1, 3], [2, 0, 4, 1]] = 0
    yield Probe((some / some.sum(),), "4 contexts, 5 words, 4 pairs that never occur")
    never = drawn(5, 3)
    never[[1, 4]] = 0
    yield Probe((never / never.sum(),), "5 contexts, 2 of which never occur")
    sure = np.zeros((4, 3))
    sure[[0, 1, 2, 3], [2, 0, 0, 1]] = 0.1, 0.2, 0.3, 0.4
    yield Probe((sure,), "every context settles the word")


def entropy(p):
    """Return -sum p log p, of the entries that are not 0."""
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def _rows(joint):
    """Return the entropy of the words in each context, 0 where the context never occurs."""
    return np.array([entropy(row / (row.sum() or 1.0)) for row in joint])


def _by_loop(joint):
    total = 0.0
    for row in joint:
        weight = sum(row)
        for p in row:
            if p > 0:
                total -= p * np.log(p / weight)
    return total


def _surprise(joint):
    context = joint.sum(axis=1, keepdims=True)
    share = joint / np.where(context > 0, context, 1)
    return np.einsum("cv,cv->", joint, -np.log(np.where(share > 0, share, 1)))


def _between(args, answer, slack):
    words = entropy(args[0].sum(axis=0))
    if not -slack <= answer <= words + slack * max(words, 1):
        return (
            f"it gives {answer:.3g}, but what is left after a context lies between 0 and "
            f"{words:.3g}, the entropy of the words without any"
        )


def _given_away(args, answer, slack):
    sure = (args[0] > 0).sum(axis=1).max() == 1
    if sure and abs(answer) > slack:
        return f"it gives {answer:.3g} where every context settles the word: nothing is left then"


REMAINING = Exercise(
    name="one_hot.remaining",
    title="How uncertain the next word is once the context is known",
    reference=remaining,
    alternatives=(
        lambda joint: entropy(joint) - entropy(joint.sum(axis=1)),
        lambda joint: joint.sum(axis=1) @ _rows(joint),
        _by_loop,
        _surprise,
    ),
    wrong=(
        Wrong("joint", entropy,
              "it is the entropy of context and word together: the context's own is known and "
              "does not count"),
        Wrong("unigram", lambda joint: entropy(joint.sum(axis=0)),
              "it is the entropy of the words without any context"),
        Wrong("context", lambda joint: entropy(joint.sum(axis=1)),
              "it is the entropy of the contexts: that of the word is asked"),
        Wrong("plain mean", lambda joint: _rows(joint).mean(),
              "all contexts count alike, even those that never occur: weight each by its "
              "probability"),
        Wrong("plain mean where seen", lambda joint: _rows(joint)[joint.sum(axis=1) > 0].mean(),
              "all contexts that occur count alike: weight each by its probability"),
        Wrong("sum of rows", lambda joint: _rows(joint).sum(),
              "the entropies of all contexts are added: weight each by its probability"),
        Wrong("bits", lambda joint: remaining(joint) / np.log(2),
              "it is in bits (log2): nats are asked, the natural logarithm"),
        Wrong("the other way", lambda joint: remaining(joint.T),
              "it is H(context | word): rows are contexts, normalise each row"),
        Wrong("0 log 0", lambda joint: -(joint * np.log(joint / joint.sum(
              axis=1, keepdims=True))).sum(),
              "right where every pair occurs, but 0 log 0 is NaN to the computer: leave pairs that "
              "never occur out of the sum"),
        Wrong("0 log 0, by rows", lambda joint: np.where(joint.sum(axis=1) > 0, -(
              joint * np.log(joint / joint.sum(axis=1, keepdims=True))).sum(axis=1), 0).sum(),
              "right where every word may follow, but a word that never does gives 0 log 0, NaN: "
              "leave it out of the sum"),
        Wrong("empty context", lambda joint: sum(row.sum() * entropy(row / row.sum())
              if row.sum() else np.nan for row in joint),
              "right unless a context never occurs: its row divided by its sum is 0/0, NaN; such a "
              "row has no weight, leave it out"),
        Wrong("mutual information", lambda joint: entropy(joint.sum(axis=0)) - remaining(joint),
              "it is the mutual information, what the context tells: what it leaves open is asked"),
        Wrong("sign", lambda joint: -remaining(joint),
              "its sign is wrong: the logarithm of a probability is negative, H = -sum p log p"),
        Wrong("perplexity", lambda joint: np.exp(remaining(joint)),
              "it is exp(H), the perplexity: H itself is asked"),
    ),
    hints=(
        "In each context the next word has an entropy of its own. A context that comes often "
        "counts often.",
        "H = -sum over c and w of P(c, w) log P(w | c), with P(w | c) = P(c, w) / P(c); pairs with "
        "P(c, w) = 0 contribute nothing.",
        "context = joint.sum(axis=1, keepdims=True)",
    ),
    minutes=12,
    level="core",
    laws=(Law("between 0 and H(word)", _between), Law("nothing left", _given_away)),
    probes=_remaining_probes,
)  # fmt: skip

# --- dimensions --------------------------------------------------------------------------------


def _dimensions_probes(rng):
    yield Probe((np.array([1, 2, 3, 8]), np.array([3, 2, 4, 5])), "N = 1, 2, 3, 8; d = 3, 2, 4, 5")
    yield Probe((np.array([7, 5, 2, 1]), np.array([1, 6, 9, 4])), "N = 7, 5, 2, 1; d = 1, 6, 9, 4")
    columns = np.array([[4], [16], [1024]]), np.array([64, 2, 7, 10])
    yield Probe(columns, "N = 4, 16, 1024 down, d = 64, 2, 7, 10 across")
    few, many = rng.integers(2, 12, size=5), rng.integers(12, 40, size=5)
    yield Probe((few, many), f"N = {few.tolist()}, d = {many.tolist()}")


def _by_digits(N, d):
    pairs = np.broadcast(N, d)
    # Python's own integers have as many digits as it takes
    large = [int(b) ** int(a) for a, b in pairs]
    digits = [len(str(n)) for n in large]
    logs = [k - 15 + np.log10(n / 10 ** (k - 15)) for n, k in zip(large, digits, strict=True)]
    return np.multiply(N, d), np.array(logs).reshape(pairs.shape)


def _by_kron(N, d):
    one = np.empty(np.broadcast(N, d).shape)
    for i, (a, b) in zip(np.ndindex(one.shape), np.broadcast(N, d), strict=True):
        one[i] = sum(b for _ in range(a))
    return one, np.log(d) / np.log(10) * N


def _one_alone(args, answer, slack):
    alone = np.broadcast_to(args[0] == 1, answer[0].shape)
    one, many = answer[0][alone], answer[1][alone]
    if alone.any() and np.abs(np.log10(np.abs(one) + 1e-300) - many).max() > slack:
        return "for N = 1 its second item is not log10 of its first, though one particle is all "\
               "there is"


def _another_particle(args, answer, slack):
    N, d = np.broadcast_arrays(*args)
    if np.abs(answer[1] / N - np.log10(d)).max() > slack:
        return "its second item does not grow by log10(d) with every particle"


DIMENSIONS = Exercise(
    name="one_hot.dimensions",
    title="One particle on N sites, or N particles",
    reference=dimensions,
    alternatives=(
        lambda N, d: (N * d, np.log10(d) * N),
        lambda N, d: (np.einsum("...,...->...", N, d), N * np.log2(d) * np.log10(2)),
        _by_digits,
        _by_kron,
    ),
    wrong=(
        Wrong("integers overflow", lambda N, d: (N * d, np.log10(d**N)),
              "d**N leaves the range of 64-bit integers, silently, and the logarithm of what is "
              "left is nonsense: take it first, log10(d^N) = N log10(d)"),
        Wrong("floats overflow", lambda N, d: (N * d, np.log10(np.power(1.0 * d, N))),
              "d**N exceeds the largest float (about 1e308) and becomes infinite: take the "
              "logarithm first, log10(d^N) = N log10(d)"),
        Wrong("log of N d", lambda N, d: (N * d, np.log10(N * d)),
              "its second item is log10(N d), one particle again: dimensions of N particles "
              "multiply, d^N"),
        Wrong("N^d", lambda N, d: (N * d, d * np.log10(N)),
              "its second item is the logarithm of N^d: N particles of d states each make d^N"),
        Wrong("natural", lambda N, d: (N * d, N * np.log(d)),
              "its second item is a natural logarithm: log10 is asked"),
        Wrong("bits", lambda N, d: (N * d, N * np.log2(d)),
              "its second item is log2: log10 is asked"),
        Wrong("log10 forgotten", lambda N, d: (N * d, d**N),
              "its second item is d^N itself, which leaves the range of 64-bit integers, silently: "
              "its logarithm is asked, N log10(d)"),
        Wrong("log10 forgotten, floats", lambda N, d: (N * d, np.power(1.0 * d, N)),
              "its second item is d^N itself, which exceeds the largest float (about 1e308): its "
              "logarithm is asked, N log10(d)"),
        Wrong("rounded", lambda N, d: (N * d, np.rint(N * np.log10(d))),
              "its second item is rounded to the nearest whole number: leave log10(d^N) as it is"),
        Wrong("cut off", lambda N, d: (N * d, np.floor(N * np.log10(d))),
              "its second item is rounded down to a whole number: leave log10(d^N) as it is"),
        Wrong("digits", lambda N, d: (N * d, np.floor(N * np.log10(d)) + 1),
              "its second item is the number of digits of d^N, a whole number: log10(d^N) is "
              "asked, which rarely is one"),
        Wrong("any site", lambda N, d: (N * d, N * np.log10(N * d)),
              "its second item lets every particle sit on any site, (N d)^N: here each has a site "
              "of its own and d states there"),
        Wrong("d for one", lambda N, d: (N**0 * d, N * np.log10(d)),
              "its first item is d, a single site: one particle may sit on any of N, N d"),
        Wrong("sum", lambda N, d: (N + d, N * np.log10(d)),
              "its first item is N + d: every site has its own d orbitals, N d"),
        Wrong("first as logarithm", lambda N, d: (np.log10(N * d), N * np.log10(d)),
              "its first item is a logarithm too: the dimension N d itself is asked"),
        Wrong("order", lambda N, d: (N * np.log10(d), N * d),
              "the two are right but in the wrong order: return the one particle's first"),
    ),
    hints=(
        "Of one particle, say where it is and in which orbital; of N particles, say for each of "
        "them what it does. When do possibilities add, when do they multiply?",
        "One particle: N d. N particles: d^N, whose logarithm is N log10(d).",
        "one = 1.0 * N * d",
    ),
    minutes=5,
    level="stretch",
    laws=(Law("one alone", _one_alone), Law("another particle", _another_particle)),
    probes=_dimensions_probes,
    parts=2,
)

EXERCISES = (REMAINING, DIMENSIONS)

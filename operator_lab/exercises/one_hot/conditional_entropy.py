"""How uncertain the next word is once the context is known (notebook 01).

Entropies in nats. The state space is one particle's: R^N (x) R^d, not a product over tokens.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def conditional_entropy(joint):
    """Conditional entropy H(word | context), in nats, of joint[context, word]: a single number."""
    context = np.broadcast_to(joint.sum(axis=1, keepdims=True), joint.shape)
    seen = joint > 0  # 0 log 0 = 0, also in a context that never occurs
    return -(joint[seen] * np.log(joint[seen] / context[seen])).sum()


def _conditional_entropy_cases(rng):
    def drawn(C, V):
        weight = rng.dirichlet(np.ones(C))
        return weight[:, None] * rng.dirichlet(np.ones(V), size=C)

    for C, V in ((3, 5), (4, 2), (1, 6), (3, 3)):
        yield Case((drawn(C, V),), f"{C} context{'s' * (C > 1)}, {V} words")
    some = drawn(4, 5)
    some[[0, 1, 1, 3], [2, 0, 4, 1]] = 0
    yield Case((some / some.sum(),), "4 contexts, 5 words, 4 pairs that never occur")
    never = drawn(5, 3)
    never[[1, 4]] = 0
    yield Case((never / never.sum(),), "5 contexts, 2 of which never occur")
    sure = np.zeros((4, 3))
    sure[[0, 1, 2, 3], [2, 0, 0, 1]] = 0.1, 0.2, 0.3, 0.4
    yield Case((sure,), "every context settles the word")
    yield Case((np.array([[1.0]]),), "one context, one word")
    yield Case((rng.dirichlet(np.ones(60)).reshape(60, 1),), "60 contexts, one word")
    many = np.vstack([rng.dirichlet(np.ones(3000), size=2), np.zeros((1, 3000))]) / 2
    many[:, ::7] = 0
    yield Case((many / many.sum(),), "3 contexts, one of which never occurs, 3000 words")
    twice = drawn(45, 45)
    twice[3] = twice[8]
    yield Case((twice / twice.sum(),), "45 contexts, two of them alike, 45 words")
    nearly = np.array([[0.7, 7e-4, 0.0], [0.0, 0.0, 0.3], [1e-4, 0.0, 0.0]])
    yield Case((nearly / nearly.sum(),), "3 contexts that nearly settle the word")
    yield Case((np.full((4, 8), 1 / 32),), "4 contexts, 8 words, all alike")


def entropy(p):
    """Return -sum p log p, of the entries that are not 0."""
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def _between(args, answer, slack):
    words = entropy(args[0].sum(axis=0))
    if not -slack <= answer <= words + slack * max(words, 1):
        return (
            f"it gives {answer:.6g}, but what is left after a context lies between 0 and "
            f"{words:.6g}, the entropy of the words without any"
        )


def _given_away(args, answer, slack):
    sure = (args[0] > 0).sum(axis=1).max() == 1
    if sure and abs(answer) > slack:
        return f"it gives {answer:.6g} where every context settles the word: nothing is left then"


WRONG = """
joint: it is the entropy of context and word together: the context's own is known and does not \
    count
    joint[seen] / context[seen] => joint[seen]
unigram: it is the entropy of the words without any context
    context = np.broadcast_to(joint.sum(axis=1, keepdims=True), joint.shape) => \
        joint = joint.sum(axis=0)
    joint[seen] / context[seen] => joint[seen]
context: it is the entropy of the contexts: that of the word is asked
    context = np.broadcast_to(joint.sum(axis=1, keepdims=True), joint.shape) => \
        joint = joint.sum(axis=1)
    joint[seen] / context[seen] => joint[seen]
plain mean: all contexts count alike, even those that never occur: weight each by its probability
    context = => joint = np.nan_to_num(joint / joint.sum(axis=1, keepdims=True)) / len(joint); \
        context =
plain mean where seen: all contexts that occur count alike: weight each by its probability
    context = => joint = joint[joint.any(axis=1)]; \
        joint = joint / joint.sum(axis=1, keepdims=True) / len(joint); context =
sum of rows: the entropies of all contexts are added: weight each by its probability
    context = => joint = np.nan_to_num(joint / joint.sum(axis=1, keepdims=True)); context =
bits: it is in bits (log2): nats are asked, the natural logarithm
    np.log( => np.log2(
the other way: it is H(context | word): rows are contexts, normalise each row
    context = => joint = joint.T; context =
0 log 0: right where every pair occurs, but 0 log 0 is NaN to the computer: leave pairs that \
    never occur out of the sum
    joint > 0 => joint >= 0
0 log 0, by rows: right where every word may follow, but a word that never does gives 0 log 0, \
    NaN: leave it out of the sum
    joint > 0 => context > 0
empty context: right unless a context never occurs: its row divided by its sum is 0/0, NaN; such \
    a row has no weight, leave it out
    joint > 0 => (joint > 0) | (context == 0)
mutual information: it is the mutual information, what the context tells: what it leaves open is \
    asked
    -(joint => (joint
    context[seen] => context[seen] / np.broadcast_to(joint.sum(axis=0), joint.shape)[seen]
sign: its sign is wrong: the logarithm of a probability is negative, H = -sum p log p
    -(joint => (joint
perplexity: it is exp(H), the perplexity: H itself is asked
    return => H =
    context[seen])).sum() => context[seen])).sum(); return np.exp(H)
"""

EXERCISE = Exercise(
    title="How uncertain the next word is once the context is known",
    reference=conditional_entropy,
    cases=_conditional_entropy_cases,
    wrong=mistakes(conditional_entropy, WRONG),
    laws=(Law("between 0 and H(word)", _between), Law("nothing left", _given_away)),
    hints=(
        "In each context the next word has an entropy of its own. A context that comes often "
        "counts often.",
        "H = -sum over c and w of P(c, w) log P(w | c), with P(w | c) = P(c, w) / P(c); pairs with "
        "P(c, w) = 0 contribute nothing.",
        "context = joint.sum(axis=1, keepdims=True)",
    ),
    minutes=12,
    level="core",
    spared={
        "tiny": "the entries sum to one",
        "huge": "probabilities lie between 0 and 1",
        "spread": "probabilities lie between 0 and 1",
        **PLAIN,
    },
)

"""Find the induction head (notebook 08).

In a text that repeats itself such a head looks from a word to what followed it the last time.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes, short


def induction(A, tokens):
    """[layer, head] of the head that looks most at the word after the last time, on average.

    A [L, h, N, N] are mixing weights [query, key], `tokens` [N] the text. The average is over the
    positions whose word has come before; the last time is the latest.
    """
    at, after = [], []
    for i, word in enumerate(tokens):
        before = np.flatnonzero(tokens[:i] == word)
        if len(before):
            at.append(i)
            after.append(before[-1] + 1)
    score = A[:, :, at, after].mean(axis=2)
    return np.array(np.unravel_index(score.argmax(), score.shape))


def _mixed(rng, targets, N, strength):
    """A mixing matrix that puts `strength` on each row's target and the rest anywhere before.

    `strength` is one number, or one for each target.
    """
    A = np.tril(rng.uniform(0.1, 1, size=(N, N)))
    A = A / A.sum(axis=1, keepdims=True)
    for (i, j), share in zip(targets, np.broadcast_to(strength, len(targets)), strict=True):
        A[i] *= 1 - share
        A[i, j] += share
    return A


def _patterns(tokens):
    """Where heads look that do other things: the names say where."""
    N, past = len(tokens), [np.flatnonzero(tokens[:i] == w) for i, w in enumerate(tokens)]
    seen = [(i, p) for i, p in enumerate(past) if len(p)]
    return {
        "induction": [(i, p[-1] + 1) for i, p in seen],
        "same word": [(i, p[-1]) for i, p in seen],
        "after the first time": [(i, p[0] + 1) for i, p in seen],
        "word before": [(i, i - 1) for i in range(1, N)],
        "first word": [(i, 0) for i in range(N)],
        "before the last time": [(i, max(p[-1] - 1, 0)) for i, p in seen],
    }


def _rivals(rng, tokens):
    """An induction head that always looks elsewhere as well, and three with a lower mean.

    One looks there firmly when the last time was near, one at a bit more than half of the places,
    one looks nowhere else.
    """
    N, there = len(tokens), _patterns(tokens)["induction"]
    near = sorted(there, key=lambda pair: pair[0] - pair[1])
    first = _mixed(rng, [(i, 0) for i in range(N)], N, 0.99)
    return [
        0.4 * _mixed(rng, there, N, 1.0) + 0.6 * first,
        _mixed(rng, near[: len(near) * 3 // 10], N, 0.95),
        0.4 * first + 0.6 * _mixed(rng, rng.permutation(there)[: len(there) * 11 // 20], N, 1.0),
        _mixed(rng, there, N, 0.25),
    ]


def _counts(rng):
    """Two heads each that look there at other places: every place counts, and as often as another.

    The first has the larger mean, the second is ahead where some places are left out, where each
    word counts once, where the rarest look tells, or where a look at the word itself is taken off.
    """
    often = np.concatenate([np.tile([0, 1, 2], 8), np.tile([3, 4, 5, 6], 2)])
    doubled = np.concatenate([np.repeat(rng.permutation(6), 3), rng.permutation(6)])
    thrice = np.concatenate([np.tile(rng.permutation(12), 2), [0, 1]])
    for label, tokens, first, second in (
        ("a word often said twice running", doubled, lambda i, p: 0.6,
         lambda i, p: 0.9 if p[-1] < i - 1 else 0.1),
        ("at some places it looks elsewhere", often, lambda i, p: 0.8 if i % 4 else 0.02,
         lambda i, p: 0.5),
        ("at one place it looks elsewhere", often, lambda i, p: 0.65 if i > 3 else 0.02,
         lambda i, p: 0.45),
        ("some words said more often", often, lambda i, p: 0.8 if len(p) > 2 else 0.0,
         lambda i, p: 0.95 if len(p) < 2 else 0.2),
        ("few words said a third time", thrice, lambda i, p: 0.7,
         lambda i, p: 0.9 if len(p) > 1 else 0.4),
    ):  # fmt: skip
        N, past = len(tokens), [np.flatnonzero(tokens[:i] == w) for i, w in enumerate(tokens)]
        there = _patterns(tokens)["induction"]
        heads = [_mixed(rng, there, N, [rule(i, past[i]) for i, _ in there])
                 for rule in (first, second)]  # fmt: skip
        A = np.stack(heads)[:: rng.choice([-1, 1])][None]
        yield Case((A, tokens), f"two heads, N = {N}, {label}")
    tokens = np.tile(rng.permutation(9), 3)
    there, itself = _patterns(tokens)["induction"], _patterns(tokens)["same word"]
    both = 0.5 * _mixed(rng, there, 27, 0.9) + 0.5 * _mixed(rng, itself, 27, 0.9)
    A = np.stack([both, _mixed(rng, there, 27, 0.3)])[:: rng.choice([-1, 1])][:, None]
    yield Case((A, tokens), "two layers of one head, one looks at the word itself as well")


def _trained(rng):
    """A model that has learned to go on with a list of letters, its heads in a new order."""
    from ..fresh import dealt

    model, length = dealt(int(rng.integers(1000)), "copies"), int(rng.integers(10, 15))
    tokens = np.resize(rng.permutation(model.shape.vocabulary)[:length], model.shape.context)
    label = f"a model trained on copies, a list of {length} letters said again"
    return Case((model.run(tokens).mixing, tokens), label)


def _induction_cases(rng):
    for L, h, N, V in (
        (2, 4, 20, 5),
        (3, 3, 24, 6),
        (1, 7, 60, 20),
        (2, 3, 30, 4),
        (4, 2, 18, 3),
        (1, 20, 16, 4),
    ):
        tokens = rng.integers(V, size=N)
        kinds = list(_patterns(tokens).items())
        # the others are the stronger ones: it is where a head looks that tells, not how firmly
        made = [_mixed(rng, where, N, 0.35 + 0.1 * (n > 0)) for n, (_, where) in enumerate(kinds)]
        made += [_mixed(rng, [], N, 0.0) for _ in range(L * h)]
        # one of the first kind alone: two would be a tie
        A = np.stack([made[1 + k] for k in rng.permutation(L * h)]).reshape(L, h, N, N)
        where = int(rng.integers(L)), int(rng.integers(h))
        A[where] = made[0]
        yield Case((A, tokens), f"L = {L}, h = {h}, N = {N}, {V} words")
    for L, h, N in ((1, 4, 40), (2, 2, 50)):
        tokens = rng.integers(8, size=N)
        A = np.stack(_rivals(rng, tokens))[rng.permutation(4)].reshape(L, h, N, N)
        yield Case((A, tokens), f"L = {L}, h = {h}, N = {N}, heads that look there now and then")
    # no word comes twice running, so that what follows the last time is never the word itself
    tokens = np.concatenate([np.tile(rng.permutation(6), 3), np.tile([6, 7], 3)])
    there, itself = _patterns(tokens)["induction"], [(i, i) for i in range(24)]
    heads = [_mixed(rng, where, 24, 0.4) for where in (itself, there, [], [])]
    order = np.roll(np.arange(4), rng.integers(3))  # the first head is another one
    yield Case((np.stack(heads)[order].reshape(2, 2, 24, 24), tokens), "no word twice running")
    yield from _counts(rng)
    yield _trained(rng)
    one = _mixed(rng, [], 5, 0.0)[None, None]
    yield Case((one, np.array([0, 1, 0, 1, 0])), "a single head")


def _exists(args, answer, slack):
    L, h = args[0].shape[:2]
    whole = (answer == np.rint(answer)).all()
    if not (whole and 0 <= answer[0] < L and 0 <= answer[1] < h):
        return f"it names no head: layers count from 0 to {L - 1}, heads from 0 to {h - 1}"


def _looks_there(args, answer, slack):
    if _exists(args, answer, slack):
        return None
    A, tokens = args
    where = np.array(_patterns(tokens)["induction"])
    own, best = (
        A[tuple(np.array(at, dtype=int))][where[:, 0], where[:, 1]].mean()
        for at in (answer, induction(A, tokens))
    )
    if own < best * (1 - slack):
        return (
            f"its head puts {short(own)} on the word after the last time, another one {short(best)}"
        )


WRONG = """
same word: it is the head that looks most at the last time itself: an induction head looks one \
    word on
    before[-1] + 1 => before[-1]
first time: it is the head that looks most at the word after the first time: the last time counts
    before[-1] + 1 => before[0] + 1
word before: it is the head that looks most at the word just before: what followed the last time \
    is asked
    before[-1] + 1 => i - 1
before: it is the head that looks most at the word before the last time: the word after it is \
    asked
    before[-1] + 1 => max(before[-1] - 1, 0)
every time: it takes the mean over all earlier times of the word: the last one counts
    at.append(i) => at.extend([i] * len(before))
    after.append(before[-1] + 1) => after.extend(before + 1)
query and key: query and key are exchanged: A[..., query, key], and the query is the later place
    at, after] => after, at]
hits: it counts at how many places a head looks there most: the mean of the weights is asked
    A[:, :, at, after].mean(axis=2) => \
        (A[:, :, at].argmax(axis=3) == np.array(after)).mean(axis=2)
present: it is [0, 0] whatever the weights: so it is if the word itself counts as its last time, \
    for nothing looks at what follows it
    tokens[:i] => tokens[: i + 1]
    len(before): => before[-1] + 1 < len(tokens):
no doubles: it leaves out places whose word stood just before: there too the word after the last \
    time, here the word itself, is asked
    if len(before): => if len(before) and before[-1] < i - 1:
less the word: it takes off how much a head looks at the word itself: the weight on the word \
    after it is asked
    A[:, :, at, after] => (A[:, :, at, after] - A[:, :, at, np.array(after) - 1])
each word once: it is the mean over words of the means of each: over all places alike
    A[:, :, at, after].mean(axis=2) => np.mean([A[:, :, np.array(at)[tokens[at] == w], \
        np.array(after)[tokens[at] == w]].mean(axis=2) for w in np.unique(tokens[at])], axis=0)
rarest look: it is the head whose least weight there is largest: the mean is asked
    .mean(axis=2) => .min(axis=2)
largest anywhere: it is the head with the largest single weight: the mean over the places is asked
    .mean(axis=2) => .max(axis=2)
head first: the two are right but in the wrong order: the layer comes first
    np.array(np.unravel_index(score.argmax(), score.shape)) => \
        np.array(np.unravel_index(score.argmax(), score.shape))[::-1]
from 1: it counts layers and heads from 1: from 0, as the arrays do
    score.argmax(), score.shape)) => score.argmax(), score.shape)) + 1
least: it is the head that looks there least
    argmax => argmin
"""

EXERCISE = Exercise(
    title="Find the induction head",
    reference=induction,
    cases=_induction_cases,
    wrong=mistakes(induction, WRONG),
    laws=(Law("exists", _exists), Law("looks there", _looks_there)),
    hints=(
        "When a word comes again, what came after it is a good guess. Where does a head look that "
        "makes this guess?",
        "For each position i whose word has come before, last at j, take A[:, :, i, j + 1]; of the "
        "means over those i the largest tells layer and head.",
        "before = np.flatnonzero(tokens[:i] == tokens[i])",
    ),
    minutes=12,
    level="stretch",
    spared={
        "coincide": "a text has more words than a model has layers or heads",
        **dict.fromkeys(("tiny", "huge", "spread"), "weights lie between 0 and 1"),
        **PLAIN,
    },
)

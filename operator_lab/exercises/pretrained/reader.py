"""Find the head through whose looks another one acts (notebook 12).

What a head writes may move a prediction without being carried to it: later heads look elsewhere
(Q and K composition; path patching). Heads and layers count from 0.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


# The imports inside make the printed solution complete.
def reader(model, text, word, other, layer, head):
    """[layer, head] of the later head through whose looks the given head acts most.

    The given head writes nothing at the last position. One later head at a time looks where it
    looked in the whole run; least change of the logit of `word` minus that of `other`, after the
    last word, from what it is in the whole run.
    """
    from operator_lab.edits import silence
    from operator_lab.pretrained import difference

    whole, A = difference(model, text, word, other), model.run(text).mixing
    quiet, found = silence(model, layer, [head], position=-1), []
    for later in range(layer + 1, model.shape.layers):
        for h in range(model.shape.heads):

            def looks(weights, later=later, h=h):
                weights[h] = A[later, h]
                return weights

            given = quiet | {("mixing", later): looks}
            found.append((abs(difference(model, text, word, other, given) - whole), later, h))
    return np.array(min(found)[1:])


# Random models of the real kind, of which every shortcut below is wrong and the best head stands
# out: seed, layers, heads, heads of keys; the head that is silent; text and two words.
REAL = (("rms", True), ("gated", True), ("activation", "silu"), ("rotation", (0.9, 0.2)))
RANDOM = (
    (36, 4, 2, 2, (1, 0), "the man lent the account at the bank", "coin", "shore"),
    (4, 4, 2, 2, (1, 0), "the man lent the account at the bank", "owl", "song"),
    (8, 3, 2, 1, (0, 0), "the man lent the account at the bank", "loan", "water"),
    (34, 3, 4, 2, (1, 2), "a woman fed the owl at the buck", "owl", "song"),
    (37, 2, 4, 2, (0, 1), "the girl kicked the ball at the bat", "owl", "song"),
    (86, 3, 2, 1, (0, 0), "a woman fed the owl at the buck", "loan", "water"),
)


def _reader_cases(rng):
    from ..fresh import drawn

    half = int(rng.random() < 0.3)  # one of the two seeds takes each half
    for seed, layers, heads, key_heads, (layer, head), text, word, other in RANDOM[half::2]:
        model = drawn(seed, layers, heads, key_heads=key_heads, **dict(REAL))
        label = (
            f"random weights, {layers} x {heads} heads, {key_heads} of keys, layer {layer}'s head "
            f"{head} silent, {word!r} minus {other!r} after {text!r}"
        )
        yield Case((model, text, word, other, layer, head), label)


def _off(args, places):
    """How far from the whole run's difference each of some later heads brings it."""
    from ...edits import silence
    from ...pretrained import difference

    model, text, word, other, layer, head = args
    A, whole = model.run(text).mixing, difference(model, text, word, other)
    found = []
    for later, h in places:
        kept = np.arange(len(A[later]))[:, None, None] == h
        edits = silence(model, layer, [head], position=-1)
        edits[("mixing", later)] = lambda W, kept=kept, i=later: np.where(kept, A[i], W)
        found.append(abs(difference(model, text, word, other, edits) - whole))
    return found


@lru_cache(maxsize=4 * len(RANDOM))
def _best(*args):
    """The right head of a case: laws ask for it at every check."""
    return reader(*args).astype(int).tolist()


def _exists(args, answer, slack):
    shape, layer = args[0].shape, args[4]
    whole = (answer == np.rint(answer)).all()
    if not (whole and layer < answer[0] < shape.layers and 0 <= answer[1] < shape.heads):
        return (
            f"it names no later head: layers go from {layer + 1} to {shape.layers - 1}, heads "
            f"from 0 to {shape.heads - 1}"
        )


def _nearest(args, answer, slack):
    right = _best(*args)
    if _exists(args, answer, slack) or answer.tolist() == right:
        return None
    own, least = _off(args, [answer.astype(int).tolist(), right])
    if own > least * (1 + slack):
        return (
            f"with the looks of its head given back the difference stays {own:.6g} away from the "
            f"whole run's, with another one's {least:.6g}"
        )


WRONG = """
write given back: the later head gets its whole write back: what it finds where it looks must \
    answer to the silence, its looks alone are given back
    model.run(text).mixing => model.run(text).head_writes
    ("mixing", later) => ("head_write", later)
costliest: it is the later head whose own silence costs most, whatever the given head does
    given = quiet | {("mixing", later): looks} => given = silence(model, later, [h], position=-1)
    found.append((abs( => found.append((-abs(
change of looks: it is the head whose looks the silence changes most: what that does to the \
    difference is asked
    whole, A => B = model.run(text, silence(model, layer, [head], position=-1)).mixing; whole, A
    abs(difference(model, text, word, other, given) - whole) => \
        -np.linalg.norm(A[later, h] - B[later, h])
silent everywhere: the given head is silent at all positions: at the last one alone
    , position=-1 =>
next layer: it is the best head of the next layer, whatever the later ones hold
    range(layer + 1, model.shape.layers) => range(layer + 1, layer + 2)
last layer: it is the best head of the last layer, whatever those before hold
    range(layer + 1, model.shape.layers) => range(model.shape.layers - 1, model.shape.layers)
highest: it is the head that lifts the difference highest: the one that brings it nearest to the \
    whole run's, from either side, is asked
    abs(difference(model, text, word, other, given) - whole) => \
        -difference(model, text, word, other, given)
lowest: it is the head that takes the difference lowest: the one that brings it nearest to the \
    whole run's, from either side, is asked
    abs(difference(model, text, word, other, given) - whole) => \
        difference(model, text, word, other, given)
most moved: it is the head that moves the difference farthest from where the silence left it: \
    nearest to the whole run's is asked
    abs(difference(model, text, word, other, given) - whole) => \
        -abs(difference(model, text, word, other, given) \
        - difference(model, text, word, other, quiet))
farthest: it is the head that leaves the difference farthest from the whole run's: the nearest is \
    asked
    min(found) => max(found)
one alone anew: all later heads but one get their looks back, and it is the one whose new looks \
    cost most: one alone gets them back
    given = quiet | {("mixing", later): looks} => given = quiet | {("mixing", i): lambda W, i=i: \
        np.where([[[i == later and n == h]] for n in range(len(W))], W, A[i]) \
        for i in range(layer + 1, model.shape.layers)}
    found.append((abs( => found.append((-abs(
the other way: nothing is silent, and one head looks where it looks in the silenced run: silence, \
    and give looks back
    model.run(text).mixing => model.run(text, silence(model, layer, [head], position=-1)).mixing
    quiet | => {} |
    found.append((abs( => found.append((-abs(
one word: it follows the logit of the first word alone: that of the other is taken off
    abs(difference(model, text, word, other, given) - whole) => \
        abs(model.run(text, given).logits[-1, model.language.index(word)] \
        - model.run(text).logits[-1, model.language.index(word)])
surprise: it follows the surprise at the first word alone: the difference of two logits is asked
    abs(difference(model, text, word, other, given) - whole) => \
        abs(np.log(model.run(text, given).law[-1, model.language.index(word)] \
        / model.run(text).law[-1, model.language.index(word)]))
probabilities: it follows the difference of the probabilities: that of the logits is asked
    abs(difference(model, text, word, other, given) - whole) => \
        abs(np.subtract(*(model.run(text, given).law - model.run(text).law)\
        [-1, [model.language.index(w) for w in (word, other)]]))
whole law: it is the head that brings the whole law nearest: the difference of two logits is asked
    abs(difference(model, text, word, other, given) - whole) => \
        np.abs(model.run(text, given).law[-1] - model.run(text).law[-1]).sum()
nothing changed: it is head 0 of the next layer each time: so it is where no head changes \
    anything, as before the last word
    abs(difference(model, text, word, other, given) - whole) => \
        abs(np.subtract(*(model.run(text, given).logits - model.run(text).logits)\
        [0, [model.language.index(w) for w in (word, other)]]))
shared keys: all heads that share keys get their looks back together: one head alone
    weights[h] = A[later, h] => \
        weights[h // G * G : h // G * G + G] = A[later, h // G * G : h // G * G + G]
    whole, A => G = model.shape.heads // model.shape.key_heads; whole, A
looks of another: the head gets the looks of the one with the number of its keys: heads are those \
    of queries
    weights[h] = A[later, h] => \
        weights[h] = A[later, h // (model.shape.heads // model.shape.key_heads)]
head of keys: its head is below the number of heads of keys each time: heads are those of queries
    , later, h)) => , later, h // (model.shape.heads // model.shape.key_heads)))
head first: the two numbers are right but in the wrong order: the layer comes first
    min(found)[1:] => min(found)[:0:-1]
from 1: it counts layers and heads from 1: from 0, as the arrays do
    min(found)[1:] => min(found)[1:]) + np.array([1, 1]
"""

EXERCISE = Exercise(
    title="Through whose looks does a head act?",
    reference=reader,
    cases=_reader_cases,
    wrong=mistakes(reader, WRONG),
    laws=(Law("exists", _exists), Law("nearest", _nearest)),
    hints=(
        "Silence the head, and something is lost. Give one later head its old looks back, all "
        "others as they come out: whose looks bring most of it back?",
        'lab.edits.silence(model, layer, [head], position=-1) | {("mixing", later): looks}, where '
        "looks(weights) sets weights[h] to the whole run's; lab.pretrained.difference(model, text, "
        "word, other, edits) is to come nearest to what it is without edits.",
        "A = model.run(text).mixing",
    ),
    minutes=15,
    level="stretch",
    seconds=60.0,
    spared=dict.fromkeys(("one", "many"), "a whole model and a text are given, no arrays"),
)

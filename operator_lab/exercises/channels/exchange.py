"""Silencing a head, exchanging its write (notebook 04; paper III.4).

The score of a sentence is bra . state at the last position; the state is the sum of what the heads
write there and the rest.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def exchange(first, second, rest, bra):
    """Change of the score when a head is silenced, and when its write is exchanged, one a head."""
    return -first @ bra, (second - first) @ bra


def _exchange_cases(rng):
    for h, d, size in ((3, 4, 1.0), (2, 5, 20.0), (4, 3, 1.0), (3, 3, 1e3), (1, 4, 1.0)):
        first, second = size * rng.normal(size=(2, h, d)) + size
        if h > 2:
            second[1] = first[1]
        rest, bra = 3 * size * rng.normal(size=d), rng.normal(size=d) + 0.5
        same = ", head 1 writes the same in both" if h > 2 else ""
        label = f"{h} head{'s' if h > 1 else ''}, d = {d}, writes about {size:g}{same}"
        yield Case((first, second, rest, bra), label)
    for h, d, size in ((1, 1, 1.0), (50, 45, 1e-9), (4, 4, 1e8)):
        first, second = size * rng.normal(size=(2, h, d))
        first[-1] = first[0]
        rest, bra = size * rng.normal(size=d), rng.normal(size=d)
        label = f"{h} head{'s' if h > 1 else ''}, two write alike, d = {d}, all about {size:g}"
        yield Case((first, second, rest, bra), label)
    first, second = rng.integers(-2, 3, size=(2, 3, 5)) * 1.0
    yield Case((first, second, np.ones(5), 1e-9 * np.arange(1.0, 6)), "whole numbers, a weak bra")
    strong = 1e8 * np.array([1.0, 0.0, -2.0, 1.0, 3.0])
    yield Case((-np.abs(first) - 1, second, np.zeros(5), strong), "no rest, a strong bra with a 0")


def _score(writes, rest, bra):
    return bra @ (rest + np.sum(writes, axis=0))


def _alone_if_silent(args, answer, slack):
    first, _, rest, bra = args
    change, found = bra @ rest - _score(first, rest, bra), float(answer[0].sum())
    terms = np.abs(first) @ np.abs(bra)
    if differ(np.array(found), change, slack, terms.sum()):
        return (
            f"with all heads silenced the score changes by {change:.6g}, its first numbers add "
            f"up to {found:.6g}"
        )


def _adds_up(args, answer, slack):
    first, second, rest, bra = args
    change, found = _score(second, rest, bra) - _score(first, rest, bra), float(answer[1].sum())
    terms = (np.abs(first) + np.abs(second)) @ np.abs(bra)
    if differ(np.array(found), change, slack, terms.sum()):
        return (
            f"with all heads exchanged the score changes by {change:.6g}, its second numbers "
            f"add up to {found:.6g}"
        )


def _equal_writes(args, answer, slack):
    first, second, _, bra = args
    for n in np.flatnonzero((first == second).all(axis=1)):
        terms = (np.abs(first) + np.abs(second)).max() * np.abs(bra).sum()
        if differ(answer[1][n : n + 1], 0.0, slack, terms):
            return (
                f"head {n} writes the same in both sentences and still carries "
                f"{answer[1][n]:.6g} when exchanged"
            )


WRONG = """
sign of silencing: the first has the sign of before minus after: silencing takes the write away
    return -first => return first
sign of exchanging: the second has the sign of before minus after: the second sentence's write \
    comes, the first one's goes
    second - first => first - second
both signs: it is before minus after: the change is the new score minus the old one
    return -first => return first
    second - first => first - second
second only: the second is bra . second_h alone: in exchange, the first sentence's own write goes
    (second - first) => second
second silenced: it silences the second sentence's writes: it is the first sentence's score that \
    changes
    return -first => return -second
sentences swapped: the two sentences have changed roles: the score is that of the first
    return -first => return -second
    second - first => first - second
all exchanged: the second exchanges all heads at once: one alone, the others as they were
    (second - first) @ bra => np.full(len(first), (second - first).sum(axis=0) @ bra)
all silenced: the first silences all heads at once: one alone, the others as they were
    -first @ bra => np.full(len(first), -first.sum(axis=0) @ bra)
all at once: all heads are changed at once: one alone, the others as they were
    -first @ bra => np.full(len(first), -first.sum(axis=0) @ bra)
    (second - first) @ bra => np.full(len(first), (second - first).sum(axis=0) @ bra)
one after another: heads changed before are not put back: each one alone, the others as they were
    -first @ bra => -np.cumsum(first @ bra)
    (second - first) @ bra => np.cumsum((second - first) @ bra)
others silenced: the first silences all heads but one: silence this one, keep the others
    -first @ bra => first @ bra - first.sum(axis=0) @ bra
scores: it is the score afterwards: its change is asked, so take off the score before
    return => before = bra @ (rest + first.sum(axis=0)); return
    -first @ bra => before - first @ bra
    (second - first) @ bra => before + (second - first) @ bra
rest forgotten: the rest is left out of the score afterwards: it is in both scores, and cancels
    -first @ bra => -first @ bra - rest @ bra
    (second - first) @ bra => (second - first) @ bra - rest @ bra
shares: it is divided by the score: the change itself is asked
    return => score = bra @ (rest + first.sum(axis=0)); return
    -first @ bra => -first @ bra / score
    (second - first) @ bra => (second - first) @ bra / score
added over heads: it is added over the heads: one number for each is asked, [h]
    -first @ bra => -(first @ bra).sum()
    (second - first) @ bra => ((second - first) @ bra).sum()
not measured: it is the change of the state, [h, d]: the score changes by bra . that
    -first @ bra => -first
    (second - first) @ bra => second - first
order: the two arrays are right but in the wrong order: return silencing first
    -first @ bra, (second - first) @ bra => (second - first) @ bra, -first @ bra
"""

EXERCISE = Exercise(
    title="Silencing a head, exchanging its write",
    reference=exchange,
    cases=_exchange_cases,
    wrong=mistakes(exchange, WRONG),
    laws=(
        Law("silence adds up", _alone_if_silent),
        Law("exchange adds up", _adds_up),
        Law("equal writes", _equal_writes),
    ),
    hints=(
        "The score is a sum: what is left of it when one term is gone, and what if another takes "
        "its place?",
        "score = bra . rest + sum_h bra . first_h: silencing h changes it by -bra . first_h, "
        "exchanging it by bra . (second_h - first_h).",
        "silenced = -first @ bra",
    ),
    minutes=12,
    level="stretch",
    parts=2,
    spared=PLAIN,
)

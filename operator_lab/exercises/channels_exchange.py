"""The last exercise of notebook 04: what a head carries, asked in two ways (paper III.4).

The score of a sentence is bra . state at the last position; the state is the sum of what the heads
write there and the rest.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def exchange(first, second, rest, bra):
    """Change of the score when a head is silenced, and when its write is exchanged, one a head."""
    return -first @ bra, (second - first) @ bra


def _exchange_probes(rng):
    for h, d, size in ((3, 4, 1.0), (2, 5, 20.0), (4, 3, 1.0), (3, 3, 1e3), (1, 4, 1.0)):
        first, second = size * rng.normal(size=(2, h, d)) + size
        if h > 2:
            second[1] = first[1]
        rest, bra = 3 * size * rng.normal(size=d), rng.normal(size=d) + 0.5
        same = ", head 1 writes the same in both" if h > 2 else ""
        label = f"{h} head{'s' if h > 1 else ''}, d = {d}, writes about {size:g}{same}"
        yield Probe((first, second, rest, bra), label)


def _score(writes, rest, bra):
    return bra @ (rest + np.sum(writes, axis=0))


def _one_at_a_time(first, second, rest, bra):
    before, pairs = _score(first, rest, bra), []
    for n, (_, new) in enumerate(zip(first, second, strict=True)):
        without = np.delete(first, n, axis=0)
        pairs.append((_score(without, rest, bra), _score([*without, new], rest, bra)))
    silent, swapped = np.transpose(pairs) - before
    return silent, swapped


def _all_at_once(first, second, rest, bra):
    one = np.eye(len(first))[:, :, None]  # [which head is changed, head, feature]
    before = bra @ (rest + first.sum(axis=0))
    silent = np.einsum("nhd,d->n", first * (1 - one), bra) + rest @ bra
    swapped = np.einsum("nhd,d->n", first + one * (second - first), bra) + rest @ bra
    return silent - before, swapped - before


def _for_every_head(first, number):
    return np.full(len(first), number)


def _alone_if_silent(args, answer, slack):
    first, _, rest, bra = args
    change, found = bra @ rest - _score(first, rest, bra), float(answer[0].sum())
    terms = np.abs(first) @ np.abs(bra)
    if differ(np.array(found), change, slack, terms.sum()):
        return f"with all heads silenced the score changes by {change:.3g}, its first numbers add "\
               f"up to {found:.3g}"


def _adds_up(args, answer, slack):
    first, second, rest, bra = args
    change, found = _score(second, rest, bra) - _score(first, rest, bra), float(answer[1].sum())
    terms = (np.abs(first) + np.abs(second)) @ np.abs(bra)
    if differ(np.array(found), change, slack, terms.sum()):
        return f"with all heads exchanged the score changes by {change:.3g}, its second numbers "\
               f"add up to {found:.3g}"


def _equal_writes(args, answer, slack):
    first, second, _, bra = args
    for n in np.flatnonzero((first == second).all(axis=1)):
        terms = (np.abs(first) + np.abs(second)).max() * np.abs(bra).sum()
        if differ(answer[1][n : n + 1], 0.0, slack, terms):
            return f"head {n} writes the same in both sentences and still carries "\
                   f"{answer[1][n]:.3g} when exchanged"


EXCHANGE = Exercise(
    name="channels.exchange",
    title="Silencing a head, exchanging its write",
    reference=exchange,
    alternatives=(
        lambda first, second, rest, bra: (-np.einsum("hd,d->h", first, bra),
                                          np.einsum("hd,d->h", second - first, bra)),
        _one_at_a_time,
        _all_at_once,
    ),
    wrong=(
        Wrong("sign of silencing", lambda first, second, rest, bra:
              (first @ bra, (second - first) @ bra),
              "the first has the sign of before minus after: silencing takes the write away"),
        Wrong("sign of exchanging", lambda first, second, rest, bra:
              (-first @ bra, (first - second) @ bra),
              "the second has the sign of before minus after: the second sentence's write comes, "
              "the first one's goes"),
        Wrong("both signs", lambda first, second, rest, bra:
              (first @ bra, (first - second) @ bra),
              "it is before minus after: the change is the new score minus the old one"),
        Wrong("second only", lambda first, second, rest, bra: (-first @ bra, second @ bra),
              "the second is bra . second_h alone: in exchange, the first sentence's own write "
              "goes"),
        Wrong("second silenced", lambda first, second, rest, bra:
              (-second @ bra, (second - first) @ bra),
              "it silences the second sentence's writes: it is the first sentence's score that "
              "changes"),
        Wrong("sentences swapped", lambda first, second, rest, bra:
              (-second @ bra, (first - second) @ bra),
              "the two sentences have changed roles: the score is that of the first"),
        Wrong("all exchanged", lambda first, second, rest, bra:
              (-first @ bra, _for_every_head(first, (second - first).sum(axis=0) @ bra)),
              "the second exchanges all heads at once: one alone, the others as they were"),
        Wrong("all silenced", lambda first, second, rest, bra:
              (_for_every_head(first, -first.sum(axis=0) @ bra), (second - first) @ bra),
              "the first silences all heads at once: one alone, the others as they were"),
        Wrong("all at once", lambda first, second, rest, bra:
              (_for_every_head(first, -first.sum(axis=0) @ bra),
               _for_every_head(first, (second - first).sum(axis=0) @ bra)),
              "all heads are changed at once: one alone, the others as they were"),
        Wrong("one after another", lambda first, second, rest, bra:
              (-np.cumsum(first @ bra), np.cumsum((second - first) @ bra)),
              "heads changed before are not put back: each one alone, the others as they were"),
        Wrong("others silenced", lambda first, second, rest, bra:
              (first @ bra - first.sum(axis=0) @ bra, (second - first) @ bra),
              "the first silences all heads but one: silence this one, keep the others"),
        Wrong("scores", lambda first, second, rest, bra:
              (_score(first, rest, bra) - first @ bra,
               _score(first, rest, bra) + (second - first) @ bra),
              "it is the score afterwards: its change is asked, so take off the score before"),
        Wrong("rest forgotten", lambda first, second, rest, bra:
              (-first @ bra - rest @ bra, (second - first) @ bra - rest @ bra),
              "the rest is left out of the score afterwards: it is in both scores, and cancels"),
        Wrong("shares", lambda first, second, rest, bra:
              (-first @ bra / _score(first, rest, bra),
               (second - first) @ bra / _score(first, rest, bra)),
              "it is divided by the score: the change itself is asked"),
        Wrong("added over heads", lambda first, second, rest, bra:
              (-(first @ bra).sum(), ((second - first) @ bra).sum()),
              "it is added over the heads: one number for each is asked, [h]"),
        Wrong("not measured", lambda first, second, rest, bra: (-first, second - first),
              "it is the change of the state, [h, d]: the score changes by bra . that"),
        Wrong("order", lambda first, second, rest, bra: exchange(first, second, rest, bra)[::-1],
              "the two arrays are right but in the wrong order: return silencing first"),
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
    laws=(
        Law("silence adds up", _alone_if_silent),
        Law("exchange adds up", _adds_up),
        Law("equal writes", _equal_writes),
    ),
    probes=_exchange_probes,
    parts=2,
)  # fmt: skip

EXERCISES = (EXCHANGE,)

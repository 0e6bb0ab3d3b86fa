"""The layer where the belief is complete (notebook 07; paper V).

A belief is found where an affine read-out, fitted on some texts, says it of others.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def completes(states, belief):
    """The first step after which the belief can be read, with what is known of even texts.

    states [S, n, d], belief [n, k]. After each step an affine read-out is fitted by least squares
    to texts 0, 2, 4, ... and judged on texts 1, 3, 5, ...: the share of the variance that it
    explains, 1 - |belief - read|^2 / |belief - its mean over the judged texts|^2. The first step
    with a share of at least 0.9, and -1 where there is none.
    """
    share = []
    for x in states:
        known = np.column_stack([x, np.ones(len(x))])
        W = np.linalg.lstsq(known[::2], belief[::2], rcond=None)[0]
        true = belief[1::2]
        off, spread = true - known[1::2] @ W, true - true.mean(axis=0)
        share.append(1 - (off**2).sum() / (spread**2).sum())
    complete = [s for s, explained in enumerate(share) if explained >= 0.9]
    return complete[0] if complete else -1


def _states(rng, S, n, d, k, first, loud):
    """States that hold a belief linearly from step `first` on, and before it only in part.

    Before, they hold its square, a noisy copy, or the belief of the texts to fit only.
    """
    belief = rng.dirichlet(np.ones(k + 1), size=n)[:, :k]
    frame = rng.normal(size=(k, d)) * np.sqrt(d)
    states = rng.normal(size=(S, n, d))
    for s in range(S):
        if s >= first:
            states[s] += loud * 3 * (belief - belief.mean(axis=0)) @ frame
        elif s == first - 1:
            states[s] += 1.8 * belief @ frame / np.sqrt(d)
        elif s == first - 2:
            states[s, ::2] += loud * 3 * belief[::2] @ frame
    return states, belief


def _unlike(rng):
    """Beliefs whose numbers, and texts whose halves, are not alike; four steps, whole at the last.

    After the second step the share is high only by another count than the one that is asked.
    """
    n, late = 2000, 3
    b, noise = rng.normal(size=(n, 2)), rng.normal(size=(n, 1))

    def made(belief, after_second, label):
        states = rng.normal(size=(4, n, 4))
        for step, held in ((1, after_second), (late, belief)):
            states[step, :, : held.shape[1]] = held
        return Case((states, belief), f"4 steps, {label}")

    apart = b + [0, 30]
    yield made(apart, apart + 0.8 * noise * [1, -1], "two numbers with means apart")
    uneven = b * [1, 0.05]
    yield made(uneven, uneven[:, :1], "two numbers, one of them hardly moves")
    fainter = uneven + 0.05 * 0.42 * noise * [0, 1]
    yield made(uneven, fainter, "two numbers, one hardly moves and is a little faint")
    three = np.hstack([b, rng.normal(size=(n, 1))])
    yield made(three, three + noise * [0, 0, 1], "three numbers, one of them faint")
    for size in (0.42, 0.65):
        whole, part = b[:, :1], size * b[:, 1:]
        part[::2] = 0  # of it the even texts teach nothing
        label = f"something moves in odd texts alone, {size:g} times as far"
        yield made(whole + part, np.hstack([whole, part]), label)
    moved, seen = b[:, :1].copy(), b[:, :1].copy()
    moved[1::2] += 4
    yield made(moved, moved + 0.5 * noise, "odd texts with another mean")
    seen[1::2] += 1
    yield made(b[:, :1], seen, "after the second odd texts are read with an offset")


def _completes_cases(rng):
    for S, n, d, k, first in (
        (5, 200, 4, 2, 3),
        (9, 300, 6, 3, 4),
        (3, 120, 3, 1, 0),
        (4, 160, 4, 3, 2),
    ):
        states, belief = _states(rng, S, n, d, k, first, 8.0)
        yield Case((states, belief), f"{S} steps, {n} texts, d = {d}, {k} numbers to a belief")
    states, belief = _states(rng, 4, 90, 40, 2, 3, 8.0)
    yield Case((states, belief), "4 steps, 90 texts, d = 40")
    states, belief = _states(rng, 6, 200, 4, 2, 1, 8.0)
    states[3:] = rng.normal(size=(3, 200, 4))
    yield Case((states, belief), "6 steps, and from the fourth on nothing is left of the belief")
    # told apart: one number of two, nine tenths from both sides, texts in two halves
    states, belief = _states(rng, 5, 400, 4, 2, 3, 8.0)
    states[1] = rng.normal(size=(400, 4)) + 300 * belief[:, :1]
    yield Case((states, belief), "5 steps, after the second the first number alone")
    for share in (0.86, 0.93):
        states, belief = _states(rng, 4, 4000, 4, 1, 3, 8.0)
        b = (belief - belief.mean()) / belief.std()
        states[1] = rng.normal(size=(4000, 4))
        states[1, :, :1] = b + np.sqrt(1 / share - 1) * rng.normal(size=b.shape)
        yield Case((states, belief), f"4 steps, a share of {share:g} after the second")
    yield from _unlike(rng)
    states, belief = _states(rng, 12, 200, 4, 2, 10, 8.0)
    yield Case((states, belief), "12 steps")
    states, belief = _states(rng, 3, 200, 4, 2, 5, 8.0)
    yield Case((states, belief), "3 steps, and the belief is never complete")
    states, belief = _states(rng, 4, 200, 4, 2, 2, 8.0)
    yield Case((1e-8 * states, 1e8 * belief), "4 steps, states about 1e-8, beliefs about 1e8")
    states, belief = _states(rng, 3, 200, 4, 2, 1, 8.0)
    states[:, :100], belief[:100] = states[:, :1], belief[0]
    yield Case((states, belief), "3 steps, the first hundred texts alike")
    states, belief = _states(rng, 4, 200, 4, 2, 2, 8.0)
    yield Case((1e8 * states, 1e-8 * belief), "4 steps, states about 1e8, beliefs about 1e-8")
    yield Case((states, belief + 2), "4 steps, numbers about 2")
    states[:, 8], belief[8] = states[:, 6], belief[6]
    single = np.float32(states + 5000)
    yield Case((single, belief), "4 steps, states in float32 about 5000, two texts alike")


def _shares(args):
    states, belief = args
    found = []
    for x in states:
        known = np.column_stack([x, np.ones(len(x))])
        W = np.linalg.pinv(known[::2]) @ belief[::2]
        true = belief[1::2]
        rest = ((true - known[1::2] @ W) ** 2).sum() / ((true - true.mean(axis=0)) ** 2).sum()
        found.append(1 - rest)
    return np.array(found)


def _a_step(args, answer, slack):
    S = len(args[0])
    if answer != np.rint(answer) or not -1 <= answer < S:
        return f"it names no step: they count from 0 to {S - 1}, and -1 is none"


def _read_there(args, answer, slack):
    if _a_step(args, answer, slack):
        return None
    share = _shares(args)
    s = int(answer)
    if s < 0:
        best = int(share.argmax())
        said = f"it finds none, and after step {best} a read-out explains {share[best]:.6g}"
        return said if share[best] >= 0.9 else None
    if share[s] < 0.9:
        return f"after step {s} a read-out explains {share[s]:.6g} of texts it has not seen"
    if (share[:s] >= 0.9).any():
        first = int(np.flatnonzero(share >= 0.9)[0])
        return f"after step {first} already it explains {share[first]:.6g} of texts it has not seen"


WRONG = """
judged on what it knows: it names the step where the texts that were fitted are read: with many \
    features anything fits, judge on the others
    belief[1::2] => belief[::2]
    known[1::2] @ W => known[::2] @ W
judged on all: it names the step where all texts are read, those that were fitted among them: \
    judge on the others
    belief[1::2] => belief
    known[1::2] @ W => known @ W
fitted to all: it names the step that a fit to all texts gives, those to judge among them
    known[::2], belief[::2] => known, belief
the other half: it fits to odd texts and judges on even ones: the even ones are known
    true = belief[1::2] => true = belief[::2]
    true - known[1::2] => true - known[::2]
    lstsq(known[::2], belief[::2] => lstsq(known[1::2], belief[1::2]
no offset: it names the step that a read-out without an offset gives: an affine one is asked, \
    x W + c
    np.column_stack([x, np.ones(len(x))]) => x
best: it is the step after which most can be read: the first with a share of at least 0.9 is asked
    complete[0] if complete else -1 => int(np.argmax(share))
last: it is the last step after which it can be read: the first is asked
    complete[0] => complete[-1]
from 1: it counts the steps from 1: index 0 is the state before the first step
    complete[0] if => complete[0] + 1 if
half: it names the first step where half of the variance is explained: at least 0.9 of it
    >= 0.9 => >= 0.5
largest change: it is the step at which the share grows most
    complete[0] if complete else -1 => int(np.argmax(np.diff(share, prepend=0)))
spread about 0: it names the step that a share of the mean square gives: of the variance, the \
    mean over the texts taken off
    true - true.mean(axis=0) => true
the fit's mean: it takes off the mean over the texts that were fitted: those that are judged have \
    a mean of their own
    true.mean(axis=0) => belief[::2].mean(axis=0)
one mean: it takes one mean off all numbers of the belief: each has its own
    true.mean(axis=0) => true.mean()
each by itself: it is the mean of the shares of each number of the belief: the squares are summed \
    over all before they are divided
    1 - (off**2).sum() / (spread**2).sum() => \
        1 - ((off**2).sum(axis=0) / (spread**2).sum(axis=0)).mean()
spread of the rest: it takes the variance of what is left: what is left all the same, an offset, \
    counts as well
    (off**2).sum() => ((off - off.mean(axis=0)) ** 2).sum()
never: it finds no step where there is one, and gives -1 each time
    complete[0] if complete else -1 => -1
step 0 for none: where there is no such step it gives 0: -1 is asked
    else -1 => else 0
"""

EXERCISE = Exercise(
    title="The layer where the belief is complete",
    reference=completes,
    cases=_completes_cases,
    wrong=mistakes(completes, WRONG),
    laws=(Law("a step", _a_step), Law("read there", _read_there)),
    hints=(
        "A read-out that has seen the answers proves nothing. After which step does one that was "
        "fitted to half of the texts speak truly of the other half?",
        "For each step: least squares of [x, 1] on belief over texts ::2; the share "
        "1 - |off|^2 / |spread|^2 over texts 1::2; the first step where it is at least 0.9.",
        "known = np.column_stack([x, np.ones(len(x))])",
    ),
    minutes=15,
    level="core",
    spared={
        "coincide": "there are always more texts than features, and more of these than steps",
    },
)

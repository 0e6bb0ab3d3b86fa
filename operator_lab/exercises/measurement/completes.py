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
    with a share of at least 0.9; one exists.
    """
    share = []
    for x in states:
        known = np.column_stack([x, np.ones(len(x))])
        W = np.linalg.lstsq(known[::2], belief[::2], rcond=None)[0]
        true = belief[1::2]
        off, spread = true - known[1::2] @ W, true - true.mean(axis=0)
        share.append(1 - (off**2).sum() / (spread**2).sum())
    return int(np.flatnonzero(np.array(share) >= 0.9)[0])


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
    for share in (0.85, 0.95):
        states, belief = _states(rng, 4, 400, 4, 1, 3, 8.0)
        b = (belief - belief.mean()) / belief.std()
        states[1] = rng.normal(size=(400, 4))
        states[1, :, :1] = b + np.sqrt(1 / share - 1) * rng.normal(size=b.shape)
        yield Case((states, belief), f"4 steps, a share of {share:g} after the second")
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
    if answer != np.rint(answer) or not 0 <= answer < S:
        return f"it names no step: they count from 0 to {S - 1}"


def _read_there(args, answer, slack):
    if _a_step(args, answer, slack):
        return None
    share = _shares(args)
    s = int(answer)
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
fitted to all: it names the step that a fit to all texts gives, those to judge among them
    known[::2], belief[::2] => known, belief
no offset: it names the step that a read-out without an offset gives: an affine one is asked, \
    x W + c
    np.column_stack([x, np.ones(len(x))]) => x
best: it is the step after which most can be read: the first with a share of at least 0.9 is asked
    np.flatnonzero(np.array(share) >= 0.9)[0] => np.argmax(share)
last: it is the last step after which it can be read: the first is asked
    0.9)[0] => 0.9)[-1]
from 1: it counts the steps from 1: index 0 is the state before the first step
    0.9)[0]) => 0.9)[0]) + 1
half: it names the first step where half of the variance is explained: at least 0.9 of it
    >= 0.9 => >= 0.5
largest change: it is the step at which the share grows most
    np.flatnonzero(np.array(share) >= 0.9)[0] => np.argmax(np.diff(share, prepend=0))
spread about 0: it names the step that a share of the mean square gives: of the variance, the \
    mean over the texts taken off
    true - true.mean(axis=0) => true
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

"""What the state would be read as after every step (notebook 07; paper V).

States are rows; a law gives each word of the vocabulary a probability, row by row.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes, short


def lens(states, gain, W_U, eps):
    """What each state [S, N, d] would be read as: softmax over words [S, N, V] after the norm.

    z = W_U (gain * (x - mean) / sqrt(var + eps)), mean and variance over the features.
    """
    centred = states - states.mean(axis=-1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    z = (gain * centred / sigma) @ W_U.T
    w = np.exp(z - z.max(axis=-1, keepdims=True))
    return w / w.sum(axis=-1, keepdims=True)


def _lens_cases(rng):
    sizes = (
        (2, 3, 5, 4, 1.0, 0.0, 1e-5),
        (3, 4, 4, 4, 2.0, 5.0, 0.5),
        (5, 2, 3, 6, 3e-3, 0.0, 1e-5),
        (1, 1, 6, 3, 0.1, 30.0, 1e-2),
    )
    for S, N, d, V, size, offset, eps in sizes:
        states = size * rng.normal(size=(S, N, d)) + offset * rng.normal(size=(S, N, 1))
        gain = rng.uniform(0.4, 2, size=d) * rng.choice([-1, 1], size=d)
        label = f"S = {S}, N = {N}, d = {d}, V = {V}, x of size {size:g}, eps = {eps:g}"
        yield Case((states, gain, rng.normal(size=(V, d)), eps), label)
    states = rng.normal(size=(3, 2, 4))
    states[1, 0] = 2.5  # no variance: eps alone keeps this state finite
    gain, W_U = rng.uniform(0.5, 2, size=4), rng.normal(size=(5, 4)) + 1
    yield Case((states, gain, W_U, 1e-3), "one state with all features equal, eps = 0.001")
    yield Case((states, 700 * gain, W_U, 1e-3), "gains of about 1000")
    for S, N, d, V, size, eps in (
        (1, 1, 1, 1, 1.0, 0.1),
        (3, 3, 4, 5, 1e-9, 3e-19),
        (2, 3, 3, 2, 1e8, 1e-5),
        (4, 3, 2, 2, 1.0, 1e-5),
        (4, 2, 4, 3, 1.0, 1e-5),
        (4, 3, 5, 4, 1.0, 1e-5),
        (2, 50, 45, 41, 1.0, 1e-5),
    ):
        states, W_U = size * rng.normal(size=(S, N, d)), rng.normal(size=(V, d))
        states[-1, -1], W_U[-1] = states[0, 0], W_U[0]
        label = f"S = {S}, N = {N}, d = {d}, V = {V}, two words alike, x of size {size:g}"
        yield Case((states, rng.uniform(0.4, 2, size=d), W_U, eps), label)
    states = np.float32(rng.normal(size=(2, 3, 5)) + 1000)
    gain, W_U = rng.uniform(0.5, 2, size=5), rng.normal(size=(4, 5))
    yield Case((states, gain, W_U, 1e-5), "states in float32, all features about 1000")
    states = rng.integers(-2, 4, size=(20, 2, 3)) + [0.0, 0.5, 1.0]
    gain, W_U = np.array([1.0, 0.0, -2.0]), rng.integers(-2, 3, size=(4, 3)) * 1.0
    yield Case((states, gain, W_U, 1e-5), "20 steps, whole numbers, one gain 0")
    for size in (1e-8, 1e8):
        yield Case(
            (states, size * gain, W_U / size, 1e-5), f"gains about {size:g}, W_U the inverse"
        )


def _adds_up(args, answer, slack):
    total = answer.sum(axis=-1)
    if np.abs(total - 1).max() > slack:
        return f"its laws do not add up to one ({short(total.min())} ... {short(total.max())})"


def _never_negative(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its probabilities are negative (down to {answer.min():.6g})"


def _nothing_to_read(args, answer, slack):
    flat = np.ptp(args[0], axis=-1) == 0
    if np.abs(answer[flat] - 1 / len(args[2])).max(initial=0) > slack:
        return "for a state with all features equal it does not give every word 1/V"


WRONG = """
no norm: the final norm is left out: W_U reads gain (x - mean) / sqrt(var + eps), not x
    (gain * centred / sigma) => states
gain alone: of the final norm only the gain is there: mean and variance are not taken care of
    centred / sigma => states
gain forgotten: the gain of the final norm is left out
    gain * centred => centred
RMS: the mean is not removed, neither above nor below the line: this is RMSNorm
    states - states.mean(axis=-1, keepdims=True) => states
mean kept: the mean is not subtracted above the line: gain (x - mean) / sqrt(var + eps)
    gain * centred => gain * states
only centred: the mean is removed, but nothing is divided by sqrt(var + eps)
    centred / sigma => centred
over positions: mean and variance are taken over the positions (axis 1): every state has its own, \
    over the features, axis -1
    states.mean(axis=-1 => states.mean(axis=1
    (centred**2).mean(axis=-1 => (centred**2).mean(axis=1
over steps: mean and variance are taken over the steps (axis 0): every state has its own, over \
    the features, axis -1
    states.mean(axis=-1 => states.mean(axis=0
    (centred**2).mean(axis=-1 => (centred**2).mean(axis=0
over everything: mean and variance are taken over the whole array, one number each: every state \
    has its own, over the features, axis -1
    states.mean(axis=-1, keepdims=True) => states.mean()
    (centred**2).mean(axis=-1, keepdims=True) => (centred**2).mean()
softmax over positions: the softmax runs over the positions (axis 1): the words share one, axis \
    -1
    z.max(axis=-1 => z.max(axis=1
    w.sum(axis=-1 => w.sum(axis=1
softmax over steps: the softmax runs over the steps (axis 0): the words share one, axis -1
    z.max(axis=-1 => z.max(axis=0
    w.sum(axis=-1 => w.sum(axis=0
logits: it returns the logits z: the law is their softmax
    w / w.sum(axis=-1, keepdims=True) => z
logarithm: it is the logarithm of the law: take exp
    w / w.sum(axis=-1, keepdims=True) => z - np.logaddexp.reduce(z, axis=-1)[..., None]
eps outside: eps stands outside the root: sqrt(var + eps), not sqrt(var) + eps
    keepdims=True) + eps) => keepdims=True)) + eps
no eps: eps is left out: where the variance is small, or zero, it decides
    keepdims=True) + eps) => keepdims=True))
no root: it divides by var + eps: the root is missing
    np.sqrt((centred**2) => ((centred**2)
ddof: the variance is taken with 1/(d-1) (ddof=1): the norm divides by d
    (centred**2).mean(axis=-1, => states.var(axis=-1, ddof=1,
overflow: right while z is moderate, but exp(z) overflows and inf/inf is NaN: subtract the \
    largest z of each row first
    z - z.max(axis=-1, keepdims=True) => z
not normalised: its probabilities are right up to Z: divide each row by its sum over the words
    w / w.sum(axis=-1, keepdims=True) => w
last step: it reads the last state alone: one law after every step is asked, [S, N, V]
    w / w.sum(axis=-1, keepdims=True) => (w / w.sum(axis=-1, keepdims=True))[-1]
"""

EXERCISE = Exercise(
    title="What the state would be read as after every step",
    reference=lens,
    cases=_lens_cases,
    wrong=mistakes(lens, WRONG),
    laws=(
        Law("adds up to one", _adds_up),
        Law("never negative", _never_negative),
        Law("nothing to read", _nothing_to_read),
    ),
    hints=(
        "Take any state for the last one: it goes through the final norm, W_U and the softmax, all "
        "steps and positions at once. Which axis are the features?",
        "z = W_U (gain (x - mean) / sqrt(var + eps)); law = exp(z) / sum over words of exp(z), "
        "with the largest z subtracted first.",
        "centred = states - states.mean(axis=-1, keepdims=True)",
    ),
    minutes=12,
    level="core",
)

"""The first exercise of notebook 07: what is measured, after every step (paper V).

States are rows; a law gives each word of the vocabulary a probability, row by row.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .mixing import softmax


def lens(states, gain, W_U, eps):
    """What each state [S, N, d] would be read as: softmax over words [S, N, V] after the norm.

    z = W_U (gain * (x - mean) / sqrt(var + eps)), mean and variance over the features.
    """
    centred = states - states.mean(axis=-1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    z = (gain * centred / sigma) @ W_U.T
    w = np.exp(z - z.max(axis=-1, keepdims=True))
    return w / w.sum(axis=-1, keepdims=True)


def _lens_probes(rng):
    sizes = ((2, 3, 5, 4, 1.0, 0.0, 1e-5), (3, 4, 4, 4, 2.0, 5.0, 0.5),
             (5, 2, 3, 6, 3e-3, 0.0, 1e-5), (1, 1, 6, 3, 0.1, 30.0, 1e-2))  # fmt: skip
    for S, N, d, V, size, offset, eps in sizes:
        states = size * rng.normal(size=(S, N, d)) + offset * rng.normal(size=(S, N, 1))
        gain = rng.uniform(0.4, 2, size=d) * rng.choice([-1, 1], size=d)
        label = f"S = {S}, N = {N}, d = {d}, V = {V}, x of size {size:g}, eps = {eps:g}"
        yield Probe((states, gain, rng.normal(size=(V, d)), eps), label)
    states = rng.normal(size=(3, 2, 4))
    states[1, 0] = 2.5  # no variance: eps alone keeps this state finite
    gain, W_U = rng.uniform(0.5, 2, size=4), rng.normal(size=(5, 4)) + 1
    yield Probe((states, gain, W_U, 1e-3), "one state with all features equal, eps = 0.001")
    yield Probe((states, 700 * gain, W_U, 1e-3), "gains of about 1000")


def _centred(x, axis=-1):
    return x - x.mean(axis=axis, keepdims=True)


def _normed(x, eps, axis=-1):
    return _centred(x, axis) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


def _shares(w, axis=-1):
    return w / w.sum(axis=axis, keepdims=True)


def _logits(states, gain, W_U, eps):
    return gain * _normed(states, eps) @ W_U.T


def _read(norm):
    """Return the lens in which `norm(x, eps)` takes the place of (x - mean) / sqrt(var + eps)."""
    return lambda states, gain, W_U, eps: softmax(gain * norm(states, eps) @ W_U.T, -1)


def _from(law):
    """Return the lens in which `law(z)` takes the place of the softmax."""
    return lambda states, gain, W_U, eps: law(_logits(states, gain, W_U, eps))


def _lens_loop(states, gain, W_U, eps):
    out = np.empty((*states.shape[:2], len(W_U)))
    for s, sentence in enumerate(states):
        for n, x in enumerate(sentence):
            mean = sum(x) / len(x)
            sigma = (sum((x - mean) ** 2) / len(x) + eps) ** 0.5
            z = [sum(u * gain * (x - mean)) / sigma for u in W_U]
            w = [np.exp(a - max(z)) for a in z]
            out[s, n] = [a / sum(w) for a in w]
    return out


def _lens_by_index(states, gain, W_U, eps):
    d = states.shape[-1]
    c = np.einsum("snd,de->sne", states, np.eye(d) - 1 / d)
    sigma = np.sqrt(np.einsum("snd,snd->sn", c, c) / d + eps)
    z = np.einsum("vd,d,snd->snv", W_U, gain, c) / sigma[..., None]
    return np.exp(z - np.logaddexp.reduce(z, axis=-1)[..., None])


def _adds_up(args, answer, slack):
    total = answer.sum(axis=-1)
    if np.abs(total - 1).max() > slack:
        return f"its laws do not add up to one ({total.min():.3g} ... {total.max():.3g})"


def _never_negative(args, answer, slack):
    if answer.min() < -slack:
        return f"some of its probabilities are negative (down to {answer.min():.3g})"


def _nothing_to_read(args, answer, slack):
    flat = np.ptp(args[0], axis=-1) == 0
    if np.abs(answer[flat] - 1 / len(args[2])).max(initial=0) > slack:
        return "for a state with all features equal it does not give every word 1/V"


LENS = Exercise(
    name="measurement.lens",
    title="What the state would be read as after every step",
    reference=lens,
    alternatives=(
        _lens_loop,
        _lens_by_index,
        lambda states, gain, W_U, eps: softmax(_normed(states, eps) @ (W_U * gain).T, -1),
    ),
    wrong=(
        Wrong("no norm", lambda states, gain, W_U, eps: softmax(states @ W_U.T, -1),
              "the final norm is left out: W_U reads gain (x - mean) / sqrt(var + eps), not x"),
        Wrong("gain alone", _read(lambda x, eps: x),
              "of the final norm only the gain is there: mean and variance are not taken care of"),
        Wrong("gain forgotten", lambda states, gain, W_U, eps: softmax(_normed(states, eps)
              @ W_U.T, -1),
              "the gain of the final norm is left out"),
        Wrong("RMS", _read(lambda x, eps: x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)),
              "the mean is not removed, neither above nor below the line: this is RMSNorm"),
        Wrong("mean kept", _read(lambda x, eps: x / np.sqrt(x.var(-1, keepdims=True) + eps)),
              "the mean is not subtracted above the line: gain (x - mean) / sqrt(var + eps)"),
        Wrong("only centred", _read(lambda x, eps: _centred(x)),
              "the mean is removed, but nothing is divided by sqrt(var + eps)"),
        Wrong("over positions", _read(lambda x, eps: _normed(x, eps, axis=1)),
              "mean and variance are taken over the positions (axis 1): every state has its own, "
              "over the features, axis -1"),
        Wrong("over steps", _read(lambda x, eps: _normed(x, eps, axis=0)),
              "mean and variance are taken over the steps (axis 0): every state has its own, over "
              "the features, axis -1"),
        Wrong("over everything", _read(lambda x, eps: (x - x.mean()) / np.sqrt(x.var() + eps)),
              "mean and variance are taken over the whole array, one number each: every state has "
              "its own, over the features, axis -1"),
        Wrong("softmax over positions", _from(lambda z: softmax(z, axis=1)),
              "the softmax runs over the positions (axis 1): the words share one, axis -1"),
        Wrong("softmax over steps", _from(lambda z: softmax(z, axis=0)),
              "the softmax runs over the steps (axis 0): the words share one, axis -1"),
        Wrong("logits", _from(lambda z: z),
              "it returns the logits z: the law is their softmax"),
        Wrong("logarithm", _from(lambda z: z - np.logaddexp.reduce(z, axis=-1)[..., None]),
              "it is the logarithm of the law: take exp"),
        Wrong("eps outside", _read(lambda x, eps: _centred(x) / (x.std(-1, keepdims=True) + eps)),
              "eps stands outside the root: sqrt(var + eps), not sqrt(var) + eps"),
        Wrong("no eps", _read(lambda x, eps: _normed(x, 0)),
              "eps is left out: where the variance is small, or zero, it decides"),
        Wrong("no root", _read(lambda x, eps: _centred(x) / (x.var(-1, keepdims=True) + eps)),
              "it divides by var + eps: the root is missing"),
        Wrong("ddof", _read(lambda x, eps: _centred(x) / np.sqrt(x.var(-1, ddof=1, keepdims=True)
              + eps)),
              "the variance is taken with 1/(d-1) (ddof=1): the norm divides by d"),
        Wrong("overflow", _from(lambda z: _shares(np.exp(z))),
              "right while z is moderate, but exp(z) overflows and inf/inf is NaN: subtract the "
              "largest z of each row first"),
        Wrong("not normalised", _from(lambda z: np.exp(z - z.max(-1, keepdims=True))),
              "its probabilities are right up to Z: divide each row by its sum over the words"),
        Wrong("last step", lambda states, gain, W_U, eps: lens(states, gain, W_U, eps)[-1],
              "it reads the last state alone: one law after every step is asked, [S, N, V]"),
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
    laws=(
        Law("adds up to one", _adds_up),
        Law("never negative", _never_negative),
        Law("nothing to read", _nothing_to_read),
    ),
    probes=_lens_probes,
)  # fmt: skip

EXERCISES = (LENS,)

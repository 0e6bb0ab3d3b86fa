"""Other right answers to measurement.lens."""

from __future__ import annotations

import numpy as np


def _centred(x, axis=-1):
    return x - x.mean(axis=axis, keepdims=True)


def _normed(x, eps, axis=-1):
    return _centred(x, axis) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


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


def softmax(z, axis=1):
    """Return exp(z) shared out along an axis."""
    w = np.exp(z - z.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


RIGHT = (
    _lens_loop,
    _lens_by_index,
    lambda states, gain, W_U, eps: softmax(_normed(states, eps) @ (W_U * gain).T, -1),
)

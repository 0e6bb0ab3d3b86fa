"""Other right answers to one_hot.bayes."""

from __future__ import annotations

import math

import numpy as np


def softmax(z, axis=1):
    """Return exp(z) shared out along an axis."""
    w = np.exp(z - z.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


def _log(x):
    with np.errstate(divide="ignore"):  # log 0 = -inf is meant
        return np.log(x)


def _words(likelihood):
    return np.cumsum(_log(likelihood), axis=0)


def _each_from_the_start(prior, likelihood):
    rows = []
    for t in range(len(likelihood)):
        terms = np.vstack([prior, likelihood[: t + 1]])
        scaled = terms / terms.max(axis=1, keepdims=True)
        logs = _log(scaled).sum(axis=0)
        rows.append(np.exp(logs - np.logaddexp.reduce(logs)))
    return np.array(rows)


def _by_loop(prior, likelihood):
    logs, rows = [math.log(b) if b else -math.inf for b in prior], []
    for word in likelihood:
        logs = [b + (math.log(f) if f else -math.inf) for b, f in zip(logs, word, strict=True)]
        most = max(logs)
        total = sum(math.exp(b - most) for b in logs)
        rows.append([math.exp(b - most) / total for b in logs])
    return rows


RIGHT = (
    lambda prior, likelihood: softmax(_log(prior) + _words(likelihood)),
    _each_from_the_start,
    _by_loop,
)

"""The later exercises of notebook 09: Fisher's metric, rotary embeddings.

p is one distribution; queries and keys are rows x[position, feature], turned in pairs (2i, 2i + 1).
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def fisher(p):
    """diag(p) - p p^T: how the weights answer to the logits."""
    return np.diag(p) - np.outer(p, p)


def rotary(x, frequencies):
    """Each pair of features (2i, 2i + 1) of row m turned by the angle m frequencies[i]."""
    angle = np.arange(len(x))[:, None] * frequencies
    even, odd = x[:, 0::2], x[:, 1::2]
    out = np.empty(x.shape)
    out[:, 0::2] = even * np.cos(angle) - odd * np.sin(angle)
    out[:, 1::2] = even * np.sin(angle) + odd * np.cos(angle)
    return out


# --- fisher ------------------------------------------------------------------------------------


def _fisher_probes(rng):
    for n, size in ((2, 1.0), (3, 0.5), (5, 2.0), (7, 1.0)):
        p = rng.dirichlet(np.full(n, size))
        yield Probe((p,), f"{n} levels")
    yield Probe((np.array([0.6, 0.0, 0.4]),), "3 levels, one of them empty")


def _by_loop(p):
    return [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]


def _by_scores(p):
    # the mean over levels of the outer product of d ln p_k / d z
    scores = np.eye(len(p)) - p
    return np.einsum("k,ki,kj->ij", p, scores, scores)


def _kills_one(args, answer, slack):
    if np.abs(answer.sum(axis=1)).max() > slack * np.abs(answer).max():
        return "its rows do not sum to 0: a constant added to all logits changes nothing"


def _symmetric(args, answer, slack):
    if differ(answer, answer.T, slack):
        return "it is not symmetric"


FISHER = Exercise(
    name="thermodynamics.fisher",
    title="How attention weights answer to their logits",
    reference=fisher,
    alternatives=(
        _by_loop,
        _by_scores,
        lambda p: p[:, None] * (np.eye(len(p)) - p),
        lambda p: np.diag(p) @ (np.eye(len(p)) - np.ones((len(p), 1)) * p),
    ),
    wrong=(
        Wrong("diagonal", lambda p: np.diag(p),
              "only the diagonal p_i is there: raising one logit lowers all other weights"),
        Wrong("no diagonal", lambda p: -np.outer(p, p),
              "the diagonal matrix of p is missing: it is diag(p) - p p^T"),
        Wrong("plus", lambda p: np.diag(p) + np.outer(p, p),
              "the products are added: raising one logit lowers the other weights"),
        Wrong("one minus", lambda p: np.eye(len(p)) - np.outer(p, p),
              "its diagonal begins with 1 instead of p_i"),
        Wrong("inverse", lambda p: np.diag(1 / np.maximum(p, 1e-3)),
              "it is the metric diag(1/p) in the weights themselves: in the logits it is "
              "diag(p) - p p^T"),
        Wrong("binary", lambda p: np.diag(p * (1 - p)),
              "its diagonal is right, but the entries -p_i p_j off the diagonal are missing"),
        Wrong("square roots", lambda p: np.eye(len(p)) - np.outer(np.sqrt(p), np.sqrt(p)),
              "it is the projector off sqrt(p): multiply by sqrt(p_i p_j)"),
        Wrong("log", lambda p: np.eye(len(p)) - np.ones((len(p), 1)) * p,
              "it is the derivative of ln p: multiply row i by p_i"),
        Wrong("negative", lambda p: np.outer(p, p) - np.diag(p),
              "its sign is turned round: raising a logit raises its own weight"),
    ),
    hints=(
        "Raise one logit a little: which weight grows, and where does the weight come from?",
        "dp_i/dz_j = p_i (1 - p_i) for i = j, -p_i p_j otherwise.",
        "outer = np.outer(p, p)",
    ),
    minutes=8,
    level="core",
    laws=(Law("blind to a constant", _kills_one), Law("symmetric", _symmetric)),
    probes=_fisher_probes,
)

# --- rotary ------------------------------------------------------------------------------------


def _rotary_probes(rng):
    for N, half in ((3, 1), (5, 2), (4, 3)):
        x, f = rng.normal(size=(N, 2 * half)), rng.uniform(0.2, 1.5, size=half)
        yield Probe((x, f), f"{N} positions, {2 * half} features")
    x = np.ones((6, 4)) * np.array([1.0, 2.0, -1.0, 0.5])
    yield Probe((x, np.array([1.0, 0.1])), "the same 4 features at 6 positions")


def _complex(x, frequencies):
    z = x[:, 0::2] + 1j * x[:, 1::2]
    z = z * np.exp(1j * np.arange(len(x))[:, None] * frequencies)
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


def _by_matrices(x, frequencies):
    rows = []
    for m, row in enumerate(x):
        turned = []
        for i, f in enumerate(frequencies):
            c, s = np.cos(m * f), np.sin(m * f)
            turned += list(np.array([[c, -s], [s, c]]) @ row[2 * i : 2 * i + 2])
        rows.append(turned)
    return np.array(rows)


def _turned(change):
    """A rotary in which `change(angle, even, odd)` gives the two halves of each pair."""

    def rotate(x, frequencies):
        angle = np.arange(len(x))[:, None] * frequencies
        pair = change(angle, x[:, 0::2], x[:, 1::2])
        return np.stack(pair, axis=-1).reshape(x.shape)

    return rotate


def _halves(x, frequencies):
    angle, h = np.arange(len(x))[:, None] * frequencies, x.shape[1] // 2
    a, b = x[:, :h], x[:, h:]
    c, s = np.cos(angle), np.sin(angle)
    return np.concatenate([a * c - b * s, a * s + b * c], axis=1)


def _lengths(args, answer, slack):
    if differ((answer**2).sum(axis=1), (args[0] ** 2).sum(axis=1), slack):
        return "a row does not keep its length: rotations do"


def _first_row(args, answer, slack):
    if differ(answer[0], args[0][0], slack, np.abs(args[0]).max()):
        return "row 0 has changed: its angle is 0"


def _relative(args, answer, slack):
    x = args[0]
    S, size = np.diag(answer @ answer.T, 1), (x**2).sum(axis=1).max()
    if np.ptp(x, axis=0).max() == 0 and differ(S, S[:1], slack, size):
        return "one and the same vector everywhere, and overlaps of neighbours differ"


ROTARY = Exercise(
    name="thermodynamics.rotary",
    title="Positions as rotations",
    reference=rotary,
    alternatives=(_complex, _by_matrices, _turned(lambda t, a, b: (
        np.hypot(a, b) * np.cos(np.arctan2(b, a) + t),
        np.hypot(a, b) * np.sin(np.arctan2(b, a) + t)))),
    wrong=(
        Wrong("backwards", _turned(lambda t, a, b: (
              a * np.cos(t) + b * np.sin(t), b * np.cos(t) - a * np.sin(t))),
              "it turns the other way: (a, b) becomes (a cos - b sin, a sin + b cos)"),
        Wrong("both minus", _turned(lambda t, a, b: (
              a * np.cos(t) - b * np.sin(t), b * np.cos(t) - a * np.sin(t))),
              "both sines have a minus: that is no rotation"),
        Wrong("no minus", _turned(lambda t, a, b: (
              a * np.cos(t) + b * np.sin(t), a * np.sin(t) + b * np.cos(t))),
              "neither sine has a minus: that is no rotation"),
        Wrong("counted from 1", _turned(lambda t, a, b: (
              a * np.cos(t + t[1]) - b * np.sin(t + t[1]),
              a * np.sin(t + t[1]) + b * np.cos(t + t[1]))),
              "its positions count from 1: row 0 has angle 0"),
        Wrong("halves", _halves,
              "it pairs feature i with i + d/2: here neighbours are a pair, 2i and 2i + 1 (both "
              "conventions exist, and weights of one do not fit the other)"),
        Wrong("only cosines", _turned(lambda t, a, b: (a * np.cos(t), b * np.cos(t))),
              "it scales by the cosine alone: the pair has to be turned"),
        Wrong("added", _turned(lambda t, a, b: (a + np.cos(t), b + np.sin(t))),
              "it adds cosine and sine, as position vectors do: here the pair is turned"),
        Wrong("one angle", lambda x, f: _by_matrices(x, np.full(len(f), f[0])),
              "every pair is turned by the first frequency"),
        Wrong("columns", _turned(lambda t, a, b: (
              a * np.cos(t) - b * np.sin(t),
              (a * np.cos(t) - b * np.sin(t)) * np.sin(t) + b * np.cos(t))),
              "the second of a pair is made from the first one already turned: keep the old one"),
    ),
    hints=(
        "Look at a pair of features as an arrow in a plane, or as one complex number.",
        "(a, b) becomes (a cos t - b sin t, a sin t + b cos t), with t = m frequencies[i].",
        "angle = np.arange(len(x))[:, None] * frequencies; even, odd = x[:, 0::2], x[:, 1::2]",
    ),
    minutes=12,
    level="stretch",
    laws=(Law("lengths", _lengths), Law("row 0", _first_row), Law("relative", _relative)),
    probes=_rotary_probes,
)

EXERCISES = (FISHER, ROTARY)

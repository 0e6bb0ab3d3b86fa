"""The second exercise of notebook 07: two rules that turn amplitudes into a law (paper V).

Logits are z[position, word]; a law gives each word a probability, row by row.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .mixing import softmax


def readouts(z):
    """Two laws from logits [N, V]: |psi|^2 with psi = exp(z/2), and z^2, each over its sum."""
    w = np.exp(z - z.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True), z**2 / (z**2).sum(axis=1, keepdims=True)


def _readouts_probes(rng):
    for N, V, size in ((3, 4, 1.0), (4, 4, 3.0), (5, 2, 0.3), (1, 6, 1.0)):
        yield Probe((size * rng.normal(size=(N, V)) + 0.2,), f"N = {N}, V = {V}, z about {size:g}")
    z = rng.normal(size=(3, 5))
    z[1, 2] = z[2, 0] = 0
    yield Probe((z,), "two logits of 0")
    for offset in (2000, -2000):
        z = rng.normal(size=(3, 4)) * [[1], [5], [300]] + offset * np.array([[1], [1.5], [0.4]])
        yield Probe((z,), f"logits of about {offset}, and far from one row to the next")


def _shares(w, axis=-1):
    return w / w.sum(axis=axis, keepdims=True)


def _squares(z, axis=1):
    return z**2 / (z**2).sum(axis=axis, keepdims=True)


def _readouts_loop(z):
    first, second = [], []
    for row in z:
        psi = [np.exp((a - max(row)) / 2) for a in row]
        first.append([p * p / sum(q * q for q in psi) for p in psi])
        second.append([a * a / sum(b * b for b in row) for a in row])
    return first, second


def _by_amplitudes(z):
    psi = np.exp((z - z.max(axis=1)[:, None]) / 2)
    psi = psi / np.linalg.norm(psi, axis=1, keepdims=True)
    phi = z / np.linalg.norm(z, axis=1, keepdims=True)
    return np.einsum("nv,nv->nv", psi, psi), phi * phi


def _both_add_up(args, answer, slack):
    for name, law in zip(("first", "second"), answer, strict=True):
        total = law.sum(axis=1)
        if np.abs(total - 1).max() > slack:
            return f"the rows of its {name} law do not add up to one " \
                   f"({total.min():.3g} ... {total.max():.3g})"


def _one_order(args, answer, slack):
    likeliest = np.take_along_axis(answer[0], args[0].argmax(axis=1)[:, None], axis=1)[:, 0]
    if (answer[0].max(axis=1) - likeliest > slack * np.abs(answer[0]).max()).any():
        return "in its first law the word with the largest logit is not the likeliest"


def _nodes(args, answer, slack):
    if np.abs(answer[1][args[0] == 0]).max(initial=0) > slack * np.abs(answer[1]).max():
        return "in its second law a word with logit 0 has a probability, but 0^2 = 0"


def _below(z, axis=None):
    """Return z less its maximum: of all, or of each row."""
    return z - z.max(axis=axis, keepdims=True)


def _pair(first=softmax, second=_squares):
    return lambda z: (first(z), second(z))


READOUTS = Exercise(
    name="measurement.readouts",
    title="Two rules for reading logits",
    reference=readouts,
    alternatives=(
        _readouts_loop,
        _by_amplitudes,
        lambda z: [np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None]), _shares(np.abs(z) ** 2)],
    ),
    wrong=(
        Wrong("psi = exp(z)", _pair(lambda z: softmax(2 * z)),
              "its first law squares exp(z): psi = exp(z/2), so that |psi|^2 is exp(z)"),
        Wrong("not squared", _pair(lambda z: softmax(z / 2)),
              "its first law is psi itself, normalised: the probability is |psi|^2"),
        Wrong("overflow", _pair(lambda z: _shares(np.exp(z))),
              "right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), NaN "
              "both: subtract each row's largest z first"),
        Wrong("one maximum", _pair(lambda z: _shares(np.exp(_below(z)))),
              "it subtracts one maximum for all positions: rows far below it vanish and 0/0 is "
              "NaN; subtract each row's own"),
        Wrong("Born from the shifted", _pair(second=lambda z: _squares(_below(z, axis=1))),
              "its second law squares z less its maximum: Born's rule is not blind to a shift, "
              "take z itself there"),
        Wrong("both from one maximum", lambda z: (_shares(np.exp(_below(z))), _squares(_below(z))),
              "it subtracts one maximum for all positions, and squares what is left: the first law "
              "needs each row's own, and Born's rule is not blind to a shift, take z itself there"),
        Wrong("over positions", lambda z: (softmax(z, axis=0), _squares(z, axis=0)),
              "both laws are normalised over the positions (axis 0): the words of a row share one"),
        Wrong("first over positions", _pair(lambda z: softmax(z, axis=0)),
              "its first law is normalised over the positions (axis 0): the words of a row share "
              "one"),
        Wrong("second over positions", _pair(second=lambda z: _squares(z, axis=0)),
              "its second law is normalised over the positions (axis 0): the words of a row share "
              "one"),
        Wrong("first not normalised", _pair(lambda z: np.exp(z - z.max(axis=1, keepdims=True))),
              "its first law is right up to its sum: divide each row by it"),
        Wrong("absolute values", _pair(second=lambda z: _shares(np.abs(z))),
              "its second law shares out |z|: Born's rule takes the square"),
        Wrong("not squared either", _pair(second=lambda z: _shares(z)),
              "its second law shares out z, which has both signs: Born's rule takes the square"),
        Wrong("amplitude", _pair(second=lambda z: z / np.linalg.norm(z, axis=1, keepdims=True)),
              "its second item is the normalised amplitude: the probability is its square"),
        Wrong("psi again", _pair(second=softmax),
              "its second law is the first once more: Born's rule takes z itself for the "
              "amplitude, z^2"),
        Wrong("law squared", _pair(second=lambda z: _squares(softmax(z))),
              "its second law squares the probabilities of the first: it is z that is squared"),
        Wrong("order", lambda z: readouts(z)[::-1],
              "the two laws are right but in the wrong order: return |psi|^2 first"),
    ),
    hints=(
        "Both rules square an amplitude and share out one. Which amplitude makes the softmax "
        "out of squares, and what does the other rule take for it?",
        "psi = exp(z/2), |psi|^2 = exp(z), over its sum: the softmax, from which any number "
        "subtracted from a row cancels. Born: z^2 over its sum.",
        "w = np.exp(z - z.max(axis=1, keepdims=True))",
    ),
    minutes=10,
    level="core",
    laws=(Law("add up to one", _both_add_up), Law("one order", _one_order), Law("nodes", _nodes)),
    probes=_readouts_probes,
    parts=2,
)  # fmt: skip

EXERCISES = (READOUTS,)

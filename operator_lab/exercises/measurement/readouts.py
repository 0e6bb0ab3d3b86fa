"""Two rules for reading logits (notebook 07; paper V).

Logits are z[position, word]; a law gives each word a probability, row by row.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes, short


def readouts(z):
    """Two laws from logits [N, V]: |psi|^2 with psi = exp(z/2), and z^2, each over its sum."""
    w = np.exp(z - z.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True), z**2 / (z**2).sum(axis=1, keepdims=True)


def _readouts_cases(rng):
    for N, V, size in ((3, 4, 1.0), (4, 4, 3.0), (5, 2, 0.3), (1, 6, 1.0)):
        yield Case((size * rng.normal(size=(N, V)) + 0.2,), f"N = {N}, V = {V}, z about {size:g}")
    z = rng.normal(size=(3, 5))
    z[1, 2] = z[2, 0] = 0
    yield Case((z,), "two logits of 0")
    for offset in (2000, -2000):
        z = rng.normal(size=(3, 4)) * [[1], [5], [300]] + offset * np.array([[1], [1.5], [0.4]])
        yield Case((z,), f"logits of about {offset}, and far from one row to the next")
    for N, V, size in ((1, 1, 1.0), (50, 45, 1.0), (3, 3, 1e-8), (3, 4, 1e8)):
        z = size * rng.normal(size=(N, V))
        z[-1] = z[0]
        yield Case((z,), f"N = {N}, two rows alike, V = {V}, z about {size:g}")
    z = np.array([[0.0, 3000.0, -5000.0], [2.0, 2.0, 1.0], [-800.0, -800.0, -4000.0]])
    yield Case((z,), "logits thousands apart, some of them equal")
    single = np.float32(rng.normal(size=(3, 4)) + 1000)
    yield Case((single,), "logits in float32, all about 1000")


def _both_add_up(args, answer, slack):
    for name, law in zip(("first", "second"), answer, strict=True):
        total = law.sum(axis=1)
        if np.abs(total - 1).max() > slack:
            return (
                f"the rows of its {name} law do not add up to one "
                f"({short(total.min())} ... {short(total.max())})"
            )


def _one_order(args, answer, slack):
    likeliest = np.take_along_axis(answer[0], args[0].argmax(axis=1)[:, None], axis=1)[:, 0]
    if (answer[0].max(axis=1) - likeliest > slack * np.abs(answer[0]).max()).any():
        return "in its first law the word with the largest logit is not the likeliest"


def _nodes(args, answer, slack):
    if np.abs(answer[1][args[0] == 0]).max(initial=0) > slack * np.abs(answer[1]).max():
        return "in its second law a word with logit 0 has a probability, but 0^2 = 0"


WRONG = """
psi = exp(z): its first law squares exp(z): psi = exp(z/2), so that |psi|^2 is exp(z)
    np.exp(z - z.max(axis=1, keepdims=True)) => np.exp(z - z.max(axis=1, keepdims=True)) ** 2
not squared: its first law is psi itself, normalised: the probability is |psi|^2
    np.exp(z - z.max(axis=1, keepdims=True)) => np.exp((z - z.max(axis=1, keepdims=True)) / 2)
overflow: right while z is moderate, but exp(z) overflows (inf/inf) or vanishes (0/0), NaN both: \
    subtract each row's largest z first
    z - z.max(axis=1, keepdims=True) => z
one maximum: it subtracts one maximum for all positions: rows far below it vanish and 0/0 is NaN; \
    subtract each row's own
    z.max(axis=1, keepdims=True) => z.max()
Born from the shifted: its second law squares z less its maximum: Born's rule is not blind to a \
    shift, take z itself there
    return => z = z - z.max(axis=1, keepdims=True); return
both from one maximum: it subtracts one maximum for all positions, and squares what is left: the \
    first law needs each row's own, and Born's rule is not blind to a shift, take z itself there
    w = np.exp(z - z.max(axis=1, keepdims=True)) => z = z - z.max(); w = np.exp(z)
over positions: both laws are normalised over the positions (axis 0): the words of a row share \
    one
    z.max(axis=1 => z.max(axis=0
    w.sum(axis=1 => w.sum(axis=0
    (z**2).sum(axis=1 => (z**2).sum(axis=0
first over positions: its first law is normalised over the positions (axis 0): the words of a row \
    share one
    z.max(axis=1 => z.max(axis=0
    w.sum(axis=1 => w.sum(axis=0
second over positions: its second law is normalised over the positions (axis 0): the words of a \
    row share one
    (z**2).sum(axis=1 => (z**2).sum(axis=0
first not normalised: its first law is right up to its sum: divide each row by it
    w / w.sum(axis=1, keepdims=True) => w
absolute values: its second law shares out |z|: Born's rule takes the square
    z**2 / (z**2).sum => np.abs(z) / np.abs(z).sum
not squared either: its second law shares out z, which has both signs: Born's rule takes the \
    square
    z**2 / (z**2).sum => z / z.sum
amplitude: its second item is the normalised amplitude: the probability is its square
    (z**2).sum(axis=1, keepdims=True) => np.linalg.norm(z, axis=1, keepdims=True)
    z**2 / => z /
psi again: its second law is the first once more: Born's rule takes z itself for the amplitude, \
    z^2
    z**2 / (z**2).sum => w / w.sum
law squared: its second law squares the probabilities of the first: it is z that is squared
    z**2 / (z**2).sum => w**2 / (w**2).sum
order: the two laws are right but in the wrong order: return |psi|^2 first
    w / w.sum(axis=1, keepdims=True), z**2 / (z**2).sum(axis=1, keepdims=True) => \
        z**2 / (z**2).sum(axis=1, keepdims=True), w / w.sum(axis=1, keepdims=True)
"""

EXERCISE = Exercise(
    title="Two rules for reading logits",
    reference=readouts,
    cases=_readouts_cases,
    wrong=mistakes(readouts, WRONG),
    laws=(Law("add up to one", _both_add_up), Law("one order", _one_order), Law("nodes", _nodes)),
    hints=(
        "Both rules square an amplitude and share out one. Which amplitude makes the softmax "
        "out of squares, and what does the other rule take for it?",
        "psi = exp(z/2), |psi|^2 = exp(z), over its sum: the softmax, from which any number "
        "subtracted from a row cancels. Born: z^2 over its sum.",
        "w = np.exp(z - z.max(axis=1, keepdims=True))",
    ),
    minutes=10,
    level="core",
    parts=2,
)

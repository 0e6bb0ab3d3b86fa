"""The slope behind the read-out (notebook 08).

States are rows, x[position, feature], and W_U[word, feature] reads them: z = x W_U^T. Nats.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes
from .loss import loss


def chain(x, W_U, tokens):
    """Slopes of the mean cross-entropy in the states x [N, d] and the read-out W_U [V, d]."""
    z = x @ W_U.T
    q = np.exp(z - z.max(axis=1, keepdims=True))
    g = q / q.sum(axis=1, keepdims=True)
    g[np.arange(len(tokens)), tokens] -= 1
    g /= len(tokens)
    return g @ W_U, g.T @ x


def _chain_cases(rng):
    for N, d, V in ((3, 2, 5), (4, 4, 4), (2, 4, 3), (1, 3, 2)):
        x, W_U, tokens = rng.normal(size=(N, d)), rng.normal(size=(V, d)), rng.integers(V, size=N)
        yield Case((x, W_U, tokens), f"{N} position{'s' * (N > 1)}, d = {d}, {V} words")
    x, W_U, came = rng.normal(size=(6, 2)), rng.normal(size=(4, 2)), np.array([3, 0, 3, 3, 1, 0])
    x[4] = x[1]
    yield Case((x, W_U, came), "6 positions, one state twice, d = 2, words that come again")
    x, W_U = rng.normal(size=(3, 2)) + 40, 0.05 * rng.normal(size=(5, 2)) + [[30.0, 20.0]]
    yield Case((x, W_U, rng.integers(5, size=3)), "logits of about 2000, 3 positions, d = 2")
    for N, d, V, size in (
        (1, 1, 1, 1.0),
        (50, 41, 45, 1.0),
        (3, 3, 4, 1e-8),
        (4, 3, 3, 1e8),
        (4, 2, 4, 1.0),
    ):
        x, W_U = size * rng.normal(size=(N, d)), rng.normal(size=(V, d)) / size
        W_U[-1] = W_U[0]
        label = f"N = {N}, d = {d}, V = {V}, two words alike, states about {size:g}"
        yield Case((x, W_U, rng.integers(V, size=N)), label)
    x, W_U = 60 * rng.normal(size=(4, 3)), 30 * rng.normal(size=(5, 3))
    yield Case((x, W_U, np.array([0, 0, 3, 3])), "logits thousands apart")
    x, W_U = (rng.integers(-2, 3, size=s) * 1.0 for s in ((3, 2), (4, 2)))
    yield Case((x, W_U, np.array([0, 3, 3])), "3 positions of whole numbers, d = 2, 4 words")


def _moved(a, slope):
    largest = np.abs(slope).max()
    return a - 1e-6 * np.abs(a).max() * slope / largest if largest > 0 else a


def _step_lowers(args, answer, slack):
    x, W_U, tokens = args
    dx, dW = answer
    # each moves by a millionth of its own size: neither sets the scale for the other
    there, bras = _moved(x, dx), _moved(W_U, dW)
    before, after = loss(x @ W_U.T, tokens), loss(there @ bras.T, tokens)
    if after > before + 1e-9 * (1 + before):
        return "a small step against both raises the loss"


def _words_cancel(args, answer, slack):
    total = answer[1].sum(axis=0)
    if differ(total, 0.0, slack, np.abs(answer[1]).sum(axis=0)):
        return (
            f"its second item does not sum to zero over the words (up to {np.abs(total).max():.6g})"
            ": the same vector added to every row of W_U changes nothing"
        )


def _unseen_basis(args, answer, slack):
    (x, W_U, _), (dx, dW) = args, answer
    if differ(x.T @ dx, dW.T @ W_U, slack, np.abs(x.T) @ np.abs(dx)):
        return (
            "x^T dloss/dx and (dloss/dW_U)^T W_U differ, so that a change of basis of the features "
            "would change the loss"
        )


WRONG = """
order: the two are right but in the wrong order: return the slope in x first
    g @ W_U, g.T @ x => g.T @ x, g @ W_U
second transposed: its second item is transposed, x^T g: a row for each word, g^T x
    g.T @ x => x.T @ g
first transposed: its first item is transposed: a row for each position, g W_U
    g @ W_U => (g @ W_U).T
both transposed: both items are transposed: a slope has the shape of what it is the slope in
    g @ W_U => (g @ W_U).T
    g.T @ x => x.T @ g
W_U transposed: W_U^T carries a state to logits; back to states goes W_U itself, g W_U
    g @ W_U => g @ W_U.T
g not transposed: its second item is g x: what is summed are the positions, g^T x
    g.T @ x => g @ x
no 1/N: both are N times too large: the loss is the mean over N positions
    g /= len(tokens) =>
1/N twice: its second item is divided by N twice: the mean is in g already, positions add up
    g.T @ x => g.T @ x / len(x)
sign: both point down: a gradient points up, the step goes against it
    g /= len(tokens) => g /= -len(tokens)
no minus: the one-hot is added: the word that came has g = (p - 1) / N
    -= 1 => += 1
p alone: g is p / N alone: the one-hot of the word that came is missing
    g[np.arange(len(tokens)), tokens] -= 1 =>
one-hot alone: only the words that came have a slope: the others pull through p
    g = q / q.sum(axis=1, keepdims=True) => g = 0 * q
only their rows: in its second item the rows of words that did not come are 0: they lose p x
    g.T @ x => g.T @ x * np.isin(range(len(W_U)), tokens)[:, None]
once only: a word that comes again is subtracted once: dW[tokens] -= x keeps one of several, g^T \
    x or np.subtract.at adds them all up
    g[np.arange(len(tokens)), tokens] -= 1 => dW = g.T @ x; dW[tokens] -= x; \
        g[np.arange(len(tokens)), tokens] -= 1
    return g @ W_U, g.T @ x => return g @ W_U, dW / len(x)
sums multiplied: its second item multiplies two sums over the positions: each g_n meets its own \
    x_n, and the products are summed
    g.T @ x => np.outer(g.sum(axis=0), x.sum(axis=0))
Jacobian twice: the derivative of the softmax is applied once more: g = (p - one-hot) / N is the \
    slope in z already
    -= 1 => -= 1; p = q / q.sum(axis=1, keepdims=True); \
        g = p * (g - (p * g).sum(axis=1, keepdims=True))
overflow: right while the logits are moderate, but exp(z) overflows, and inf/inf is NaN: subtract \
    each row's largest z first, or call your gradient
    z - z.max(axis=1, keepdims=True) => z
"""

EXERCISE = Exercise(
    title="The slope behind the read-out",
    reference=chain,
    cases=_chain_cases,
    wrong=mistakes(chain, WRONG),
    laws=(
        Law("words cancel", _words_cancel),
        Law("a step lowers", _step_lowers),
        Law("unseen basis", _unseen_basis),
    ),
    hints=(
        "A logit is one state times one row of W_U. Moving the state is felt through all words, "
        "moving the row through all positions.",
        "dz_nv = dx_n . W_v + x_n . dW_v, hence dloss/dx = g W_U and dloss/dW_U = g^T x with the "
        "slope g in the logits.",
        "g = gradient(x @ W_U.T, tokens)",
    ),
    minutes=12,
    level="stretch",
    parts=2,
    spared=PLAIN,
)

"""The third exercise of notebook 08: the slope carried back through the read-out by the chain rule.

States are rows, x[position, feature], and W_U[word, feature] reads them: z = x W_U^T. Nats.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ
from .mixing import softmax
from .training import loss, one_hot, raw
from .training_gradient import gradient


def chain(x, W_U, tokens):
    """Slopes of the mean cross-entropy in the states x [N, d] and the read-out W_U [V, d]."""
    z = x @ W_U.T
    q = np.exp(z - z.max(axis=1, keepdims=True))
    g = q / q.sum(axis=1, keepdims=True)
    g[np.arange(len(tokens)), tokens] -= 1
    g /= len(tokens)
    return g @ W_U, g.T @ x


def _chain_probes(rng):
    for N, d, V in ((3, 2, 5), (4, 4, 4), (2, 4, 3), (1, 3, 2)):
        x, W_U, tokens = rng.normal(size=(N, d)), rng.normal(size=(V, d)), rng.integers(V, size=N)
        yield Probe((x, W_U, tokens), f"{N} position{'s' * (N > 1)}, d = {d}, {V} words")
    x, W_U, came = rng.normal(size=(6, 2)), rng.normal(size=(4, 2)), np.array([3, 0, 3, 3, 1, 0])
    x[4] = x[1]
    yield Probe((x, W_U, came), "6 positions, one state twice, d = 2, words that come again")
    x, W_U = rng.normal(size=(3, 2)) + 40, 0.05 * rng.normal(size=(5, 2)) + [[30.0, 20.0]]
    yield Probe((x, W_U, rng.integers(5, size=3)), "logits of about 2000, 3 positions, d = 2")


def _chain(change):
    """Return slopes made of `change(g, x, W_U, tokens)`, g that of the logits."""
    return lambda x, W_U, tokens: change(gradient(x @ W_U.T, tokens), x, W_U, tokens)


def _through(g_of):
    """Return slopes carried back from another g(z, tokens)."""

    def changed(x, W_U, tokens):
        g = g_of(x @ W_U.T, tokens)
        return g @ W_U, g.T @ x

    return changed


def _chain_loop(x, W_U, tokens):
    g = gradient(x @ W_U.T, tokens)
    dx, dW = 0 * x, 0 * W_U
    for n in range(len(x)):
        for v in range(len(W_U)):
            dx[n] += g[n, v] * W_U[v]
            dW[v] += g[n, v] * x[n]
    return dx, dW


def _by_expectation(x, W_U, tokens):
    p = softmax(x @ W_U.T)
    dW = p.T @ x
    np.subtract.at(dW, tokens, x)
    return (p @ W_U - W_U[tokens]) / len(x), dW / len(x)


def _once(x, W_U, tokens):
    dx, dW = chain(x, W_U, tokens)
    p = softmax(x @ W_U.T)
    dW = p.T @ x
    dW[tokens] -= x
    return dx, dW / len(x)


def _step_lowers(args, answer, slack):
    x, W_U, tokens = args
    dx, dW = answer
    step = 1e-5 * np.sqrt(1 + (x**2).mean()) / max(np.abs(dx).max(), np.abs(dW).max(), 1e-12)
    before, after = loss(x @ W_U.T, tokens), loss((x - step * dx) @ (W_U - step * dW).T, tokens)
    if after > before + 1e-9 * (1 + before):
        return "a small step against both raises the loss"


def _words_cancel(args, answer, slack):
    total = answer[1].sum(axis=0)
    if differ(total, 0.0, slack, np.abs(answer[1]).sum(axis=0)):
        return (
            f"its second item does not sum to zero over the words (up to {np.abs(total).max():.3g})"
            ": the same vector added to every row of W_U changes nothing"
        )


def _unseen_basis(args, answer, slack):
    (x, W_U, _), (dx, dW) = args, answer
    if differ(x.T @ dx, dW.T @ W_U, slack, np.abs(x.T) @ np.abs(dx)):
        return (
            "x^T dloss/dx and (dloss/dW_U)^T W_U differ, so that a change of basis of the features "
            "would change the loss"
        )


CHAIN = Exercise(
    name="training.chain",
    title="The slope behind the read-out",
    reference=chain,
    alternatives=(
        _chain(lambda g, x, W_U, tokens:
               (np.einsum("nv,vd->nd", g, W_U), np.einsum("nv,nd->vd", g, x))),
        _chain(lambda g, x, W_U, tokens:
               [(W_U.T @ g.T).T, sum(np.outer(a, b) for a, b in zip(g, x, strict=True))]),
        _chain_loop,
        _by_expectation,
    ),
    wrong=(
        Wrong("order", lambda x, W_U, tokens: chain(x, W_U, tokens)[::-1],
              "the two are right but in the wrong order: return the slope in x first"),
        Wrong("second transposed", _chain(lambda g, x, W_U, tokens: (g @ W_U, x.T @ g)),
              "its second item is transposed, x^T g: a row for each word, g^T x"),
        Wrong("first transposed", _chain(lambda g, x, W_U, tokens: ((g @ W_U).T, g.T @ x)),
              "its first item is transposed: a row for each position, g W_U"),
        Wrong("both transposed", _chain(lambda g, x, W_U, tokens: ((g @ W_U).T, x.T @ g)),
              "both items are transposed: a slope has the shape of what it is the slope in"),
        Wrong("W_U transposed", _chain(lambda g, x, W_U, tokens: (g @ W_U.T, g.T @ x)),
              "W_U^T carries a state to logits; back to states goes W_U itself, g W_U"),
        Wrong("g not transposed", _chain(lambda g, x, W_U, tokens: (g @ W_U, g @ x)),
              "its second item is g x: what is summed are the positions, g^T x"),
        Wrong("no 1/N", _through(lambda z, tokens: len(z) * gradient(z, tokens)),
              "both are N times too large: the loss is the mean over N positions"),
        Wrong("1/N twice", _chain(lambda g, x, W_U, tokens: (g @ W_U, g.T @ x / len(x))),
              "its second item is divided by N twice: the mean is in g already, positions add up"),
        Wrong("sign", _through(lambda z, tokens: -gradient(z, tokens)),
              "both point down: a gradient points up, the step goes against it"),
        Wrong("no minus", _through(lambda z, tokens:
              (softmax(z) + one_hot(tokens, z.shape[1])) / len(z)),
              "the one-hot is added: the word that came has g = (p - 1) / N"),
        Wrong("p alone", _through(lambda z, tokens: softmax(z) / len(z)),
              "g is p / N alone: the one-hot of the word that came is missing"),
        Wrong("one-hot alone", _through(lambda z, tokens: -one_hot(tokens, z.shape[1]) / len(z)),
              "only the words that came have a slope: the others pull through p"),
        Wrong("only their rows", lambda x, W_U, tokens: (
              chain(x, W_U, tokens)[0],
              chain(x, W_U, tokens)[1] * np.isin(range(len(W_U)), tokens)[:, None]),
              "in its second item the rows of words that did not come are 0: they lose p x"),
        Wrong("once only", _once,
              "a word that comes again is subtracted once: dW[tokens] -= x keeps one of several, "
              "g^T x or np.subtract.at adds them all up"),
        Wrong("sums multiplied", _chain(lambda g, x, W_U, tokens:
              (g @ W_U, np.outer(g.sum(axis=0), x.sum(axis=0)))),
              "its second item multiplies two sums over the positions: each g_n meets its own x_n, "
              "and the products are summed"),
        Wrong("Jacobian twice", _through(lambda z, tokens: (p := softmax(z)) * (
              (g := gradient(z, tokens)) - (p * g).sum(axis=1, keepdims=True))),
              "the derivative of the softmax is applied once more: g = (p - one-hot) / N is the "
              "slope in z already"),
        Wrong("overflow", _through(lambda z, tokens:
              (raw(z) - one_hot(tokens, z.shape[1])) / len(z)),
              "right while the logits are moderate, but exp(z) overflows, and inf/inf is NaN: "
              "subtract each row's largest z first, or call your gradient"),
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
    laws=(
        Law("words cancel", _words_cancel),
        Law("a step lowers", _step_lowers),
        Law("unseen basis", _unseen_basis),
    ),
    probes=_chain_probes,
    parts=2,
)  # fmt: skip

EXERCISES = (CHAIN,)

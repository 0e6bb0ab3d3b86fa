"""How attention weights answer to their logits (notebook 09).

p is one distribution; queries and keys are rows x[position, feature], turned in pairs (2i, 2i + 1).
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def fisher(p):
    """diag(p) - p p^T: how the weights answer to the logits."""
    return np.diag(p) - np.outer(p, p)


def _fisher_cases(rng):
    for n, size in ((2, 1.0), (3, 0.5), (5, 2.0), (7, 1.0)):
        p = rng.dirichlet(np.full(n, size))
        yield Case((p,), f"{n} levels")
    yield Case((np.array([0.6, 0.0, 0.4]),), "3 levels, one of them empty")
    yield Case((np.array([1.0]),), "a single level")
    yield Case((np.array([0.0, 1.0, 0.0, 0.0]),), "4 levels, one of them certain")
    yield Case((np.full(5, 0.2),), "5 levels, all alike")
    yield Case((rng.dirichlet(np.ones(60)),), "60 levels")
    yield Case((np.array([0.99, 0.006, 0.004, 0.0]),), "4 levels, one of them nearly certain")


def _kills_one(args, answer, slack):
    if np.abs(answer.sum(axis=1)).max() > slack * max(np.abs(answer).max(), 1e-100):
        return "its rows do not sum to 0: a constant added to all logits changes nothing"


def _symmetric(args, answer, slack):
    if differ(answer, answer.T, slack):
        return "it is not symmetric"


WRONG = """
diagonal: only the diagonal p_i is there: raising one logit lowers all other weights
    - np.outer(p, p) =>
no diagonal: the diagonal matrix of p is missing: it is diag(p) - p p^T
    np.diag(p) - => -
plus: the products are added: raising one logit lowers the other weights
    - np => + np
one minus: its diagonal begins with 1 instead of p_i
    np.diag(p) => np.eye(len(p))
inverse: it is the metric diag(1/p) in the weights themselves: in the logits it is diag(p) - p \
    p^T
    return np.diag(1 / np.maximum(p, 1e-3))
binary: its diagonal is right, but the entries -p_i p_j off the diagonal are missing
    return np.diag(p * (1 - p))
square roots: it is the projector off sqrt(p): multiply by sqrt(p_i p_j)
    np.diag(p) => np.eye(len(p))
    np.outer(p, p) => np.sqrt(np.outer(p, p))
log: it is the derivative of ln p: multiply row i by p_i
    return np.eye(len(p)) - p
negative: its sign is turned round: raising a logit raises its own weight
    np.diag(p) - np.outer(p, p) => np.outer(p, p) - np.diag(p)
"""

EXERCISE = Exercise(
    title="How attention weights answer to their logits",
    reference=fisher,
    cases=_fisher_cases,
    wrong=mistakes(fisher, WRONG),
    laws=(Law("blind to a constant", _kills_one), Law("symmetric", _symmetric)),
    hints=(
        "Raise one logit a little: which weight grows, and where does the weight come from?",
        "dp_i/dz_j = p_i (1 - p_i) for i = j, -p_i p_j otherwise.",
        "outer = np.outer(p, p)",
    ),
    minutes=8,
    level="core",
    spared={
        "tiny": "the weights sum to one",
        "huge": "probabilities lie between 0 and 1",
        "spread": "probabilities lie between 0 and 1",
        **PLAIN,
    },
)

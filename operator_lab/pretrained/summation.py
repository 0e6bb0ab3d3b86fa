"""The plain series of a real model, summed: what extrapolation finds, and why it can.

The partial sums of Eq. 7 are a sequence of vectors at every position. Three methods foretell its
limit from the first terms (`operator_lab.resummation`), and two interventions ask what makes the
sequence foretellable: the on-site damping counted as free, and the same damping put into weights
that have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..dyson import orders
from ..model import Model
from ..resummation import epsilon, pade, reduced_rank
from ..run import Run
from . import measures, trip

TOKENS = 16  # of each text: every position is a sequence of its own
READ = (8, 12, 16)  # the orders after which a sum is read
DEPTHS = (20, 24, 28)  # the layers, of thirty, after which the last state is foretold
FEW = slice(2, 20)  # the orders whose directions are compared


def _pade(S: ndarray) -> ndarray:
    return pade(np.diff(S, axis=0, prepend=0.0), len(S) // 2)(1.0)


METHODS: Mapping[str, Callable[[ndarray], ndarray]] = {
    "truncated": lambda S: S[-1],
    "reduced rank": reduced_rank,
    "epsilon": lambda S: epsilon(S)[-1],
    "pade": _pade,
}


def planted(run: Run, shift: Float[ndarray, "steps N"]) -> Float[ndarray, "n N d"]:
    """Orders of the plain series of a run whose steps have numbers c[step, position] added, V + c.

    y_n <- y_n + (V + c) y_{n-1}: their sum is another state than the run's. LabError where a bias
    makes the steps affine.
    """
    y = run.states[:1]
    for step, c in zip(run.steps, shift, strict=True):
        raised = (step @ y) + np.asarray(c, y.dtype)[:, None] * y
        y = np.concatenate([y, np.zeros_like(y[:1])])
        y[1:] += raised
    return y


def foretold(
    run: Run, series: Float[ndarray, "n N d"], methods=tuple(METHODS)
) -> dict[str, ndarray]:
    """Nats from the law of the whole series to that of its first orders, by each method.

    [order of `READ`], each position by itself. With them "together", the sizes of all orders added
    up, and "first direction", the share of one direction in the orders 2 to 19 of a position.
    """
    y = np.asarray(series, float)
    S = np.cumsum(y, 0)
    found = {name: _left(run, S, READ, METHODS[name]) for name in methods}
    squares = [np.linalg.svd(y[FEW, i], compute_uv=False) ** 2 for i in range(1, y.shape[1])]
    found["together"] = measures.sizes(y).sum()
    found["first direction"] = np.mean([s[0] / s.sum() for s in squares])
    return found


def _left(run: Run, S: ndarray, read, method: Callable) -> ndarray:
    """Nats from the law of the last vector of a sequence to that of the limit foretold after n."""
    whole, left = measures.log_law(run, S[-1]), []
    for n in read:
        limit = [method(S[: n + 1, i]) for i in range(S.shape[1])]
        law = measures.log_law(run, np.stack(limit))
        left.append((np.exp(whole) * (whole - law)).sum(-1).mean())
    return np.array(left)


def along_depth(model: Model) -> dict[str, ndarray]:
    """The last state as foretold from those after the first layers: [method] -> [text, `DEPTHS`].

    Nats, over `trip.MORE_TEXTS`, each position by itself; "truncated" takes the state as it is.
    """
    runs = [model.run(model.tokens(text)[:TOKENS]) for text in trip.MORE_TEXTS]
    return {
        way: np.array([_left(r, r.states[::2].astype(float), DEPTHS, METHODS[way]) for r in runs])
        for way in ("truncated", "reduced rank", "epsilon")
    }


def summation(models: Mapping[str, Model]) -> dict[str, dict[str, ndarray]]:
    """Every series that is shipped, over `trip.MORE_TEXTS`: [kind][quantity] -> [text, ...].

    `models` holds "trained" and its controls. "..., damping free": the trained model's numbers
    tr L / d counted as free, the same sum in other orders; "..., damped": those numbers added to
    the steps of a control.
    """
    found: dict[str, list[dict]] = {}
    for text in trip.MORE_TEXTS:
        for kind, (run, series, methods) in _all_series(models, text).items():
            found.setdefault(kind, []).append(foretold(run, series, methods))
    return {
        kind: {name: np.array([row[name] for row in rows]) for name in rows[0]}
        for kind, rows in found.items()
    }


def _all_series(models, text):
    two = ("truncated", "reduced rank")
    every, runs = {}, {}
    for name, model in models.items():
        run = runs[name] = model.run(model.tokens(text)[:TOKENS])
        every[name] = run, orders(run), tuple(METHODS) if name == "trained" else two
    run, energies = runs["trained"], measures.onsite_energies(runs["trained"])
    every["trained, damping free"] = run, measures.massive(run, energies), two
    for name in runs.keys() - {"trained"}:
        every[f"{name}, damped"] = runs[name], planted(runs[name], energies), two
    return every

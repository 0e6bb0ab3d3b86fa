"""What a state knows of the hidden sense, and whether the model uses it (probing and steering).

Reference: Shai et al. 2024 (arXiv 2405.15943).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..arrays import length
from ..corpus import Language, grammar_of
from ..edits import put
from ..errors import LabError
from ..given import distribution
from ..guard import guarded
from ..model import Model, divergence
from ..one_hot import surprise


class Probe(NamedTuple):
    """A linear read-out, `x @ weights + offset` (linear probe), and the spread of what it saw."""

    weights: Float[ndarray, "d k"]
    offset: Float[ndarray, "k"]
    spread: Float[ndarray, "d d"]  # covariance of the states it was fitted on

    def __call__(self, x: Float[ndarray, "*n d"]) -> Float[ndarray, "*n k"]:
        return x @ self.weights + self.offset

    @guarded
    def write(
        self, x: Float[ndarray, "*n d"], belief: Float[ndarray, "*n k"]
    ) -> Float[ndarray, "*n d"]:
        """The states nearest to x of which the read-out says `belief` (steering).

        Near in units of the states' own spread, so the change stays among states that occur.
        LabError for states of another model, or beliefs of other places.
        """
        features, senses = self.weights.shape
        if x.shape[-1:] != (features,) or belief.shape != (*x.shape[:-1], senses):
            raise LabError(
                f"States [..., {features}] and a belief [..., {senses}] for each are needed; got "
                f"{x.shape} and {belief.shape}."
            )
        pull = self.spread @ self.weights
        return x + (belief - self(x)) @ np.linalg.pinv(self.weights.T @ pull) @ pull.T


@guarded(finite=True)
def probe(x: Float[ndarray, "*n d"], y: Float[ndarray, "*m k"]) -> Probe:
    """The affine map of states x that comes closest to y (least squares).

    LabError where x and y do not have the same places, or fewer places than features.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape[:-1] != y.shape[:-1]:
        raise LabError(f"States {x.shape} and targets {y.shape} do not belong to the same places.")
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    if len(x) <= x.shape[1]:
        raise LabError(
            f"{len(x)} places cannot fix a read-out of {x.shape[1]} features; give more."
        )
    weights = np.linalg.lstsq(x - x.mean(0), y - y.mean(0), rcond=1e-10)[0]
    return Probe(weights, y.mean(0) - x.mean(0) @ weights, np.cov(x.T))


@guarded(finite=True)
def replaced(
    model: Model,
    tokens: Int[ndarray, "B N"],
    position: Int[ndarray, "B"],
    step: int,
    state: Float[ndarray, "B d"],
) -> Float[ndarray, "B V"]:
    """The law at one position of each text when its state after a step is another (patching).

    Positions count from 0, or from the end below 0.
    """
    where = np.arange(len(tokens)), position
    return model.run_batch(tokens, edits=put(model, step, where, state)).law[where]


class Rewritten(NamedTuple):
    """Nats from the law of the beliefs written: before, after, after a random change as large.

    `size` is the mean length of the change, in units of the state's own.
    """

    before: float
    after: float
    control: float
    size: float


@guarded(finite=True)
def rewritten(
    model: Model,
    tokens: Int[ndarray, "B N"],
    states: Float[ndarray, "B N d"],
    belief: Float[ndarray, "B N k"],
    place: ndarray,
    name: str,
    step: int = 4,
    seed: int = 0,
) -> Rewritten:
    """Write other texts' beliefs into the states after a step, at one place of the grammar.

    The read-out is fitted on the first half of the texts; at most 128 places of the rest are
    changed. The control moves each state as far in a random direction of the states' spread.
    LabError for a model whose language has no grammar.
    """
    tokens = model.checked(tokens)
    if place.shape != tokens.shape:
        raise LabError(f"A place for each token is needed; got {place.shape}, {tokens.shape}.")
    language = grammar_of(model.language)
    belief, senses = distribution(belief), len(language.senses)
    if belief.shape[-1] != senses:
        raise LabError(f"belief has one number a sense, here {senses}; got shape {belief.shape}.")
    features = model.shape.features
    if states.shape[-1] != features:
        raise LabError(f"A state of this model has {features} numbers; got shape {states.shape}.")
    half, fit = len(tokens) // 2, place[: len(tokens) // 2] == name
    read = probe(states[:half][fit], belief[:half][fit])
    row, at = (np.argwhere(place[half:] == name)[:128] + [half, 0]).T
    rng = np.random.default_rng(seed)
    target, x = belief[row, at][rng.permutation(len(row))], states[row, at].astype(float)
    wanted = target @ language.after(name)
    change = read.write(x, target) - x
    far = np.linalg.norm(change, axis=1, keepdims=True)
    noise = rng.multivariate_normal(np.zeros(x.shape[1]), read.spread, len(x))
    noise *= far / np.linalg.norm(noise, axis=1, keepdims=True)
    before, after, control = (
        divergence(wanted, replaced(model, tokens[row], at, step, x + shift))
        for shift in (0.0, change, noise)
    )
    size = float((far / np.linalg.norm(x, axis=1, keepdims=True)).mean())
    return Rewritten(before, after, control, size)


@guarded(finite=True)
def explained(y: Float[ndarray, "*n k"], found: Float[ndarray, "*n k"]) -> float:
    """Share of the variance of y that `found` accounts for (R^2): 1 for all, 0 for the mean.

    LabError for a y that is the same everywhere: it has no variance; or for different shapes.
    """
    if y.shape != found.shape:
        raise LabError(f"y and what was found have one shape; got {y.shape} and {found.shape}.")
    spread = length(y - y.mean(tuple(range(y.ndim - 1))))
    if not spread:
        raise LabError("y is the same everywhere; there is no variance to account for.")
    return float(1 - (length(y - found) / spread) ** 2)


@guarded
def found_by_place(
    x: Float[ndarray, "B N d"], y: Float[ndarray, "B N k"], place: ndarray
) -> dict[str, float]:
    """Share of y that a linear read-out of x finds at each place of the grammar.

    One read-out a place, fitted on the first half of the texts and judged on the second; none
    where y is the same in all texts.
    """
    if place.shape != x.shape[:2]:
        raise LabError(f"A place for each state is needed; got {place.shape}, {x.shape[:2]}.")
    half, found = len(x) // 2, {}
    for name in dict.fromkeys(place.ravel().tolist()):
        fit, judge = place[:half] == name, place[half:] == name
        wanted = y[half:][judge]
        if fit.sum() > 2 * x.shape[-1] and (wanted != wanted[:1]).any():
            read = probe(x[:half][fit], y[:half][fit])
            found[name] = explained(wanted, read(x[half:][judge]))
    return found


@guarded
def at_stake(language: Language) -> dict[str, float]:
    """What the next word tells of the sense at each node of the grammar, in nats.

    Mutual information of sense and next word for senses that are alike beforehand; 0 where what
    comes next is the same in every sense.
    """
    language = grammar_of(language)
    law = np.stack([language.after(node) for node in language.nodes])
    mean = law.mean(1)
    told = surprise(mean, mean) - surprise(law, law).mean(1)
    told = np.where(told > 1e-12, told, 0.0)  # rounding is no news
    return dict(zip(language.nodes, told.tolist(), strict=True))

"""Many prompts instead of one: pairs of names, capitals, and how much looks at position 0."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..dyson import attribute
from ..edits import silence
from ..model import Model
from . import trip

PAIRS = (
    "Mary John", "James Sarah", "Emma Robert", "Anna Michael", "Laura David", "Alice Thomas",
    "Susan Daniel", "Linda Mark", "Lisa Paul", "Karen George", "Helen Peter", "Ruth Tom",
    "Maria Jack", "Kate Sam", "Jane Ben", "Lucy Frank", "Grace Henry", "Kevin Brian",
    "Edward Steven", "John Mary", "Sarah James", "Robert Emma", "Michael Anna", "David Laura",
)  # fmt: skip
CAPITALS = {
    "Italy": "Rome", "Germany": "Berlin", "Spain": "Madrid", "England": "London",
    "Japan": "Tokyo", "Russia": "Moscow", "Egypt": "Cairo", "Greece": "Athens",
    "Austria": "Vienna", "Portugal": "Lisbon", "Ireland": "Dublin", "Norway": "Oslo",
    "Sweden": "Stockholm", "Poland": "Warsaw", "Hungary": "Budapest", "China": "Beijing",
    "Canada": "Ottawa", "Cuba": "Havana", "Peru": "Lima", "Iraq": "Baghdad", "Iran": "Tehran",
    "Kenya": "Nairobi", "Finland": "Helsinki", "Denmark": "Copenhagen", "Belgium": "Brussels",
}  # fmt: skip
GIVES = "When {0} and {1} went to the store, {1} gave a drink to"
THIRD = "When {0} and {1} went to the store, {2} gave a drink to"
LIES = "The capital of France is Paris, and the capital of {0} is"
KNOWN = "Paris"
FOLLOWED = (23, 3)  # layer 24, head 4, as the code counts
STRONGEST = 5  # heads of the largest share, silenced one by one


def names(model: Model) -> dict[str, ndarray]:
    """Pairs of names, one row each: who is given the drink, and what head 24.4 does about it.

    "difference" of the two logits; "raises" and "lowers": the head's share of the logit of the
    name wanted and of the name said twice, each against the mean of the vocabulary; "shares" and
    "losses" of the `STRONGEST` heads, in the split and when silenced; "rank" of the head's own
    share among all.
    """
    rows = []
    for pair in PAIRS:
        wanted, twice = (_spelled(model, name) for name in pair.split())
        text = GIVES.format(*pair.split())
        run = model.run(text)
        up, down = (attribute(run, w).hops.sum((0, 3)) for w in (wanted, twice))
        share = up - down
        whole = trip.difference(model, text, wanted, twice)
        order = np.argsort(-abs(share), axis=None, kind="stable")
        heads = [np.unravel_index(k, share.shape) for k in order[:STRONGEST]]
        heads = [(int(layer), int(head)) for layer, head in heads]
        losses = [whole - _without(model, text, wanted, twice, *head) for head in heads]
        rows.append({
            "difference": whole, "raises": up[FOLLOWED], "lowers": -down[FOLLOWED],
            "lost": whole - _without(model, text, wanted, twice, *FOLLOWED),
            "rank": 1 + int((share > share[FOLLOWED]).sum()),
            "shares": [share[head] for head in heads], "losses": losses,
        })  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def third_givers(model: Model) -> dict[str, ndarray]:
    """The same pairs with somebody else as giver, named once: whom does head 24.4 lower?

    "lowers": the head's share of the giver's logit, taken negative, against the mean of the
    vocabulary; "moves" [pair, 2]: its share of the logits of the two other names.
    """
    rows = []
    for k, pair in enumerate(PAIRS):
        both = pair.split()
        giver = next(n for p in (*PAIRS[k + 6 :], *PAIRS) if (n := p.split()[0]) not in both)
        run = model.run(THIRD.format(*both, giver))
        names = (_spelled(model, name) for name in (giver, *both))
        lowered, *moved = (attribute(run, w).hops.sum((0, 3))[FOLLOWED] for w in names)
        rows.append({"lowers": -lowered, "moves": moved})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _spelled(model: Model, word: str) -> str:
    """A word as it stands in the vocabulary after another one."""
    return f" {word}" if f" {word}" in model.language.words else word


def _without(model, text, word, other, layer, head) -> float:
    """The difference of two logits when a head writes nothing at the last position."""

    quiet = silence(model, layer, [head], position=-1)
    return trip.difference(model, text, word, other, quiet)


def capitals(model: Model) -> dict[str, ndarray]:
    """Countries, one row each: how sure the model is, which hop brings it, what MLP 25 makes of it.

    "right": the probability of the capital; "part": the largest term over the difference to
    *Paris*; "head": its layer and head; "left": the share of the difference that is left when that
    head is silenced at the last position. "without", "country": the probabilities of the capital
    and of the country's own name when MLP 25 writes nothing; "before": that of the country's name
    with everything in place.
    """
    rows, known = [], _spelled(model, KNOWN)
    mlp = 2 * FOLLOWED[0] + 3  # of the layer after
    for country, capital in CAPITALS.items():
        text, word = LIES.format(country), _spelled(model, capital)
        run = model.run(text)
        split = attribute(run, word, known)
        part, _, layer, head, _ = split.largest(1)[0]
        quiet = model.run(text, {("step_write", mlp): np.zeros_like}).law[-1]
        at = [run.vocabulary.index(w) for w in (word, _spelled(model, country))]
        rows.append({
            "right": run.law[-1, at[0]], "before": run.law[-1, at[1]], "part": part / split.total,
            "head": (layer, head), "without": quiet[at[0]], "country": quiet[at[1]],
            "left": _without(model, text, word, known, layer, head) / split.total,
        })  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def looks_at_first(model: Model, skip: int = 4) -> Float[ndarray, "text layer"]:
    """The weight that position 0 has in each layer, mean over heads and the queries from `skip`."""
    found = [model.run(text).mixing[..., skip:, 0].mean((-1, -2)) for text in trip.MORE_TEXTS]
    return np.array(found)

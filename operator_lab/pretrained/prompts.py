"""Many prompts instead of one: pairs of names, capitals, what looks at position 0, how sharply."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..dyson import attribute
from ..edits import silence
from ..model import Model
from ..run import Run
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
ASIDE = "When {0} and {1} went to the store, {2}, a friend of {3}, gave a drink to"
LIES = "The capital of France is Paris, and the capital of {0} is"
KNOWN = "Paris"
FOLLOWED = (23, 3)  # layer 24, head 4, as the code counts
STRONGEST = 5  # heads of the largest share, silenced one by one
RATIOS = (0.25, 1.0, 4.0)  # T/T0


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
    vocabulary; "moves" [pair, 2]: its share of the logits of the two other names; "looks" [pair,
    4]: its weight, at the end, on the two, on the giver, on position 0; "lost" [pair, head]: how
    much the two others' mean logit, less the giver's, falls when a head of the layer is silent.
    """
    rows, texts, places = [], [], []
    for pair, (giver, _) in zip(PAIRS, _strangers(), strict=True):
        text, names = THIRD.format(*pair.split(), giver), [*pair.split(), giver]
        run, words = model.run(text), [_spelled(model, name) for name in names]
        *moved, lowered = (attribute(run, w).hops.sum((0, 3))[FOLLOWED] for w in words)
        looks = [*_looks(run, words), run.mixing[FOLLOWED][-1, 0]]
        rows.append({"lowers": -lowered, "moves": moved, "looks": looks})
        texts.append(text)
        places.append([model.language.index(word) for word in words])
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    quiet = [silence(model, FOLLOWED[0], [h], position=-1) for h in range(model.shape.heads)]
    ahead = []
    for edits in (None, *quiet):
        z = np.log(np.take_along_axis(_laws(model, texts, edits), np.array(places), -1))
        ahead.append(z[:, :-1].mean(-1) - z[:, -1])
    return found | {"lost": (ahead[0] - np.array(ahead[1:])).T}


def asides(model: Model) -> dict[str, ndarray]:
    """The same pairs, a giver, and behind it, nearer to the end, a friend who does not give.

    "looks" [pair, 4]: the weight of head 24.4, at the end, on the two, the giver, the friend;
    "lowers" [pair, 2]: its share of the logits of the last two, taken negative.
    """
    rows = []
    for pair, more in zip(PAIRS, _strangers(), strict=True):
        names = [*pair.split(), *more]
        run, words = model.run(ASIDE.format(*names)), [_spelled(model, name) for name in names]
        lowers = [-attribute(run, w).hops.sum((0, 3))[FOLLOWED] for w in words[2:]]
        rows.append({"looks": _looks(run, words), "lowers": lowers})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _strangers() -> list[tuple[str, str]]:
    """For each pair two names from other pairs."""
    found = []
    for k, pair in enumerate(PAIRS):
        firsts = dict.fromkeys(p.split()[0] for p in (*PAIRS[k + 6 :], *PAIRS))
        giver, friend = [name for name in firsts if name not in pair.split()][:2]
        found.append((giver, friend))
    return found


def _looks(run: Run, words: list[str]) -> list[float]:
    """The weight of the followed head, at the last position, on each of some words."""
    weight = run.mixing[FOLLOWED][-1]
    return [float(weight[np.isin(run.words, w)].sum()) for w in words]


def _laws(model: Model, texts: list[str], edits=None) -> Float[ndarray, "text V"]:
    """The law after each text; all have one length, every name being one token."""
    return model.law(model.rows(texts), edits)[:, -1]


def _spelled(model: Model, word: str) -> str:
    """A word as it stands in the vocabulary after another one."""
    return f" {word}" if f" {word}" in model.language.words else word


def _without(model, text, word, other, layer, head) -> float:
    """The difference of two logits when a head writes nothing at the last position."""

    quiet = silence(model, layer, [head], position=-1)
    return trip.difference(model, text, word, other, quiet)


def capitals(model: Model) -> dict[str, ndarray]:
    """Countries, one row each: how sure the model is, and which hop brings it.

    "right": the probability of the capital; "before": that of the country's own name; "part": the
    largest term over the difference to *Paris*; "head": its layer and head; "left": the share of
    the difference that is left when that head is silenced at the last position.
    """
    rows, known = [], _spelled(model, KNOWN)
    for country, capital in CAPITALS.items():
        text, word = LIES.format(country), _spelled(model, capital)
        run = model.run(text)
        split = attribute(run, word, known)
        part, _, layer, head, _ = split.largest(1)[0]
        at = [run.vocabulary.index(w) for w in (word, _spelled(model, country))]
        rows.append({
            "right": run.law[-1, at[0]], "before": run.law[-1, at[1]], "part": part / split.total,
            "head": (layer, head),
            "left": _without(model, text, word, known, layer, head) / split.total,
        })  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def mlps(model: Model) -> dict[str, ndarray]:
    """The same countries with one MLP after the other silent at the last position, all in turn.

    By MLP: "capital" and "country", the medians of the probabilities of both names, and "passes",
    the number of countries whose name was behind the capital's and is then ahead. By country, the
    MLP behind the followed head's layer silent: "without" and "named", the two probabilities, and
    "unfetched" [country, head], the second when one head of that layer is silent there as well.
    """
    texts = [LIES.format(country) for country in CAPITALS]
    names = [(_spelled(model, c), _spelled(model, k)) for k, c in CAPITALS.items()]
    at = np.array([[model.language.index(name) for name in pair] for pair in names])
    edits = [None, *({("step_write", s): _mute} for s in range(1, 2 * model.shape.layers, 2))]
    laws = np.array([np.take_along_axis(_laws(model, texts, e), at, -1) for e in edits])
    capital, country = np.moveaxis(laws, -1, 0)  # [MLP, country], the first with all in place
    behind, ahead = country[0] < capital[0], country[1:] > capital[1:]
    one = min(FOLLOWED[0] + 2, model.shape.layers)
    quiet = [silence(model, FOLLOWED[0], [h], position=-1) for h in range(model.shape.heads)]
    both = [_laws(model, texts, head | {("step_write", 2 * one - 1): _mute}) for head in quiet]
    unfetched = [np.take_along_axis(law, at[:, 1:], -1)[:, 0] for law in both]
    return {
        "capital": np.median(capital[1:], 1), "country": np.median(country[1:], 1),
        "passes": (ahead & behind).sum(1), "without": capital[one], "named": country[one],
        "unfetched": np.transpose(unfetched),
    }  # fmt: skip


def _mute(write: ndarray) -> ndarray:
    """Nothing is written at the last position."""
    write[..., -1, :] = 0.0
    return write


def sharpness(model: Model) -> Float[ndarray, "text temperature"]:
    """The median largest weight of a row, all layers and heads, at each of `RATIOS` of T0."""
    heated = [model.replace(tau=ratio) for ratio in RATIOS]
    rows = [[m.run(text).mixing[..., 1:, :].max(-1) for m in heated] for text in trip.MORE_TEXTS]
    return np.array([[np.median(largest) for largest in row] for row in rows])


def looks_at_first(model: Model, skip: int = 4) -> Float[ndarray, "text layer"]:
    """The weight that position 0 has in each layer, mean over heads and the queries from `skip`."""
    found = [model.run(text).mixing[..., skip:, 0].mean((-1, -2)) for text in trip.MORE_TEXTS]
    return np.array(found)

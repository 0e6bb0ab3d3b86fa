"""The field trip: its texts and sentences, its shipped results, and what is asked of a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy import ndarray

from .. import results
from ..dyson import orders
from ..edits import silence
from ..errors import LabError
from ..guard import guarded
from ..model import Model
from . import measures

FILE = Path(__file__).parent.parent / "data" / "field_trip.json"
TEXTS = (
    "The ferry left the harbour an hour before sunrise. On the deck a woman sold hot tea to the "
    "workers, who stood close together and watched the lights of the town grow small.",
    "A magnet loses its strength when it is heated. Above a certain temperature the small moments "
    "of the atoms point in all directions, and no common direction is left to the whole.",
    "In the spring the council decided to build a second bridge across the river. The old one had "
    "been made for horses and carts, and every morning a long line of cars waited to cross it.",
    "Cut the onions into thin slices and cook them slowly in butter until they are soft and brown. "
    "Add the stock, let the soup simmer for half an hour, and serve it with toasted bread.",
)
MORE_TEXTS = (  # what is summed is summed over eight
    *TEXTS,
    "The old clock on the tower had stopped at ten past four. Nobody in the village could say in "
    "which year that had happened, and nobody wished to climb the stairs and wind it again.",
    "To find the area of a circle, multiply the square of its radius by pi. A circle with twice "
    "the radius has four times the area, and one with three times the radius has nine times it.",
    "My sister called me last night from the airport. Her flight had been cancelled because of "
    "the storm, and she wanted to know whether she could sleep on our sofa until the morning.",
    "The court ruled on Monday that the company must pay for the damage to the lake. A speaker "
    "said the firm would appeal, since its own experts had found no trace of the chemical.",
)
SENTENCES = (
    "In the morning the sun rises in the east, and in the evening it sets in the",
    "When Mary and John went to the store, John gave a drink to",
    "The capital of France is Paris, and the capital of Italy is",
    "Yesterday the fisherman went down to the river bank to catch some",
)
GIFT = (SENTENCES[1], " Mary", " John")
FOUR_HEADS = ((23, 3), (23, 0), (29, 1), (20, 0))  # of the gift sentence, (layer, head)
CAPITAL = (SENTENCES[2], " Rome", " Paris")
TEMPERATURES = (0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 4.0)
SPLITS = ("on_site", "mlp")  # of the pictures: hops counted, or all of attention
WORDS_OF_PICTURE = ("sentence", "last", "words", "top")  # all else in it is numbers
SHORT = 32  # tokens of a text in the plain series, whose orders are many


def shipped() -> dict[str, dict[str, ndarray]]:
    """The shipped results: [model and control][quantity] -> array; LabError for a damaged file.

    Models are "smollm2" and "minilm"; controls are written behind a slash, "smollm2/shuffled".
    What begins with "hop", "mlp" or "plain" is [text, order].
    """
    return results.tables(FILE, "results")


def summed() -> dict[str, dict[str, ndarray]]:
    """The plain series of SmolLM2, summed, as shipped: [kind][quantity] -> [text, ...].

    What `operator_lab.pretrained.survey` makes; LabError for a damaged file.
    """
    return results.tables(FILE, "summed")


def extrapolated() -> dict[str, ndarray]:
    """SmolLM2's last state foretold from those after 20, 24, 28 of 30 layers, as shipped.

    Nats left: [method] -> [text, layers]. What `operator_lab.pretrained.survey` makes; LabError for
    a damaged file.
    """
    with results.shipped(FILE) as kept:
        return results.arrays(kept["depth"], "'depth'")


def census() -> dict[str, dict[str, ndarray]]:
    """Many prompts, as shipped: "names", "givers", "capitals", "first" [quantity] -> [prompt, ...].

    What `operator_lab.pretrained.survey` makes; LabError for a damaged file.
    """
    return results.tables(FILE, "census")


def pictures() -> list[dict]:
    """The truncations of the `SENTENCES`, as shipped; see `truncation`.

    LabError for a damaged file.
    """
    with results.shipped(FILE) as kept:
        for k, picture in enumerate(kept["truncations"]):
            for name, value in results.table(picture, f"picture {k}").items():
                if name not in WORDS_OF_PICTURE:
                    results.numbers(value, f"{name!r} of picture {k}")
        return kept["truncations"]


@guarded
def truncation(model: Model, sentence: str, count: int = 7, most: int = 8) -> dict:
    """The next word as the first orders say it, for two splits: laws, KL and likeliest word.

    [order, split], the splits of `SPLITS`; orders beyond `most` are left out. What
    `lab.figures.pretrained.truncation` draws. LabError as in `Model.run`, for one word, and
    for an encoder.
    """
    run = model.run(sentence)
    if len(run.words) < 3:
        raise LabError("Give a sentence of at least three words, so that there are hops to count.")
    whole = measures.log_law(run, run.states[-1])[-1]
    found, parts = [], []
    for split in SPLITS:
        series = orders(run, split)
        sums = np.cumsum(series, 0)
        kept = [min(n, len(sums) - 1) for n in range(most + 1)]
        found.append([measures.log_law(run, sums[n])[-1] for n in kept])
        size = measures.sizes(series)[: most + 1]
        parts.append(np.pad(size, (0, most + 1 - len(size))))
    logs = np.array(found).swapaxes(0, 1)  # [order, split, word]
    laws, law = np.exp(logs), np.exp(whole)
    shown = np.argsort(-(law + 0.3 * laws.max((0, 1))), kind="stable")[:count]
    return {
        "sentence": sentence, "last": run.words[-1],
        "words": [run.vocabulary[i] for i in shown], "laws": laws[..., shown],
        "whole": law[shown], "left": (law * (whole - logs)).sum(-1),
        "top": [[run.vocabulary[i] for i in row] for row in laws.argmax(-1)],
        "sure": laws.max(-1), "sizes": np.array(parts).T,
    }  # fmt: skip


@guarded
def difference(model: Model, text: str, word: str, other: str, edits=None) -> float:
    """The logit of a word minus that of another after the last word of a text."""
    _ = model.weights["W_U.weight"]  # of an encoder in vain
    run = model.run(text, edits)
    i, j = (model.language.index(w) for w in (word, other))
    return float(run.logits[-1, i]) - float(run.logits[-1, j])


@guarded
def falls(model: Model, text: str, word: str, other: str) -> ndarray:
    """How much the difference of two logits falls when one head writes nothing at the last place.

    [layer, head]; every later step answers to it (ablation).
    """
    whole = difference(model, text, word, other)
    found = np.zeros((model.shape.layers, model.shape.heads))
    for layer, head in np.ndindex(found.shape):
        edits = silence(model, layer, [head], position=-1)
        found[layer, head] = whole - difference(model, text, word, other, edits)
    return found

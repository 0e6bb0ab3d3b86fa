"""What is measured on each model of an ensemble: one function a notebook, plain numbers out.

The same instruments as in the notebooks, on the same sentences, so that the spread over seeds
stands beside the number of the reference model.
"""

from __future__ import annotations

import itertools

import numpy as np

from .. import channels, dyson, edits, embedding, measurement, mixing
from ..corpus import Language, grammar_of
from ..guard import guarded
from ..layernorm import normalise
from ..model import Model, divergence
from ..thermodynamics import heat

MONEY, RIVER = "the man paid the coin at the bank", "the man crossed the shore at the bank"
# Each ambiguous word in a sentence of either of its senses, around the ring.
PAIRS = (
    (MONEY, RIVER),
    ("the man crossed the shore at the bass", "the man played the drum at the bass"),
    ("the man played the drum at the pitch", "the man kicked the ball at the pitch"),
    ("the man kicked the ball at the bat", "the man hunted the owl at the bat"),
    ("the man hunted the owl at the buck", "the man paid the coin at the buck"),
)
LATER = " and it was"


def excess(model: Model) -> dict:
    """Distance to the exact law, over 512 texts."""
    return {"excess": model.excess(512)}


def peaks(model: Model) -> dict:
    """Excess, and where the heat capacity of the attention rows has its peak, head by head."""
    return excess(model) | heat(model)


def allowed(model: Model) -> dict:
    """Excess, and the probability given to words that the grammar forbids, over 512 texts."""
    tokens = model.language.sample(512, model.transformer.shape.context, 10**6)
    law, exact = model.law(tokens), model.language.law(tokens)
    outside = float(np.where(exact == 0, law, 0).sum(-1).mean())
    return {"excess": divergence(exact, law), "outside": outside}


def stream(model: Model) -> dict:
    """Excess; size of the stream after each step and of each step against it, over 64 texts."""
    states = model.run_batch(model.language.sample(64, model.transformer.shape.context, 5)).states
    size = np.sqrt((states.astype(float) ** 2).mean((0, 2, 3)))
    change = np.sqrt((np.diff(states.astype(float), axis=1) ** 2).mean((0, 2, 3)))
    return excess(model) | {"size": size.tolist(), "update": (change / size[:-1]).tolist()}


def orders(model: Model) -> dict:
    """Two splits of the same states: shares and sizes of the orders, and the law read from them.

    `left` is the mean KL from the model's law to that of the orders summed so far, over 24 texts;
    `swapped` the excess with two neighbouring layers exchanged, `reversed` with all turned round.
    """
    model = model.to("float64")
    runs = model.run_batch(model.language.sample(24, model.transformer.shape.context, 11))
    found = excess(model)
    for split, options in (("layer", ("nothing", "layer")), ("hop", ("on_site",))):
        series = dyson.orders(runs, *options)
        found[f"{split} shares"] = dyson.projections(series).tolist()
        found[f"{split} sizes"] = dyson.sizes(series).tolist()
        found[f"{split} left"] = dyson.missing(runs, series).tolist()
    layers = list(range(model.transformer.shape.layers))
    swaps = [[*layers[:i], i + 1, i, *layers[i + 2 :]] for i in layers[:-1]]
    found["swapped"] = [dyson.reordered(model, order).excess(64) for order in swaps]
    found["reversed"] = dyson.reordered(model, layers[::-1]).excess(64)
    return found


def core(model: Model) -> dict:
    """What notebooks 02, 03, 04, 05 and 07 measure on a model of the compound language."""
    model = model.to("float64")
    return (
        excess(model)
        | of_embedding(model)
        | of_mixing(model)
        | of_channels(model)
        | of_depth(model)
        | of_measurement(model)
    )


def of_embedding(model: Model) -> dict:
    """Likeness of like words, ranks in use, what cutting and turning cost, a word alone."""
    language, w = grammar_of(model.language), model.weights
    found: dict[str, float] = {}
    own = embedding.senses_of(language)
    own = own[(own == 0.5).any(1)] == 0.5
    for name, W in (("W_E", embedding.vectors(model)), ("W_U", embedding.bras(model))):
        like, other = list(embedding.likeness(W, language).values())[::3]
        between = embedding.between_senses(W, language)
        found |= {
            f"likeness {name}": like,
            f"unlikeness {name}": other,
            f"own {name}": float(between[own].mean()),
            f"others {name}": float(between[~own].mean()),
            f"effective rank {name}": embedding.effective_rank(W),
        }
    cut = model.with_weights({"W_E": embedding.downfolded(w["W_E"], 8)}).to("float32")
    d = model.transformer.shape.features
    turned = [embedding.rotated(model, embedding.rotation(d, seed)).excess(48) for seed in range(5)]
    x = model.run_batch(np.arange(len(language.words))[:, None]).states[:, [0, -1], 0]
    kept = (x[:, 0] * x[:, 1]).sum(-1) / np.linalg.norm(x, axis=-1).prod(-1)
    return found | {
        "cut to rank 8": cut.excess(64),
        "turned": float(np.mean(turned)),
        "alone": float(kept.mean()),
    }


def of_mixing(model: Model) -> dict:
    """Shares of the coupling, the exchange of 'bank', temperatures, sizes of the steps."""
    run, quick = model.run(MONEY), model.to("float32")
    flip = mixing.exchange(model, MONEY, RIVER)
    later = mixing.exchange(model, MONEY + LATER, RIVER + LATER, positions=[8])
    texts = model.language.sample(64, 32, seed=5)
    sizes = mixing.update_sizes(quick.run_batch(texts)).mean(0)
    return {
        "between positions": mixing.between_share(run.steps[0]),
        "antisymmetric": float(np.mean(mixing.antisymmetric_share(mixing.couplings(run)))),
        "flip": flip.tolist(),
        "flip later": float(later.max()),
        "at T/T0": mixing.temperature_scan(quick, (0.1, 0.25, 1, 4, 10), 128).tolist(),
        "largest attention": float(sizes[::2].max()),
        "largest MLP": float(sizes[1::2].max()),
    }


def of_channels(model: Model) -> dict:
    """Overlaps of the heads' spaces, channels in use, low rank, silencing against exchange."""
    run, layers, h = model.run(MONEY), model.transformer.shape.layers, model.transformer.shape.heads
    apart = ~np.eye(h, dtype=bool)
    found = {
        f"overlap {which}": float(
            np.mean([channels.overlaps(layer, which)[apart].mean() for layer in run.layers])
        )
        for which in channels.SPACES
    }
    W_O = [model.weights[f"blocks.{i}.attention.W_O.weight"] for i in range(layers)]
    used = [channels.schmidt(channels.operator(layer), len(run.words)) for layer in run.layers]
    quick = model.to("float32")  # the rest is read to three digits
    silent, moved = channels.costs(quick, 48), channels.carried(quick, MONEY, RIVER)
    return found | {
        "off block": float(np.mean([channels.off_block(W, h) for W in W_O])),
        "channels in use": [channels.effective_count(s) for s in used],
        "rank of mixing": [quick.excess(48, edits=edits.flatten(quick, r)) for r in (4, 8, 16)],
        "silenced": silent.ravel().tolist(),
        "carried": moved.ravel().tolist(),
    }


def of_depth(model: Model) -> dict:
    """Reordered layers, the bare series' radius, and the law by layers once more."""
    every = list(itertools.permutations(range(model.transformer.shape.layers)))
    quick = model.to("float32")
    shuffled = [dyson.reordered(quick, list(order)).excess(24) for order in every[1:]]
    series, _ = dyson.bare.stable_coefficients(model.run(MONEY), count=24, radius=4.0)
    return {
        "reordered": float(np.median(shuffled)),
        "least reordered": float(min(shuffled)),
        "bare radius": float(np.median(dyson.bare.radius_of_convergence(series))),
    }


def of_measurement(model: Model) -> dict:
    """The lens by step, columns seen, beliefs found and rewritten, Born's rule on the logits."""
    quick, language = model.to("float32"), grammar_of(model.language)
    texts = language.sample(128, 32, seed=77)
    exact, runs = language.law(texts), quick.run_batch(texts)
    lens = measurement.lens(runs)
    columns = (0, 1, 2, 4, 8, 16)
    blind = measurement.boundary(quick, texts, [*columns, 31])
    return {
        "lens": [divergence(exact, lens[:, s]) for s in range(lens.shape[1])],
        "columns": [divergence(blind[-1], law) for law in blind[:-1]],
        "born read": divergence(exact, measurement.born(runs.logits.astype(float))),
    } | _beliefs(quick, language)


def _beliefs(model: Model, language: Language) -> dict:
    texts = language.sample(1024, 32, seed=5)
    belief, place = language.posterior(texts), language.place(texts)
    states = model.run_batch(texts).states
    stake, x = measurement.at_stake(language), states[:, -1].astype(float)
    read = measurement.probe(x[:512], belief[:512])
    share = measurement.found_by_place(x, belief, place)
    at_stake = [name for name in share if stake[name] > 0]
    done = [
        measurement.rewritten(model, texts, states[:, 4], belief, place, name) for name in at_stake
    ]
    known = np.isin(place, at_stake)
    shared = measurement.probe(x[:512][known[:512]], belief[:512][known[:512]])
    return {
        "belief": measurement.explained(belief[512:], read(x[512:])),
        "belief at stake": min(share[name] for name in at_stake),
        "one read-out at stake": measurement.explained(
            belief[512:][known[512:]], shared(x[512:][known[512:]])
        ),
        "belief elsewhere": float(np.median([s for n, s in share.items() if stake[n] == 0])),
        "rewritten": min(1 - r.after / r.before for r in done),
        "rewritten at random": max(1 - r.control / r.before for r in done),
    }


def exponentials(model: Model) -> dict:
    """Errors of one exponential for the product of the steps, on a short sentence."""
    return dyson.exponentials(model.to("float64").run("the man paid"))._asdict()


def two_hops(model: Model) -> dict:
    """The depth language: P(right verb) by hops, and with one route of the second layer hidden."""
    model = model.to("float64")
    language = grammar_of(model.language)
    texts = language.sample(96, 64, seed=77)
    right = _right_verb(language, texts)
    runs = model.run_batch(texts)
    hops = dyson.law_of(runs, np.cumsum(dyson.orders(runs, free="on_site"), 0))
    found = excess(model) | {
        "right verb": right(runs.law),
        "exact": right(language.law(texts)),
        "by hops": [right(law) for law in hops],
    }
    if model.transformer.shape.layers > 1:
        for route in ("value", "key", "query"):
            hidden = edits.blind(runs, route, reader=1, writer=0)
            found[f"blind {route}"] = right(model.run_batch(texts, edits=hidden).law)
    return found


def hops_in_time(model: Model) -> dict:
    """The depth language while it is learned: P(right verb), of the model and by hops."""
    texts = model.language.sample(96, 64, seed=77)
    right, runs = _right_verb(grammar_of(model.language), texts), model.run_batch(texts)
    hops = dyson.law_of(runs, np.cumsum(dyson.orders(runs, free="on_site"), 0))
    return {"right verb": right(runs.law), "by hops": [right(law) for law in hops[:3]]}


RATIOS = (0.1, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 10.0)


@guarded
def becoming(model: Model) -> dict:
    """What notebook 08 watches while a model of the compound language is trained.

    Sizes of the hop orders and what is left after each (24 texts), the antisymmetric share of the
    coupling, the spread of the exponents S/T0, the excess at other temperatures, likeness of the
    senses in W_E and W_U, and how far the exchange of an ambiguous word turns the law: of 'bank',
    and of each of the five.
    """
    texts = model.language.sample(24, model.transformer.shape.context, 11)
    runs = model.run_batch(texts)
    hops = dyson.orders(runs, free="on_site")
    seen = np.tri(texts.shape[1], dtype=bool)
    vectors, bras = embedding.vectors(model), embedding.bras(model)
    return {
        "hop sizes": dyson.sizes(hops)[:5].tolist(),
        "hop left": dyson.missing(runs, hops)[:5].tolist(),
        "antisymmetric": float(np.mean(mixing.antisymmetric_share(mixing.couplings(runs[0])))),
        "exponents": float((runs.interaction[..., seen] / model.transformer.shape.T0).std()),
        "at T/T0": mixing.temperature_scan(model, RATIOS, 48).tolist(),
        "likeness W_E": _likeness(vectors, grammar_of(model.language)),
        "likeness W_U": _likeness(bras, grammar_of(model.language)),
        "flip": float(np.max(mixing.exchange(model, MONEY, RIVER))),
        "flips": [float(np.max(mixing.exchange(model, *pair))) for pair in PAIRS],
    }


def _likeness(W, language: Language) -> float:
    """Mean cosine of two words of one sense, less that of two senses (one part of speech)."""
    found = list(embedding.likeness(W, language).values())
    return float(found[0] - found[2])


def _right_verb(language: Language, texts):
    sense = language.posterior(texts)
    named = np.isin(texts, [language.index(name) for name in language.holders])
    known = named & (sense.max(-1) > 0.99)
    verbs = language.emissions("verb") * (language.emissions("verb").min(0) == 0)
    own = verbs[sense[known].argmax(-1)] > 0
    return lambda law: float((law[known] * own).sum(-1).mean())


def relaxation(model: Model) -> dict:
    """The excess of a tied model at depths it was not trained for."""
    model = model.to("float64")
    return excess(model) | {"at depth": [model.replace(layers=n).excess(32) for n in (6, 24, 100)]}


def settling(model: Model) -> dict:
    """A tied model applied 300 times: does it come to rest, and is the answer at rest right?

    `moves` is |x_(l+1) - x_l| / |x_l|, `turns` the same of the normed states, and `size` the root
    mean square of the stream, all over 4 texts, by the number of times the layer has been applied;
    `at depth` the excess after 6, 24, 96.
    """
    model = model.to("float64")
    texts = model.language.sample(4, model.transformer.shape.context, 5)
    x = model.replace(layers=300).run_batch(texts).states[:, ::2]
    square = (x**2).mean((0, 2, 3))
    moves = np.sqrt((np.diff(x, axis=1) ** 2).mean((0, 2, 3)) / square[:-1])
    turns = np.sqrt((np.diff(normalise(x), axis=1) ** 2).mean((0, 2, 3)))
    return excess(model) | {
        "moves": moves.tolist(),
        "turns": turns.tolist(),
        "size": np.sqrt(square).tolist(),
        "at depth": [model.replace(layers=n).excess(32) for n in (6, 24, 96)],
    }

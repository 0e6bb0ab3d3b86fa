"""Labels: what can be known of a text before any geometry (one-hot vectors; paper II).

The language's exact law tells what each observer of a text can know at best. Every observer here
is honest: it applies Bayes' rule to what it is allowed to see, so the entropy it expects is the
surprise it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .arrays import length
from .corpus import Language, Node, grammar_of
from .errors import LabError
from .given import distribution, whole
from .guard import guarded
from .model import Model, divergence

ROOM = 2e8  # numbers that an array of labels may hold


@guarded
def one_hot(tokens: Int[ndarray, "*N"], vocabulary: int) -> Float[ndarray, "*N V"]:
    """X with X[i, tokens[i]] = 1 and 0 elsewhere: each label its own axis (paper II).

    LabError for a token outside 0 .. vocabulary - 1.
    """
    tokens = np.asarray(tokens)
    if tokens.dtype.kind not in "iu":
        raise LabError(f"Labels are whole numbers; got an array of {tokens.dtype}.")
    outside = tokens[(tokens < 0) | (tokens >= vocabulary)]
    if outside.size:
        raise LabError(
            f"Label {outside.flat[0]} is outside the vocabulary; {vocabulary} words have the "
            f"labels 0 to {vocabulary - 1}."
        )
    size = tokens.size * vocabulary
    if size > ROOM:
        raise LabError(f"Labels that take {size:.2g} numbers do not fit; at most {ROOM:.0e} do.")
    X = np.zeros((*tokens.shape, vocabulary))
    np.put_along_axis(X, tokens[..., None], 1.0, -1)
    return X


@guarded(finite=True)
def distances(X: Float[ndarray, "n d"]) -> Float[ndarray, "n n"]:
    """Euclidean distance between every two rows."""
    return length(X[:, None] - X[None], -1)


@guarded
def relabelled(model: Model, p: Int[ndarray, "V"]) -> Model:
    """The same model and language with the vocabulary listed anew: word w gets the label p[w].

    The rows of W_E and W_U follow their words, so every sentence keeps its law. LabError unless p
    holds each label once.
    """
    if not isinstance(model.language, Language):
        raise LabError(f"Only a language of the course is listed anew, not {model.language.name}.")
    p, V = np.asarray(p), len(model.language.words)
    if p.dtype.kind not in "iu" or sorted(p.tolist()) != list(range(V)):
        raise LabError(f"A relabelling of {V} words holds each of the labels 0 to {V - 1} once.")
    old = np.argsort(p)  # old[new label] = old label
    words = "W_U.weight", "W_U.bias", "head.W_U.weight", "head.W_U.bias"
    names = [n for n in ("W_E", *words) if n in model.weights]
    moved = model.with_weights({name: model.weights[name][old] for name in names})
    listed = tuple(model.language.words[w] for w in old)
    return replace(moved, language=replace(model.language, listed=listed))


def _one_sense(language: Language) -> Language:
    if grammar_of(language).holders:
        raise LabError(
            f"Observers are defined for a language with one sense at a time, not for "
            f"{language.name!r}; try lab.corpus.compound()."
        )
    return language


@guarded
def forgetful(language: Language) -> Language:
    """The language as seen by who forgets the sense at every full stop."""
    return replace(_one_sense(language), stay=0.0)


@guarded
def sense_blind(language: Language) -> Language:
    """The language as seen by who knows the grammar and does not know that there are senses."""

    def averaged(node: Node) -> Node:
        words = {w for by in node.says.values() for w in by}
        mean = {w: float(np.mean([by.get(w, 0.0) for by in node.says.values()])) for w in words}
        return node._replace(says=dict.fromkeys(node.says, mean))

    nodes = {name: averaged(node) for name, node in _one_sense(language).nodes.items()}
    return replace(language, nodes=nodes)


@guarded
def grammar_tables(
    language: Language,
) -> tuple[Float[ndarray, "nodes nodes"], Float[ndarray, "nodes senses words"]]:
    """Where each node leads, and what each node says in each sense."""
    names = list(grammar_of(language).nodes)
    then = np.array([[language.nodes[n].then.get(m, 0.0) for m in names] for n in names])
    return then, np.stack([language.emissions(n) for n in names])


@guarded
def stationary(language: Language) -> Float[ndarray, "nodes"]:
    """The share of each node of the grammar in a long text (stationary law of the walk)."""
    then, _ = grammar_tables(language)
    n = len(then)
    rows = np.vstack([then.T - np.eye(n), np.ones(n)])  # pi then = pi, sum pi = 1
    return np.linalg.lstsq(rows, np.append(np.zeros(n), 1.0), rcond=None)[0]


@guarded(empty=("tokens",))
def window_law(language: Language, tokens: Int[ndarray, "*batch c"]) -> Float[ndarray, "*batch V"]:
    """The exact law of the next word when only these c words of a long text are seen.

    Bayes' rule on node and sense together, both unknown before the first word (forward algorithm
    of a hidden Markov model). c = 0 gives the words' overall frequencies. LabError for words that
    cannot follow one another.
    """
    then, says = grammar_tables(_one_sense(language))
    senses, stop = len(language.senses), list(language.nodes).index("stop")
    tokens, V = np.asarray(tokens, dtype=int), len(language.words)
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < V):
        raise LabError(f"A token of {language.name} is a whole number from 0 to {V - 1}.")
    belief = np.broadcast_to(
        stationary(language)[:, None] / senses, (*tokens.shape[:-1], len(then), senses)
    )

    def step(belief):
        """To the next word's node; at a full stop the sense may be drawn afresh."""
        at_stop = belief[..., stop, :]
        kept = language.stay * at_stop
        fresh = (1 - language.stay) * at_stop.sum(-1, keepdims=True) / senses
        belief = belief.copy()
        belief[..., stop, :] = kept + fresh
        return then.T @ belief

    for t in range(tokens.shape[-1]):
        likely = np.moveaxis(says[:, :, tokens[..., t]], (0, 1), (-2, -1))
        belief = step(belief) * likely
        total = belief.sum((-1, -2), keepdims=True)
        if (total <= 0).any():
            raise LabError(f"These words never follow one another; the grammar stops at word {t}.")
        belief = belief / total
    flat = step(belief).reshape(*tokens.shape[:-1], len(then) * senses)
    return flat @ says.reshape(len(then) * senses, V)


class Remaining(NamedTuple):
    """Entropy that remains, and its standard error, in nats per word; one entry a length."""

    nats: Float[ndarray, "lengths"]
    error: Float[ndarray, "lengths"]


@guarded
def remaining(
    language: Language,
    lengths: Sequence[int],
    count: int = 4096,
    seed: int = 3,
    reader: Language | None = None,
) -> Remaining:
    """Surprise that remains when the last c words of a long text are remembered, each c asked.

    The mean of -log of the reader's law over `count` places of the language; the reader is the
    language itself, so that this is the entropy, or one that knows less, such as `sense_blind`.
    The words that follow are averaged exactly. LabError for a negative length.
    """
    for c in lengths:
        whole(c, "A length of context", 0, 10**4)
    whole(count, "count", 2)  # or there is no standard error
    language = grammar_of(language)
    burn = 64  # by then a text has forgotten that it began at a full stop
    texts = language.sample(count, burn + max(lengths), seed)
    found = []
    for c in lengths:
        window = texts[:, texts.shape[1] - c :]
        truth = window_law(language, window)
        found.append(surprise(truth, window_law(reader, window) if reader else truth))
    nats = np.array(found)
    return Remaining(nats.mean(1), nats.std(1, ddof=1) / count**0.5)


@guarded
def surprise(truth: Float[ndarray, "*n V"], belief: Float[ndarray, "*n V"]) -> Float[ndarray, "*n"]:
    """Mean of -log belief when words follow the truth (cross-entropy), in nats."""
    truth, belief = distribution(truth), distribution(belief)
    told = truth * np.log(np.where(truth > 0, np.maximum(belief, 1e-300), 1))
    return -np.asarray(told.sum(-1))


class Observer(NamedTuple):
    """What an observer expects (entropy of its law), what it meets (cross-entropy), its excess."""

    expects: Float[ndarray, "N"]
    meets: Float[ndarray, "N"]
    excess: float


@guarded
def observers(language: Language, count: int = 2048, seed: int = 1) -> dict[str, Observer]:
    """Five ways to read the same texts, by position: what each expects and what it meets.

    From the blindest on: word frequencies, the last word, the grammar without senses, all of the
    sentence, all of the text (the exact law). Nats per word.
    """
    language = grammar_of(language)
    texts = language.sample(count, language.context, seed)
    truth = language.law(texts)
    frequencies = np.broadcast_to(window_law(language, texts[:0, 0]), truth.shape)
    laws = {
        "frequencies": frequencies,
        "last word": window_law(language, texts[:, :, None]),
        "grammar": sense_blind(language).law(texts),
        "sentence": forgetful(language).law(texts),
        "exact": truth,
    }
    return {
        name: Observer(
            surprise(law, law).mean(0), surprise(truth, law).mean(0), divergence(truth, law)
        )
        for name, law in laws.items()
    }

"""A grammar with hidden senses, and the exact law that follows from it (a known source).

A sentence walks through the nodes of a grammar. The walk is visible: the words alone tell
where in the sentence we are. What stays hidden is the *sense*; it colours some of the words. So
Bayes' rule on a few numbers gives the exact law of the next word, and its mean entropy is the
floor below which no model can go. The languages themselves are in `languages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from ..errors import LabError, near
from ..guard import guarded

STOP = "."
SENSES = ("money", "river", "music", "game", "wild")
Emission = Mapping[str, Mapping[str, float]]  # sense -> word -> probability


class Node(NamedTuple):
    """One place in a sentence: what may be said here, and where the sentence goes next."""

    says: Emission
    then: Mapping[str, float]


def uniform(words: str) -> Emission:
    """The same words, equally likely, whatever the sense."""
    listed = words.split()
    return {sense: {w: 1 / len(listed) for w in listed} for sense in SENSES}


def by_sense(table: Mapping[str, str]) -> Emission:
    """Words that the sense selects."""
    return {s: {w: 1 / len(ws.split()) for w in ws.split()} for s, ws in table.items()}


def mixed(share: float, first: Emission, second: Emission) -> Emission:
    """`first` with probability `share`, else `second`."""
    return {
        s: {
            w: share * first[s].get(w, 0) + (1 - share) * second[s].get(w, 0)
            for w in {**first[s], **second[s]}
        }
        for s in first
    }


class Floor(NamedTuple):
    """Mean entropy of the exact law and its standard error, in nats per word."""

    nats: float
    error: float


@dataclass(frozen=True)
class Language:
    """A grammar with hidden senses and the exact law that follows from it.

    `holders` are the words that say whose sense is meant (none: one sense for the whole text);
    `stay` is the probability that a sense survives a full stop; `listed` puts the vocabulary in
    an order of its own. Every grammar must be readable: from a given node no word may lead to two
    nodes, else the walk would be hidden too.
    """

    name: str
    nodes: Mapping[str, Node]
    context: int
    senses: tuple[str, ...] = SENSES
    holders: tuple[str, ...] = ()
    stay: float = 1.0
    listed: tuple[str, ...] = ()

    def __post_init__(self):
        if self.holders and self.stay != 1:
            raise LabError("Where words name the holder of a sense, every sense must stay (1.0).")
        self._next_node  # noqa: B018 - refuses a grammar whose walk is hidden

    def __repr__(self) -> str:
        return f"Language: {self.name}, {len(self.words)} words, {len(self.senses)} senses"

    @staticmethod
    def instead(value: object) -> str:
        """What to say of a text, a tokenizer or anything else where a grammar is asked for."""
        name = getattr(value, "name", type(value).__name__)
        return (
            f"{name} has no grammar that anybody knows, and no senses; this is asked of "
            "lab.corpus.compound() or lab.corpus.depth() only."
        )

    # --- words ---------------------------------------------------------------------------

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The vocabulary; a word's place in it is its token."""
        said = {w for node in self.nodes.values() for by in node.says.values() for w in by}
        if self.listed and sorted(self.listed) != sorted(said):
            raise LabError(f"The list must hold each of the {len(said)} words of the grammar once.")
        return self.listed or (STOP, *sorted(said - {STOP}))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {w: i for i, w in enumerate(self.words)}

    @guarded
    def index(self, word: str) -> int:
        """Return the token of `word`; LabError when the language has no such word."""
        if word not in self._index:
            raise LabError(
                f"{word!r} is not one of the {len(self.words)} words of this language"
                f"{near(word, self.words)} lab.corpus.words({self.name!r}) lists them."
            )
        return self._index[word]

    @guarded(own=("sentence",))
    def encode(self, sentence: str) -> Int[np.ndarray, "N"]:
        """Return the tokens of a sentence, the opening full stop in front (tokenisation)."""
        if not isinstance(sentence, str):
            raise LabError(
                f"A sentence is a string of words, not {type(sentence).__name__}; "
                "try 'the man paid the coin at the bank'."
            )
        said = sentence.lower().replace(STOP, f" {STOP} ").split()
        if not set(said) - {STOP}:
            raise LabError("The sentence is empty; try 'the man paid the coin at the bank'.")
        if said[0] != STOP:
            said = [STOP, *said]
        return np.array([self.index(w) for w in said])

    @guarded
    def decode(self, tokens: Int[np.ndarray, "N"] | Sequence[int]) -> str:
        """Return the words of `tokens`, joined by spaces."""
        return " ".join(self.words[i] for i in self._checked(tokens).ravel())

    def _checked(self, tokens) -> Int[np.ndarray, "..."]:
        """Tokens as an integer array; LabError for anything outside the vocabulary."""
        try:
            array = self.encode(tokens) if isinstance(tokens, str) else np.asarray(tokens)
        except (TypeError, ValueError) as error:
            if isinstance(error, LabError):
                raise
            array = np.empty(0)
        if array.size == 0 or array.dtype.kind not in "iu":
            raise LabError("Tokens are a non-empty array of whole numbers, or a sentence.")
        if array.min() < 0 or array.max() >= len(self.words):
            bad = array.min() if array.min() < 0 else array.max()
            raise LabError(
                f"Token {bad} does not exist; this language has tokens 0 to {len(self.words) - 1}."
            )
        if array.ndim > 2:
            raise LabError(f"Tokens are [N], or [B, N] for many texts; got shape {array.shape}.")
        return array

    # --- the grammar as tables -----------------------------------------------------------

    @cached_property
    def _says(self) -> Float[np.ndarray, "nodes senses words"]:
        table = np.zeros((len(self.nodes), len(self.senses), len(self.words)))
        for n, node in enumerate(self.nodes.values()):
            for s, sense in enumerate(self.senses):
                for word, p in node.says[sense].items():
                    table[n, s, self._index[word]] = p
        return table

    @cached_property
    def _then(self) -> Float[np.ndarray, "nodes nodes"]:
        order = list(self.nodes)
        table = np.zeros((len(order), len(order)))
        for n, node in enumerate(self.nodes.values()):
            for name, p in node.then.items():
                table[n, order.index(name)] = p
        return table

    @cached_property
    def _law_at(self) -> Float[np.ndarray, "nodes senses words"]:
        """The next word's law at each node, given the sense that will speak it."""
        return np.einsum("nm,msw->nsw", self._then, self._says)

    @cached_property
    def _next_node(self) -> Int[np.ndarray, "nodes words"]:
        """Where each word leads from each node; -1 where the grammar forbids it."""
        leads = (self._then[:, :, None] > 0) & (self._says.max(1)[None] > 0)
        if (leads.sum(1) > 1).any():
            n, w = np.argwhere(leads.sum(1) > 1)[0]
            raise LabError(
                f"After node {list(self.nodes)[n]!r} the word {self.words[w]!r} leads to two nodes;"
                " each word must lead to one, so that the walk is visible."
            )
        return np.where(leads.any(1), leads.argmax(1), -1)

    @cached_property
    def _holder(self) -> Int[np.ndarray, "words"]:
        """Which person each word names; -1 for a word that names nobody."""
        table = np.full(len(self.words), -1)
        for i, name in enumerate(self.holders):
            table[self._index[name]] = i
        return table

    def _crossing_stop(self, belief, at_stop):
        """A sense survives a full stop with probability `stay`, else it is drawn afresh."""
        fresh = self.stay * belief + (1 - self.stay) / len(self.senses)
        return np.where(at_stop[..., None], fresh, belief)

    # --- the exact law ---------------------------------------------------------------------

    def _filter(self, tokens):
        """Bayes' rule along each row of tokens [B, N] (the forward algorithm).

        Returns the node [B, N], the posterior over senses [B, N, senses] after each word, and
        whether a text can begin so [B, N]; where it cannot, the rest of the row means nothing.
        """
        batch, length = tokens.shape
        rows, stop = np.arange(batch), list(self.nodes).index("stop")
        node, holder = np.full(batch, stop), np.zeros(batch, int)
        belief = np.full((batch, max(1, len(self.holders)), len(self.senses)), 1 / len(self.senses))
        nodes, inside = np.full((batch, length), stop), np.empty((batch, length), bool)
        posterior = np.full((batch, length, len(self.senses)), 1 / len(self.senses))
        inside[:, 0] = tokens[:, 0] == self._index[STOP]
        for t in range(1, length):
            word = tokens[:, t]
            after = self._next_node[node, word]  # -1 is some node, but never looked at again
            named = self._holder[word]
            holder = np.where(named >= 0, named, holder)
            here = self._crossing_stop(belief[rows, holder], node == stop)
            here = here * self._says[after, :, word]
            total = here.sum(1)
            inside[:, t] = inside[:, t - 1] & (after >= 0) & (total > 0)
            belief[rows, holder] = here / np.where(total > 0, total, 1)[:, None]
            node = after
            nodes[:, t], posterior[:, t] = node, belief[rows, holder]
        return nodes, posterior, inside

    def _read(self, tokens):
        """Node and posterior of texts that the grammar allows; LabError for another text."""
        nodes, posterior, inside = self._filter(tokens)
        if not inside[:, 0].all():
            first = self._index[STOP]
            raise LabError(f"A text of this language begins with the full stop, token {first}.")
        if not inside.all():
            row = inside.all(1).argmin()
            raise LabError(self._forbidden(tokens[row], inside[row].argmin()))
        return nodes, posterior

    def _forbidden(self, tokens, t) -> str:
        some = [w for w, p in zip(self.words, self.law(tokens[:t])[-1], strict=True) if p > 0]
        shown = ", ".join(map(repr, some[:6])) + (", ..." if len(some) > 6 else "")
        return (
            f"After '{self.decode(tokens[:t])}' the grammar never says {self.words[tokens[t]]!r}, "
            f"so no exact law exists there; it may say {shown}"
        )

    @guarded
    def posterior(self, tokens) -> Float[np.ndarray, "*batch N senses"]:
        """Exact probability of each sense after each word, given the words so far (belief state).

        `tokens` is a sentence, or tokens [N] or [B, N] with the opening full stop. In `depth()`
        the sense is that of the person named last. LabError for a text outside the grammar.
        """
        array = self._checked(tokens)
        _, posterior = self._read(np.atleast_2d(array))
        return posterior if array.ndim > 1 else posterior[0]

    @guarded
    def law(self, tokens) -> Float[np.ndarray, "*batch N words"]:
        """Exact probability of each next word after each word (the true next-token law).

        Shapes and errors as in `posterior`.
        """
        array = self._checked(tokens)
        nodes, posterior = self._read(np.atleast_2d(array))
        belief = self._crossing_stop(posterior, nodes == list(self.nodes).index("stop"))
        law = np.empty((*nodes.shape, len(self.words)))
        for i in range(len(nodes)):  # row by row keeps the table of one text small
            law[i] = np.einsum("ns,nsw->nw", belief[i], self._law_at[nodes[i]])
        return law if array.ndim > 1 else law[0]

    @guarded
    def inside(self, tokens) -> Bool[np.ndarray, "*batch N"]:
        """Whether each word, and all before it, is one that the grammar allows."""
        array = self._checked(tokens)
        _, _, inside = self._filter(np.atleast_2d(array))
        return inside if array.ndim > 1 else inside[0]

    @guarded
    def place(self, tokens) -> ndarray:
        """Return the grammar's node at each position [*batch N], such as 'verb'."""
        array = self._checked(tokens)
        nodes, _ = self._read(np.atleast_2d(array))
        named = np.array(list(self.nodes))[nodes]
        return named if array.ndim > 1 else named[0]

    @guarded
    def emissions(self, node: str) -> Float[np.ndarray, "senses words"]:
        """Probability of each word at one node of the grammar, for each sense.

        LabError for a node that the grammar does not have.
        """
        return self._says[self._number(node)].copy()

    @guarded
    def after(self, node: str) -> Float[np.ndarray, "senses words"]:
        """Probability of each word that follows a node, for each sense that may speak it."""
        return self._law_at[self._number(node)].copy()

    def _number(self, node: str) -> int:
        if node not in self.nodes:
            known = ", ".join(self.nodes)
            raise LabError(f"{node!r} is not a node of this grammar; it has {known}.")
        return list(self.nodes).index(node)

    @guarded
    def sample(
        self, count: int, length: int | None = None, seed: int | Sequence[int] = 0
    ) -> Int[np.ndarray, "B N"]:
        """Draw `count` texts of `length` words (default: context + 1), each from a full stop."""
        length = self.context + 1 if length is None else length
        if count < 1 or length < 1:
            raise LabError(f"Cannot draw {count} texts of {length} words; both must be at least 1.")
        rng = np.random.default_rng(seed)
        senses = rng.integers(len(self.senses), size=(count, max(1, len(self.holders))))
        rows, stop = np.arange(count), list(self.nodes).index("stop")
        node, holder = np.full(count, stop), np.zeros(count, int)
        then, says = self._then.cumsum(1), self._says.cumsum(2)
        texts = np.full((count, length), self._index[STOP])
        for t in range(1, length):
            fresh = rng.integers(len(self.senses), size=senses.shape)
            keep = (rng.random(senses.shape) < self.stay) | (node != stop)[:, None]
            senses = np.where(keep, senses, fresh)
            node = _draw(then[node], rng)
            word = _draw(says[node, senses[rows, holder]], rng)
            named = self._holder[word]
            holder = np.where(named >= 0, named, holder)
            texts[:, t] = word
        return texts

    @cache  # noqa: B019 - languages are few and live as long as the session
    def floor(self, count: int = 4096, seed: int = 1) -> Floor:
        """Return the mean entropy of the exact law over one context, with its standard error."""
        entropy = [
            -_xlogx(self.law(self.sample(256, self.context, [seed, i]))).sum(-1).mean(1)
            for i in range(max(1, count // 256))
        ]
        means = np.concatenate(entropy)
        return Floor(float(means.mean()), float(means.std(ddof=1) / len(means) ** 0.5))

    __hash__ = object.__hash__


def _draw(cumulative, rng) -> Int[np.ndarray, "B"]:
    """One draw per row of cumulative probabilities."""
    r = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    return (cumulative <= r).sum(1)


def _xlogx(p):
    return p * np.log(np.where(p > 0, p, 1))


@guarded
def grammar_of(language: object) -> Language:
    """Return the language as one whose grammar is known; LabError for a text or a tokenizer."""
    if not isinstance(language, Language):
        raise LabError(Language.instead(language))
    return language

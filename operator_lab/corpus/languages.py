"""Small languages whose true next-word law is known (machine learning: a synthetic corpus).

Five senses are hidden, one of them behind every sentence; neighbours on the ring of senses share
an ambiguous word. In `compound()` one sense is shared by the whole text and may change at a full
stop; in `depth()` each of four people keeps a sense of their own for the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

from ..errors import LabError
from ..guard import guarded
from .grammar import SENSES, STOP, Language, Node, by_sense, mixed, uniform

# Neighbours on the ring of senses share one ambiguous word.
AMBIGUOUS = {
    "bank": ("money", "river"),
    "bass": ("river", "music"),
    "pitch": ("music", "game"),
    "bat": ("game", "wild"),
    "buck": ("wild", "money"),
}
_VERB = dict(
    money="paid spent lent", river="crossed fished sailed", music="played sang tuned",
    game="kicked threw scored", wild="hunted fed chased",
)  # fmt: skip
_CUE = dict(
    money="money account loan coin", river="river water boat shore", music="song guitar drum choir",
    game="ball team goal coach", wild="forest owl nest moon",
)  # fmt: skip
_PROPERTY = dict(
    money="rich closed safe", river="deep wet muddy", music="loud sweet flat",
    game="fast hard wooden", wild="shy hungry furry",
)  # fmt: skip
_COMPOUND = dict(
    money="clerk vault fee", river="reeds mud ferry", music="solo tone stage",
    game="score match prize", wild="tracks cub den",
)  # fmt: skip
_NAMES = ("anna", "tom", "eva", "bob")
_AMBIGUOUS_OF = {
    s: " ".join(word for word, senses in AMBIGUOUS.items() if s in senses) for s in SENSES
}


@cache
def compound() -> Language:
    """The language of notebook 03: the ambiguous word may be followed by a compound.

    "bank clerk" and "bank reeds" betray the sense right after "bank", so a model must know the
    sense *at* the position of "bank".
    """
    ambiguous, compounds = by_sense(_AMBIGUOUS_OF), by_sense(_COMPOUND)
    determiner = mixed(0.6, uniform("the"), uniform("a"))
    nodes = {
        "stop": Node(uniform(STOP), {"determiner": 1}),
        "determiner": Node(determiner, {"adjective": 0.23, "person": 0.42, "topic": 0.35}),
        "adjective": Node(uniform("old young tall kind"), {"person": 1}),
        "person": Node(uniform("man woman boy girl child"), {"verb": 1}),
        "verb": Node(mixed(0.5, uniform("saw took found"), by_sense(_VERB)), {"article": 1}),
        "article": Node(determiner, {"object": 1}),
        "object": Node(
            mixed(0.3, uniform("box thing sack"), by_sense(_CUE)), {"preposition": 0.8, "stop": 0.2}
        ),
        "preposition": Node(uniform("near by at"), {"place article": 1}),
        "place article": Node(uniform("the"), {"place": 1}),
        "place": Node(ambiguous, {"place compound": 0.45, "and": 0.33, "stop": 0.22}),
        "place compound": Node(compounds, {"and": 0.6, "stop": 0.4}),
        "and": Node(uniform("and"), {"it": 1}),
        "it": Node(uniform("it"), {"was": 1}),
        "topic": Node(ambiguous, {"topic compound": 0.45, "was": 0.55}),
        "topic compound": Node(compounds, {"was": 1}),
        "was": Node(uniform("was"), {"property": 1}),
        "property": Node(mixed(0.2, uniform("old big"), by_sense(_PROPERTY)), {"stop": 1}),
    }
    return Language("compound", nodes, context=32, stay=0.85)


@cache
def depth() -> Language:
    """The language that needs two layers: four people, each with a sense of their own.

    After a name the verb follows that person's sense, known only from what the same person did
    before: find the name, then what stood beside it. Two hops.
    """
    nodes = {
        "stop": Node(uniform(STOP), {"name": 1}),
        "name": Node(uniform(" ".join(_NAMES)), {"verb": 1}),
        "verb": Node(mixed(0.3, uniform("saw took found"), by_sense(_VERB)), {"article": 1}),
        "article": Node(uniform("the"), {"object": 1}),
        "object": Node(
            mixed(0.3, uniform("box thing sack"), by_sense(_CUE)), {"preposition": 0.2, "stop": 0.8}
        ),
        "preposition": Node(uniform("near at"), {"place article": 1}),
        "place article": Node(uniform("the"), {"place": 1}),
        "place": Node(by_sense(_AMBIGUOUS_OF), {"place compound": 0.4, "and": 0.25, "stop": 0.35}),
        "place compound": Node(by_sense(_COMPOUND), {"stop": 1}),
        "and": Node(uniform("and"), {"it": 1}),
        "it": Node(uniform("it"), {"was": 1}),
        "was": Node(uniform("was"), {"property": 1}),
        "property": Node(mixed(0.2, uniform("old big"), by_sense(_PROPERTY)), {"stop": 1}),
    }
    return Language("depth", nodes, context=64, holders=_NAMES)


_LANGUAGES = {"compound": compound, "depth": depth}


@guarded
def language(name: str = "compound") -> Language:
    """Return the language called `name`: "compound" or "depth"; LabError for another name."""
    if name not in _LANGUAGES:
        raise LabError(f"There is no language {name!r}; there are 'compound' and 'depth'.")
    return _LANGUAGES[name]()


def stated(language: Language) -> dict:
    """What a model's file says of a language beyond its name: nothing of one as it ships.

    The order of the words where only that differs, and else the whole grammar.
    """
    known = _LANGUAGES.get(language.name)
    if known is not None and replace(language, listed=()) == known():
        return {"listed": language.listed} if language.listed else {}
    nodes = {name: node._asdict() for name, node in language.nodes.items()}
    return {
        "grammar": {f.name: getattr(language, f.name) for f in fields(Language)} | {"nodes": nodes}
    }


def restated(facts: Mapping) -> Language:
    """The language of a model's file, from its name and what `stated` says; LabError otherwise."""
    if "grammar" not in facts:
        found = language(facts["language"])
        return replace(found, listed=tuple(facts["listed"])) if "listed" in facts else found
    grammar: dict[str, Any] = dict(facts["grammar"])
    nodes = {name: Node(**node) for name, node in grammar.pop("nodes").items()}
    rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in grammar.items()}
    return Language(nodes=nodes, **rest)


@guarded
def words(name: str = "compound") -> tuple[str, ...]:
    """Return the vocabulary of a language, the full stop first."""
    return language(name).words

"""Find the route that was blinded (notebook 05; paper IV).

In a model of two layers, that of the depth language or one of chance, the second reads what the
first wrote through its queries, its keys or its values.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


# The import inside makes the printed solution complete.
def route(model, text, law):
    """Which input of layer 2 was blind to what attention wrote in layer 1: 0 query, 1 key, 2 value.

    `law` [N, V] is what the model said after each word of the text.
    """
    from operator_lab.edits import blind

    run, off = model.run(text), []
    for name in ("query", "key", "value"):
        seen = model.run(text, edits=blind(run, name, 1, 0)).law
        off.append(np.abs(seen - law).max())
    return int(np.argmin(off))


ROUTES = ("query", "key", "value")
TEXTS = (
    "anna paid the coin. tom sang the song. anna saw the box. tom",
    "tom sang the song. anna paid the coin. tom saw the box. anna",
)


# Random models: in the first the keys count most, in the second the values (seed, text).
RANDOM = ((3, "the man lent the account at the bank"), (4, "the man played the choir at the bass"))


@lru_cache(maxsize=16)
def _laws(model, text):
    """What the model says with each of the routes blind: laws ask for it at every check."""
    from ...edits import blind

    run = model.run(text)
    return [model.run(text, edits=blind(run, name, 1, 0)).law for name in ROUTES]


def _route_cases(rng):
    from ..fresh import dealt, drawn

    trained = dealt(int(rng.integers(1000)), "depth"), TEXTS[int(rng.integers(2))]
    small = [(drawn(seed, 2, 3), text) for seed, text in RANDOM]
    for kind, (model, text) in (("trained", trained), *(("random", pair) for pair in small)):
        for number in rng.permutation(3)[:2]:
            label = f"one of three routes blind in a {kind} model, {text!r}"
            yield Case((model, text, _laws(model, text)[number]), label)


def _names_a_route(args, answer, slack):
    if answer not in (0, 1, 2):
        return f"it gives {answer:.6g}, and there are three routes: 0, 1, 2"


def _reproduces(args, answer, slack):
    model, text, law = args
    if answer not in (0, 1, 2):
        return None
    if (off := np.abs(_laws(model, text)[int(answer)] - law).max()) > slack * law.max():
        return f"with that route blind the law is another one, by up to {off:.6g}"


WRONG = """
farthest: it is the route that explains the law worst: the one with the least difference is asked
    argmin => argmax
from 1: it counts the routes from 1: query is 0, key 1, value 2
    int(np.argmin(off)) => int(np.argmin(off)) + 1
value first: it counts value, key, query: query is 0, key 1, value 2
    ("query", "key", "value") => ("value", "key", "query")
key first: it counts key, query, value: query is 0, key 1, value 2
    ("query", "key", "value") => ("key", "query", "value")
costliest: it is the route whose loss changes the law most, whatever the given law: compare with \
    what is given
    seen - law => seen - run.law
    argmin => argmax
always the query: it says query each time: run the model blind on each route and compare
    return int(np.argmin(off)) => return 0
always the key: it says key each time: run the model blind on each route and compare
    return int(np.argmin(off)) => return 1
always the value: it says value each time: run the model blind on each route and compare
    return int(np.argmin(off)) => return 2
"""

EXERCISE = Exercise(
    title="Find the route that was blinded",
    reference=route,
    cases=_route_cases,
    wrong=mistakes(route, WRONG),
    laws=(Law("names a route", _names_a_route), Law("reproduces", _reproduces)),
    hints=(
        "You cannot see what was done, but you can do it yourself: three experiments, and one of "
        "them gives just this law.",
        "For each name: model.run(text, edits=lab.edits.blind(model.run(text), name, 1, 0)).law, "
        "and the one with the least difference from `law` is it.",
        'laws = [model.run(text, edits=lab.edits.blind(run, r, 1, 0)).law for r in ("query", ...)]',
    ),
    minutes=10,
    level="core",
    seconds=60.0,
    spared=dict.fromkeys(
        ("one", "tiny", "huge", "spread", "ties", "repeated", "float32", "coincide"),
        "the only array given is what a model said, a law after each word",
    ),
)

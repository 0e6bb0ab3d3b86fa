"""Other right answers to dyson.route."""

from __future__ import annotations

import numpy as np

import operator_lab as lab

ROUTES = ("query", "key", "value")


def _blinded(model, text):
    run = model.run(text)
    return [model.run(text, edits=lab.edits.blind(run, r, 1, 0)).law for r in ROUTES]


RIGHT = (
    lambda model, text, law: min(
        range(3),
        key=lambda i: lab.divergence(np.asarray(law, dtype=float), _blinded(model, text)[i]),
    ),
    lambda model, text, law: [
        np.allclose(seen, law, atol=1e-5) for seen in _blinded(model, text)
    ].index(True),
)

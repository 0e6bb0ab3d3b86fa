"""Other right answers to channels.carrier."""

from __future__ import annotations

import numpy as np

import operator_lab as lab


def _by_hand(model, first, second):
    other = model.run(second)
    best = None
    for layer in range(model.shape.layers):
        for head in range(model.shape.heads):

            def exchanged(writes, head=head, layer=layer):
                writes[head] = other.head_writes[layer, head]
                return writes

            law = model.run(first, edits={("head_write", layer): exchanged}).law[-1]
            far = float((other.law[-1] * (np.log(other.law[-1]) - np.log(law))).sum())
            if best is None or far < best[0]:
                best = far, layer, head
    return [best[1], best[2]]


def _by_table(model, first, second):
    one, other = model.run(first), model.run(second)
    table = [
        [
            lab.divergence(
                other.law[-1], model.run(first, edits=lab.edits.swap(one, other, i, [h])).law[-1]
            )
            for h in range(model.shape.heads)
        ]
        for i in range(model.shape.layers)
    ]
    return np.unravel_index(np.argmin(table), np.shape(table))


RIGHT = (_by_hand, lambda *args: np.array(_by_table(*args)))

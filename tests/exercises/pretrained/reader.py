"""Other right answers to pretrained.reader."""

from __future__ import annotations

import numpy as np
import torch

import operator_lab as lab


def _of_logits(model, text, word, other, layer, head):
    """By the logits of runs, the silence written out, all heads of the model tried."""
    run, (i, j) = model.run(text), map(model.language.index, (word, other))

    def apart(edits=None):
        return np.subtract(*model.run(text, edits).logits[-1, [i, j]])

    def quiet(writes):
        writes[head, -1] = 0
        return writes

    far = np.full((model.shape.layers, model.shape.heads), np.inf)
    for later in range(layer + 1, model.shape.layers):
        for h in range(model.shape.heads):

            def back(weights, later=later, h=h):
                return np.stack([run.mixing[later, n] if n == h else w
                                 for n, w in enumerate(weights)])  # fmt: skip

            far[later, h] = abs(
                apart({("head_write", layer): quiet, ("mixing", later): back}) - apart()
            )
    return np.unravel_index(far.argmin(), far.shape)


def _of_laws(model, text, word, other, layer, head):
    """The difference of two logits is that of the logarithms of two probabilities."""
    words = [model.language.index(w) for w in (word, other)]
    A = model.run(text).mixing
    quiet = lab.edits.silence(model, layer, [head], position=-1)
    best = np.inf, None
    for later, h in np.ndindex(A.shape[:2]):
        if later > layer:
            mask = np.arange(A.shape[1])[:, None, None] == h
            edits = {**quiet, ("mixing", later): lambda W, m=mask, i=later: np.where(m, A[i], W)}
            law = np.log(np.stack([model.law(text), model.law(text, edits)])[:, -1, words])
            best = min(best, (abs(law[1, 0] - law[1, 1] - law[0, 0] + law[0, 1]), [later, h]))
    return best[1]


def _last_row(model, text, word, other, layer, head):
    """Only the last position's looks can have changed: nothing before it has."""
    A, whole = model.run(text).mixing, lab.pretrained.difference(model, text, word, other)
    table = []
    for later in range(layer + 1, len(A)):
        for h in range(A.shape[1]):

            def back(W, later=later, h=h):
                W[h, -1] = A[later, h, -1]
                return W

            edits = lab.edits.silence(model, layer, [head], position=-1)
            edits[("mixing", later)] = back
            found = lab.pretrained.difference(model, text, word, other, edits)
            table.append(((found - whole) ** 2, later, h))
    return list(min(table))[1:]


def _by_interaction(model, text, word, other, layer, head):
    """Old interactions make old looks; before the given layer all of it is as it was."""
    S, whole = model.run(text).interaction, lab.pretrained.difference(model, text, word, other)
    places = [(i, h) for i in range(model.shape.layers) for h in range(model.shape.heads)]

    def off(place):
        later, h = place

        def back(scores):
            scores[h] = S[later, h]
            return scores

        edits = lab.edits.silence(model, layer, [head], position=len(S[0, 0]) - 1)
        edits |= {("interaction", later): back}
        return abs(whole - lab.pretrained.difference(model, text, word, other, edits))

    return torch.tensor(min(places, key=off))


RIGHT = (_of_logits, _of_laws, _last_row, _by_interaction)

"""Fresh models for exercises that intervene: what was found on one must be found on another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..model import Model
from ..references import reference
from ..transformer import Transformer


@lru_cache(maxsize=8)
def dealt(seed: int, language: str = "compound") -> Model:
    """The trained reference model with the heads of every layer in another order.

    It computes what the reference does; only the numbers of its heads tell nothing.
    """
    model, rng = reference(language), np.random.default_rng(seed)
    heads, d, weights = model.shape.heads, model.shape.features, {}
    for layer in range(model.shape.layers):
        order = rng.permutation(heads)
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            key = f"blocks.{layer}.attention.{name}.weight"
            w = model.weights[key]
            if name == "W_O":  # a head owns columns of it
                weights[key] = w.reshape(d, heads, -1)[:, order].reshape(w.shape)
            else:
                weights[key] = w.reshape(heads, -1, w.shape[1])[order].reshape(w.shape)
    return model.with_weights(weights)


@lru_cache(maxsize=16)
def drawn(seed: int, layers: int, heads: int, **kind) -> Model:
    """A small model of random weights: which of its heads counts is a matter of chance.

    No shortcut that is right of a trained model, by where its training put things, is right of it.
    `kind` is what else fixes it, such as `key_heads=2`.
    """
    language, rng = reference().language, np.random.default_rng(seed)
    sizes = {"features": 4 * heads, "heads": heads, "layers": layers, "hidden": 8}
    model = Model(Transformer(len(language.words), **sizes | kind), language)
    matrices = {name: w for name, w in model.weights.items() if w.ndim > 1}
    return model.with_weights(
        {name: 1.5 * rng.normal(size=w.shape) / np.sqrt(w.shape[1]) for name, w in matrices.items()}
    )

"""A layer of a Transformer as a map of states, to be iterated (weight tying, deep equilibrium)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy import ndarray

from ..errors import LabError
from ..given import index, number
from ..guard import guarded
from ..model import Model


@guarded(own=("fed",))
def layer_map(
    model: Model, sentence: str, layer: int = 0, fed: float = 0.0
) -> tuple[Callable[[ndarray], ndarray], ndarray]:
    """One layer as x -> layer(x + fed u) on states [N, d], and the sentence's first state u.

    `fed` = 1 hands the input to every application anew, as deep equilibrium models do; 0 is plain
    weight tying (III.3). LabError for a layer that does not exist, or a sentence the model cannot
    read.
    """
    layers = model.transformer.layers
    layer, fed = index(layer, len(layers), "layer"), number(fed, "share fed")
    start = np.array(model.run(sentence).states[0], dtype=float)
    W_E = model.transformer.W_E

    def applied(x: ndarray) -> ndarray:
        with torch.inference_mode():
            y = torch.as_tensor(x + fed * start, dtype=W_E.dtype, device=W_E.device)
            return layers[layer](y, layer).double().numpy(force=True)

    return applied, start


@guarded
def scaled(model: Model, gain: float) -> Model:
    """The same model with all matrices of its layers times `gain`; LabError unless positive."""
    if not (np.isfinite(gain) and gain > 0):
        raise LabError(f"A gain is a positive number; got {gain!r}.")
    return model.with_weights(
        {n: w * gain for n, w in model.weights.items() if n.startswith("blocks.") and w.ndim == 2}
    )

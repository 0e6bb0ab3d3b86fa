"""Controls of a real model: the same network with the matrices of its blocks made random."""

from __future__ import annotations

import torch
from torch import Tensor

from ..guard import guarded
from ..model import Model

# In this order the random numbers are drawn: the shipped results depend on it.
MATRICES = ("attention.W_Q", "attention.W_K", "attention.W_V", "attention.W_O",
            "mlp.W_1", "mlp.W_2", "mlp.W_3")  # fmt: skip


@guarded
def shuffled(model: Model, seed: int = 0) -> Model:
    """The entries of each matrix of the blocks at random places (shuffled weights).

    Every matrix keeps its size and the law of its entries and loses all structure; embedding,
    unembedding and gains stay.
    """
    generator = torch.Generator().manual_seed(seed)

    def shuffle(w: Tensor) -> Tensor:
        order = torch.randperm(w.numel(), generator=generator)
        return w.flatten()[order].view(w.shape)

    return model.with_weights({name: shuffle(w) for name, w in _matrices(model).items()})


@guarded
def random_signs(model: Model, seed: int = 0) -> Model:
    """The entries of each matrix of the blocks with their signs drawn anew.

    A sharper control than `shuffled`: large entries stay where training put them, so that what
    uneven sizes do alone is seen; embedding, unembedding and gains stay.
    """
    generator = torch.Generator().manual_seed(seed)

    def flip(w: Tensor) -> Tensor:
        return w * (2 * torch.randint(0, 2, w.shape, generator=generator) - 1).to(w.dtype)

    return model.with_weights({name: flip(w) for name, w in _matrices(model).items()})


@guarded
def initial(model: Model, seed: int = 0) -> Model:
    """The matrices of the blocks as they are drawn before training (random-weight baseline).

    Normal entries of deviation 1 / sqrt(d) (for SmolLM2 its own recipe), gains 1, biases 0;
    embedding and unembedding stay those of the trained model.
    """
    generator = torch.Generator().manual_seed(seed)
    size = model.shape.features**-0.5
    drawn = {
        name: torch.randn(w.shape, generator=generator, dtype=w.dtype) * size
        for name, w in _matrices(model).items()
    }
    plain = {
        name: torch.ones_like(w) if name.endswith("gain") else torch.zeros_like(w)
        for name, w in model.transformer.weights().items()
        if w.ndim == 1 and name.startswith(("blocks.", "final_norm."))
    }
    return model.with_weights(drawn | plain)


def _matrices(model: Model) -> dict[str, Tensor]:
    weights = model.transformer.weights()
    names = [
        f"blocks.{i}.{part}.weight" for i in range(len(model.transformer.blocks))
        for part in MATRICES
    ]  # fmt: skip
    return {name: weights[name] for name in names if name in weights}

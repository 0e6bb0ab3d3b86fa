"""Small models with random weights, biases and gains: every shape the identities must hold for."""

from __future__ import annotations

import itertools

import torch

from operator_lab.corpus import compound
from operator_lab.model import Model
from operator_lab.transformer import Transformer

MONEY, RIVER = "the man paid the coin at the bank", "the man crossed the shore at the bank"
SHAPES = [
    dict(norm=n, activation=a, bias=bool(b), rms=bool(r))
    for n, a, b, r in itertools.product(("pre", "post", "none"), ("gelu", "relu"), (0, 1), (0, 1))
] + [dict(tied=True), dict(causal=False), dict(coupling="hermitian"), dict(tau=0.3)]
TURNS = (0.9, 0.2)  # of two pairs of features, from one position to the next


SMALL = dict(features=16, heads=4, layers=3, hidden=24)


def random_model(seed=0, **shape):
    t = Transformer(95, seed=seed, **(SMALL | shape)).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for p in t.parameters():
            if p.ndim < 2:
                p += 0.3 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return Model(t, compound())


def derivative(model, run):
    """d x_L / d x_0 by automatic differentiation of the model's own layers."""

    def carry(x):
        for i, layer in enumerate(model.transformer.layers):
            x = layer(x, i)
        return x

    start = torch.tensor(run.states[0])
    return torch.func.jacrev(carry)(start).reshape(start.numel(), -1).numpy()

"""A Transformer as a scheme: its layers as velocities, more and thinner layers, other orders.

A pre-LN model *is* Lie splitting with Euler and h = 1 of u' = f_attention(u, t) + f_MLP(u, t), with
weights held over unit intervals of t. The question is whether h = 1 is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from .. import given
from ..arrays import unit
from ..dyson import reordered
from ..errors import LabError
from ..guard import guarded
from ..model import Model
from ..transformer import Transformer
from .depth import Velocity, off

WRITERS = ("attention.W_O.", "mlp.W_2.")  # what a branch writes is linear in these
KINDS = {
    "W_Q": "attention.W_Q.weight",
    "W_K": "attention.W_K.weight",
    "W_V": "attention.W_V.weight",
    "W_O": "attention.W_O.weight",
    "W_1": "mlp.W_1.weight",
    "W_2": "mlp.W_2.weight",
    "W_3": "mlp.W_3.weight",
}


@guarded
def velocities(model: Model) -> tuple[Velocity, Velocity]:
    """Attention and MLP of a model as velocities f(x, t), with the weights of layer floor(t).

    States [..., N, d] in and out. The branch alone: for pre-LN with its norm, for post-LN without
    (there the norm acts after the sum: `constrain` of `operator_lab.continuum.split`). Constant in
    t within a layer, so that a scheme must not look across a layer's end: Euler does not.
    """
    transformer, s = model.transformer, model.transformer.shape
    s.without("A velocity", "norm", "parallel")
    W_E = transformer.W_E

    def at(x, t):
        i = min(max(int(np.floor(t)), 0), s.layers - 1)
        x = given.real(x, "state")
        if x.ndim < 2 or x.shape[-1] != s.features:
            raise LabError(
                f"A state of this model has shape [position, {s.features}]; got {x.shape}."
            )
        return transformer.layers[i], torch.tensor(x, dtype=W_E.dtype, device=W_E.device), i

    def read(norm, x):
        return norm(x) if s.norm == "pre" else x

    @torch.inference_mode()
    def attention(x, t):
        layer, x, i = at(x, t)
        return layer.attention(read(layer.norm_1, x), i).numpy(force=True)

    @torch.inference_mode()
    def mlp(x, t):
        layer, x, i = at(x, t)
        return layer.mlp(read(layer.norm_2, x), i).numpy(force=True)

    return attention, mlp


@guarded
def refined(model: Model, times: int | Sequence[int]) -> Model:
    """The same model with each layer done `times` times, every write divided by `times`.

    The Euler steps of the same velocities with h = 1 / times; a list gives each layer its own
    number. LabError for a post-LN model, whose norm acts after the sum and has no h, for a tied
    one with a list, for numbers that are not whole ones from 1 on, one a layer.
    """
    shape = model.transformer.shape
    shape.without("A thinner layer", "norm", "windows", "layered", "first_norm")
    if shape.norm == "post":
        raise LabError(
            "A post-LN layer norms the sum x + F(x) and has no step size; refine a pre-LN model, "
            "or use split(..., constrain=...)."
        )
    each = [times] * shape.layers if isinstance(times, int | np.integer) else list(times)
    each = [given.whole(m, "thinner layers a layer") for m in each]
    if len(each) != shape.layers or (shape.tied and len(set(each)) > 1):
        raise LabError(
            f"This model has {shape.layers} {'tied ' * shape.tied}layers; give one number, or one "
            f"for each untied layer; got {each}."
        )
    owners = [i for i, m in enumerate(each) for _ in range(m)]
    own = model.transformer.weights()
    weights = {n: w for n, w in own.items() if not n.startswith("blocks.")}
    for here, layer in enumerate(owners[:1] if shape.tied else owners):
        for name, w in own.items():
            if name.startswith(f"blocks.{layer}."):
                rest = name.split(".", 2)[2]
                share = each[layer] if rest.startswith(WRITERS) else 1
                weights[f"blocks.{here}.{rest}"] = w / share
    return model.with_transformer(Transformer.holding(replace(shape, layers=len(owners)), weights))


@guarded
def likeness(model: Model) -> dict[str, Float[ndarray, "pairs"]]:
    """Cosine of the weights of adjacent layers, by kind of weight; independent ones give 0.

    Chance scatters as 1/sqrt(entries), 0.016 for 64 x 64. LabError for a tied model or one layer.
    """
    s = model.transformer.shape
    if s.tied or s.layers < 2:
        raise LabError("Adjacent layers are compared: a model of two or more untied layers.")
    found = {}
    for kind, name in KINDS.items():
        names = [f"blocks.{i}.{name}" for i in range(s.layers)]
        if names[0] in model.weights:
            W = [model.weights[one] for one in names]
            flat = np.stack([w.ravel() / np.linalg.norm(w) for w in W]).astype(float)
            found[kind] = (flat[1:] * flat[:-1]).sum(1)
    return found


@guarded
def roughness(x: Float[ndarray, "*n N d"]) -> float:
    """Mean |x_{i+1} - x_i|^2 over twice the variance along positions: 1 for white noise.

    A smooth field sampled at N points gives O(1/N^2). LabError for fewer than 3 positions or a
    state that is the same at all.
    """
    x = given.real(x, "states")
    if x.ndim < 2 or x.shape[-2] < 3:
        raise LabError(f"Roughness needs states [..., N, d] of N >= 3 positions; got {x.shape}.")
    x, _ = unit(x)  # it has no scale of its own
    spread = x.var(-2, ddof=1).sum(-1).mean()
    if spread == 0:
        raise LabError("All positions have the same state; there is nothing to call rough.")
    return float((np.diff(x, axis=-2) ** 2).sum(-1).mean() / (2 * spread))


@guarded
def as_an_ode(
    model: Model,
    times: Sequence[int] = (2, 4, 8, 16),
    count: int = 64,
    texts: Int[ndarray, "B N"] | Sequence[str] | None = None,
) -> dict:
    """How much a trained model is a converged discretisation: plain numbers, for an ensemble.

    excess          nats to the exact law, of the model itself; else its loss (`Model.loss`)
    moved           median relative change of the last state when each layer is done `times` times
    refined         excess then
    likeness        mean cosine of the weights of adjacent layers (null where there are none)
    reversed        excess with the layers in reversed order
    roughness       of the last states along positions, 1 for white noise
    distance        of the last states from LayerNorm's sphere, over sqrt(d)

    `texts` are given to a real model, which brings none.
    """
    from .projection import distance

    model, shape = model.to("float64"), model.transformer.shape
    own = None if texts is None else model.rows(texts)
    seen = (
        model.language.sample(given.whole(count, "texts"), shape.context, 77)
        if own is None
        else own
    )
    last = model.run_batch(seen).states[:, -1]
    finer = [refined(model, m) for m in times]
    states = [m.run_batch(seen).states[:, -1] for m in finer]
    far = [np.linalg.norm(x - last, axis=-1) / np.linalg.norm(last, axis=-1) for x in states]
    several = shape.layers > 1 and not shape.tied
    backwards = reordered(model, list(range(shape.layers))[::-1]) if several else None
    alike = np.mean(list(likeness(model).values())) if several else None
    return {
        "excess": model.loss(own, count),
        "times": list(times),
        "moved": [float(np.median(f)) for f in far],
        "refined": [m.loss(own, count) for m in finer],
        "likeness": None if alike is None else float(alike),
        "reversed": None if backwards is None else backwards.loss(own, count),
        "roughness": roughness(last[:, 1:]),
        "distance": float((distance(last) / np.sqrt(shape.features)).mean()),
    }


@guarded
def gap(coarse: Model, fine: Model, texts: ndarray) -> float:
    """Relative difference of the last states of two models on the same texts."""
    return off(coarse.run_batch(texts).states[:, -1], fine.run_batch(texts).states[:, -1])

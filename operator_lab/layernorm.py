"""What LayerNorm renormalizes: growth of the stream, gradients, rank, its own geometry (IV.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from .arrays import unit
from .errors import LabError
from .given import number
from .guard import guarded
from .model import Model
from .shape import EPS, Shape
from .transformer import Layer

PLACEMENTS = ("pre", "post", "none")


@guarded
def normalise(x: Float[ndarray, "*n d"], eps: float = EPS) -> Float[ndarray, "*n d"]:
    """(x - mean) / sqrt(var + eps) along the features: LayerNorm without gain and bias.

    For eps = 0 the nearest point of the sphere {mean 0, variance 1} (a projection).
    LabError for a state that is constant over its features when eps = 0, or an eps below 0.
    """
    x, power = _measured(np.asarray(x, dtype=float), eps)
    centred = x - x.mean(-1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(-1, keepdims=True) + eps / power**2)
    if (sigma == 0).any():
        raise LabError("A state with all features equal has no direction to keep; use eps > 0.")
    return centred / sigma


def _measured(x, eps: float):
    """States in a unit in which no square is beyond all numbers, and that power of two."""
    number(eps, "eps", least=0)
    _, power = unit(x, -1)
    power = np.maximum(power, 1.0 if eps else 0.0)  # what is far below eps is measured by it
    return x / power, power


@guarded(finite=True)
def jacobian(x: Float[ndarray, "d"], eps: float = EPS) -> Float[ndarray, "d d"]:
    """Derivative of `normalise` at one state: (P - c c^T / (d sigma^2)) / sigma.

    P removes the mean, c is the centred state. Symmetric; for eps = 0 a projector, off the two
    directions 1 and x, over sigma.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or len(x) < 3:
        raise LabError(f"The Jacobian is taken at one state of at least 3 features; got {x.shape}.")
    x, power = _measured(x, eps)
    d, c = len(x), x - x.mean()
    variance = (c**2).mean() + eps / power**2
    if not variance.all():
        raise LabError("A state with all features equal has no Jacobian; use eps > 0.")
    P = np.eye(d) - 1 / d
    return (P - np.outer(c, c) / (d * variance)) / (np.sqrt(variance) * power)


@dataclass(frozen=True, eq=False)
class Growth:
    """What one random stack did to its states, one entry per step."""

    size: Float[ndarray, "steps_1"]  # root mean square of the stream
    update: Float[ndarray, "steps"]  # |x_{s+1} - x_s| / |x_s|
    spread: Float[ndarray, "steps_1"]  # |x - mean over positions| / |x|: 0 when all are alike
    gradient: Float[ndarray, "layers"]  # |d loss / d W_O| of each layer


@guarded
def growth(
    layers: int,
    norm: str = "pre",
    *,
    rms: bool = False,
    damped: bool = False,
    features: int = 64,
    positions: int = 32,
    residual: bool = True,
    mlp: bool = True,
    causal: bool = True,
    seed: int = 0,
) -> Growth:
    """Send random states through a random stack of `layers` layers (signal propagation at init).

    Weights have variance 1 / fan-in (2 / fan-in into the GELU), so every branch writes at the scale
    of what it reads; `damped` divides the branches by sqrt(2 layers). The loss behind `gradient`
    is a random direction of the last, normed state. In a stack that overflows the size is inf from
    there on, and what has no value any more (steps, spread, all gradients) is nan. LabError for an
    unknown placement or no layers.
    """
    if norm not in PLACEMENTS:
        raise LabError(f"norm = {norm!r}; it is one of {', '.join(map(repr, PLACEMENTS))}.")
    if layers < 1:
        raise LabError(f"A stack has at least one layer; got {layers}.")
    shape = Shape(2, features=features, hidden=4 * features, norm=norm, rms=rms, causal=causal)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(positions, features, generator=generator, dtype=torch.float64)
    target = torch.randn(features, generator=generator, dtype=torch.float64)
    scale = (2 * layers) ** -0.5 if damped else 1.0
    states, outputs = [x], []
    for _ in range(layers):
        layer = _random_layer(shape, generator)
        outputs.append(layer.attention.W_O.weight)
        for act, n in _branches(layer, mlp):
            u = n(x) if norm == "pre" else x
            y = scale * act(u)
            x = (x + y) if residual else y
            x = n(x) if norm == "post" else x
            states.append(x)
    last = torch.nn.functional.layer_norm(x, x.shape[-1:])[-1]
    gradients = torch.autograd.grad((last * target).sum(), outputs)
    X = torch.stack(states).detach().numpy()
    with np.errstate(all="ignore"):
        unit = abs(X).max((1, 2), keepdims=True)  # squares would overflow long before the states
        length = np.sqrt(((X / unit) ** 2).mean((1, 2)))
        change = np.sqrt(((np.diff(X, axis=0) / unit[:-1]) ** 2).mean((1, 2)))
        off = np.sqrt((((X - X.mean(1, keepdims=True)) / unit) ** 2).mean((1, 2)))
        size = np.where(np.isfinite(X).all((1, 2)), unit[:, 0, 0] * length, np.inf)
    gradient = np.array([float(g.norm()) for g in gradients])
    return Growth(size, change / length[:-1], off / length, gradient)


def _random_layer(shape: Shape, generator) -> Layer:
    """A float64 layer with fan-in weights and gains of 1."""
    with torch.random.fork_rng(devices=[]):
        layer = Layer(shape).double()
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if p.ndim > 1:
                gain = 2.0 if "W_1" in name else 1.0
                p.normal_(0.0, (gain / p.shape[1]) ** 0.5, generator=generator)
    return layer


def _branches(layer: Layer, mlp: bool):
    yield (lambda u: layer.attention(u, 0)), layer.norm_1
    if mlp:
        yield (lambda u: layer.mlp(u, 0)), layer.norm_2


@guarded
def iterated(model: Model, sentence: str, depth: int) -> Float[ndarray, "depth_1 N d"]:
    """States of a tied model whose one layer is applied `depth` times (weight tying; III.3).

    LabError unless the model is tied.
    """
    if not model.transformer.shape.tied:
        raise LabError("Only a tied model has one layer to iterate; train one with tied=True.")
    deep = model.replace(layers=depth)
    return deep.run(sentence).states[::2]

"""The operators of a Transformer whose growth one can ask for: tangents of layers, mixings.

A layer's tangent is its true Jacobian at a run, with the mixing weights free to change; the frozen
step of `operator_lab.run` holds them.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from ..errors import LabError
from ..given import square, whole
from ..guard import guarded
from ..model import Model
from ..run import Run


@guarded
def jacobians(model: Model, sentence: str | ndarray) -> Float[ndarray, "L Nd Nd"]:
    """The Jacobian of each layer at a run, d x^(l+1) / d x^(l) on flattened states [N d].

    LabError where the model cannot read the sentence, or beyond 1024 numbers in a state.
    """
    states = model.run(sentence).states[::2]
    size = states[0].size
    if size > 1024:
        raise LabError(f"A state of this run has {size} numbers, at most 1024; cut the sentence.")
    found = []
    for i, layer in enumerate(model.transformer.layers):
        x = torch.tensor(np.array(states[i]), device=model.transformer.W_E.device)
        J = torch.autograd.functional.jacobian(lambda y, f=layer, i=i: f(y, i), x, vectorize=True)
        found.append(J.reshape(size, size).double().numpy(force=True))
    return np.array(found)


@guarded
def on_site(A, positions: int):
    """The same operator on states [N d] with all that passes between positions taken out.

    LabError unless the matrix is made of positions x positions equal blocks.
    """
    A, N = square(A), whole(positions, "positions")
    if len(A) % N:
        raise LabError(f"A matrix of {len(A)} rows is not made of {N} positions of equal size.")
    return A * np.kron(np.eye(N), np.ones((len(A) // N,) * 2))


@guarded
def raw(run: Run) -> Float[ndarray, "L h N N"]:
    """Causal interactions without softmax, exp or norm: S where a query may look, 0 elsewhere.

    Each is divided by its largest diagonal entry, so that its spectral radius is 1, that of the
    mixing A. LabError for a run that is not causal.
    """
    if not run.shape.causal:
        raise LabError("Only a causal run has triangular interactions; this one sees both ways.")
    S = np.tril(run.interaction)
    top = abs(np.diagonal(S, axis1=-2, axis2=-1)).max(-1)
    return S / top[..., None, None]

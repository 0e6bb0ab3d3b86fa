"""Instruments of their own for each depth: affine lenses, and two states mixed into one (paper V).

The logit lens of `readout` reads every depth with the last step's instrument. An affine lens is
fitted to its depth, so what it fails to find is missing, and not only written in another form.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..dyson import law_of
from ..edits import put
from ..errors import LabError
from ..given import index
from ..guard import guarded
from ..model import Model
from ..run import Run
from .beliefs import Probe, probe


@guarded
def affine_lens(run: Run) -> list[Probe]:
    """For each step the affine map of its states nearest to the last ones (tuned lens).

    Least squares over all positions of all texts of the run; the last is the identity. Belrose et
    al. 2023 (arXiv 2303.08112) minimise a KL divergence instead. LabError for fewer places than
    features.
    """
    states = np.moveaxis(run.states, -3, 0)
    return [probe(x, states[-1]) for x in states]


@guarded
def translated(run: Run, lens: list[Probe]) -> Float[ndarray, "*batch steps_1 N V"]:
    """The law that affine lenses read after each step: translate, then read as the model does.

    LabError where the lenses are not one for each step.
    """
    states = np.moveaxis(run.states, -3, 0)
    if len(lens) != len(states):
        raise LabError(
            f"This run has {len(states)} states in depth; {len(lens)} lenses were given."
        )
    laws = [law_of(run, read(x)) for read, x in zip(lens, states, strict=True)]
    return np.stack(laws, axis=-3)


@guarded
def mixed(
    model: Model,
    first: Int[ndarray, "_ _"],
    second: Int[ndarray, "_ _"],
    into: Int[ndarray, "_ _"],
    step: int,
    share: float = 0.5,
) -> Float[ndarray, "B V"]:
    """The last law of texts `into` [B, N] whose last state after a step is a blend of two others.

    (1 - share) x_first + share x_second: a superposition of states (activation patching). Were
    the rest of the run linear in probabilities, the law would be the same blend of the two laws.
    LabError for texts of unlike shapes, or a step that does not exist.
    """
    first, second, into = (np.asarray(texts) for texts in (first, second, into))
    if not first.shape == second.shape == into.shape:
        raise LabError(
            f"The texts must have one shape; these have {first.shape}, {second.shape} and "
            f"{into.shape}."
        )
    step = index(step, 2 * model.shape.layers + 1, "step")
    a, b = (model.run_batch(texts).states[:, step, -1] for texts in (first, second))
    edits = put(model, step, np.s_[:, -1], (1 - share) * a + share * b)
    return model.run_batch(into, edits=edits).law[:, -1]

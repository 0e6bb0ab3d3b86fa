"""Interventions: what to change on the way of a forward pass (ablation, activation patching).

Each function returns edits, {(point, index): f}, for `edits=` in `Model.run`, `Model.run_batch`
and `Model.excess`; edits of different points are joined with `|`. The verbs: `silence` and `swap`
heads, `put` states, `blind` an input to an earlier write, `symmetrise` an interaction, `flatten` a
mixing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .errors import LabError
from .given import index, indices, numbers, one_of, shown, whole
from .guard import guarded
from .model import Model
from .recorder import Edits
from .run import Run

ROUTES = ("query", "key", "value")
FAR = 10**6  # texts of a batch, at most


@guarded(own=("heads",))
def silence(
    model: Model,
    layer: int,
    heads: Sequence[int],
    mean: Float[ndarray, "h N d"] | None = None,
    position: int | None = None,
) -> Edits:
    """Some heads of a layer write nothing, or their `mean` write (head ablation).

    Everywhere, or at one position alone. LabError for an empty or unknown set of heads, or an
    unknown layer.
    """
    layer = index(layer, model.shape.layers, "layer")
    chosen = indices(heads, model.shape.heads, "head")

    def quiet(writes):
        count = writes.shape[-2]
        where = slice(None) if position is None else index(position, count, "position")
        writes[..., chosen, where, :] = 0.0 if mean is None else mean[chosen][..., where, :]
        return writes

    return {("head_write", layer): quiet}


@guarded(own=("heads",))
def swap(first: Run, second: Run, layer: int, heads: Sequence[int]) -> Edits:
    """Some heads of the first run write what they wrote in the second (activation patching).

    For the first run's own sentence. LabError for runs of different length, an empty or unknown
    set of heads, or an unknown layer.
    """
    layer = index(layer, first.shape.layers, "layer")
    chosen = indices(heads, first.shape.heads, "head")
    if first.states.shape != second.states.shape:
        raise LabError("The two sentences must have the same number of positions.")
    other = second.head_writes[..., layer, :, :, :]

    def exchange(writes):
        if writes.shape != other.shape:
            raise LabError("Heads are swapped in the first run's own sentence; this is another.")
        writes[..., chosen, :, :] = other[..., chosen, :, :]
        return writes

    return {("head_write", layer): exchange}


@guarded
def put(model: Model, step: int, where, states: Float[ndarray, "*rows d"]) -> Edits:
    """The states at some places after a step become others (activation patching).

    `where` picks them as NumPy would: one position or a list of them, or an index of a batch
    [text, position]. LabError for a step that does not exist.
    """
    step = index(step, 2 * model.shape.layers + 1, "step")
    _check_places(where, model.shape.context)

    def place(x):
        try:
            x[where] = states
        except (IndexError, ValueError) as error:
            raise LabError(
                f"These states, of shape {np.shape(states)}, have no place at {where!r} in a state "
                f"of shape {x.shape} [..., position, feature] ({error})."
            ) from None
        return x

    return {("state", step): place}


def _check_places(where: object, context: int) -> None:
    """LabError unless it picks places as NumPy would: whole numbers, slices, True and False."""
    for part in where if isinstance(where, tuple) else (where,):
        if isinstance(part, slice) or part is Ellipsis:
            continue
        places = numbers(part, "place", "biu")
        if places.dtype != bool and not ((places >= -context) & (places < FAR)).all():
            raise LabError(f"There is no such place as {shown(part)}; a text has {context}.")


@guarded
def blind(run: Run, route: str, reader: int, writer: int) -> Edits:
    """What one layer's attention wrote is hidden from one input of a later layer (path patching).

    `route` is "query", "key" or "value" (Q, K, V composition). What the frozen steps in between
    made of the write is hidden with it; the reader's norm keeps the scale of the run. For the run's
    own sentence. LabError for an unknown route, a later writer, or a model that is not pre-LN.
    """
    one_of(route, ROUTES, "route")
    layers = run.shape.layers
    reader, writer = index(reader, layers, "layer"), index(writer, layers, "layer")
    if not writer < reader:
        raise LabError(f"Layer {reader} cannot read layer {writer}'s write; writers come first.")
    run.shape.without("A hidden write", "parallel")
    if run.shape.norm != "pre":
        raise LabError("Only in a pre-LN model does a write stay in the stream as it is.")
    norm = run.layers[reader].attend().before
    write = run.step_writes[..., 2 * writer, :, :]
    for step in run.steps[2 * writer + 1 : 2 * reader]:
        write = write + step.apply(write, 0.0)
    seen = run.states[..., 2 * reader, :, :] - write
    unseen = seen if norm is None else norm(seen, 1.0)
    return {(f"{route}_input", reader): lambda _: unseen}


@guarded
def symmetrise(model: Model, sign: int = 1) -> Edits:
    """Every interaction S keeps its symmetric (sign = 1) or antisymmetric (-1) part only.

    In feature space this keeps the Hermitian or anti-Hermitian part of every head's coupling.
    LabError for another sign.
    """
    if sign not in (1, -1):
        raise LabError(f"The sign is 1 (symmetric) or -1 (antisymmetric), not {sign!r}.")
    part = lambda S: (S + sign * S.swapaxes(-1, -2)) / 2  # noqa: E731
    return {("interaction", layer): part for layer in range(model.shape.layers)}


@guarded(own=("rank",))
def flatten(model: Model, rank: int, layers: Sequence[int] | None = None) -> Edits:
    """Every mixing matrix becomes its best approximation of this rank (SVD).

    The result is no law over keys any more: rows need not sum to 1, nor be causal. `layers` picks
    some of them. LabError for a rank below 1 or an unknown layer.
    """
    rank = whole(rank, "The rank", 1, FAR)
    everything = range(model.shape.layers)
    chosen = everything if layers is None else indices(layers, model.shape.layers, "layer")

    def cut(A):
        U, sizes, Vh = np.linalg.svd(A)
        sizes[..., rank:] = 0.0
        return (U * sizes[..., None, :]) @ Vh

    return {("mixing", layer): cut for layer in chosen}

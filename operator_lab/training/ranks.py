"""Weights held at a low rank while they are trained (low-rank factors)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..errors import LabError, near
from ..given import shown, whole
from ..guard import guarded
from ..transformer import Transformer


class Factorised(nn.Module):
    """A weight held at a low rank: the product of two thin factors, both of them learned."""

    def __init__(self, rank: int):
        super().__init__()
        self.rank = rank

    def forward(self, left: Float[Tensor, "V r"], right: Float[Tensor, "r d"]):
        return left @ right

    def right_inverse(self, weight: Float[Tensor, "V d"]):
        """The best factors of a weight (Eckart-Young), scaled to keep its Frobenius norm."""
        U, sizes, Vh = torch.linalg.svd(weight, full_matrices=False)
        kept = sizes[: self.rank]
        root = (kept * (sizes.norm() / kept.norm())).sqrt()
        return U[:, : self.rank] * root, root[:, None] * Vh[: self.rank]


@guarded(own=("ranks",))
def hold_ranks(transformer: Transformer, ranks: Mapping[str, int]) -> None:
    """Let training move these weights only among matrices of the given rank (low-rank factors).

    LabError for a name that is no matrix of the model, or a rank of 0 or beyond its smaller side.
    """
    matrices = {name: p for name, p in transformer.named_parameters() if p.ndim == 2}
    if not isinstance(ranks, Mapping):
        raise LabError(f"Ranks are a dict such as {{'W_E': 4}}; got {shown(ranks)}.")
    for name, rank in ranks.items():
        if name not in matrices:
            raise LabError(f"There is no weight matrix {name!r} to hold{near(name, matrices)}")
        most = min(matrices[name].shape)
        rank = whole(rank, f"The rank of {name}", most=most)
        *path, last = name.split(".")
        owner = transformer.get_submodule(".".join(path))
        parametrize.register_parametrization(owner, last, Factorised(rank))


def written_out(transformer: Transformer) -> Transformer:
    """A copy on the CPU as it is now, its held weights written out as plain ones."""
    arguments = transformer.arguments()
    plain = Transformer(arguments.pop("vocabulary"), **arguments)
    state = {name: attrgetter(name)(transformer).detach().cpu() for name in plain.state_dict()}
    plain.load_state_dict(state)
    return plain

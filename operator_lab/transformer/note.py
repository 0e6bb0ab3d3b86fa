"""The points of a forward pass: what it hands out on its way, and may be handed back changed.

One rule names them. What stands in the stream is a `state`; what a map reads, behind the norm in
front of it, is its `..._input`; what it makes of that has the name of the thing (`query`, `hidden`,
`mixing`, ...); and what is added to the stream is a `..._write`. All of them are counted from 0, by
layer if nothing else is said below.

    state           before the first step and after each        [N, d]       2 L + 1 of them
    query_input     what W_Q reads                              [N, d]
    key_input       what W_K reads                              [N, d]
    value_input     what W_V reads                              [N, d]
    query           queries, turned (RoPE)                      [h, N, d_k]
    key             keys, turned                                [g, N, d_k]  g: heads of keys
    value           values                                      [g, N, d_k]
    interaction     S, before temperature and mask              [h, N, N]
    mixing          A, its rows sum to 1                        [h, N, N]
    head_output     what each head gathers, A v                 [h, N, d_k]
    head_write      what each head adds to the state            [h, N, d]
    mlp_input       what W_1 and W_3 read                       [N, d]
    hidden          W_1 of it, before the nonlinearity          [N, m]
    gate            W_3 of it, where there is one (SwiGLU)      [N, m]
    neuron          what W_2 reads: f(hidden), f(gate) hidden   [N, m]
    step_write      what a step adds to the state               [N, d]       2 L of them
    readout_input   what W_U reads, behind the final norm       [N, d]       1, none of an encoder
"""

from __future__ import annotations

from torch import Tensor

from ..shape import Shape

POINTS = (
    "state", "query_input", "key_input", "value_input", "query", "key", "value", "interaction",
    "mixing", "head_output", "head_write", "mlp_input", "hidden", "gate", "neuron", "step_write",
    "readout_input",
)  # fmt: skip


def places(name: str, shape: Shape) -> int:
    """How often a point stands in a model of this shape; 0 where it has none such."""
    other = {
        "state": 2 * shape.layers + 1, "step_write": 2 * shape.layers,
        "gate": shape.layers * shape.gated, "readout_input": int(shape.readout != "none"),
    }  # fmt: skip
    return other.get(name, shape.layers)


class Note:
    """The plain pass: look at nothing, change nothing.

    `by_head`: ask for each head's write too. `maps`: ask for S and A, N x N numbers a head, which a
    long text can do without. `first`: the place of the first token in the text; what stands before
    it was read in an earlier pass.
    """

    by_head = False
    maps = False
    first = 0

    def __call__(self, name: str, index: int, value: Tensor) -> Tensor:
        return value


PLAIN = Note()

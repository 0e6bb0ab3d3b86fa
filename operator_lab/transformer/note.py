"""What a forward pass hands out on its way, and the plain pass, which nobody looks at."""

from __future__ import annotations

from torch import Tensor

POINTS = (
    "state", "query_input", "key_input", "value_input",
    "interaction", "mixing", "head_write", "step_write",
)  # fmt: skip


class Note:
    """The plain pass: look at nothing, change nothing.

    `by_head`: ask for each head's write too. `first`: the place of the first token in the text;
    what stands before it was read in an earlier pass.
    """

    by_head = False
    first = 0

    def __call__(self, name: str, index: int, value: Tensor) -> Tensor:
        return value


PLAIN = Note()

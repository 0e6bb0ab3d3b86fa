"""The slope of the loss: forward pass, cross-entropy, gradient, clipped; on CUDA a captured graph.

A small model's step is a hundred tiny kernels, and launching them takes ten times as long as
computing them. A CUDA graph records the launches once and replays them all at one call. What it
records works in the same memory every time: the texts are copied into one tensor, the gradients
lie where the first pass has put them. The optimiser moves the weights in place, so the graph sees
them moved.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from ..transformer import Transformer

LONGEST = 1.0  # a longer gradient is cut to this length
WARM = 3  # passes before the capture, in which torch chooses its kernels


class Slope:
    """The gradient of the mean cross-entropy of some texts, in `grad` of every weight.

    `slope(texts)` gives its length before the clipping. The same operations in the same order,
    whether captured or not.
    """

    def __init__(self, transformer: Transformer):
        self.transformer = transformer
        self.graph: torch.cuda.CUDAGraph | None = None
        self.texts = self.length = torch.empty(0)  # of the graph: what it reads, what it gives

    def __call__(self, texts: Int[Tensor, "B N"]) -> Tensor:
        if not texts.is_cuda:
            return self.passed(texts)
        graph = self.graph
        if graph is None or texts.shape != self.texts.shape:
            graph = self.graph = self.captured(texts)
        self.texts.copy_(texts)
        graph.replay()
        return self.length

    def passed(self, texts: Int[Tensor, "B N"]) -> Tensor:
        """One pass forwards and backwards."""
        self.transformer.zero_grad(set_to_none=True)
        logits = self.transformer(texts[:, :-1])
        F.cross_entropy(logits.flatten(0, 1), texts[:, 1:].flatten()).backward()
        return torch.nn.utils.clip_grad_norm_(self.transformer.parameters(), LONGEST)

    def captured(self, texts: Int[Tensor, "B N"]) -> torch.cuda.CUDAGraph:
        """Record one pass: first a few on a stream of their own, as CUDA asks."""
        self.texts = texts.clone()
        with torch.cuda.device(texts.device):
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(WARM):
                    self.passed(self.texts)
            here.wait_stream(aside)
            self.transformer.zero_grad(set_to_none=True)  # so that the graph makes its own
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.length = self.passed(self.texts)
        return graph

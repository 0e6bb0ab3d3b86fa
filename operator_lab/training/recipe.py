"""Everything that fixes a training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..corpus import Text
from ..errors import LabError
from ..guard import guarded

OPTIMISERS = ("adamw", "muon")


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training: language, shape of the model, schedule, seed.

    `language` is the name of a language, or a text of your own (`operator_lab.corpus.text`).
    The learning rate `rate` warms up linearly, stays for a share `flat` of the steps, then falls
    linearly to 2 %. `optimiser` is "adamw", or "muon" for the matrices of the blocks (each update
    orthogonalised; Jordan et al. 2024) with AdamW for the rest. `ranks` holds some weights at a
    low rank, such as {"W_E": 4}, at full width.
    """

    language: str | Text = "compound"
    shape: dict[str, Any] = field(default_factory=dict)
    steps: int = 600
    batch: int = 64
    rate: float = 5e-3
    warmup: int = 50
    decay: float = 0.05
    seed: int = 0
    ranks: dict[str, int] = field(default_factory=dict)
    optimiser: str = "adamw"
    flat: float = 0.3

    def __post_init__(self):
        if self.steps < 0 or self.batch < 1 or not 0 < self.rate < float("inf"):
            raise LabError(
                f"Cannot train {self.steps} steps of {self.batch} texts at rate {self.rate}; "
                "all three must be positive (0 steps: the initial weights)."
            )
        if self.optimiser not in OPTIMISERS:
            known = " and ".join(map(repr, OPTIMISERS))
            raise LabError(f"There is no optimiser {self.optimiser!r} here; there are {known}.")

    @guarded
    def rate_at(self, step: int) -> float:
        """The learning rate of one step, counted from 0."""
        flat = self.flat * self.steps
        down = 1.0 if step < flat else 0.02 + 0.98 * (self.steps - step) / (self.steps - flat)
        return self.rate * min(1.0, (step + 1) / self.warmup) * down

    def stated(self) -> dict[str, Any]:
        """The recipe as a file states it: a text by its name and fingerprint."""
        language = self.language if isinstance(self.language, str) else self.language.fingerprint
        return asdict(replace(self, language=language))

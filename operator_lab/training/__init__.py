"""Training: the operators are learned by lowering the cross-entropy towards the floor.

Every step draws fresh texts from the language, so the distance to the exact law, the excess, is
the only thing left to lose. A training can be interrupted and resumed: the texts depend on the
seed and the step alone, so a resumed training ends at the same weights.
"""

from ..device import pick_device
from .loop import Diverged, Training, texts, train
from .ranks import Factorised, hold_ranks
from .recipe import Recipe

__all__ = [
    "Diverged", "Factorised", "Recipe", "Training", "hold_ranks", "pick_device", "texts", "train",
]  # fmt: skip

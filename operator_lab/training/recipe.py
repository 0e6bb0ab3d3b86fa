"""Everything that fixes a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from ..corpus import Text
from ..errors import LabError, near
from ..given import number, one_of, shown, whole
from ..guard import guarded
from ..shape import Shape

OPTIMISERS = ("adamw", "muon")
T = TypeVar("T")


def _by_known_names(cls: type[T]) -> type[T]:
    """Arguments that the record does not have are told in a sentence, near ones named."""
    init = cls.__init__

    @wraps(init)
    def checked(self, *args, **kwargs):
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        for name in kwargs:
            if name not in names:
                raise LabError(
                    f"A recipe has no {name!r}{near(name, names)} It has {', '.join(names)}."
                )
        init(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[method-assign]
    return cls


@_by_known_names
@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training: language, shape of the model, schedule, seed.

    `language` is the name of a language, or of the text "copies", or a text of your own
    (`operator_lab.corpus.text`).
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
        if not isinstance(self.language, str | Text):
            raise LabError(
                f"The language is a name or a text (lab.corpus.text); got {shown(self.language)}."
            )
        one_of(self.optimiser, OPTIMISERS, "optimiser")
        checked = {
            "steps": whole(self.steps, "steps", 0),  # 0: the initial weights
            "batch": whole(self.batch, "batch", 1, 10**6),
            "warmup": whole(self.warmup, "warmup", 1),
            "seed": whole(self.seed, "seed", 0, 2**63 - 1),
            "rate": number(self.rate, "rate", above=0),
            "decay": number(self.decay, "decay", least=0),
            "flat": number(self.flat, "flat share", least=0, most=1),
            "shape": _plain(self.shape, "shape"),
            "ranks": _plain(self.ranks, "ranks"),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _known(self.shape)

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


def _table(value: object, name: str) -> dict[str, Any]:
    """A dict of things by name, or LabError."""
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise LabError(f"{name} is a dict of values by name; got {shown(value)}.")
    return dict(value)


def _plain(value: object, name: str) -> dict[str, Any]:
    """A table with NumPy's numbers as Python's, as a file states them."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in _table(value, name).items()}


def _known(shape: dict[str, Any]) -> None:
    """LabError at once for a key that no model has, with those that look like it."""
    known = [f.name for f in fields(Shape) if f.init and f.name != "vocabulary"]
    for key in shape:
        if key not in known:
            raise LabError(
                f"A model has no {key!r}{near(key, known)} Its shape has {', '.join(known)}."
            )

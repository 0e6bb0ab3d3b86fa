"""Everything that fixes a Transformer but its weights (machine learning: hyperparameters)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import LabError

CHOICES = {
    "norm": ("pre", "post", "none"),
    "activation": ("gelu", "relu"),
    "coupling": ("free", "hermitian", "positive"),
    "readout": ("softmax", "born"),
    "mixing": ("softmax", "scaled", "raw"),
}


@dataclass(frozen=True)
class Shape:
    """Everything that fixes a Transformer but its weights (hyperparameters).

    `norm` places LayerNorm: "pre" (inside each step), "post" (after each step, the form of the
    paper's III.6) or "none"; `rms` leaves the mean in. `tied` uses one layer's weights at every
    depth. `tau` is T/T0, T0 = sqrt(d_k). `causal` lets a position see itself and what stands
    before it. `coupling` is "free" (W_Q and W_K of their own), "hermitian" (W_Q = s W_K, s = +1 on
    half of each head's features and -1 on the other half: W_Q^T W_K is symmetric and indefinite)
    or "positive" (W_Q = W_K). `damped` divides what writes into the stream (without `values` the
    interaction) by sqrt(2 layers) at the start. `readout` makes the law from the overlaps z with
    the words: "softmax" of z, or "born" for z^2 / sum z^2.

    The block can be taken down piece by piece (ablations; paper III.5): `mixing` is "softmax", or
    without regulators the exponents S/T themselves ("scaled") or the interaction S ("raw");
    without `values` a head hands on the state as it is (W_V = W_O = 1); `hidden=0` leaves out the
    MLP and `layers=0` all interaction.
    """

    vocabulary: int
    context: int = 32
    features: int = 64
    heads: int = 4
    layers: int = 4
    hidden: int = 256
    norm: str = "pre"
    rms: bool = False
    activation: str = "gelu"
    tied: bool = False
    bias: bool = False
    causal: bool = True
    tau: float = 1.0
    coupling: str = "free"
    damped: bool = True
    readout: str = "softmax"
    mixing: str = "softmax"
    values: bool = True

    def __post_init__(self):
        for name in ("vocabulary", "context", "features", "heads", "layers", "hidden"):
            value = getattr(self, name)
            least = 0 if name in ("layers", "hidden") else 1
            if not isinstance(value, int) or value < least:
                raise LabError(f"{name} = {value!r}; it is a whole number of at least {least}.")
        if self.features % self.heads:
            raise LabError(
                f"{self.features} features cannot be shared by {self.heads} heads; choose a number "
                "of heads that divides the number of features."
            )
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(map(repr, allowed))
                raise LabError(f"{name} = {getattr(self, name)!r}; it is one of {known}.")
        check_temperature(self.tau)

    @property
    def d_k(self) -> int:
        """Features per head."""
        return self.features // self.heads

    @property
    def signs(self) -> tuple[float, ...]:
        """W_Q = signs W_K, feature by feature of a head, where the coupling is constrained."""
        half, other = self.d_k // 2, 1.0 if self.coupling == "positive" else -1.0
        return (1.0,) * half + (other,) * (self.d_k - half)

    @property
    def T0(self) -> float:
        """The usual temperature, sqrt(d_k)."""
        return math.sqrt(self.d_k)


def check_temperature(tau: float) -> float:
    """Return `tau` as a float; LabError unless it is a positive temperature (inf is allowed)."""
    try:
        value = float(tau)
    except (TypeError, ValueError):
        raise LabError(
            f"The temperature {tau!r} is not a number; give T/T0, such as 1.0."
        ) from None
    if not value > 0:
        raise LabError(
            f"The temperature T/T0 = {value:g} is not positive; T -> 0 is reached with a small "
            "number such as 0.01 (each query then reads its best key only)."
        )
    if value < 1e-9:
        raise LabError(f"T/T0 = {value:g} is colder than the arithmetic; take at least 1e-9.")
    return value

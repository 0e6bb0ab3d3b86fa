"""Everything that fixes a Transformer but its weights (machine learning: hyperparameters)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

from .errors import LabError
from .given import index
from .guard import guarded

EPS = 1e-5  # what LayerNorm adds to a variance, as a rule
CHOICES = {
    "norm": ("pre", "post", "write", "both", "none"),
    "activation": ("gelu", "gelu_tanh", "silu", "relu"),
    "coupling": ("free", "hermitian", "positive"),
    "readout": ("softmax", "born", "none"),
    "mixing": ("softmax", "scaled", "raw"),
    "qk_norm": ("none", "head", "all"),
}
SAID = {  # choices of real models, as a sentence says them
    "norm": "norms of what is written", "first_norm": "a first step without its norm",
    "windows": "sliding windows", "parallel": "parallel steps", "qk_norm": "normed queries and "
    "keys", "score_cap": "capped scores", "logit_cap": "capped logits", "head": "a head of masked "
    "words", "relative": "relative distances", "layered": "a rotation for each layer",
}  # fmt: skip
BIASED = ("norm", "W_Q", "W_K", "W_V", "W_O", "W_1", "W_2", "W_3", "W_U", "head")


@dataclass(frozen=True)
class Shape:
    """Everything that fixes a Transformer but its weights (hyperparameters).

    `norm` places LayerNorm: "pre" (inside each step), "post" (after each step, the form of the
    paper's III.6), "write" (of what a step writes, before it is added), "both" (inside and of the
    write) or "none"; `rms` leaves the mean in, `eps` is added to the variance. `tied` uses one
    layer's weights at every depth. `tau` is T/T0, T0 = sqrt(d_k). `causal` lets a position see
    itself and what stands before it. `coupling` is "free" (W_Q and W_K of their own), "hermitian"
    (W_Q = s W_K, s = +1 on half of each head's features and -1 on the other half: W_Q^T W_K is
    symmetric and indefinite) or "positive" (W_Q = W_K). `damped` divides what writes into the
    stream (without `values` the interaction) by sqrt(2 layers) at the start. `readout` makes the
    law from the overlaps z with the words: "softmax" of z, or "born" for z^2 / sum z^2; "none" is
    an encoder, which has no W_U.

    The block can be taken down piece by piece (ablations; paper III.5): `mixing` is "softmax", or
    without regulators the exponents S/T themselves ("scaled") or the interaction S ("raw");
    without `values` a head hands on the state as it is (W_V = W_O = 1); `hidden=0` leaves out the
    MLP and `layers=0` all interaction.

    Real models choose more: `key_heads` heads of keys and values serve all heads of queries
    (grouped queries); `head_size` is d_k where it is not features / heads; `rotation`, in radians
    per position for each pair of features, turns queries and keys by their place (RoPE), where
    otherwise a position is a vector added at the start: fewer pairs than a head has turn the first
    features only, and a row for each layer lets layers differ (an empty row turns nothing);
    `gated` makes the MLP a product of two maps (SwiGLU); `start_norm` norms the embedding, and
    without `first_norm` the first attention reads it as it is; `bias` may name the parts that have
    one. `windows` says for each layer how many positions a query sees (0 for all): those less than
    that many away (sliding windows). `parallel` lets both steps of a layer read the state before
    it. `qk_norm` norms queries and keys, of each "head" or of "all" at once. `score_cap` and
    `logit_cap`, c, replace S/T and the logits z by c tanh(z / c). `relative` distances, counted in
    so many buckets, each add a number of their own to S/T (T5). `head` reads a state through one
    more map, activation and norm before it meets the words (the head of masked words).
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
    bias: bool | Sequence[str] = False
    causal: bool = True
    tau: float = 1.0
    coupling: str = "free"
    damped: bool = True
    readout: str = "softmax"
    mixing: str = "softmax"
    values: bool = True
    key_heads: int | None = None
    head_size: int | None = None
    rotation: Sequence = ()
    gated: bool = False
    start_norm: bool = False
    eps: float = EPS
    first_norm: bool = True
    windows: Sequence[int] = ()
    parallel: bool = False
    qk_norm: str = "none"
    score_cap: float | None = None
    logit_cap: float | None = None
    relative: int = 0
    head: bool = False

    def __post_init__(self):
        for name in ("vocabulary", "context", "features", "heads", "layers", "hidden",
                     "key_heads", "head_size"):  # fmt: skip
            value = getattr(self, name)
            if value is None and name in ("key_heads", "head_size"):
                continue
            least = 0 if name in ("layers", "hidden") else 1
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise LabError(f"{name} = {value!r}; it is a whole number of at least {least}.")
            object.__setattr__(self, name, int(value))  # a file takes no number of NumPy's
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(map(repr, allowed))
                raise LabError(f"{name} = {getattr(self, name)!r}; it is one of {known}.")
        check_temperature(self.tau)
        if not (isinstance(self.eps, Real) and 0 <= self.eps < math.inf):
            raise LabError(f"eps = {self.eps!r}; it is a number of at least 0, such as 1e-5.")
        self._check_heads()
        self._check_reach()
        if not isinstance(self.bias, bool):
            object.__setattr__(self, "bias", tuple(self.bias) or False)
            unknown = sorted(set(self.bias or ()) - set(BIASED))
            if unknown:
                raise LabError(f"There is no bias of {unknown[0]!r}; there is {', '.join(BIASED)}.")

    def _check_heads(self):
        if self.head_size is None and self.features % self.heads:
            raise LabError(
                f"{self.features} features cannot be shared by {self.heads} heads; choose a number "
                "of heads that divides the number of features."
            )
        if self.heads % (self.key_heads or 1):
            raise LabError(
                f"{self.heads} heads of queries cannot share {self.key_heads} heads of keys evenly."
            )
        rows = [row for row in self.rotation if not isinstance(row, Real)]
        if rows and len(rows) != len(self.rotation) or len(rows) not in (0, self.layers):
            raise LabError("A rotation is one row of angles, or one row for each layer.")
        given = [tuple(map(float, row)) for row in rows] or map(float, self.rotation)
        object.__setattr__(self, "rotation", tuple(given))
        for angles in self.rotation if rows else [self.rotation]:
            if 2 * len(angles) > self.d_k:
                raise LabError(
                    f"RoPE turns pairs of features; {len(angles)} pairs are more than the "
                    f"{self.d_k} features of a head."
                )
            if 2 * len(angles) not in (0, self.d_k) and self.coupling != "free":
                raise LabError("Only part of a head's features turn: coupling='free'.")
        if self.group > 1 and self.coupling != "free":
            raise LabError("Heads that share their keys have W_Q of their own: coupling='free'.")
        if not self.values and (self.group > 1 or self.heads * self.d_k != self.features):
            raise LabError("Without values the heads must hold just the features of the state.")

    def _check_reach(self):
        """What a query sees and how its scores are made."""
        windows = tuple(self.windows)
        if windows and len(windows) != self.layers:
            raise LabError(f"There are {len(windows)} windows for {self.layers} layers; name each.")
        for w in (*windows, self.relative):
            if not isinstance(w, Integral) or isinstance(w, bool) or w < 0:
                raise LabError(f"{w!r} is no number of positions or buckets; 0 is without limit.")
        object.__setattr__(self, "windows", tuple(map(int, windows)) if any(windows) else ())
        object.__setattr__(self, "relative", int(self.relative))
        for cap in (self.score_cap, self.logit_cap):
            if cap is not None and not (isinstance(cap, Real) and 0 < cap < math.inf):
                raise LabError(f"A cap is a positive number or None; got {cap!r}.")
        if self.relative % 4 or (self.relative and self.causal):
            raise LabError("Relative buckets are a multiple of 4, and a causal model has none.")
        if self.tied and (self.windows or self.layered or not self.first_norm):
            raise LabError("Tied layers are all alike: they share windows, rotation and norms.")
        limited = self.windows or self.score_cap or self.relative
        if limited and self.mixing != "softmax":
            raise LabError("Windows, caps and relative distances are of mixing='softmax'.")
        if self.qk_norm != "none" and self.coupling != "free":
            raise LabError("Normed queries and keys have W_Q of their own: coupling='free'.")
        if self.parallel and self.norm not in ("pre", "none"):
            raise LabError("Parallel steps have their norm before them: norm='pre'.")
        if self.head and self.readout != "softmax":
            raise LabError("A head of masked words ends in a softmax: readout='softmax'.")

    @guarded
    def without(self, who: str, *choices: str) -> None:
        """LabError where this shape has made one of these choices, which `who` does not know."""
        usual = type(self)(1, features=self.heads, heads=self.heads)
        for name in choices:
            value = getattr(self, name)
            if name == "norm":
                strange = value in ("write", "both")
            else:
                strange = bool(value) if name == "layered" else value != getattr(usual, name)
            if strange:
                raise LabError(f"{who} is not known of a model with {SAID[name]} ({name}).")

    @property
    def layered(self) -> bool:
        """Whether layers turn by angles of their own."""
        return bool(self.rotation) and not isinstance(self.rotation[0], Real)

    @property
    def turns(self) -> bool:
        """Whether any layer turns queries and keys by their place."""
        return any(map(bool, self.rotation)) if self.layered else bool(self.rotation)

    def turning(self, layer: int) -> tuple[float, ...]:
        """The angles of a layer, in radians per position; empty where nothing turns."""
        layer = index(layer, self.layers, "layer")
        return tuple(self.rotation[layer] if self.layered else self.rotation)

    def window(self, layer: int) -> int:
        """How many positions a query of a layer sees, 0 for all."""
        layer = index(layer, self.layers, "layer")
        return self.windows[layer] if self.windows else 0

    @guarded
    def biased(self, part: str) -> bool:
        """Whether a part, such as "norm" or "W_Q", adds a bias."""
        return self.bias if isinstance(self.bias, bool) else part in self.bias

    @property
    def d_k(self) -> int:
        """Features per head."""
        return self.head_size or self.features // self.heads

    @property
    def group(self) -> int:
        """How many heads of queries share one head of keys and values."""
        return self.heads // (self.key_heads or self.heads)

    @property
    def signs(self) -> tuple[float, ...]:
        """W_Q = signs W_K, feature by feature of a head, where the coupling is constrained.

        Features that are turned together have one sign, so that the coupling stays symmetric.
        """
        angles = next(filter(None, self.rotation), ()) if self.layered else self.rotation
        count = len(angles) or self.d_k
        half, other = count // 2, 1.0 if self.coupling == "positive" else -1.0
        return ((1.0,) * half + (other,) * (count - half)) * (self.d_k // count)

    @property
    def T0(self) -> float:
        """The usual temperature, sqrt(d_k)."""
        return math.sqrt(self.d_k)

    @property
    def T(self) -> float:
        """The temperature, tau T0."""
        return self.tau * self.T0


def check_temperature(tau: float) -> float:
    """Return `tau` as a float; LabError unless it is a positive temperature (inf is allowed)."""
    try:
        value = float(tau)
    except (TypeError, ValueError, OverflowError):
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

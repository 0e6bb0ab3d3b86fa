"""Frozen steps: what one residual branch did in one run, as an affine map (frozen linearisation).

Hold the mixing weights, the LayerNorm scale and the MLP's gate at the values they had in a run
(GELU(z) = Phi(z) z with Phi frozen; for ReLU the gate is 0 or 1) and every step becomes affine:

    x_s = D [ (1 + L + O) x_{s-1} ]      L acts on-site, O between positions,

D = 1 (LayerNorm inside the step, or none) or the frozen LayerNorm (post-LN). Constants are
carried by `unit`, the 1 of homogeneous coordinates (x, 1): 1 for a state, 0 for a difference of
states or a higher order of a series.
V = D (1 + L + O) - 1 is the operator of the paper's Eq. 2; for post-LN no identity path is left,
so V is not small there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .errors import LabError
from .shape import Shape

States = Float[ndarray, "... N d"]
Unit = float | ndarray  # what constants are multiplied by, see the module


@dataclass(frozen=True, eq=False)
class FrozenNorm:
    """LayerNorm with its scale held: y -> g (y - mean y) / sigma + b; RMS leaves the mean in."""

    sigma: Float[ndarray, "*batch N 1"]
    gain: Float[ndarray, "d"]
    bias: Float[ndarray, "d"] | None
    rms: bool

    @classmethod
    def of(cls, x: States, gain: ndarray, bias: ndarray | None, shape: Shape) -> FrozenNorm:
        """Freeze LayerNorm at the states x."""
        second = (x**2).mean(-1, keepdims=True) if shape.rms else x.var(-1, keepdims=True)
        return cls(np.sqrt(second + shape.eps), gain, bias, shape.rms)

    def __call__(self, y: States, unit: Unit) -> States:
        centred = y if self.rms else y - y.mean(-1, keepdims=True)
        return centred / self.sigma * self.gain + constant(self.bias, unit)

    def transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """A bra on what the norm makes of position i, as a bra on what it reads."""
        pulled = bra * self.gain / self.sigma[i]
        return pulled if self.rms else pulled - pulled.mean()


def constant(b: ndarray | None, unit: Unit) -> ndarray | float:
    """`unit` times a bias, or 0 where there is none."""
    return 0.0 if b is None else np.asarray(unit, b.dtype) * b


@dataclass(frozen=True, eq=False)
class Step:
    """One frozen residual branch; `V(x)` with its constant, `V @ x` the linear part only."""

    layer: int
    positions: int
    features: int
    before: FrozenNorm | None  # pre-LN: inside the step
    after: FrozenNorm | None  # post-LN: around it

    @property
    def dtype(self) -> np.dtype:
        """The precision of the run."""
        raise NotImplementedError

    def normed(self, y: States, unit: Unit) -> States:
        """What the step reads."""
        return y if self.before is None else self.before(y, unit)

    def renormed(self, y: States, unit: Unit) -> States:
        """D: the frozen norm of post-LN, else nothing."""
        return y if self.after is None else self.after(y, unit)

    def on_site(self, y: States, unit: Unit) -> States:
        """L: what acts within each position, constants included."""
        raise NotImplementedError

    def between(self, y: States, unit: Unit) -> States:
        """O: what one position receives from the others."""
        return np.zeros_like(y)

    def on_site_transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """L transposed: a bra on what the step writes on-site at i, as one on what it reads."""
        raise NotImplementedError

    def renormed_transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """D transposed, at position i."""
        return bra if self.after is None else self.after.transposed(bra, i)

    def _read(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        return bra if self.before is None else self.before.transposed(bra, i)

    def act(self, y: States, unit: Unit) -> States:
        """The step's write, (L + O) y."""
        return self.on_site(y, unit) + self.between(y, unit)

    def constants(self) -> bool:
        """Whether any bias is there, so that the map is affine and not linear."""
        return bool(np.any(self.apply(np.zeros((self.positions, self.features)), 1.0)))

    def apply(self, y: States, unit: Unit) -> States:
        """V y = D (1 + L + O) y - y, with the constants weighted by `unit`."""
        return self.renormed(y + self.act(y, unit), unit) - y

    @property
    def batch(self) -> tuple[int, ...]:
        """How many sentences the run has, (B,), or () for one sentence alone."""
        raise NotImplementedError

    def _checked(self, x) -> States:
        x = np.asarray(x)
        wanted = (*self.batch, self.positions, self.features)
        if x.shape[-2:] != wanted[-2:] or (self.batch and x.shape[-3:] != wanted):
            axes = "sentence, position, feature" if self.batch else "position, feature"
            raise LabError(f"A state of this run has shape {wanted} [{axes}]; got {x.shape}.")
        return x

    def __call__(self, x: Float[ndarray, "*n N d"]) -> Float[ndarray, "*n N d"]:
        """V(x), the change this step makes to the state x, constant included."""
        return self.apply(self._checked(x), 1.0)

    def __matmul__(self, x: Float[ndarray, "*n N d"]) -> Float[ndarray, "*n N d"]:
        """V x, linear; LabError where a bias makes V affine."""
        self._refuse_constant()
        return self.apply(self._checked(x), 0.0)

    def dense(self, linear: bool = False) -> Float[ndarray, "Nd Nd"]:
        """V as a matrix on flattened states; LabError where a bias makes V affine.

        `linear` asks for the linear part, whatever V adds besides.
        """
        if not linear:
            self._refuse_constant()
        if self.batch:
            raise LabError("A batch has one matrix per sentence; take one run, runs[i].")
        size = self.positions * self.features
        basis = np.eye(size, dtype=self.dtype).reshape(size, self.positions, self.features)
        return self.apply(basis, 0.0).reshape(size, size).T

    def _refuse_constant(self) -> None:
        if self.constants():
            raise LabError(
                "This step adds a constant (a bias), so it has no matrix; use V(x), or linear=True "
                "where there is that choice, such as V.dense(linear=True), for the linear part."
            )


@dataclass(frozen=True, eq=False)
class AttentionStep(Step):
    """Attention with its mixing A held: sum_h A_h (x) W_O^h W_V^h (OV circuit)."""

    mixing: Float[ndarray, "*batch h N N"]
    W_V: Float[ndarray, "h d_k d"]
    W_O: Float[ndarray, "d h d_k"]
    b_V: Float[ndarray, "h d_k"] | None
    b_O: Float[ndarray, "d"] | None

    @property
    def dtype(self) -> np.dtype:
        return self.W_O.dtype

    @property
    def batch(self) -> tuple[int, ...]:
        return self.mixing.shape[:-3]

    def values(self, y: States, unit: Unit) -> Float[ndarray, "... h N d_k"]:
        """What each head hands over, W_V of what the step reads: [..., head, position, d_k]."""
        heads, d_k, features = self.W_V.shape
        v = self.normed(y, unit) @ self.W_V.reshape(-1, features).T
        v = v + constant(None if self.b_V is None else self.b_V.ravel(), unit)
        return v.reshape(*v.shape[:-1], heads, d_k).swapaxes(-2, -3)

    def _write(self, z: Float[ndarray, "... h N d_k"]) -> States:
        rows = z.swapaxes(-2, -3)
        return rows.reshape(*rows.shape[:-2], -1) @ self.W_O.reshape(self.features, -1).T

    def on_site(self, y: States, unit: Unit) -> States:
        diagonal = np.diagonal(self.mixing, axis1=-2, axis2=-1)[..., None]
        return self._write(diagonal * self.values(y, unit)) + constant(self.b_O, unit)

    def read_by_heads(self, bra: Float[ndarray, "d"]) -> Float[ndarray, "h d_k"]:
        """A bra on what the step writes, as one on the values of each head."""
        return (bra @ self.W_O.reshape(self.features, -1)).reshape(self.W_O.shape[1:])

    def on_site_transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        own = self.read_by_heads(bra) * self.mixing[:, i, i, None]
        return self._read(own.ravel() @ self.W_V.reshape(-1, self.features), i)

    def between(self, y: States, unit: Unit) -> States:
        off = self.mixing * (1 - np.eye(self.positions, dtype=self.mixing.dtype))
        return self._write(off @ self.values(y, unit))

    def act(self, y: States, unit: Unit) -> States:
        return self._write(self.mixing @ self.values(y, unit)) + constant(self.b_O, unit)


@dataclass(frozen=True, eq=False)
class MLPStep(Step):
    """The MLP with its gate held: W_2 diag(gate) W_1 on each position by itself.

    `offset` is what the tangent of the nonlinearity adds besides, None for the secant.
    """

    gate: Float[ndarray, "*batch N m"]
    W_1: Float[ndarray, "m d"]
    W_2: Float[ndarray, "d m"]
    b_1: Float[ndarray, "m"] | None
    b_2: Float[ndarray, "d"] | None
    offset: Float[ndarray, "*batch N m"] | None = None

    @property
    def dtype(self) -> np.dtype:
        return self.W_2.dtype

    @property
    def batch(self) -> tuple[int, ...]:
        return self.gate.shape[:-2]

    def on_site(self, y: States, unit: Unit) -> States:
        z = self.normed(y, unit) @ self.W_1.T + constant(self.b_1, unit)
        bent = self.gate * z + constant(self.offset, unit)
        return bent @ self.W_2.T + constant(self.b_2, unit)

    def on_site_transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        return self._read((bra @ self.W_2 * self.gate[i]) @ self.W_1, i)

    def act(self, y: States, unit: Unit) -> States:
        return self.on_site(y, unit)

"""Frozen steps: what one residual branch did in one run, as an affine map (frozen linearisation).

Hold the mixing weights, the LayerNorm scale and the MLP's gate at the values they had in a run
(GELU(z) = Phi(z) z with Phi frozen; for ReLU the gate is 0 or 1) and every step becomes affine:

    x_s = D [ (1 + L + O) x_{s-1} ]      L acts on-site, O between positions,

D = 1 (LayerNorm inside the step, or none) or the frozen LayerNorm (post-LN). Constants are
carried by `one`: 1 for a state, 0 for a difference of states or a higher order of a series.
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


@dataclass(frozen=True, eq=False)
class FrozenNorm:
    """LayerNorm with its scale held: y -> g (y - mean y) / sigma + b; RMS leaves the mean in."""

    sigma: Float[ndarray, "*batch N 1"]
    gain: Float[ndarray, "d"]
    bias: Float[ndarray, "d"] | None
    rms: bool

    @classmethod
    def of(cls, x, gain, bias, shape: Shape) -> FrozenNorm:
        """Freeze LayerNorm at the states x."""
        second = (x**2).mean(-1, keepdims=True) if shape.rms else x.var(-1, keepdims=True)
        return cls(np.sqrt(second + shape.eps), gain, bias, shape.rms)

    def __call__(self, y, one):
        centred = y if self.rms else y - y.mean(-1, keepdims=True)
        return centred / self.sigma * self.gain + constant(self.bias, one)

    def transposed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """A bra on what the norm makes of position i, as a bra on what it reads."""
        pulled = bra * self.gain / self.sigma[i]
        return pulled if self.rms else pulled - pulled.mean()


def constant(b, one):
    """`one` times a bias, or 0 where there is none."""
    return 0.0 if b is None else np.asarray(one, b.dtype) * b


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

    def normed(self, y, one):
        """What the step reads."""
        return y if self.before is None else self.before(y, one)

    def dressed(self, y, one):
        """D: the frozen norm of post-LN, else nothing."""
        return y if self.after is None else self.after(y, one)

    def on_site(self, y, one):
        """L: what acts within each position, constants included."""
        raise NotImplementedError

    def between(self, y, one):
        """O: what one position receives from the others."""
        return np.zeros_like(y)

    def pulled(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """L transposed: a bra on what the step writes on-site at i, as one on what it reads."""
        raise NotImplementedError

    def undressed(self, bra: Float[ndarray, "d"], i: int) -> Float[ndarray, "d"]:
        """D transposed, at position i."""
        return bra if self.after is None else self.after.transposed(bra, i)

    def _read(self, bra, i):
        return bra if self.before is None else self.before.transposed(bra, i)

    def act(self, y, one):
        """The step's write, (L + O) y."""
        return self.on_site(y, one) + self.between(y, one)

    def constants(self) -> bool:
        """Whether any bias is there, so that the map is affine and not linear."""
        return bool(np.any(self.apply(np.zeros((self.positions, self.features)), 1.0)))

    def apply(self, y, one):
        """V y = D (1 + L + O) y - y, with the constants weighted by `one`."""
        return self.dressed(y + self.act(y, one), one) - y

    def _checked(self, x):
        x = np.asarray(x)
        if x.shape[-2:] != (self.positions, self.features):
            raise LabError(
                f"A state of this run has shape ({self.positions}, {self.features}) "
                f"[position, feature]; got {x.shape}."
            )
        return x

    def __call__(self, x: Float[ndarray, "*n N d"]) -> Float[ndarray, "*n N d"]:
        """V(x), the change this step makes to the state x, constant included."""
        return self.apply(self._checked(x), 1.0)

    def __matmul__(self, x: Float[ndarray, "*n N d"]) -> Float[ndarray, "*n N d"]:
        """V x, linear; LabError where a bias makes V affine."""
        self._refuse_constant()
        return self.apply(self._checked(x), 0.0)

    def dense(self) -> Float[ndarray, "Nd Nd"]:
        """V as a matrix on flattened states; LabError where a bias makes V affine."""
        self._refuse_constant()
        if isinstance(self, AttentionStep) and self.mixing.ndim > 3:
            raise LabError("A batch has one matrix per sentence; take one run, runs[i].")
        size = self.positions * self.features
        basis = np.eye(size, dtype=self.dtype).reshape(size, self.positions, self.features)
        return self.apply(basis, 0.0).reshape(size, size).T

    def _refuse_constant(self):
        if self.constants():
            raise LabError(
                "This step adds a constant (a bias), so it has no matrix; use V(x), or V.apply(x, "
                "0.0) for the linear part alone."
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
    def dtype(self):
        return self.W_O.dtype

    def values(self, y, one):
        """What each head hands over, W_V of what the step reads: [..., head, position, d_k]."""
        heads, d_k, features = self.W_V.shape
        v = self.normed(y, one) @ self.W_V.reshape(-1, features).T
        v = v + constant(None if self.b_V is None else self.b_V.ravel(), one)
        return v.reshape(*v.shape[:-1], heads, d_k).swapaxes(-2, -3)

    def _write(self, z):
        rows = z.swapaxes(-2, -3)
        return rows.reshape(*rows.shape[:-2], -1) @ self.W_O.reshape(self.features, -1).T

    def on_site(self, y, one):
        diagonal = np.diagonal(self.mixing, axis1=-2, axis2=-1)[..., None]
        return self._write(diagonal * self.values(y, one)) + constant(self.b_O, one)

    def received(self, bra: Float[ndarray, "d"]) -> Float[ndarray, "h d_k"]:
        """A bra on what the step writes, as one on the values of each head."""
        return (bra @ self.W_O.reshape(self.features, -1)).reshape(self.W_O.shape[1:])

    def pulled(self, bra, i):
        own = self.received(bra) * self.mixing[:, i, i, None]
        return self._read(own.ravel() @ self.W_V.reshape(-1, self.features), i)

    def between(self, y, one):
        off = self.mixing * (1 - np.eye(self.positions, dtype=self.mixing.dtype))
        return self._write(off @ self.values(y, one))

    def act(self, y, one):
        return self._write(self.mixing @ self.values(y, one)) + constant(self.b_O, one)


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
    def dtype(self):
        return self.W_2.dtype

    def on_site(self, y, one):
        z = self.normed(y, one) @ self.W_1.T + constant(self.b_1, one)
        bent = self.gate * z + constant(self.offset, one)
        return bent @ self.W_2.T + constant(self.b_2, one)

    def pulled(self, bra, i):
        return self._read((bra @ self.W_2 * self.gate[i]) @ self.W_1, i)

    def act(self, y, one):
        return self.on_site(y, one)

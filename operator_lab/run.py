"""Run: one forward pass, frozen, every intermediate named (activations with a cache).

A run is made by `Model.run`; it holds read-only NumPy arrays in the model's precision. `Runs` is
a batch of sentences of one length: the same names with a leading batch axis, `runs[i]` is a Run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from .errors import LabError, near
from .shape import Shape
from .steps import AttentionStep, FrozenNorm, MLPStep, Step
from .transformer import EPS, POINTS, Note, Transformer

Edit = Callable[[ndarray], ndarray]
Edits = Mapping[tuple[str, int], Edit]


class Recorder(Note):
    """A note that keeps every intermediate, after the edits asked for."""

    def __init__(self, edits: Edits, shape: Shape):
        for key in edits:
            _check_point(key, shape)
        self.edits = edits
        self.by_head = any(name == "head_write" for name, _ in edits)
        self.kept: dict[tuple[str, int], torch.Tensor] = {}

    def __call__(self, name, index, value):
        key = name, index
        if key in self.edits:
            value = _edited(self.edits[key], value, name, index)
        self.kept[key] = value
        return value


def _check_point(key, shape: Shape):
    if not (isinstance(key, tuple) and len(key) == 2):
        raise LabError(f'An edit is named by a pair such as ("key_input", 1); got {key!r}.')
    name, index = key
    if name not in POINTS:
        raise LabError(
            f"{name!r} is not a point of the forward pass{near(str(name), POINTS)} "
            f"The points are {', '.join(POINTS)}."
        )
    counts = {"state": 2 * shape.layers + 1, "step_write": 2 * shape.layers}
    count = counts.get(name, shape.layers)
    if not (isinstance(index, int | np.integer) and 0 <= index < count):
        raise LabError(f"{name} is counted from 0 to {count - 1} in this model; got {index!r}.")


def _edited(edit, value, name, index):
    before = value.numpy(force=True).copy()
    after = np.asarray(edit(before))
    if after.shape != before.shape or after.dtype.kind not in "fiu":
        raise LabError(
            f"The edit of {name} {index} must give back an array of the same shape "
            f"{before.shape}; it gave {after.dtype} of shape {after.shape}."
        )
    return torch.as_tensor(after.astype(before.dtype), device=value.device)


def softmax(z: Float[ndarray, "*n k"]) -> Float[ndarray, "*n k"]:
    """exp(z) / sum exp(z) along the last axis, safe for large z."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def read_only(array: ndarray) -> ndarray:
    """The same array, which nobody can write to."""
    array.setflags(write=False)
    return array


def _standard_normal_cdf(z):
    return 0.5 * (1 + torch.erf(torch.tensor(z) / math.sqrt(2)).numpy())


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One sentence on its way through a model: N positions, d features, L layers of h heads."""

    words: tuple  # of words; in Runs one tuple per sentence
    vocabulary: tuple[str, ...]
    shape: Shape
    weights: Mapping[str, ndarray]
    kept: Mapping[tuple[str, int], ndarray]
    logits: Float[ndarray, "*batch N V"]

    def __repr__(self) -> str:
        s = self.shape
        return (
            f"Run: {self.logits.shape[-2]} positions, {s.features} features, "
            f"{s.layers} layers x {s.heads} heads"
        )

    def _stack(self, name: str, count: int) -> ndarray:
        if not count:
            raise LabError(f"A model without layers has no {name.replace('_', ' ')}.")
        batch = self.logits.ndim - 2
        return read_only(np.stack([self.kept[name, i] for i in range(count)], axis=batch))

    @cached_property
    def states(self) -> Float[ndarray, "*batch steps_1 N d"]:
        """The state before the first step and after each of the 2L (residual stream)."""
        return self._stack("state", 2 * self.shape.layers + 1)

    @cached_property
    def step_writes(self) -> Float[ndarray, "*batch steps N d"]:
        """What each step adds, before a post-LN norm (attention and MLP outputs in turn)."""
        return self._stack("step_write", 2 * self.shape.layers)

    @cached_property
    def interaction(self) -> Float[ndarray, "*batch L h N N"]:
        """S = q_i . k_j, before any scaling or mask (raw attention scores)."""
        return self._stack("interaction", self.shape.layers)

    @cached_property
    def mixing(self) -> Float[ndarray, "*batch L h N N"]:
        """A = exp(S/T) / Z over the visible keys (attention patterns); rows sum to 1."""
        return self._stack("mixing", self.shape.layers)

    @cached_property
    def head_writes(self) -> Float[ndarray, "*batch L h N d"]:
        """What each head adds to the state; their sum and b_O make the attention's step_write."""
        if ("head_write", 0) in self.kept:
            return self._stack("head_write", self.shape.layers)
        z = self._stack("head_output", self.shape.layers)
        W_O = np.stack([layer.W_O for layer in self.layers])
        return read_only(z @ W_O.transpose(0, 2, 3, 1))  # [N, d_k] @ [d_k, d] in every head

    @cached_property
    def law(self) -> Float[ndarray, "*batch N V"]:
        """The model's probability of each next word, after each word (softmax of the logits)."""
        return read_only(softmax(self.logits))

    @property
    def temperature(self) -> float:
        """T = tau sqrt(d_k), the same in every layer."""
        return self.shape.tau * self.shape.T0

    @property
    def eps(self) -> float:
        """What the norms of this model add to a variance."""
        return EPS

    def likely(self, count: int = 5, position: int = -1) -> list[tuple[str, float]]:
        """Return the `count` likeliest next words after a position, with their probability."""
        p = self.law[position]
        return [(self.vocabulary[i], float(p[i])) for i in np.argsort(-p)[:count]]

    @property
    def layers(self) -> tuple[LayerRun, ...]:
        """One view per layer, with its weights and what happened in it."""
        return tuple(LayerRun(self, i) for i in range(self.shape.layers))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The 2L frozen steps; x + V(x), one after the other, reproduces the run exactly."""
        return self.frozen("secant")

    def frozen(self, gate: str) -> tuple[Step, ...]:
        """The 2L frozen steps with the MLPs held as "secant" (gate z) or "tangent" (slope z + c).

        Both reproduce the run; they differ in what is linear and what is a constant. LabError for
        another word.
        """
        if gate not in ("secant", "tangent"):
            raise LabError(f"An MLP is frozen as 'secant' or 'tangent', not {gate!r}.")
        return tuple(s for layer in self.layers for s in (layer.attend(), layer.potential(gate)))


class Runs(Run):
    """Several sentences of one length; the same names as Run with a leading batch axis."""

    def __len__(self) -> int:
        return len(self.logits)

    def __repr__(self) -> str:
        return f"Runs: {len(self)} x {super().__repr__()}"

    def __getitem__(self, i: int) -> Run:
        if not -len(self) <= i < len(self):
            raise IndexError(f"run {i} does not exist; there are {len(self)}, 0 to {len(self) - 1}")
        kept = {key: value[i] for key, value in self.kept.items()}
        return Run(self.words[i], self.vocabulary, self.shape, self.weights, kept, self.logits[i])


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One layer of a run: `interaction`, `mixing`, the weights by head, the two frozen steps."""

    run: Run
    index: int

    def __repr__(self) -> str:
        return f"Layer {self.index} of a {self.run!r}"

    def _by_head(self, name: str, head: int | None) -> ndarray:
        heads = self.run.shape.heads
        array = self.run.kept[name, self.index]
        if head is None:
            return array
        if not (isinstance(head, int | np.integer) and 0 <= head < heads):
            raise LabError(f"Head {head!r} does not exist; this layer has heads 0 to {heads - 1}.")
        return array[..., head, :, :]

    def interaction(self, head: int | None = None) -> Float[ndarray, "*heads N N"]:
        """S = q_i . k_j [query, key], unscaled and unmasked; all heads when none is named."""
        return self._by_head("interaction", head)

    def mixing(self, head: int | None = None) -> Float[ndarray, "*heads N N"]:
        """A = exp(S/T) / Z [query, key]; all heads when none is named."""
        return self._by_head("mixing", head)

    @property
    def temperature(self) -> float:
        """T = tau sqrt(d_k)."""
        return self.run.temperature

    def weight(self, name: str) -> ndarray | None:
        """A weight of this layer by its name in the model, such as 'mlp.W_1.weight'."""
        block = 0 if self.run.shape.tied else self.index
        return self.run.weights.get(f"blocks.{block}.{name}")

    def _heads(self, name: str, axis: int) -> ndarray | None:
        w, s = self.weight(f"attention.{name}"), self.run.shape
        if w is None:
            return None
        return w.reshape(*w.shape[:axis], s.heads, s.d_k, *w.shape[axis + 1 :])

    @property
    def W_Q(self) -> Float[ndarray, "h d_k d"]:
        """Query weights, one block of rows per head."""
        if self.run.shape.coupling == "free":
            return self._heads("W_Q.weight", 0)
        return self.W_K * np.array(self.run.shape.signs)[:, None]

    @property
    def W_K(self) -> Float[ndarray, "h d_k d"]:
        """Key weights, one block of rows per head."""
        return self._heads("W_K.weight", 0)

    @property
    def W_V(self) -> Float[ndarray, "h d_k d"]:
        """Value weights, one block of rows per head."""
        return self._heads("W_V.weight", 0)

    @property
    def W_O(self) -> Float[ndarray, "d h d_k"]:
        """Output weights, one block of columns per head."""
        return self._heads("W_O.weight", 1)

    def _norms(self, which: int, x_before, x_after):
        """The frozen norm of a step and on which side of it it stands."""
        placement, rms = self.run.shape.norm, self.run.shape.rms
        if placement == "none":
            return None, None
        gain, bias = self.weight(f"norm_{which}.gain"), self.weight(f"norm_{which}.bias")
        x = x_before if placement == "pre" else x_after
        frozen = FrozenNorm.of(x, gain, bias, rms, self.run.eps)
        return (frozen, None) if placement == "pre" else (None, frozen)

    def _common(self, which: int):
        s = 2 * self.index + which - 1
        x = self.run.kept["state", s]
        before, after = self._norms(which, x, x + self.run.kept["step_write", s])
        return dict(
            layer=self.index,
            positions=x.shape[-2],
            features=x.shape[-1],
            before=before,
            after=after,
        )

    def attend(self) -> AttentionStep:
        """This layer's attention, frozen."""
        return AttentionStep(
            **self._common(1),
            mixing=self.mixing(),
            W_V=self.W_V,
            W_O=self.W_O,
            b_V=self._heads("W_V.bias", 0),
            b_O=self.weight("attention.W_O.bias"),
        )

    def potential(self, gate: str = "secant") -> MLPStep:
        """This layer's MLP, frozen as secant, f(z)/z times z, or as tangent, f'(z) z + c."""
        z = self.run.kept["hidden", self.index]
        gelu = self.run.shape.activation == "gelu"
        held = (_standard_normal_cdf(z) if gelu else (z > 0) * 1.0).astype(z.dtype)
        offset = None
        if gate == "tangent" and gelu:  # for ReLU tangent and secant are one
            bell = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
            held, offset = held + z * bell, -(z**2) * bell
        return MLPStep(
            **self._common(2),
            gate=held,
            offset=offset,
            W_1=self.weight("mlp.W_1.weight"),
            W_2=self.weight("mlp.W_2.weight"),
            b_1=self.weight("mlp.W_1.bias"),
            b_2=self.weight("mlp.W_2.bias"),
        )


@torch.inference_mode()
def record(
    transformer: Transformer,
    weights: Mapping[str, ndarray],
    vocabulary: tuple[str, ...],
    tokens: ndarray,
    edits: Edits | None = None,
) -> Run | Runs:
    """One forward pass over tokens [N] or [B, N], recorded; LabError for a bad edit."""
    note = Recorder(edits or {}, transformer.shape)
    device = transformer.W_E.device
    logits = transformer(torch.as_tensor(tokens, device=device), note)
    kept = {key: read_only(value.numpy(force=True)) for key, value in note.kept.items()}
    if tokens.ndim == 1:
        make, words = Run, tuple(vocabulary[i] for i in tokens.tolist())
    else:
        make, words = Runs, tuple(tuple(vocabulary[i] for i in row) for row in tokens.tolist())
    return make(
        words, vocabulary, transformer.shape, weights, kept, read_only(logits.numpy(force=True))
    )

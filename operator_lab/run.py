"""Run: one forward pass, frozen, every intermediate named (activations with a cache).

A run is made by `Model.run`; it holds read-only NumPy arrays in the model's precision. `Runs` is
a batch of sentences of one length: the same names with a leading batch axis, `runs[i]` is a Run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from .arrays import read_only, softmax
from .errors import LabError
from .given import index
from .guard import guarded
from .recorder import Edits, Recorder
from .shape import Shape
from .steps import AttentionStep, FrozenNorm, MLPStep, Step
from .transformer import Transformer
from .transformer.activations import ACTIVATIONS, Activation

GATES = ("secant", "tangent", "up", "half")
KINDS = ("weight", "bias", "gain")
PARTS = (*(f"attention.W_{c}" for c in "QKVO"), *(f"mlp.W_{c}" for c in "123"), "norm_1", "norm_2")


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One sentence on its way through a model: N positions, d features, L layers of h heads."""

    words: tuple  # of words; in Runs one tuple per sentence
    vocabulary: Sequence[str]
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
        """What each head adds to the state; their sum and b_O make the attention's step_write.

        Before a norm of the write, where the model has one.
        """
        if ("head_write", 0) in self.kept:
            return self._stack("head_write", self.shape.layers)
        z = self._stack("head_output", self.shape.layers)
        W_O = np.stack([layer.W_O for layer in self.layers])
        return read_only(z @ W_O.transpose(0, 2, 3, 1))  # [N, d_k] @ [d_k, d] in every head

    @cached_property
    def law(self) -> Float[ndarray, "*batch N V"]:
        """The model's probability of each next word, after each word (softmax of the logits).

        With a head of masked words it is that of the word at each place. LabError for an encoder
        without one.
        """
        if not self.shape.head:
            _ = self.weights["W_U.weight"]
        return read_only(softmax(self.logits))

    @property
    def temperature(self) -> float:
        """T = tau sqrt(d_k), the same in every layer."""
        return self.shape.T

    @guarded(finite=True)
    def final_norm(self, x: Float[ndarray, "*n N d"]) -> FrozenNorm | None:
        """The norm in front of the read-out, its scale that of the states x; None without one."""
        gain, bias = self.weights.get("final_norm.gain"), self.weights.get("final_norm.bias")
        return None if gain is None else FrozenNorm.of(x, gain, bias, self.shape)

    @guarded
    def likely(self, count: int = 5, position: int = -1) -> list[tuple[str, float]]:
        """Return the `count` likeliest next words after a position, with their probability.

        LabError for an encoder, a batch, and a position that does not exist.
        """
        p = single(self).law[index(position, len(self.words), "position")]
        return [(self.vocabulary[i], float(p[i])) for i in np.argsort(-p)[:count]]

    @property
    def layers(self) -> tuple[LayerRun, ...]:
        """One view per layer, with its weights and what happened in it."""
        return tuple(LayerRun(self, i) for i in range(self.shape.layers))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The 2L frozen steps; x + V(x), one after the other, reproduces the run exactly."""
        return self.frozen("secant")

    @guarded
    def frozen(self, gate: str) -> tuple[Step, ...]:
        """The 2L frozen steps; every choice reproduces the run.

        They differ in what is linear and what is held: an MLP as "secant" (gate z) or "tangent"
        (slope z + c). A gated MLP, f(g) u with g = W_3 n, u = W_1 n, can be held in more than one
        way: "secant" holds f(g) and lets u act, "up" holds f(g)/g u and lets g act, "half" takes
        half of each, "tangent" is the derivative, f(g) du + f'(g) u dg, and a constant. LabError
        for another word.
        """
        _check_gate(gate, self.shape)
        return tuple(s for layer in self.layers for s in (layer.attend(), layer.potential(gate)))


def _check_gate(gate: str, shape: Shape) -> None:
    known = GATES if shape.gated else GATES[:2]
    if gate not in known:
        names = ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"
        raise LabError(f"An MLP of this model is frozen as {names}, not {gate!r}.")


@guarded
def single(run: Run) -> Run:
    """The same run of one sentence; LabError for a batch."""
    if run.logits.ndim > 2:
        raise LabError("This is asked of one sentence; take one run of the batch, such as runs[0].")
    return run


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

    @guarded
    def interaction(self, head: int | None = None) -> Float[ndarray, "*heads N N"]:
        """S = q_i . k_j [query, key], unscaled and unmasked; all heads when none is named."""
        return self._by_head("interaction", head)

    @guarded
    def mixing(self, head: int | None = None) -> Float[ndarray, "*heads N N"]:
        """A = exp(S/T) / Z [query, key]; all heads when none is named."""
        return self._by_head("mixing", head)

    @property
    def temperature(self) -> float:
        """T = tau sqrt(d_k)."""
        return self.run.temperature

    @guarded
    def weight(self, name: str) -> ndarray | None:
        """A weight of this layer by its name, such as 'mlp.W_1.weight'; None where it has none.

        LabError for a name that no layer has.
        """
        block = 0 if self.run.shape.tied else self.index
        found = self.run.weights.get(f"blocks.{block}.{name}")
        part, _, kind = name.rpartition(".")
        own = (other.startswith(f"blocks.{block}.{part}.") for other in self.run.weights)
        if found is None and not (kind in KINDS and (part in PARTS or any(own))):
            raise LabError(f"{name!r} is no weight of a layer; one is 'mlp.W_1.weight'.")
        return found

    def _matrix(self, name: str) -> ndarray:
        """A weight that every layer has."""
        block = 0 if self.run.shape.tied else self.index
        return self.run.weights[f"blocks.{block}.{name}"]

    def _bias(self, name: str) -> ndarray | None:
        """A bias by head, None where there is none."""
        return None if self.weight(f"attention.{name}") is None else self._heads(name)

    def _heads(self, name: str) -> ndarray:
        """Rows by head; a head of keys or values stands once for each head of queries it serves."""
        w, s = self._matrix(f"attention.{name}"), self.run.shape
        heads = w.reshape(-1, s.d_k, *w.shape[1:])
        return heads if len(heads) == s.heads else np.repeat(heads, s.group, 0)

    def _signed(self, w: ndarray) -> ndarray:
        """What belongs to the keys, as it belongs to the queries of a constrained coupling."""
        signs = np.array(self.run.shape.signs, w.dtype)
        return w * signs.reshape(-1, *[1] * (w.ndim - 2))

    @property
    def W_Q(self) -> Float[ndarray, "h d_k d"]:
        """Query weights, one block of rows per head."""
        free = self.run.shape.coupling == "free"
        return self._heads("W_Q.weight") if free else self._signed(self.W_K)

    @property
    def W_K(self) -> Float[ndarray, "h d_k d"]:
        """Key weights, one block of rows per head."""
        return self._heads("W_K.weight")

    @property
    def W_V(self) -> Float[ndarray, "h d_k d"]:
        """Value weights, one block of rows per head."""
        return self._heads("W_V.weight")

    @property
    def W_O(self) -> Float[ndarray, "d h d_k"]:
        """Output weights, one block of columns per head."""
        w, s = self._matrix("attention.W_O.weight"), self.run.shape
        return w.reshape(-1, s.heads, s.d_k)

    @property
    def b_Q(self) -> Float[ndarray, "h d_k"] | None:
        """Query biases by head, None where there are none."""
        if self.run.shape.coupling == "free":
            return self._bias("W_Q.bias")
        return None if self.b_K is None else self._signed(self.b_K)

    @property
    def b_K(self) -> Float[ndarray, "h d_k"] | None:
        """Key biases by head, None where there are none."""
        return self._bias("W_K.bias")

    @property
    def b_V(self) -> Float[ndarray, "h d_k"] | None:
        """Value biases by head, None where there are none."""
        return self._bias("W_V.bias")

    def _norms(self, which: int, x_before, x_after):
        """The frozen norm of a step and on which side of it it stands."""
        shape = self.run.shape
        if shape.norm == "none":
            return None, None
        gain, bias = self.weight(f"norm_{which}.gain"), self.weight(f"norm_{which}.bias")
        if gain is None:  # a first step without its norm
            return None, None
        x = x_before if shape.norm == "pre" else x_after
        frozen = FrozenNorm.of(x, gain, bias, shape)
        return (frozen, None) if shape.norm == "pre" else (None, frozen)

    def _common(self, which: int):
        self.run.shape.without("A product of frozen steps", "norm", "parallel")
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
            b_V=self.b_V,
            b_O=self.weight("attention.W_O.bias"),
        )

    @guarded
    def potential(self, gate: str = "secant") -> MLPStep:
        """This layer's MLP, frozen; see `Run.frozen`."""
        _check_gate(gate, self.run.shape)
        freeze = self._gated if self.run.shape.gated else self._plain
        held, offset, W_1, b_1, W_2 = freeze(gate, ACTIVATIONS[self.run.shape.activation])
        return MLPStep(
            **self._common(2),
            gate=held,
            offset=offset,
            W_1=W_1,
            W_2=W_2,
            b_1=b_1,
            b_2=self.weight("mlp.W_2.bias"),
        )

    def _plain(self, gate: str, f: Activation):
        z, offset = self.run.kept["hidden", self.index], None
        held = f.ratio(z)
        if gate == "tangent" and self.run.shape.activation != "relu":  # whose two are one
            slope = f.slope(z)
            held, offset = slope, (held - slope) * z
        maps = (self.weight(f"mlp.{n}") for n in ("W_1.weight", "W_1.bias", "W_2.weight"))
        return held, offset, *maps

    def _gated(self, gate: str, f: Activation):
        u, g = (self.run.kept[name, self.index] for name in ("hidden", "gate"))
        of_up, of_gate = f.ratio(g) * g, f.ratio(g) * u  # f(g) u = of_up u = of_gate g
        W_1, W_2, W_3 = (self._matrix(f"mlp.W_{n}.weight") for n in (1, 2, 3))
        b_1, b_3 = (self.weight(f"mlp.W_{n}.bias") for n in (1, 3))
        if gate == "secant":
            return of_up, None, W_1, b_1, W_2
        if gate == "up":
            return of_gate, None, W_3, b_3, W_2
        # both maps act: they are stacked, and so are the two held factors
        offset = None
        if gate == "tangent":
            slope = f.slope(g)
            offset = np.concatenate([np.zeros_like(u), -slope * u * g], -1)
            held = np.concatenate([of_up, slope * u], -1)
        else:
            held = np.concatenate([of_up, of_gate], -1) / 2
        biases = [np.zeros(len(w), w.dtype) if b is None else b
                  for w, b in ((W_1, b_1), (W_3, b_3))]  # fmt: skip
        b = None if b_1 is b_3 is None else np.concatenate(biases)
        return held, offset, np.concatenate([W_1, W_3]), b, np.concatenate([W_2, W_2], 1)


@torch.inference_mode()
def record(
    transformer: Transformer,
    weights: Mapping[str, ndarray],
    vocabulary: Sequence[str],
    tokens: ndarray,
    edits: Edits | None = None,
) -> Run | Runs:
    """One forward pass over tokens [N] or [B, N], recorded; LabError for a bad edit."""
    note = Recorder(edits or {}, transformer.shape)
    device = transformer.W_E.device
    logits = transformer(torch.as_tensor(tokens, device=device), note)
    there = device.type != "cpu"  # in place, a tensor is its array: nothing has to be forced
    kept = {key: read_only(value.numpy(force=there)) for key, value in note.kept.items()}
    if tokens.ndim == 1:
        make, words = Run, tuple(vocabulary[i] for i in tokens.tolist())
    else:
        make, words = Runs, tuple(tuple(vocabulary[i] for i in row) for row in tokens.tolist())
    return make(
        words, vocabulary, transformer.shape, weights, kept, read_only(logits.numpy(force=True))
    )

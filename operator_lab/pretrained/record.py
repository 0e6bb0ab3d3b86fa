"""The record of a real model: a `Run` with grouped queries, gated MLPs and its own norms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import LabError
from ..run import Edits, LayerRun, Recorder, Run, read_only, softmax
from ..steps import AttentionStep, MLPStep, Step
from .form import NONLINEAR
from .network import Network

GATES = ("secant", "tangent", "up", "half")


class Weights(dict):
    """Weights by name, as read-only arrays; an encoder is asked for its words in vain."""

    def __missing__(self, name):
        if name == "W_U.weight":
            raise LabError(
                "This is an encoder: it has no unembedding, so no state of it is read as a word; "
                "lab.pretrained.pooled(run) is what it measures."
            )
        raise KeyError(name)


class PretrainedRun(Run):
    """One text on its way through a real model; everything that a `Run` has, by the same names."""

    @property
    def eps(self) -> float:
        return self.shape.eps

    @cached_property
    def law(self) -> Float[ndarray, "N V"]:
        """The model's probability of each next word, after each word; LabError for an encoder."""
        _ = self.weights["W_U.weight"]
        return read_only(softmax(self.logits))

    @property
    def layers(self) -> tuple[PretrainedLayer, ...]:
        return tuple(PretrainedLayer(self, i) for i in range(self.shape.layers))

    def frozen(self, gate: str) -> tuple[Step, ...]:
        """The 2L frozen steps; every choice reproduces the run.

        A gated MLP, f(g) u with g = W_3 n, u = W_1 n, can be held in more than one way: "secant"
        holds f(g) and lets u act, "up" holds f(g)/g u and lets g act, "half" takes half of
        each, "tangent" is the derivative, f(g) du + f'(g) u dg, and a constant. Other MLPs have
        "secant" and "tangent". LabError for another word.
        """
        known = GATES if self.shape.gated else GATES[:2]
        if gate not in known:
            names = ", ".join(map(repr, known))
            raise LabError(f"An MLP of this model is frozen as one of {names}; not {gate!r}.")
        return tuple(s for layer in self.layers for s in (layer.attend(), layer.potential(gate)))


class PretrainedLayer(LayerRun):
    """One layer of a real model; a head of keys stands once for every head of queries it serves."""

    def _shared(self, name: str) -> ndarray | None:
        w, s = self.weight(f"attention.{name}"), self.run.shape
        if w is None:
            return None
        heads = w.reshape(-1, s.d_k, *w.shape[1:])
        return np.repeat(heads, s.heads // len(heads), 0)

    @property
    def W_K(self) -> Float[ndarray, "h d_k d"]:
        return self._shared("W_K.weight")

    @property
    def W_V(self) -> Float[ndarray, "h d_k d"]:
        return self._shared("W_V.weight")

    def attend(self) -> WideAttentionStep:
        """This layer's attention, frozen."""
        return WideAttentionStep(
            **self._common(1),
            mixing=self.mixing(),
            W_V=self.W_V,
            W_O=self.W_O,
            b_V=self._shared("W_V.bias"),
            b_O=self.weight("attention.W_O.bias"),
        )

    def potential(self, gate: str = "secant") -> MLPStep:
        """This layer's MLP, frozen; see `PretrainedRun.frozen`."""
        f = NONLINEAR[self.run.shape.activation]
        parts = self._gated(gate, f) if self.run.shape.gated else self._plain(gate, f)
        held, offset, W_1, b_1, W_2 = parts
        return MLPStep(
            **self._common(2),
            gate=held,
            offset=offset,
            W_1=W_1,
            W_2=W_2,
            b_1=b_1,
            b_2=self.weight("mlp.W_2.bias"),
        )

    def _plain(self, gate, f):
        z, offset = self.run.kept["hidden", self.index], None
        held = f.ratio(z)
        if gate == "tangent":
            slope = f.slope(z)
            held, offset = slope, (held - slope) * z
        maps = (self.weight(f"mlp.{n}") for n in ("W_1.weight", "W_1.bias", "W_2.weight"))
        return held, offset, *maps

    def _gated(self, gate, f):
        u, g = (self.run.kept[name, self.index] for name in ("hidden", "gate"))
        of_up, of_gate = f.ratio(g) * g, f.ratio(g) * u  # f(g) u = of_up u = of_gate g
        W_2 = self.weight("mlp.W_2.weight")
        of = lambda name: [self.weight(f"mlp.{name}.{part}") for part in ("weight", "bias")]  # noqa: E731
        up, down = of("W_1"), of("W_3")
        if gate == "secant":
            return of_up, None, *up, W_2
        if gate == "up":
            return of_gate, None, *down, W_2
        # both maps act: they are stacked, and so are the two held factors
        offset = None
        if gate == "tangent":
            slope = f.slope(g)
            offset = np.concatenate([np.zeros_like(u), -slope * u * g], -1)
            held = np.concatenate([of_up, slope * u], -1)
        else:
            held = np.concatenate([of_up, of_gate], -1) / 2
        W = np.concatenate([up[0], down[0]])
        b = None if up[1] is None else np.concatenate([up[1], down[1]])
        return held, offset, W, b, np.concatenate([W_2, W_2], 1)


@dataclass(frozen=True, eq=False)
class WideAttentionStep(AttentionStep):
    """The same frozen attention by whole matrix products, which a model of this size asks for."""

    def values(self, y, one):
        heads, d_k, d = self.W_V.shape
        v = self.normed(y, one) @ self.W_V.reshape(-1, d).T
        if self.b_V is not None:
            v = v + np.asarray(one, v.dtype) * self.b_V.ravel()
        return v.reshape(*v.shape[:-1], heads, d_k).swapaxes(-2, -3)

    def _write(self, z):
        rows = z.swapaxes(-2, -3)
        return rows.reshape(*rows.shape[:-2], -1) @ self.W_O.reshape(len(self.W_O), -1).T

    def between(self, y, one):
        off = self.mixing * (1 - np.eye(self.positions, dtype=self.mixing.dtype))
        return self._write(off @ self.values(y, one))


@torch.inference_mode()
def record(
    network: Network,
    weights: Mapping[str, ndarray],
    vocabulary: tuple[str, ...],
    tokens: Int[ndarray, "N"],
    edits: Edits | None = None,
) -> PretrainedRun:
    """One forward pass, recorded; LabError for a bad edit."""
    note = Recorder(edits or {}, network.shape)
    logits = network(torch.as_tensor(tokens), note)
    kept = {key: read_only(value.numpy(force=True)) for key, value in note.kept.items()}
    words = tuple(vocabulary[i] for i in tokens)
    return PretrainedRun(
        words, vocabulary, network.shape, weights, kept, read_only(logits.numpy(force=True))
    )

"""A family of checkpoints: what its config.json means, and how its tensors are called and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import LabError
from ...given import named, shown
from ...shape import Shape
from ...transformer import Transformer
from ..facts import Facts
from ..stored import Stored

Read = Callable[..., Tensor]  # (shape, tensor, tensor, ...) -> what the Transformer takes
ACTIVATIONS = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip


class Kept(NamedTuple):
    """A weight that is not kept as the Transformer takes it: by which names, and how it is made."""

    names: str | tuple[str, ...]
    read: Read


@dataclass(frozen=True)
class Family:
    """How one kind of checkpoint is read.

    `shape` makes the arguments of `Shape` of the facts of config.json and of what is in the file
    (`has`, by name). `names` says for each weight of the Transformer, without ".weight" (or
    ".gain") and ".bias" and with "{}" for the layer, how the file calls it: a name, or a `Kept`.
    A name may go without `prefix`, which stands before those of a whole model. `tied` says whether
    the words are read by the embedding where config.json is silent. `aside` are patterns of tensors
    that do not act on the logits; `parallel` are names where the steps are side by side, and
    `twins` are tensors that repeat another one.
    """

    shape: Callable[[Facts, Callable[[str], bool]], dict]
    names: dict[str, str | Kept]
    prefix: str = ""
    tied: bool = True
    aside: tuple[str, ...] = ()
    parallel: dict[str, str | Kept] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)

    def read(self, c: Facts, stored: Stored) -> tuple[Shape, dict[str, Tensor], tuple[str, ...]]:
        """The shape, the weights by the Transformer's names, and the names of what is left out.

        Every shape is compared before a number is read. LabError for a fact or a tensor that
        nobody reads, one that is missing, and one of another shape.
        """
        has = lambda name: any(n in stored for n in self._ways(name))  # noqa: E731
        c.only(is_encoder_decoder=False, add_cross_attention=False, tie_encoder_decoder=False)
        c.get("cross_attention_hidden_size")
        tied = c.flag("tie_word_embeddings", self.tied)
        arguments = self.shape(c, has)
        c.rest()
        _possible(arguments, stored)
        shape = Shape(**arguments)
        with torch.device("meta"):
            wanted = Transformer(seed=None, **asdict(shape)).state_dict()
        _fit(wanted, self._weights(shape, wanted, stored, stored.size, tied))
        self._compare_twins(stored)
        left = self._left_out(stored)
        return shape, self._weights(shape, wanted, stored, stored.numbers, tied), left

    def _weights(self, shape, wanted, stored, take, tied) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for ours in wanted:
            if tied and ours.endswith("W_U.weight"):
                found[ours] = self._tied(found["W_E"], shape, ours, stored, take)
                continue
            entry, ending = self._entry(ours, shape)
            names, read = entry if isinstance(entry, Kept) else (entry, _as_it_is)
            names = (names,) if isinstance(names, str) else names
            parts = [self._taken(f"{n}{ending}" if ending else n, stored, take) for n in names]
            found[ours] = read(shape, *parts)
        return found

    def _entry(self, ours: str, shape: Shape) -> tuple[str | Kept, str]:
        """What `names` says of a weight, the layer put in, and the ending that is still open."""
        layer = re.match(r"blocks\.(\d+)\.", ours)
        name = re.sub(r"^blocks\.\d+\.", "blocks.{}.", ours)
        stem, _, last = name.rpartition(".")
        ending = "" if name in self.names else {"bias": ".bias"}.get(last, ".weight")
        names = self.names | (self.parallel if shape.parallel else {})
        entry = names.get(name) or names.get(stem)
        if entry is None:
            raise LabError(f"This family of models has no {ours}; its declaration lacks the name.")
        put = lambda text: text.format(layer[1]) if layer else text  # noqa: E731
        if isinstance(entry, str):
            return put(entry), ending
        names = (entry.names,) if isinstance(entry.names, str) else entry.names
        return Kept(tuple(map(put, names)), entry.read), ending

    def _ways(self, name: str) -> list[str]:
        """The names a tensor may have: without the prefix, and as LayerNorm once was called."""
        short = name.removeprefix(self.prefix)
        old = {"weight": "gamma", "bias": "beta"}
        stem, _, last = name.rpartition(".")
        ways = [name, short]
        if last in old:
            ways += [f"{stem}.{old[last]}", f"{stem.removeprefix(self.prefix)}.{old[last]}"]
        return list(dict.fromkeys(ways))

    def _taken(self, name: str, stored: Stored, take) -> Tensor:
        for way in self._ways(name):
            if way in stored:
                return take(way)
        raise LabError(f"The weights are not whole: {name!r} is missing. Copy the folder again.")

    def _tied(self, E, shape, ours, stored, take) -> Tensor:
        """The embedding as it reads the words; LabError where the file has another read-out."""
        entry = self.names["W_E"]
        if isinstance(entry, Kept):  # what is done to it at the start is not done at the end
            assert isinstance(entry.names, str)
            E = self._taken(entry.names, stored, take)
        name, ending = self._entry(ours, shape)
        if isinstance(name, str) and name + ending in stored:
            own = take(name + ending)
            if own.device.type != "meta" and not torch.equal(own, E):
                raise LabError(
                    f"config.json reads the words by the embedding (tie_word_embeddings), yet "
                    f"{name + ending} is another matrix; say which of them is meant."
                )
        return E

    def _compare_twins(self, stored: Stored) -> None:
        for name, other in self.twins.items():
            if name in stored and other in stored:
                stored.size(name)
                if not torch.equal(stored.numbers(name), stored.numbers(other)):
                    raise LabError(f"{name} should repeat {other}, and does not; copy it again.")

    def _left_out(self, stored: Stored) -> tuple[str, ...]:
        left = sorted(set(stored.where) - stored.used)
        unknown = [n for n in left if not any(fnmatch(n, pattern) for pattern in self.aside)]
        scaled = [n for n in unknown if "scale" in n or n.endswith((".qzeros", ".g_idx"))]
        if scaled:
            raise LabError(
                f"These weights are quantised or scaled: {named(scaled[0])} says by how much, "
                "which is not known here. Save the model in float32, float16 or bfloat16."
            )
        if unknown:
            raise LabError(
                f"The file holds {shown(unknown[0])}, which this kind of model has no use for; "
                "so it is another model than its config.json says, or needs a declaration of its "
                "own."
            )
        return tuple(left)


def _as_it_is(shape: Shape, w: Tensor) -> Tensor:
    return w


def _possible(arguments: Mapping, stored: Stored) -> None:
    """LabError for sizes that the file cannot hold, before anything of that size is made."""
    numbers = sum(torch.Size(shape).numel() for shape, _ in stored.sizes.values())
    for name in ("vocabulary", "features", "heads", "layers", "hidden"):
        most = len(stored.sizes) if name == "layers" else numbers
        if isinstance(arguments.get(name), int) and arguments[name] > most:
            raise LabError(
                f"config.json speaks of {arguments[name]} {name}, more than the weights hold."
            )


def _fit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for name, w in wanted.items():
        if found[name].shape != w.shape:
            raise LabError(
                f"These weights are not those of config.json: {name} is "
                f"{tuple(found[name].shape)}, {tuple(w.shape)} is needed."
            )


# --- what the declarations share ------------------------------------------------------------------


def activation(c: Facts, name: str, usual: str | None = None) -> str:
    """The nonlinearity that a fact names; LabError for one that is not known."""
    given = c[name] if usual is None else c.get(name, usual)
    if given not in ACTIVATIONS:
        known = ", ".join(sorted(ACTIVATIONS))
        raise LabError(f"The nonlinearity {given!r} ({name}) is not known; known: {known}.")
    return ACTIVATIONS[given]


def windows(c: Facts, layers: int, size: int | None, sliding: list[bool]) -> tuple[int, ...]:
    """The window of each layer: what layer_types says, else where `sliding`."""
    kinds = c.listed("layer_types", layers)
    if kinds is not None:
        unknown = [k for k in kinds if k not in ("full_attention", "sliding_attention")]
        if unknown:
            raise LabError(f"{c.place} says layer_types = {unknown[0]!r}, which is not known here.")
        sliding = [k == "sliding_attention" for k in kinds]
    if any(sliding) and not size:
        raise LabError(f"{c.place} has layers with a sliding window and does not say its width.")
    return tuple((size or 0) if s else 0 for s in sliding)


def heads(c: Facts, size: int | None = None) -> dict:
    """Features, heads and their sizes as most of these files state them."""
    d, h = c.count("hidden_size"), c.count("num_attention_heads")
    if not h or not d:
        raise LabError(f"{c.place} says 0 heads or features.")
    return {
        "vocabulary": c.count("vocab_size"), "features": d, "heads": h,
        "layers": c.count("num_hidden_layers"), "hidden": c.count("intermediate_size"),
        "key_heads": c.count("num_key_value_heads", h),
        "head_size": c.count("head_dim", size or d // h),
    }  # fmt: skip


def rows(parts: Callable[[Shape], tuple[int, ...]], which: int) -> Read:
    """One of several matrices that are kept below each other, `parts` rows each."""

    def read(shape: Shape, w: Tensor) -> Tensor:
        sizes = parts(shape)
        if len(w) != sum(sizes):
            raise LabError(f"A matrix of {len(w)} rows is not one of {sum(sizes)} = {sizes}.")
        return w.split(sizes)[which].clone()

    return read

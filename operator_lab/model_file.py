"""The file of a model: weights in safetensors, and a header that says what they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .corpus import Language, Lexicon, Text, Tokenizer
from .corpus.languages import restated, stated
from .errors import BROKEN, LabError, brief
from .given import named
from .shape import Shape
from .transformer import Transformer


def packed(transformer: Transformer, language: Lexicon, card: Mapping) -> bytes:
    """The content of a model's file."""
    shape = transformer.shape
    facts = {"arguments": asdict(shape), "language": language.name}
    if isinstance(language, Text):
        facts["text"] = language.stated()
    elif isinstance(language, Tokenizer):
        facts["tokenizer"] = language.stated()
    elif isinstance(language, Language):
        facts |= stated(language)
    header = {"operator_lab": json.dumps(facts | {"card": dict(card)})}
    state = transformer.weights()
    if state.get(words := _words(shape)) is state["W_E"]:  # tied: kept once
        del state[words]
    return save({k: v.contiguous() for k, v in state.items()}, metadata=header)


def unpacked(path: Path) -> tuple[Transformer, Lexicon, Mapping]:
    """What a model's file holds; LabError for a missing, broken or foreign file."""
    if not path.is_file():
        raise LabError(f"There is no model file {str(path)!r}; Model.save writes one.")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("operator_lab")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise LabError(
            f"{str(path)!r} is not a whole safetensors file ({brief(error)}); copy or train it "
            "again."
        ) from None
    if header is None:
        raise LabError(
            f"{str(path)!r} holds weights of another program; only files written by Model.save "
            "say which model they belong to."
        )
    try:
        facts = json.loads(header)
        shape = Shape(**facts["arguments"])
        _check_weights(state, shape)
        if shape.readout != "none":
            state.setdefault(_words(shape), state["W_E"])
        return Transformer.holding(shape, state), _language(facts), facts["card"]
    except LabError:
        raise
    except BROKEN as e:
        raise LabError(
            f"{str(path)!r} does not say whole which model it holds ({type(e).__name__}: "
            f"{brief(e)}); copy or train it again."
        ) from None


def _check_weights(weights: Mapping[str, torch.Tensor], shape: Shape) -> None:
    """LabError for weights that are no finite floats, or fewer blocks than there are layers."""
    for name, w in weights.items():
        if not w.is_floating_point() or not torch.isfinite(w).all():
            raise LabError(
                f"The weight {named(name)} is not made of finite numbers; train it again."
            )
    blocks = {name.split(".")[1] for name in weights if name.startswith("blocks.")}
    if len(blocks) != (min(shape.layers, 1) if shape.tied else shape.layers):
        raise LabError(f"There are weights of {len(blocks)} layers for {shape.layers}.")


def _words(shape: Shape) -> str:
    """The weight that reads the words, in a head of masked words or by itself."""
    return "head.W_U.weight" if shape.head else "W_U.weight"


def _language(facts: Mapping) -> Lexicon:
    """The language a file names; of a text its words alone, for the text is not kept."""
    if "tokenizer" in facts:
        return Tokenizer.read(**facts["tokenizer"])
    if "text" in facts:
        return Text(**facts["text"])
    return restated(facts)

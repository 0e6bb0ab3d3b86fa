"""Model: a Transformer with the language it speaks; the reference models that ship."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from . import corpus
from .corpus import Text
from .errors import LabError, near
from .files import write_whole
from .run import Edits, Run, Runs, read_only, record, softmax
from .transformer import Transformer


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained or untrained Transformer, frozen, and its language.

    The weights are copied on the way in, so training on never changes a model or its runs.
    """

    transformer: Transformer
    language: corpus.Language | Text
    card: Mapping = field(default_factory=dict)

    def __post_init__(self):
        frozen = deepcopy(self.transformer).eval().requires_grad_(False)
        object.__setattr__(self, "transformer", frozen)

    def __repr__(self) -> str:
        s, count = self.transformer.shape, sum(w.size for w in self.weights.values())
        return (
            f"Model of the {self.language.name} language: {s.layers} layers x {s.heads} heads, "
            f"{s.features} features, {count} weights"
        )

    @cached_property
    def weights(self) -> Mapping[str, ndarray]:
        """All weights by name, as read-only arrays."""
        return {
            name: read_only(p.numpy(force=True)) for name, p in self.transformer.named_parameters()
        }

    def tokens(self, sentence: str | ndarray) -> Int[ndarray, "N"]:
        """Return the tokens of a sentence; LabError if it is longer than the context."""
        tokens = self.language.encode(sentence) if isinstance(sentence, str) else sentence
        context = self.transformer.shape.context
        if len(tokens) > context:
            raise LabError(
                f"The sentence has {len(tokens)} positions with its opening full stop; this model "
                f"reads at most {context}. Leave words out at the front."
            )
        return np.asarray(tokens)

    def run(self, sentence: str | ndarray, edits: Edits | None = None) -> Run:
        """Read one sentence and keep everything that happened (forward pass with a cache).

        `edits={("key_input", layer): f}` intervenes: f maps the array there to one of the same
        shape. LabError for an unknown word, an empty or too long sentence, an unknown point.
        """
        return record(
            self.transformer, self.weights, self.language.words, self.tokens(sentence), edits
        )

    def run_batch(
        self,
        sentences: Sequence[str] | ndarray,
        edits: Edits | None = None,
    ) -> Runs:
        """Read several sentences (or rows of tokens) of one length; errors as in `run`."""
        if isinstance(sentences, str) or not len(sentences):
            raise LabError("A batch is a non-empty list of sentences; for one use model.run.")
        rows = [self.tokens(s) for s in sentences]
        lengths = sorted({len(r) for r in rows})
        if len(lengths) > 1:
            raise LabError(
                f"The sentences of a batch have one length; these have {lengths[0]} to "
                f"{lengths[-1]} positions. Run them one by one, or cut them."
            )
        return record(self.transformer, self.weights, self.language.words, np.stack(rows), edits)

    def law(self, tokens: Int[ndarray, "*batch N"]) -> Float[ndarray, "*batch N V"]:
        """The model's next-word law after each token, without a record (plain forward pass)."""
        with torch.inference_mode():
            logits = self.transformer(
                torch.as_tensor(np.asarray(tokens), device=self.transformer.W_E.device)
            )
        return softmax(logits.double().numpy(force=True))

    def excess(
        self,
        count: int = 256,
        seed: int = 10**6,
        edits: Edits | None = None,
    ) -> float:
        """Mean KL(exact law, model) over fresh texts, in nats per word: the distance to the floor.

        Zero only for the exact law (ML: cross-entropy minus its entropy floor). With `edits` the
        model is judged under that intervention. LabError where nobody knows the exact law.
        """
        if isinstance(self.language, Text):
            raise LabError(
                "Nobody knows the exact law of this text, so there is no excess; "
                "model.cross_entropy(tokens) says how well the model expects what comes."
            )
        length = min(self.transformer.shape.context, self.language.context)
        tokens = self.language.sample(count, length, seed)
        law = self.run_batch(tokens, edits).law if edits else self.law(tokens)
        return divergence(self.language.law(tokens), law)

    def cross_entropy(self, tokens: Int[ndarray, "*batch N"]) -> float:
        """Mean -log P(next word) over these texts, in nats: what the model expects of what came.

        At least the entropy of the source, whatever it is (machine learning: test loss).
        """
        tokens = np.asarray(tokens)
        if tokens.shape[-1:] < (2,) or not tokens.size:
            raise LabError("The cross-entropy needs texts of at least two words.")
        law = self.law(tokens[..., :-1])
        said = np.take_along_axis(law, tokens[..., 1:, None], -1)
        return float(-np.log(np.maximum(said, 1e-300)).mean())

    def replace(self, **changes) -> Model:
        """Return the same weights in a changed shape, such as replace(causal=False).

        LabError for an unknown change, or one the weights do not fit.
        """
        arguments = self.transformer.arguments()
        unknown = sorted(set(changes) - set(arguments))
        if unknown:
            raise LabError(
                f"A model has no {unknown[0]!r}; what can change is {', '.join(arguments)}."
            )
        arguments |= changes
        other = Transformer(arguments.pop("vocabulary"), **arguments)
        return Model(_filled(other, self.transformer.state_dict()), self.language, self.card)

    def with_weights(self, weights: Mapping[str, ndarray]) -> Model:
        """Return this model with some weights replaced, by their name in `Model.weights`."""
        state = dict(self.transformer.state_dict())
        for name, value in weights.items():
            if name not in state:
                raise LabError(f"There is no weight {name!r}{near(name, state)}")
            state[name] = torch.as_tensor(np.array(value), dtype=state[name].dtype)
        return Model(_filled(deepcopy(self.transformer), state), self.language, self.card)

    def to(self, precision: str) -> Model:
        """Return the same model in another precision, "float32" or "float64"."""
        if precision not in ("float32", "float64"):
            raise LabError(f"A model computes in 'float32' or 'float64', not {precision!r}.")
        dtype = getattr(torch, precision)
        return Model(deepcopy(self.transformer).to(dtype), self.language, self.card)

    def save(self, path: str | os.PathLike) -> Path:
        """Write weights, shape and card to one safetensors file, whole or not at all."""
        path = Path(path)
        facts = {"arguments": self.transformer.arguments(), "language": self.language.name}
        if isinstance(self.language, Text):
            facts["text"] = self.language.stated()
        elif self.language.listed:
            facts["listed"] = self.language.listed
        header = {"operator_lab": json.dumps(facts | {"card": dict(self.card)})}
        state = {k: v.contiguous() for k, v in self.transformer.state_dict().items()}
        write_whole(path, save(state, metadata=header))
        return path

    @classmethod
    def load(cls, path: str | os.PathLike) -> Model:
        """Read a model written by `save`; LabError for a missing, broken or foreign file."""
        path = Path(path)
        if not path.is_file():
            raise LabError(f"There is no model file {str(path)!r}; Model.save writes one.")
        try:
            with safe_open(path, framework="pt") as file:
                header = (file.metadata() or {}).get("operator_lab")
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise LabError(
                f"{str(path)!r} is not a whole safetensors file ({error}); copy or train it again."
            ) from None
        if header is None:
            raise LabError(
                f"{str(path)!r} holds weights of another program; only files written by Model.save "
                "say which model they belong to."
            )
        facts = json.loads(header)
        arguments = facts["arguments"]
        transformer = Transformer(arguments.pop("vocabulary"), **arguments)
        return cls(_filled(transformer, state), _language(facts), facts["card"])


def _language(facts: Mapping) -> corpus.Language | Text:
    """The language a file names; of a text its words alone, for the text is not kept."""
    if "text" in facts:
        return Text(**facts["text"])
    language = corpus.language(facts["language"])
    return replace(language, listed=tuple(facts["listed"])) if "listed" in facts else language


def _filled(transformer: Transformer, state: Mapping[str, torch.Tensor]) -> Transformer:
    """The transformer with these weights, in their precision; LabError if they do not fit."""
    own = transformer.state_dict()
    wrong = sorted(set(own) ^ set(state)) or [k for k in own if own[k].shape != state[k].shape]
    if wrong:
        raise LabError(f"These weights do not fit this shape of model: {wrong[0]!r} differs.")
    transformer.to(state["W_E"].dtype).load_state_dict(dict(state))
    return transformer


def divergence(exact: ndarray, other: ndarray) -> float:
    """Mean KL(exact, other) of two arrays of laws [..., word], in nats."""
    ratio = np.log(np.where(exact > 0, exact, 1)) - np.log(np.maximum(other, 1e-300))
    return float((exact * ratio).sum(-1).mean())

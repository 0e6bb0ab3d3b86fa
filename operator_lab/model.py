"""Model: a Transformer with the language it speaks; the reference models that ship."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from .arrays import Weights, read_only, softmax
from .corpus import Language, Lexicon, Text, Tokenizer
from .corpus.lexicon import no_law
from .device import pick_device
from .errors import LabError, near
from .files import write_whole
from .given import distribution, index, shown
from .gradients import gradients, readout_weights
from .guard import guarded
from .model_file import packed, unpacked
from .recorder import Editor, Edits
from .run import Run, Runs, record
from .shape import Shape
from .transformer import PLAIN, Transformer

ROOM = 1e9  # bytes that the maps S and A in the record of one text may take
BATCH_ROOM = 4e9  # and those of a batch
LAWS = 5 * 10**7  # probabilities held at once where only one of each law is read


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained or untrained Transformer, frozen, and the language it speaks.

    Weights that a gradient can move are copied on the way in, so training on never changes a model
    or its runs; frozen ones are shared, for those of real models are large.
    """

    transformer: Transformer
    language: Lexicon
    card: Mapping = field(default_factory=dict)

    def __post_init__(self):
        if not isinstance(self.transformer, Transformer):
            raise LabError(f"A model is made of a Transformer; got {shown(self.transformer)}.")
        known = self.language
        count = known.count if isinstance(known, Tokenizer) else len(getattr(known, "words", ()))
        if count != self.shape.vocabulary:
            raise LabError(
                f"The language has {count} words and the Transformer {self.shape.vocabulary}; give "
                "the language it was made for."
            )
        if not isinstance(self.card, Mapping):
            raise LabError(f"The card of a model is a dict; got {shown(self.card)}.")
        moving = any(p.requires_grad for p in self.transformer.parameters())
        frozen = deepcopy(self.transformer) if moving else self.transformer
        object.__setattr__(self, "transformer", frozen.eval().requires_grad_(False))

    def __repr__(self) -> str:
        s, count = self.shape, sum(w.numel() for w in self.transformer.parameters())
        real = isinstance(self.language, Tokenizer)
        what = self.language.name if real else f"Model of the {self.language.name} language"
        size = f"{count / 1e6:.3g} million" if count >= 1e6 else str(count)
        return f"{what}: {s.layers} layers x {s.heads} heads, {s.features} features, {size} weights"

    @property
    def shape(self) -> Shape:
        """What fixes the model but its weights."""
        return self.transformer.shape

    @cached_property
    def weights(self) -> Mapping[str, ndarray]:
        """All weights by name, as read-only arrays; LabError for the W_U of an encoder."""
        named = self.transformer.weights()
        return Weights((name, read_only(w.numpy(force=True))) for name, w in named.items())

    @guarded
    def tokens(self, sentence: str | ndarray) -> Int[ndarray, "N"]:
        """Return the tokens of a sentence; LabError if it is longer than the context.

        Also for tokens that are not those of one text.
        """
        given = self.language.encode(sentence) if isinstance(sentence, str) else sentence
        tokens = self.checked(given)
        if tokens.ndim != 1:
            raise LabError(f"One text is a row of tokens; got an array of shape {tokens.shape}.")
        if len(tokens) > self.shape.context:
            raise self._too_long(len(tokens))
        return tokens

    def _too_long(self, count: int) -> LabError:
        return LabError(
            f"The text has {count} positions with what is put around it; this model "
            f"reads at most {self.shape.context}. Leave words out at the front."
        )

    def checked(self, tokens) -> Int[ndarray, "..."]:
        """Tokens as an array of whole numbers; LabError for none at all or an unknown one."""
        try:
            tokens = np.asarray(tokens)
        except ValueError:  # rows of unequal length
            tokens = np.empty(1, object)
        if not tokens.size:
            raise LabError("This text is empty; give at least one word.")
        last = self.shape.vocabulary - 1
        if tokens.dtype.kind not in "iu":
            raise LabError(f"A token is a whole number from 0 to {last}, not {tokens.dtype}.")
        wrong = tokens[(tokens < 0) | (tokens > last)]
        if wrong.size:
            raise LabError(f"Token {wrong[0]} does not exist; this model has tokens 0 to {last}.")
        # one type for all: an array of uint8 would be read as a mask, a reversed one not at all
        return np.asarray(tokens, np.int64, order="C")

    @guarded(empty=("edits",))
    def run(
        self, sentence: str | ndarray, edits: Edits | None = None, device: str | None = None
    ) -> Run:
        """Read one sentence and keep everything that happened (forward pass with a cache).

        `edits={("key_input", layer): f}` intervenes: f maps the array there to one of the same
        shape. `device="cuda"` takes the weights there for this one run; `to` and `lab.load` do it
        for good. LabError for an unknown word, an empty or too long sentence, an unknown point.
        """
        if device is not None:
            return self.to(device=device).run(sentence, edits)
        tokens = self.tokens(sentence)
        self._has_room(len(tokens))
        return record(self.transformer, self.weights, self.language.words, tokens, edits)

    def _has_room(self, count: int, texts: int = 1) -> None:
        """LabError where the record of texts of so many tokens would not fit the memory."""
        s, width = self.shape, self.transformer.W_E.element_size()
        size, room = 2 * s.layers * s.heads * count**2 * width * texts, ROOM
        if texts > 1:
            room = BATCH_ROOM
        if size > room:
            several = f" in each of {texts} texts" if texts > 1 else ""
            raise LabError(
                f"The record of {count} tokens{several} would take {size / 1e9:.1f} GB; at most "
                f"{int(count * (room / size) ** 0.5)} tokens of this model are recorded. Cut the "
                "text, or ask for the law alone: model.law(text)."
            )

    @guarded(own=("sentences",), empty=("edits",))
    def run_batch(
        self,
        sentences: Sequence[str] | ndarray,
        edits: Edits | None = None,
    ) -> Runs:
        """Read several sentences (or rows of tokens) of one length; errors as in `run`."""
        single = isinstance(sentences, str | bytes) or not np.iterable(sentences)
        if single or isinstance(sentences, Mapping | Set) or not len(sentences):
            raise LabError("A batch is a non-empty list of sentences; for one use model.run.")
        rows = [self.tokens(s) for s in sentences]
        lengths = sorted({len(r) for r in rows})
        if len(lengths) > 1:
            raise LabError(
                f"The sentences of a batch have one length; these have {lengths[0]} to "
                f"{lengths[-1]} positions. Run them one by one, or cut them."
            )
        self._has_room(lengths[0], len(rows))
        found = record(self.transformer, self.weights, self.language.words, np.stack(rows), edits)
        assert isinstance(found, Runs)  # a stack of rows is a batch
        return found

    def gradients(
        self,
        sentence: str | ndarray,
        readout: str | tuple[str, str] | ndarray,
        point: str | tuple[str, int],
        position: int = -1,
    ) -> Float[ndarray, "..."]:
        """How a read-out of a run answers to a small change at a point (gradients).

        Of the logit of a word at `position`, against the mean of the vocabulary, or of two words'
        difference, or of any weights of the logits [V]; of an encoder, of weights of its last
        state [d]. `point` is ("head_write", 1), or a name alone for all its places. In the shape
        of the point, everything behind it moving. Times a change it says to first order what
        patching would do (attribution patching; Nanda 2023). LabError for an unknown word or point.
        """
        tokens = self.tokens(sentence)
        at = index(position, len(tokens), "position")
        weights = readout_weights(self.shape, self.language, readout)
        return gradients(self.transformer, tokens, weights, point, at)

    @guarded(empty=("edits",))
    def law(
        self, tokens: Int[ndarray, "*batch N"] | str, edits: Edits | None = None
    ) -> Float[ndarray, "*batch N V"]:
        """The model's next-word law after each token, without a record (plain forward pass).

        `edits` intervene as in `run`. LabError for an encoder (one with a head of masked words says
        each place's own word), for an unknown token and for a text that is too long.
        """
        if not self.shape.head:
            _ = self.weights["W_U.weight"]
        tokens = self.tokens(tokens) if isinstance(tokens, str) else self.checked(tokens)
        if not 1 <= tokens.shape[-1] <= self.shape.context:
            raise self._too_long(tokens.shape[-1])
        note = Editor(edits, self.shape) if edits else PLAIN
        with torch.inference_mode():
            given = torch.as_tensor(tokens, device=self.transformer.W_E.device)
            logits = self.transformer(given, note)
        # with edits in the precision of a run, as `run(..., edits).law` has it
        return softmax((logits if edits else logits.double()).numpy(force=True))

    @property
    def knows_truth(self) -> bool:
        """Whether the exact law of its language is known, as that of the course's languages is."""
        return isinstance(self.language, Language)

    @guarded(empty=("edits",))
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
        if not isinstance(self.language, Language):
            raise no_law("this text")
        length = min(self.transformer.shape.context, self.language.context)
        tokens = self.language.sample(count, length, seed)
        return divergence(self.language.law(tokens), self.law(tokens, edits))

    @guarded(empty=("edits",))
    def cross_entropy(
        self, texts: Int[ndarray, "*batch N"] | str | Sequence, edits: Edits | None = None
    ) -> float:
        """Mean -log P(next word) over these texts, in nats: what the model expects of what came.

        One text, several in a list (each word counts once), or rows of tokens. At least the entropy
        of the source, whatever it is (machine learning: test loss). LabError for a text of one
        word, for an encoder, and for a model that sees both ways: what comes is in its sight.
        """
        _ = self.weights["W_U.weight"]
        if not self.shape.causal:
            raise LabError(
                "This model sees both ways, so the word that comes is in its sight; the "
                "cross-entropy is asked of a causal model."
            )
        if isinstance(texts, list | tuple) and any(np.ndim(t) or isinstance(t, str) for t in texts):
            several = [self.tokens(t if isinstance(t, str) else np.asarray(t)) for t in texts]
        else:
            several = [self.tokens(texts) if isinstance(texts, str) else self.checked(texts)]
        if any(tokens.shape[-1:] < (2,) for tokens in several):
            raise LabError("The cross-entropy needs texts of at least two words.")
        missed = [self._surprise(tokens, edits).ravel() for tokens in several]
        return float(np.concatenate(missed).mean())

    def _surprise(self, tokens, edits: Edits | None) -> Float[ndarray, "*batch N_1"]:
        """-log P of every word but the first, in nats; as many texts at a time as there is room."""
        length = tokens.shape[-1]
        texts = tokens.reshape(-1, length)
        most = max(1, LAWS // (length * self.shape.vocabulary))
        said = [
            np.take_along_axis(self.law(some[:, :-1], edits), some[:, 1:, None], -1)[..., 0]
            for some in (texts[at : at + most] for at in range(0, len(texts), most))
        ]
        found = -np.log(np.maximum(np.concatenate(said), 1e-300))
        return found.reshape(*tokens.shape[:-1], length - 1)

    @guarded(own=("texts",), empty=("edits",))
    def loss(
        self, texts=None, count: int = 256, edits: Edits | None = None, seed: int = 10**6
    ) -> float:
        """How badly the model expects what comes, in nats per word (test loss).

        The excess over fresh texts where the exact law is known; else, or of `texts` given, the
        cross-entropy. A text of one's own has held some out for that. LabError where there are
        no texts: a real model brings none.
        """
        if texts is None and self.knows_truth:
            return self.excess(count, seed, edits)
        if texts is None and isinstance(self.language, Text):
            texts = self.language.held_out(count)
        return self.cross_entropy(self.language.sample(count) if texts is None else texts, edits)

    @guarded(own=("texts",))
    def rows(self, texts: Int[ndarray, "B N"] | Sequence) -> Int[ndarray, "B N"]:
        """Several texts as tokens of one length: sentences are cut to the shortest of them."""
        if isinstance(texts, ndarray) and texts.dtype.kind != "U":
            return self.checked(texts)
        single = isinstance(texts, str | bytes | Mapping | Set) or not np.iterable(texts)
        if single or not len(texts):
            raise LabError(f"Give several texts in a list, or rows of tokens; got {shown(texts)}.")
        several = [self.tokens(t if isinstance(t, str) else np.asarray(t)) for t in texts]
        return np.stack([tokens[: min(map(len, several))] for tokens in several])

    @guarded
    def replace(self, **changes) -> Model:
        """Return the same weights in a changed shape, such as replace(causal=False).

        Every change takes effect: `values=False` makes W_V and W_O the identity. LabError for an
        unknown change, one the weights do not fit, or one that fixes the first weights only.
        """
        arguments = self.transformer.arguments()
        unknown = sorted(set(changes) - set(arguments))
        if unknown:
            raise LabError(
                f"A model has no {unknown[0]!r}; what can change is {', '.join(arguments)}."
            )
        if changes.get("damped", self.shape.damped) != self.shape.damped:
            raise LabError("damped says how the first weights are drawn; these are drawn already.")
        shape = Shape(**arguments | changes)
        weights = self.transformer.weights()
        if self.shape.values and not shape.values:
            weights |= {
                name: torch.eye(len(w), dtype=w.dtype, device=w.device)
                for name, w in weights.items()
                if name.endswith(("attention.W_V.weight", "attention.W_O.weight"))
            }
        return self.with_transformer(Transformer.holding(shape, weights))

    @guarded
    def with_transformer(self, transformer: Transformer) -> Model:
        """Return this model's language and card with another Transformer."""
        return Model(transformer, self.language, self.card)

    @guarded(empty=("weights",))
    def with_weights(self, weights: Mapping[str, ndarray | torch.Tensor]) -> Model:
        """Return this model with some weights replaced, by their name in `Model.weights`.

        Tied embeddings come apart where one of them is replaced. LabError for an unknown name, and
        for another shape.
        """
        state = self.transformer.weights()
        for name, value in weights.items():
            if name not in state:
                raise LabError(f"There is no weight {name!r}{near(name, state)}")
            if not self.shape.values and name.endswith((".W_V.weight", ".W_O.weight")):
                raise LabError(f"Without values {name} is 1; use replace(values=True) first.")
            given = value if isinstance(value, torch.Tensor) else np.array(value)
            state[name] = torch.as_tensor(given, dtype=state[name].dtype, device=state[name].device)
        return self.with_transformer(Transformer.holding(self.shape, state))

    @guarded
    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Model:
        """Return this model with every weight w replaced by change(w); tied ones stay one."""
        weights = self.transformer.weights()
        new = {key: change(w) for key, w in {id(w): w for w in weights.values()}.items()}
        state = {name: new[id(w)] for name, w in weights.items()}
        return self.with_transformer(Transformer.holding(self.shape, state))

    @guarded
    def to(self, precision: str | None = None, device: str | None = None) -> Model:
        """Return the same model in another precision, "float32" or "float64", or elsewhere.

        `device="cuda"` computes on a GPU from then on; what is recorded comes back as NumPy arrays
        all the same. LabError for another precision, or a device that is not there.
        """
        if precision not in (None, "float32", "float64"):
            raise LabError(f"A model computes in 'float32' or 'float64', not {precision!r}.")
        dtype = None if precision is None else getattr(torch, precision)
        where = None if device is None else pick_device(device)
        return self.mapped(lambda w: w.to(device=where, dtype=dtype))

    @guarded
    def save(self, path: str | os.PathLike) -> Path:
        """Write weights, shape and card to one safetensors file, whole or not at all."""
        write_whole(Path(path), packed(self.transformer, self.language, self.card))
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Model:
        """Read a model written by `save`; LabError for a missing, broken or foreign file."""
        return cls(*unpacked(Path(path)))


@guarded
def divergence(exact: Float[ndarray, "*n V"], other: Float[ndarray, "*n V"]) -> float:
    """Mean KL(exact, other) of two arrays of laws [..., word], in nats.

    LabError for what is no law, or laws of different shape.
    """
    exact, other = distribution(exact), distribution(other)
    if exact.shape != other.shape:
        raise LabError(f"Laws of one shape are compared; got {exact.shape} and {other.shape}.")
    ratio = np.log(np.where(exact > 0, exact, 1)) - np.log(np.maximum(other, 1e-300))
    return float((exact * ratio).sum(-1).mean())

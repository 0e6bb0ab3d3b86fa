"""What a file says of its model, fact by fact: each is asked for, known to be idle, or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from ..errors import LabError
from ..given import named, shown

# Facts of training, of drawing words, of heads that are not read, and of bookkeeping: whatever they
# say, the function of the network between tokens and logits is the same.
IDLE = frozenset(
    """
    architectures auto_map dtype torch_dtype transformers_version _name_or_path name_or_path
    _attn_implementation attn_implementation _attn_implementation_autoset use_flash_attn
    model_type use_cache cache_implementation return_dict return_dict_in_generate
    gradient_checkpointing chunk_size_feed_forward use_bfloat16 torchscript finetuning_task
    pretraining_tp reorder_and_upcast_attn deterministic_flash_attn reference_compile
    repad_logits_with_grad sparse_prediction sparse_pred_ignore_index
    bos_token_id eos_token_id pad_token_id unk_token_id cls_token_id sep_token_id mask_token_id
    decoder_start_token_id forced_bos_token_id forced_eos_token_id prefix tokenizer_class
    id2label label2id num_labels problem_type task_specific_params classifier_pooling
    classifier_dropout classifier_bias qa_dropout seq_classif_dropout
    initializer_range initializer_cutoff_factor init_std init_method
    attention_dropout hidden_dropout hidden_dropout_prob attention_probs_dropout_prob dropout
    attention_dropout_prob activation_dropout embedding_dropout embd_dropout mlp_dropout
    resid_pdrop embd_pdrop attn_pdrop layerdrop sinusoidal_pos_embds tie_weights_
    output_attentions output_hidden_states output_scores output_past pruned_heads
    summary_type summary_use_proj summary_activation summary_proj_to_labels summary_first_dropout
    max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty
    temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size
    encoder_no_repeat_ngram_size bad_words_ids num_return_sequences exponential_decay_length_penalty
    suppress_tokens begin_suppress_tokens remove_invalid_values
    """.split()
)

MOST = 2**24  # what is counted: words, features, positions; tables of that length are made


class Facts:
    """Facts by name; `rest` refuses what nobody has asked for (an allow list).

    `place` is where they stand, such as "config.json".
    """

    def __init__(self, given: Mapping[str, Any], place: str, idle: frozenset[str] = IDLE):
        self.given, self.place, self.idle = given, place, idle
        self.asked: set[str] = set()
        self.within: list[Facts] = []

    def get(self, name: str, usual: Any = None) -> Any:
        """What is said, or the usual where nothing (or null) is."""
        self.asked.add(name)
        value = self.given.get(name)
        return usual if value is None else value

    def __getitem__(self, name: str) -> Any:
        """What is said; LabError where nothing is."""
        value = self.get(name)
        if value is None:
            raise LabError(f"{self.place} does not say {name!r}; it is needed to build the model.")
        return value

    def count(self, name: str, usual: int | None = None) -> int:
        """A whole number of at least 0, and no larger than a model could be."""
        value = self[name] if usual is None else self.get(name, usual)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, value, "a whole number")
        if int(value) > MOST:
            raise self.wrong(name, value, f"a size of any model (at most {MOST})")
        return int(value)

    def number(self, name: str, usual: float | None = None) -> float:
        """A finite number above 0."""
        value = self[name] if usual is None else self.get(name, usual)
        fits = isinstance(value, Real) and not isinstance(value, bool)
        if not fits or not 0 < value < math.inf:
            raise self.wrong(name, value, "a number above 0")
        return float(value)

    def flag(self, name: str, usual: bool) -> bool:
        """Yes or no."""
        value = self.get(name, usual)
        if not isinstance(value, bool):
            raise self.wrong(name, value, "true or false")
        return value

    def listed(self, name: str, count: int) -> list | None:
        """A list of so many, or None where nothing is said."""
        value = self.get(name)
        if value is not None and (not isinstance(value, list) or len(value) != count):
            raise self.wrong(name, value, f"a list of {count}")
        return value

    def inner(self, name: str) -> Facts:
        """The facts inside a fact; none where nothing is said."""
        value = self.get(name, {})
        if not isinstance(value, Mapping):
            raise self.wrong(name, value, "an object of facts")
        found = Facts(value, f"{name} in {self.place}", frozenset())
        self.within.append(found)
        return found

    def only(self, **usual: Any) -> None:
        """LabError where something else than the usual is said."""
        for name, value in usual.items():
            if self.get(name, value) != value:
                raise LabError(
                    f"{self.place} says {named(name)} = {shown(self.given[name])}, which is not "
                    f"known here; known is {value!r} alone."
                )

    def wrong(self, name: str, value: Any, wanted: str) -> LabError:
        """That something else than what is wanted stands there."""
        return LabError(f"{self.place} says {named(name)} = {shown(value)}, which is not {wanted}.")

    def rest(self) -> None:
        """LabError, with its name, for a fact that nobody asked for."""
        for facts in (self, *self.within):
            unknown = sorted(set(facts.given) - facts.asked - facts.idle)
            if unknown:
                said = f"{named(unknown[0])} = {shown(facts.given[unknown[0]])}"
                raise LabError(
                    f"{facts.place} says {said}, which is not known here and could "
                    "change what the model computes; take it out if you know that it does not."
                )

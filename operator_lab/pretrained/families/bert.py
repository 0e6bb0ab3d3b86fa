"""BERT, RoBERTa, DistilBERT and MPNet: encoders with the norm after each step."""

from __future__ import annotations

import torch

from ...errors import LabError
from ..facts import Facts
from .family import Family, Kept, activation

BIASES = ("norm", "W_Q", "W_K", "W_V", "W_O", "W_1", "W_2")
ASIDE = ("*pooler.*", "*position_ids", "cls.seq_relationship.*", "classifier.*", "qa_outputs.*",
         "pre_classifier.*")  # fmt: skip


def plain(head: bool, **found) -> dict:
    """What they share; with its head the model reads masked words, without it states alone."""
    biases = (*BIASES, "W_U", "head") if head else BIASES
    return found | dict(
        norm="post", causal=False, start_norm=True, bias=biases, head=head,
        readout="softmax" if head else "none",
    )  # fmt: skip


def _usual(c: Facts, has, head: str, skipped: int = 0) -> dict:
    """The facts of BERT; `skipped` rows of its positions are not of a text."""
    c.only(is_decoder=False)
    context = c.count("max_position_embeddings") - skipped
    return plain(
        has(head), vocabulary=c.count("vocab_size"), context=context,
        features=c.count("hidden_size"), heads=c.count("num_attention_heads"),
        layers=c.count("num_hidden_layers"), hidden=c.count("intermediate_size"),
        eps=c.number("layer_norm_eps", 1e-12), activation=activation(c, "hidden_act", "gelu"),
    )  # fmt: skip


def bert(c: Facts, has) -> dict:
    """BERT: positions and the first kind of token are added to each word."""
    c.only(position_embedding_type="absolute")
    c.count("type_vocab_size", 2)
    return _usual(c, has, "cls.predictions.transform.dense.weight")


def roberta(c: Facts, has) -> dict:
    """RoBERTa: positions begin behind that of the padding."""
    c.only(position_embedding_type="absolute", pad_token_id=1)
    c.count("type_vocab_size", 2)
    found = _usual(c, has, "lm_head.dense.weight", 2)
    return _same_gelu(found)


def mpnet(c: Facts, has) -> dict:
    """MPNet: each head also minds how far away a word is."""
    c.only(pad_token_id=1, relative_attention_num_buckets=32)
    found = _usual(c, has, "lm_head.dense.weight", 2)
    return _same_gelu(found) | dict(relative=32)


def _same_gelu(found: dict) -> dict:
    """Their head bends by GELU, whatever the layers do."""
    if found["head"] and found["activation"] != "gelu":
        raise LabError("Another nonlinearity than GELU with a head of masked words is not known.")
    return found


def distilbert(c: Facts, has) -> dict:
    """DistilBERT: half of BERT's layers, no kinds of token."""
    return plain(
        has("vocab_transform.weight"), vocabulary=c.count("vocab_size"),
        context=c.count("max_position_embeddings"), features=c.count("dim"),
        heads=c.count("n_heads"), layers=c.count("n_layers"), hidden=c.count("hidden_dim"),
        eps=1e-12, activation=activation(c, "activation", "gelu"),
    )  # fmt: skip


def one_text(shape, P, kinds):
    """One text is read at a time: the first of the kinds of token stands at every position."""
    return P + kinds[0]


def after_padding(shape, P, kinds):
    """The same, without the rows of positions that no word of a text has."""
    return P[2:] + kinds[0]


def _encoder(prefix: str, layer: str, parts: dict, positions) -> dict:
    e = f"{prefix}embeddings."
    start = {
        "W_E": f"{e}word_embeddings.weight",
        "W_P": positions(e),
        "start_norm": f"{e}LayerNorm",
    }
    return start | {f"blocks.{{}}.{ours}": f"{prefix}{layer}.{p}" for ours, p in parts.items()}


_BERT = {
    "norm_1": "attention.output.LayerNorm", "norm_2": "output.LayerNorm",
    "attention.W_Q": "attention.self.query", "attention.W_K": "attention.self.key",
    "attention.W_V": "attention.self.value", "attention.W_O": "attention.output.dense",
    "mlp.W_1": "intermediate.dense", "mlp.W_2": "output.dense",
}  # fmt: skip
_MPNET = _BERT | {
    "norm_1": "attention.LayerNorm", "attention.W_Q": "attention.attn.q",
    "attention.W_K": "attention.attn.k", "attention.W_V": "attention.attn.v",
    "attention.W_O": "attention.attn.o",
}  # fmt: skip
_DISTILBERT = {
    "norm_1": "sa_layer_norm", "norm_2": "output_layer_norm",
    "attention.W_Q": "attention.q_lin", "attention.W_K": "attention.k_lin",
    "attention.W_V": "attention.v_lin", "attention.W_O": "attention.out_lin",
    "mlp.W_1": "ffn.lin1", "mlp.W_2": "ffn.lin2",
}  # fmt: skip


def _head(dense: str, norm: str, words: str, bias: str) -> dict:
    return {"head.W": dense, "head.norm": norm, "head.W_U": words, "head.W_U.bias": bias}


def _two(read):
    return lambda e: Kept((f"{e}position_embeddings.weight", f"{e}token_type_embeddings.weight"),
                          read)  # fmt: skip


BERT = Family(
    bert,
    _encoder("bert.", "encoder.layer.{}", _BERT, _two(one_text))
    | _head(
        "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
        "cls.predictions.decoder", "cls.predictions.bias",
    ),
    prefix="bert.", aside=ASIDE, twins={"cls.predictions.decoder.bias": "cls.predictions.bias"},
)  # fmt: skip
_ROBERTA_HEAD = _head("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head.bias")
_TWIN = {"lm_head.decoder.bias": "lm_head.bias"}
ROBERTA = Family(
    roberta,
    _encoder("roberta.", "encoder.layer.{}", _BERT, _two(after_padding)) | _ROBERTA_HEAD,
    prefix="roberta.", aside=ASIDE, twins=_TWIN,
)  # fmt: skip
MPNET = Family(
    mpnet,
    _encoder(
        "mpnet.", "encoder.layer.{}", _MPNET,
        lambda e: Kept(f"{e}position_embeddings.weight", lambda shape, P: P[2:].clone()),
    )
    | _ROBERTA_HEAD
    | {"blocks.{}.attention.W_R": Kept("mpnet.encoder.relative_attention_bias.weight",
                                       lambda shape, w: torch.clone(w))},
    prefix="mpnet.", aside=ASIDE, twins=_TWIN,
)  # fmt: skip
DISTILBERT = Family(
    distilbert,
    _encoder(
        "distilbert.", "transformer.layer.{}", _DISTILBERT,
        lambda e: f"{e}position_embeddings.weight",
    )
    | _head("vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector.bias"),
    prefix="distilbert.", aside=ASIDE,
)  # fmt: skip
